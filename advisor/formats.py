"""Which weight format a name means for a model."""

from __future__ import annotations

from calculators.stored import STORED, stored_format
from catalog.loader import load_format
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat


def weights_of(spec: ModelSpec, name: str = "") -> WeightFormat:
    """A weight format by name; nothing, or ``stored``, is what the model's own file holds, or its published format.

    Raises:
        BadInput: If the name is unknown.
    """
    if spec.stored and name in ("", STORED):
        return stored_format(spec)
    return load_format(name or spec.published_weights)
