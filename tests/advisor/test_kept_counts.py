from __future__ import annotations

from pathlib import Path

import pytest

from advisor.kept.counts import counts_of
from calculators.params import count_params
from catalog import load
from catalog.compiled import derived
from catalog.loader import all_models


def test_counts_from_the_disk_are_those_that_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHICHARCH_HOME", str(tmp_path))
    specs = [load(name) for name in ("llama-3.1-8b", "gpt-5", "deepseek-v3", "t5-base", "gpt2")]
    counted = [count_params(spec) if spec.is_disclosed else None for spec in specs]
    for _ in range(2):
        derived.cache_clear()
        assert counts_of(specs) == counted
    assert list((tmp_path / "cache").glob("counts-*.pickle"))


def test_a_model_of_ones_own_is_counted_as_it_is():
    own = load("gpt2").model_copy(update={"id": "gpt2-of-my-own"})
    assert counts_of([own]) == [count_params(own)]
    assert len(counts_of(all_models())) == len(list(all_models()))
