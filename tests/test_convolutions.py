"""Grids through chains of steps, and what does not fit together."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from catalog import load
from catalog.convolutions import Branches, Convolution, Fold, Grid, Pool, Skip, Take, after, grids
from catalog.spec import Architecture, Stack


def test_a_resnets_stem_quarters_the_image():
    stem = (Convolution(out=64, kernel=7, stride=2), Pool(kernel=3, stride=2))
    assert after(Grid(224, 3), stem) == Grid(56, 64)
    assert after(Grid(225, 3), stem) == Grid(57, 64)


def test_patches_leave_out_what_fills_none():
    assert after(Grid(386, 3), (Convolution(out=8, kernel=14, stride=14),)).side == 27


def test_folding_skipping_and_joining_change_channels():
    assert after(Grid(56, 96), (Fold(ratio=2), Convolution(out=192))) == Grid(28, 192)
    assert after(Grid(8, 4), (Convolution(out=4, kernel=3, enlarge=2), Skip(channels=3))) == Grid(16, 7)
    joined = Branches(branches=((), (Convolution(out=5),), (Take(channels=1),)), join="concatenate")
    assert after(Grid(8, 4), (joined,)) == Grid(8, 10)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((Convolution(out=6, groups=4),), "no multiples of 4 groups"),
        ((Convolution(out=6, kernel=(3, 1), padding=0),), "oblong or empty"),
        ((Convolution(out=6, kernel=9, padding=0),), "oblong or empty"),
        ((Branches(branches=((), (Convolution(out=6),))),), "different grids"),
        ((Take(channels=9),), "cannot be taken"),
    ],
)
def test_steps_that_do_not_fit_say_so(steps, message):
    with pytest.raises(ValueError, match=message):
        after(Grid(8, 4), steps)


def test_the_stages_of_a_swin_halve_and_double():
    spec = load("swin-tiny")
    assert not isinstance(spec.architecture, str)
    found = [(grid.side, grid.channels) for grid in grids(spec.architecture.stacks).values()]
    assert found == [(56, 96), (28, 192), (14, 384), (7, 768)]


def test_an_embedding_must_end_in_its_stacks_width():
    stack = {
        "name": "stage1", "role": "vision", "hidden": 8,
        "embedding": {"kind": "convolved", "side": 8, "channels": 3, "steps": [{"kind": "convolution", "out": 9}]},
    }  # fmt: skip
    with pytest.raises(ValidationError, match="embedding ends in 9 channels, not 8"):
        Architecture.model_validate({"stacks": [stack]})
    lost = stack | {"embedding": {"kind": "convolved", "source": "nowhere"}}
    with pytest.raises(ValidationError, match="'nowhere', which is no grid before it"):
        Architecture(stacks=(Stack.model_validate(lost),))
