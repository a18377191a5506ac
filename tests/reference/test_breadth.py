"""How much of transformers the importer reads: the default model of every type it knows."""

from __future__ import annotations

from collections import Counter

import pytest

from calculators.reference.breadth import MAPPINGS, readings

EXACT = {
    "AutoModelForCausalLM": 171,
    "AutoModelForMaskedLM": 50,
    "AutoModelForSeq2SeqLM": 37,
    "AutoModelForImageTextToText": 73,
    "AutoModelForImageClassification": 37,
    "AutoModelForSpeechSeq2Seq": 20,
}
"""How many must be exact, the others refused by name; transformers 5.23 builds 260 of the first three, 401 in all."""


@pytest.mark.parametrize("auto", MAPPINGS)
def test_default_models_are_exact_or_refused(auto: str) -> None:
    found = list(readings(auto))
    misses = [f"{r.outcome} {r.model_type}: {r.note}" for r in found if r.outcome != "exact"]
    print(*misses, sep="\n")
    assert not [miss for miss in misses if miss.startswith("wrong")]
    assert Counter(r.outcome for r in found)["exact"] >= EXACT[auto], misses
