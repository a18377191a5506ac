"""Cache sizes that tools are known to get wrong; the papers are named in each test."""

from __future__ import annotations

import pytest

from calculators import cache_bytes
from calculators.memory import kv_cache_bytes, state_bytes
from catalog import load

GIB, MIB = 2**30, 2**20


def test_deepseek_v3_caches_latents_without_a_factor_two() -> None:
    """61 layers of 512 + 64 numbers (arXiv:2412.19437, section 4.2; arXiv:2405.04434, table 1): 8.58 GiB."""
    size = cache_bytes(load("deepseek-v3"), 131_072)
    assert size == 61 * (512 + 64) * 2 * 131_072
    assert size / GIB == pytest.approx(8.58, abs=0.005)


def test_deepseek_v3_expanded_would_be_71_times_as_much() -> None:
    per_token = cache_bytes(load("deepseek-v3"), 1)
    assert per_token == 70_272
    assert 61 * 128 * (192 + 128) * 2 == 4_997_120
    assert 4_997_120 / per_token == pytest.approx(71.1, abs=0.05)


def test_llama_3_8b_takes_128_kib_per_token() -> None:
    """8 of 32 heads hold keys and values (arXiv:2407.21783, table 3)."""
    assert cache_bytes(load("llama-3-8b"), 1) == 2 * 32 * 8 * 128 * 2 == 128 * 1024


def test_gpt_oss_120b_at_128k() -> None:
    """Every other layer sees 128 tokens: 4.5 GiB, half of what full context in all 36 layers would take."""
    size = cache_bytes(load("gpt-oss-120b"), 131_072)
    assert size == 2 * 8 * 64 * 2 * (18 * 131_072 + 18 * 128)
    assert size / GIB == pytest.approx(4.5, abs=0.01)
    assert cache_bytes(load("gpt-oss-120b"), 131_072, policy="reserved") == 2 * 8 * 64 * 2 * 36 * 131_072


def test_jamba_at_256k() -> None:
    """Four attention layers of 32 (arXiv:2403.19887, section 2 and table 1): 4 GiB, and a state that does not grow."""
    spec = load("jamba-v0.1")
    assert kv_cache_bytes(spec, 262_144) == 4 * GIB
    assert state_bytes(spec) == 28 * 8192 * (16 * 4 + 4 * 2)
    assert cache_bytes(spec, 262_144) - kv_cache_bytes(spec, 262_144) == state_bytes(spec)


@pytest.mark.parametrize("tokens", [1, 2_048, 1_000_000])
def test_falcon_mamba_takes_36_mib_at_any_length(tokens: int) -> None:
    """64 layers of 8,192 channels with 16 numbers of state in 32 bits and 4 columns of convolution in 16."""
    assert cache_bytes(load("falcon-mamba-7b"), tokens) == 64 * 8192 * (16 * 4 + 4 * 2) == 36 * MIB


def test_mamba_2_state() -> None:
    """heads·d_head·n in 32 bits and (inner + 2·groups·n)·k in 16 (arXiv:2405.21060, section 7)."""
    assert cache_bytes(load("mamba2-2.7b"), 4_096) == 64 * (80 * 64 * 128 * 4 + (5120 + 2 * 128) * 4 * 2)


def test_mistral_window_caps_what_is_needed_but_not_what_engines_may_reserve() -> None:
    spec, per_token = load("mistral-7b-v0.1"), 2 * 32 * 8 * 128 * 2
    assert cache_bytes(spec, 32_768) == 4_096 * per_token
    assert cache_bytes(spec, 32_768, policy="transformers") == 4_095 * per_token
    assert cache_bytes(spec, 32_768, policy="reserved") == 32_768 * per_token
    assert cache_bytes(spec, 1_000) == cache_bytes(spec, 1_000, policy="transformers") == 1_000 * per_token
    assert cache_bytes(spec, 1_000, policy="reserved") == 1_008 * per_token


def test_gemma_2_windows_halve_the_cache_of_every_other_layer() -> None:
    """42 layers, every other one with a window of 4,096 (arXiv:2408.00118, section 2)."""
    per_layer = 2 * 8 * 256 * 2
    assert cache_bytes(load("gemma-2-9b"), 8_192) == per_layer * 21 * (8_192 + 4_096)


def test_an_image_alone_fills_288_mib_of_llava() -> None:
    """576 tokens of half a MiB in 32 layers with full multi-head attention."""
    assert cache_bytes(load("llava-1.5-7b"), 576) == 288 * MIB


def test_cross_attention_is_cached_by_the_length_of_the_source() -> None:
    """T5-base: 12 heads of 64 in 12 decoder layers, once for the target and once for the source."""
    spec, per_token = load("t5-base"), 2 * 12 * 12 * 64 * 2
    assert cache_bytes(spec, 10, source=500) == (10 + 500) * per_token


@pytest.mark.parametrize("name", ["bert-base-uncased", "modernbert-base", "vit-b16", "dit-xl-2-256"])
@pytest.mark.parametrize("policy", ["needed", "reserved", "transformers"])
def test_what_does_not_decode_keeps_nothing(name: str, policy: str) -> None:
    assert cache_bytes(load(name), 512, policy=policy) == 0  # type: ignore[arg-type]
