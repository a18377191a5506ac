from __future__ import annotations

import pytest

from advisor.estimate import estimate
from advisor.figures import explained, figures, sizes
from advisor.growing import grow
from advisor.scaling import scale
from catalog.errors import BadInput

LOAD = {"machine": "h100-sxm", "weights": "", "cache": "bf16", "input_tokens": 2048, "batch": 4, "tp": 1}


def test_the_end_is_the_last_length_that_an_estimate_still_fits():
    found = grow("llama-3.1-8b", machine="rtx-4090", batch=2)
    assert found.fits_to is not None

    def fits(length: int) -> bool | None:
        asked = {"model": "llama-3.1-8b", "machine": "rtx-4090", "batch": 2}
        return estimate(**asked, input_tokens=length - 1, output_tokens=1).memory.fits

    assert fits(found.fits_to)
    assert fits(found.fits_to + 1) is False
    assert (found.work, found.kept) == ("O(n²)", "O(n)")


def test_a_state_space_model_keeps_a_constant_and_never_ends():
    found = grow("mamba2-2.7b")
    assert (found.work, found.kept, found.fits_to) == ("O(n)", "O(1)", None)
    assert len({h.memory.state_bytes for h in found.held}) == 1


def test_what_fits_with_no_context_at_all_ends_at_nothing():
    assert grow("deepseek-v3", machine="rtx-4090").fits_to == 0


def test_a_batch_multiplies_work_and_cache_and_shares_the_weights():
    one, four = (scale(["llama-3.1-8b"], batch=batch).curves[0].points[0] for batch in (1, 4))
    assert four.flops == 4 * one.flops
    assert four.cache_bytes == 4 * one.cache_bytes
    assert four.memory_bytes - four.cache_bytes == one.memory_bytes - one.cache_bytes
    assert one.decode_s < four.decode_s < 4 * one.decode_s


def test_models_of_fixed_size_are_refused():
    with pytest.raises(BadInput, match="fixed number of tokens"):
        grow("vit-b16")


@pytest.mark.parametrize("model", ["mixtral-8x7b", "bert-base-uncased", "whisper-large-v3"])
def test_every_figure_with_a_formula_is_explained_with_the_same_number(model: str):
    found = estimate(model=model, **LOAD)
    numbers = {
        "parameters": found.params.total, "active-parameters": found.params.active, "ttft": found.time.ttft_s.p50,
        "weights": found.memory.weights_bytes, "kv-cache": found.memory.kv_cache_bytes,
        "flops": found.flops.prefill_needed,
    }  # fmt: skip
    asked = [f.asks for f in (*figures(found), *sizes(found)) if f.asks is not None]
    assert len(asked) > 5
    for ask in asked:
        answer = explained(ask, LOAD)
        assert answer.formula
        if ask.quantity in numbers and not ask.step and model != "whisper-large-v3":
            assert answer.value == pytest.approx(numbers[ask.quantity], rel=1e-9), ask
