"""What the Lab page works out, off the event loop: a design beside its base, and shapes of its size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.errors import BadInput
from tui.lab_fields import SETTING

if TYPE_CHECKING:
    from advisor.design.depths import Depths
    from advisor.design.design import Design
    from advisor.design.shape import Shape
    from advisor.scaling import Curve
    from catalog.spec import ModelSpec

OUTPUT = 500
"""Tokens of an answer."""


@dataclass(frozen=True)
class Answer:
    """A design beside its base."""

    design: Design
    curves: tuple[Curve, ...]
    no_curves: str
    """Why there are none."""


def setting_of(values: Mapping[str, Any]) -> Any:
    """Where both run."""
    from advisor.design.changes import Setting

    return Setting(**{name: values[name] for name in SETTING}, output_tokens=OUTPUT)


def work_out(base: ModelSpec, now: Shape, values: Mapping[str, Any]) -> Answer:
    """Compute what the page shows; some tens of milliseconds.

    Raises:
        BadInput: If the shape is impossible.
    """
    from advisor.design.design import beside
    from advisor.design.fields import changes
    from advisor.scaling import scale

    found = beside(base, changes(now, values), setting_of(values))
    low, high = (64, 16384) if (base.context_tokens or 2**17) < 8192 else (1024, 262144)
    try:
        curves = scale(
            [base, found.spec], context=(low, high), machine=values["machine"], weights=found.weights,
            cache=values["cache"], tp=values["devices"], per_octave=2,
        ).curves  # fmt: skip
    except BadInput as error:
        return Answer(found, (), str(error))
    return Answer(found, curves, "")


def work_out_depths(design: Design, stop: Callable[[], bool]) -> Depths:
    """Shapes of the design's size; up to a second.

    Raises:
        BadInput: If there are none.
    """
    from advisor.design.depths import depths

    return depths(design.spec, design.setting, stop=stop)


def first_line(error: ValueError) -> str:
    """What a schema complains about, in one line."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
    return str(error)
