"""Published and measured figures of models whose state does not grow."""

from __future__ import annotations

import pytest

from calculators import cache_bytes, count_flops, count_params
from catalog.loader import load

GIB = 2**30


def test_kimi_linear_holds_what_its_checkpoint_holds_without_the_buffers() -> None:
    """49,122,681,728 numbers by the Hub's listing of moonshotai/Kimi-Linear-48B-A3B-Instruct; in each of 26 layers of
    experts 256 of them are the router's correction, a buffer."""
    assert count_params(load("kimi-linear-48b-a3b")).total + 26 * 256 == 49_122_681_728


def test_minimax_is_456_billion_of_which_a_token_uses_46_beside_the_tables() -> None:
    """456B and 45.9B: README of MiniMax-M1, arXiv:2501.08313."""
    params = count_params(load("minimax-text-01"))
    assert round(params.total / 1e9) == 456
    assert round((params.active - 2 * params.embedding) / 1e9, 1) == 45.9


@pytest.mark.parametrize(
    ("name", "context", "gib"), [("qwen3-next-80b-a3b", 262_144, 6.0), ("minimax-text-01", 262_144, 10.0)]
)
def test_hybrids_cache_only_what_their_few_attention_layers_see(name: str, context: int, gib: float) -> None:
    """12 attention layers of 2 key-value heads of 256, and 10 of 8 heads of 128; the state is below a tenth of that."""
    spec = load(name)
    grows = cache_bytes(spec, context) - cache_bytes(spec, context // 2)
    assert 2 * grows / GIB == gib
    assert cache_bytes(spec, context) - 2 * grows < 0.1 * 2 * grows


@pytest.mark.parametrize(
    ("name", "billions"),
    [("rwkv-4-14b-pile", 14.1), ("rwkv-5-eagle-7b", 7.52), ("rwkv-6-finch-7b", 7.64), ("rwkv-7-goose-2.9b", 2.948)],
)
def test_rwkv_has_the_sizes_of_its_papers_and_a_state_of_one_size(name: str, billions: float) -> None:
    """Tables of arXiv:2305.13048, 2404.05892 and 2503.14456; Finch 7B by the widths of llama.cpp's converter."""
    spec = load(name)
    assert count_params(spec).total / 1e9 == pytest.approx(billions, rel=0.005)
    assert cache_bytes(spec, 10) == cache_bytes(spec, 1_000_000)


@pytest.mark.parametrize("name", ["xlstm-7b", "rwkv-7-goose-1.5b", "rwkv-6-finch-3b"])
def test_recurrent_models_work_in_proportion_to_the_text(name: str) -> None:
    spec = load(name)
    once, twice = (count_flops(spec, tokens) for tokens in (4096, 8192))
    assert twice == 2 * once
