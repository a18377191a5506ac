"""Dense decoders against the figures that their papers print."""

from __future__ import annotations

import pytest

import catalog
from calculators import count_params

PRINTED = {
    "gpt-3-175b": 174_600,  # arXiv:2005.14165, table D.1; table 2.1 prints 175.0B
    "llama-7b": 6_700,  # arXiv:2302.13971, table 2
    "llama-13b": 13_000,
    "llama-30b": 32_500,
    "opt-1.3b": 1_300,  # arXiv:2205.01068, table 1
    "opt-2.7b": 2_700,
    "opt-30b": 30_000,
}
"""Millions of parameters, to the nearest hundred of them."""


@pytest.mark.parametrize("name", PRINTED)
def test_parameters_round_to_the_printed_figure(name: str) -> None:
    assert round(count_params(catalog.load(name)).total / 1e8) * 100 == PRINTED[name]


def test_gpt_3_is_opt_175b_in_shape() -> None:
    """OPT was sized to match GPT-3 (arXiv:2205.01068, section 2.1): layers hold the same parameters."""
    theirs, ours = (count_params(catalog.load(name)) for name in ("opt-175b", "gpt-3-175b"))
    assert theirs.total - theirs.embedding == ours.total - ours.embedding
