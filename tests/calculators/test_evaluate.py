"""A million workloads at once are the same numbers as one by one."""

from __future__ import annotations

import numpy as np
import pytest

from calculators import cache_bytes, count_flops
from calculators.evaluate import BLOCK, evaluate
from calculators.memory import weight_bytes
from calculators.workload import Workload
from catalog import load
from catalog.loader import load_format


@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "gemma-2-2b", "jamba-v0.1"])
def test_evaluations_equal_single_counts(name):
    spec, weights = load(name), load_format("bf16")
    rng, n = np.random.default_rng(1), BLOCK + 3
    batch, past = rng.integers(1, 9, n), rng.integers(0, 9000, n)
    new = np.where(rng.random(n) < 0.5, 1, rng.integers(1, 500, n))
    made = evaluate(spec, Workload.of(batch, new, past), weights)
    for i in (0, 1, BLOCK - 1, BLOCK, n - 1):
        b, s, p = int(batch[i]), int(new[i]), int(past[i])
        assert made.flops[:, i].sum() == pytest.approx(count_flops(spec, s, p, b, count="needed"), rel=1e-12)
        assert made.cache_bytes[i] == pytest.approx(cache_bytes(spec, p + s, b), rel=1e-12)
    assert made.weights_bytes == weight_bytes(spec, weights)
    assert made.traffic_bytes.shape == made.flops.shape == (len(made.operators), n)
    assert (made.traffic_bytes >= 0).all()


def test_workloads_must_be_flat():
    with pytest.raises(ValueError, match="flat"):
        evaluate(load("gpt2"), Workload.of(1, 1), load_format("bf16"))
