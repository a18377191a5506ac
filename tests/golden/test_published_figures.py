"""Figures that publishers print, each with its source, against what the calculators say."""

from __future__ import annotations

import pytest

from calculators import cache_bytes, count_flops, count_params
from calculators.memory import kv_cache_bytes, state_bytes, weight_bytes
from catalog import BadInput, from_hf_config, load
from catalog.importers.multi_token import with_multi_token
from catalog.loader import load_format

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


@pytest.mark.parametrize(
    ("name", "own_tables", "more", "published"),
    [
        # Totals that the hub lists for the checkpoints, which hold what transformers does not build: MiMo shares its
        # tables with the layer, GLM 4.5 stores them again, and beside it 90 corrections of 160 experts, its buffers.
        ("mimo-7b", False, 0, 7_833_409_536),
        ("glm-4.5", True, 90 * 160, 358_337_791_296),
        ("qwen3-next-80b-a3b", False, 0, 81_324_862_720),
    ],
)
def test_multi_token_prediction_makes_up_the_listed_total(name: str, own_tables: bool, more: int, published: int):
    spec = load(name)
    config = spec.reference.config | {"num_nextn_predict_layers": 1}
    with_head = with_multi_token(spec.architecture, config, name, own_tables=own_tables)
    assert count_params(spec.model_copy(update={"architecture": with_head})).total + more == published


@pytest.mark.parametrize(("name", "published"), [("qwen3.5-27b", 27_781_427_952), ("qwen3.5-35b-a3b", 35_951_822_704)])
def test_multi_token_prediction_named_in_the_text_config_counts(name: str, published: int):
    config = load(name).reference.config
    assert config["text_config"]["mtp_num_hidden_layers"] == 1
    assert count_params(from_hf_config(config, mtp=True)).total == published


def test_multi_token_prediction_drafts_with_one_more_layer_and_the_shared_head():
    spec = load("deepseek-v3")
    drafting = from_hf_config(spec.reference.config | {"num_nextn_predict_layers": 1}, mtp=True)
    step = count_flops(drafting, 1, 1000) - count_flops(spec, 1, 1000)
    experts, shared, router = 8 * 3 * 7168 * 2048, 3 * 7168 * 2048, 7168 * 256
    latent = 7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 128 * 128 * 7168
    expanded = 1001 * (512 * 128 * 256 + 128 * (192 + 128))
    assert step == 2 * (2 * 7168 * 7168 + experts + shared + router + latent + expanded + 7168 * 129280)
    assert cache_bytes(drafting, 1000) * 61 == cache_bytes(spec, 1000) * 62
    assert drafting.reference is None
    with pytest.raises(BadInput, match="names no multi-token-prediction layers"):
        from_hf_config(load("llama-3-8b").reference.config, mtp=True)


def test_experts_in_four_bits_among_blocks_of_eight_make_the_published_file() -> None:
    """DeepSeek-V4-Flash: 156.1 GB in the checkpoint's own types (6ms/DeepSeek-V4-Flash-MXFP4-GGUF)."""
    spec = load("deepseek-v4-flash")
    assert spec.published_weights == "fp8-block-mxfp4-experts"
    assert weight_bytes(spec, load_format(spec.published_weights)) == pytest.approx(156.1e9, rel=5e-3)
