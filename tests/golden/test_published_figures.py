"""Figures that publishers print, each with its source, against what the calculators say."""

from __future__ import annotations

import pytest

from calculators import cache_bytes, count_params
from calculators.memory import kv_cache_bytes, state_bytes
from catalog import load

GIB = 2**30


@pytest.mark.parametrize(
    ("name", "total", "active", "source"),
    [
        ("mixtral-8x7b", 46.7, 12.9, "arXiv:2401.04088 (47B, 13B) and mistral.ai/news/mixtral-of-experts"),
        ("mixtral-8x22b", 141, 39, "mistral.ai/news/mixtral-8x22b"),
        ("deepseek-v2", 236, 21, "arXiv:2405.04434, abstract"),
        ("deepseek-v3", 671, 37, "arXiv:2412.19437, abstract"),
        ("olmoe-1b-7b", 6.9, 1.3, "arXiv:2409.02060, table 1"),
        ("deepseek-moe-16b", 16.4, 2.8, "arXiv:2401.06066"),
        ("dbrx", 132, 36, "databricks.com/blog/introducing-dbrx-new-state-art-open-llm"),
        ("gpt-oss-120b", 116.8, 5.1, "arXiv:2508.10925, table 1"),
        ("gpt-oss-20b", 20.9, 3.6, "arXiv:2508.10925, table 1"),
        ("jamba-v0.1", 52, 12, "arXiv:2403.19887, abstract"),
        ("qwen3-235b-a22b", 235, 22, "arXiv:2505.09388, table 2"),
    ],
)
def test_total_and_active_parameters_round_to_the_printed_ones(name: str, total: float, active: float, source: str):
    params = count_params(load(name))
    assert params.total / 1e9 == pytest.approx(total, abs=half(total)), source
    assert ACTIVE.get(name, lambda p: p.active)(params) / 1e9 == pytest.approx(active, abs=half(active)), source


def test_glam_uses_of_a_trillion_parameters_what_its_paper_prints():
    """arXiv:2112.06905, table of model sizes: GLaM (64B/64E), 1.2T parameters, 96.6B activated per token."""
    params = count_params(load("glam-64b-64e"))
    assert round(params.total / 1e12, 1) == 1.2
    assert round(params.active / 1e9, 1) == 96.6


def half(figure: float) -> float:
    """Half a unit of the last digit printed."""
    return 0.05 if isinstance(figure, float) else 0.5


ACTIVE = {
    # These reports leave the token table out of the active ones: 36.6, 5.13 and 3.61 B without, 37.6, 5.71 and 4.19
    # with it.
    "deepseek-v3": lambda p: p.active - p.embedding,
    "gpt-oss-120b": lambda p: p.active - p.embedding,
    "gpt-oss-20b": lambda p: p.active - p.embedding,
}


def test_mixtral_is_no_56_billion_because_only_the_feed_forward_is_held_eight_times():
    """arXiv:2401.04088, section 2: attention, embeddings and norms are shared by the experts."""
    mistral, mixtral = (count_params(load(name)).total for name in ("mistral-7b-v0.1", "mixtral-8x7b"))
    feed_forward, routers = 32 * 3 * 4096 * 14336, 32 * 8 * 4096
    assert mixtral == mistral + 7 * feed_forward + routers
    assert 8 * mistral / 1e9 == pytest.approx(57.9, abs=0.05)


@pytest.mark.parametrize(("name", "factor"), [("llama-3-8b", 4), ("llama-3-70b", 8), ("llama-2-70b", 8)])
def test_grouped_queries_shrink_llamas_cache_four_and_eight_times(name: str, factor: int):
    """arXiv:2305.13245, section 2.2: as many key-value heads as groups, instead of as query heads."""
    spec = load(name)
    stack = spec.architecture.stacks[0]
    (layer,) = stack.groups[0].layers
    wide = layer.model_copy(update={"mixer": layer.mixer.model_copy(update={"kv_heads": layer.mixer.heads})})
    group = stack.groups[0].model_copy(update={"layers": (wide,)})
    architecture = type(spec.architecture)(stacks=(stack.model_copy(update={"groups": (group,)}),))
    full = spec.model_copy(update={"architecture": architecture})
    assert cache_bytes(full, 8192) == factor * cache_bytes(spec, 8192)


def test_llama_3_8b_at_128k_takes_16_gib_instead_of_64():
    assert cache_bytes(load("llama-3.1-8b"), 131_072) == 16 * GIB


def test_gemma_3_27b_needs_a_sixth_of_what_full_context_would_take():
    """Five of six layers see 1,024 tokens (arXiv:2503.19786, section 2): 10.4 GiB needed, 62 reserved, at 131,072."""
    spec = load("gemma-3-27b")
    assert cache_bytes(spec, 131_072) / GIB == pytest.approx(10.4, abs=0.05)
    assert cache_bytes(spec, 131_072, policy="reserved") / GIB == pytest.approx(62, abs=0.5)


@pytest.mark.parametrize(
    ("name", "tokens", "gib"),
    [
        ("granite-4.0-h-small", 131_072, 2.0),
        ("nemotron-3-nano-30b-a3b", 262_144, 1.5),
        ("minimax-text-01", 262_144, 10.0),
        ("qwen3-next-80b-a3b", 262_144, 6.0),
    ],
)
def test_hybrids_cache_in_their_few_attention_layers(name: str, tokens: int, gib: float):
    spec = load(name)
    assert kv_cache_bytes(spec, tokens) / GIB == pytest.approx(gib, abs=0.05)
    assert 0 < state_bytes(spec) < 0.1 * gib * GIB
