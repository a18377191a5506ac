"""Grids agree with single answers."""

from __future__ import annotations

import pytest

from advisor import estimate, sweep
from catalog import BadInput


def test_a_grid_point_equals_its_estimate():
    grid = sweep(
        ["llama-3.1-8b", "mamba-2.8b"], ["h100-sxm", "l4"], ["bf16", "fp8"], batches=[1, 8], contexts=[1024, 4096]
    )
    assert grid.decode_s.shape == grid.fits.shape == (2, 2, 2, 2, 2)
    for m, model in enumerate(grid.models):
        for k, machine in enumerate(grid.machines):
            for f, weights in enumerate(grid.formats):
                e = estimate(model=model, machine=machine, weights=weights, batch=8, input_tokens=4095, output_tokens=1)
                assert grid.prefill_s[m, k, f, 1, 1] == pytest.approx(e.time.prefill_s.p50, rel=1e-3)
                assert grid.decode_s[m, k, f, 1, 1] == pytest.approx(e.time.decode_s.p50, rel=1e-3)
                assert grid.fits[m, k, f, 1, 1] == e.memory.fits
    assert (grid.tokens_per_s[..., 1, :] > grid.tokens_per_s[..., 0, :]).all()


def test_models_without_a_context_are_refused():
    with pytest.raises(BadInput, match="vit-b16 is vision"):
        sweep(["vit-b16"], ["l4"])
