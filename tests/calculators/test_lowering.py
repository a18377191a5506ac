"""Every kind of layer and embedding that a spec may hold has a function that lowers it."""

from __future__ import annotations

from typing import get_args

from calculators.lowering.kinds import EMBEDDINGS, LOWERINGS, lowering_of
from catalog.channels import Channel
from catalog.mixers import Mixer
from catalog.spec import Stack


def members(union: object) -> set[type]:
    """The classes of a discriminated union."""
    return set(get_args(get_args(union)[0]))


def test_every_mixer_and_feed_forward_is_lowered():
    assert members(Mixer) | members(Channel) <= set(LOWERINGS)
    assert all(lowering_of(kind).__doc__ for kind in LOWERINGS)


def test_every_embedding_is_lowered():
    annotation = Stack.model_fields["embedding"].annotation
    assert set(get_args(annotation)) <= set(EMBEDDINGS)
    assert all(lowering_of(kind).__doc__ for kind in EMBEDDINGS)
