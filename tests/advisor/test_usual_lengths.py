"""Lengths that nobody gave, within what a model takes."""

from __future__ import annotations

import pytest

from advisor import compare, estimate, explain
from advisor.usual_lengths import usual_lengths


@pytest.mark.parametrize(
    ("context", "writes", "given", "lengths"),
    [
        (131072, True, (None, None), (2048, 500)), (None, True, (None, None), (2048, 500)),
        (512, False, (None, None), (512, 500)), (1024, True, (None, None), (768, 256)),
        (1024, True, (1000, None), (1000, 24)), (1024, True, (None, 900), (124, 900)),
        (512, False, (4096, None), (4096, 500)), (2100, True, (None, None), (1600, 500)),
    ],
)  # fmt: skip
def test_what_nobody_gives_fits_the_context_and_what_is_given_stays(context, writes, given, lengths):
    assert usual_lengths(context, writes=writes, given_input=given[0], given_output=given[1]) == lengths


@pytest.mark.parametrize("model", ["bert-base-uncased", "gpt2", "whisper-small"])
def test_a_default_estimate_never_exceeds_the_models_own_context(model):
    assert not any("exceed" in note for note in estimate(model=model, machine="l4").notes)
    assert any(
        "exceed" in note for note in estimate(model=model, machine="l4", input_tokens=2048, output_tokens=500).notes
    )


def test_models_side_by_side_get_what_the_shortest_takes():
    assert compare(["bert-base-uncased", "modernbert-base"], machine="l4").workload["input_tokens"] == 512
    assert explain("bert-base-uncased", "flops").value == explain("bert-base-uncased", "flops", context=512).value
