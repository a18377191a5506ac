"""Designs: an edited model is what an importer makes of the edited configuration, and impossible shapes say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from advisor.cli import cli
from advisor.design.changes import Changes, DesignFile, Setting
from advisor.design.depths import depths
from advisor.design.design import design
from advisor.design.differences import find
from advisor.design.edit import edit
from advisor.design.layers import flat, folded, runs
from calculators.flops import count_flops
from calculators.memory import cache_bytes
from calculators.params import count_params
from catalog.errors import BadInput
from catalog.importers.huggingface import from_hf_config
from catalog.loader import load
from catalog.parsing import parse_yaml, validated
from catalog.spec import ModelSpec
from catalog.writer import to_yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "design.yaml"


def made(base: str, **changes: Any) -> ModelSpec:
    return edit(load(base), Changes.model_validate(changes)).spec


def numbers(spec: ModelSpec) -> tuple[int, ...]:
    params = count_params(spec)
    return params.total, params.active, count_flops(spec, 512), cache_bytes(spec, 3000)


@pytest.mark.parametrize(
    ("base", "config", "changes"),
    [
        (
            "llama-3.1-8b",
            {"num_hidden_layers": 40, "hidden_size": 5120, "num_attention_heads": 40, "num_key_value_heads": 10,
             "head_dim": 96, "intermediate_size": 13000, "vocab_size": 32000, "tie_word_embeddings": True},
            {"layers": 40, "hidden": 5120, "heads": 40, "kv_heads": 10, "head_dim": 96, "ff_width": 13000,
             "vocab": 32000, "tied": True},
        ),
        (
            "deepseek-v3",
            {"num_hidden_layers": 30, "n_routed_experts": 128, "num_experts_per_tok": 4, "moe_intermediate_size": 1024,
             "kv_lora_rank": 256, "num_attention_heads": 64, "num_key_value_heads": 64},
            {"layers": 30, "experts": 128, "top_k": 4, "expert_width": 1024, "shared_width": 1024, "kv_rank": 256,
             "heads": 64},
        ),
        (
            "falcon-mamba-7b",
            {"hidden_size": 5120, "intermediate_size": 10240, "num_hidden_layers": 48, "state_size": 32,
             "time_step_rank": 320},
            {"hidden": 5120, "layers": 48, "state": 32},
        ),
        ("jamba-v0.1", {"num_hidden_layers": 40, "num_experts": 8}, {"layers": 40, "experts": 8}),
        (
            "qwen3-next-80b-a3b",
            {"full_attention_interval": 8, "layer_types": None},
            {"pattern": {"full_every": 8, "others": "gated-delta-net"}},
        ),
        ("flan-t5-base", {"d_model": 1024, "vocab_size": 64000}, {"hidden": 1024, "vocab": 64000}),
        (
            "gemma-3-27b",
            {"text_config": {"num_hidden_layers": 50, "sliding_window": 512, "hidden_size": 6144}},
            {"layers": 50, "window": 512, "hidden": 6144},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_edited_model_equals_the_import_of_the_edited_configuration(
    base: str, config: dict[str, Any], changes: dict[str, Any]
):
    reference = load(base).reference
    assert reference is not None
    theirs = dict(reference.config)
    for name, value in config.items():
        theirs[name] = {**theirs[name], **value} if isinstance(value, dict) else value
    assert numbers(made(base, **changes)) == numbers(from_hf_config(theirs, name="x", where="test"))


def test_a_mixture_made_of_a_dense_model_holds_its_feed_forward_once_per_expert_and_a_router():
    dense, mixture = count_params(load("llama-3.1-8b")), count_params(made("llama-3.1-8b", experts=8, top_k=2))
    one = 3 * 4096 * 14336
    assert mixture.total - dense.total == 32 * (7 * one + 4096 * 8)
    assert mixture.active - dense.active == 32 * (one + 4096 * 8)
    back = edit(made("llama-3.1-8b", experts=8, top_k=1), Changes(experts=0)).spec
    assert count_params(back) == dense
    assert (made("llama-3.1-8b", experts=8).family, back.family) == ("moe", "decoder")


def test_windows_keep_parameters_and_cap_the_cache():
    base, windowed = load("llama-3.1-8b"), made("llama-3.1-8b", pattern={"full_every": 4}, window=1024)
    assert count_params(windowed).total == count_params(base).total
    per_token = 2 * 8 * 128 * 2
    assert cache_bytes(windowed, 32768) == per_token * (8 * 32768 + 24 * 1024)


@pytest.mark.parametrize(
    ("base", "changes", "said"),
    [
        ("llama-3.1-8b", {"heads": 36}, "heads=32 or 40, or kv_heads=6 or 9"),
        ("llama-3.1-8b", {"hidden": 5000, "proportional": True}, "4,608 or 5,120 would be right"),
        ("llama-3.1-8b", {"window": 100}, "give a pattern as well"),
        ("llama-3.1-8b", {"top_k": 2}, "give experts as well"),
        ("mixtral-8x7b", {"top_k": 9}, "so 8 at most"),
        ("deepseek-v3", {"layers": 3}, "give 4 or more"),
        ("deepseek-v3", {"kv_heads": 8}, "change kv_rank"),
        ("bert-base-uncased", {"pattern": {"full_every": 4, "others": "mamba2"}}, "reads in both directions"),
        ("flan-t5-small", {"pattern": {"full_every": 0, "others": "gated-delta-net"}}, "leave some full attention"),
        ("falcon-mamba-7b", {"kv_heads": 8}, "no kv heads to change"),
        ("gpt-4o", {"layers": 8}, "does not disclose"),
    ],
)
def test_an_impossible_shape_says_what_would_be_right(base: str, changes: dict[str, Any], said: str):
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        made(base, **changes)


def test_what_is_known_of_the_base_is_not_said_of_the_design():
    spec = made("llama-3.1-8b", layers=24)
    assert (spec.scores, spec.prices, spec.licence, spec.reference, spec.tuned_for) == ((), (), None, None, ())
    assert "layers 32 → 24" in (spec.notes or "")
    text = to_yaml(spec)
    assert validated(ModelSpec, parse_yaml(text, "x"), "x", text) == spec


def test_folding_layers_keeps_their_order_and_finds_what_repeats():
    layers = flat(load("gemma-3-27b").architecture.stacks[-1])  # type: ignore[union-attr]
    assert [(size, times) for _, size, times in runs(layers)] == [(6, 10), (1, 2)]
    assert [layer for group in folded(layers) for _ in range(group.repeat) for layer in group.layers] == layers


def test_deep_and_wide_shapes_have_the_same_parameters_and_deeper_ones_are_slower():
    model = load("qwen3-8b")
    found = depths(model, Setting(), [18, 36, 72])
    assert all(abs(s.off) < 1e-3 for s in found.shapes)
    assert [s.is_own for s in found.shapes] == [False, True, False]
    times = [s.token_s for s in found.shapes]
    assert times == sorted(times, key=lambda t: t or 0.0)
    assert found.shapes[1].params_total == count_params(model).total


def test_the_same_shape_has_no_differences():
    found = design(DesignFile(base="qwen3-8b", changes=Changes(layers=36)))
    assert all(not row.change for row in found.rows)
    assert found.reasons == ()


def test_the_example_says_what_a_window_saves():
    found = design(EXAMPLE)
    row = find(found.rows, "cache per token")
    assert (row.base, row.design, row.verdict) == (32 * 4096, 8 * 2048, "better")
    assert row.change == pytest.approx(-0.875)
    assert found.depths is not None


def test_a_file_with_a_wrong_field_names_file_and_nearest(tmp_path: Path):
    path = tmp_path / "d.yaml"
    path.write_text("base: llama-3.1-8b\nchanges: {layer: 3}\n")
    with pytest.raises(BadInput, match=r"d\.yaml.*layer.*layers"):
        design(path)
    path.write_text("base: llama-3.1-8b\n")
    with pytest.raises(BadInput, match="nothing is changed"):
        design(path)


def test_a_saved_design_is_a_model_of_the_catalog_and_is_not_overwritten_silently(tmp_path: Path, overlay: Path):

    path = tmp_path / "d.yaml"
    path.write_text("base: qwen3-0.6b\nid: tiny-design\nchanges: {layers: 4}\n")
    assert CliRunner().invoke(cli, ["design", str(path), "--save"]).exit_code == 0
    assert load("tiny-design").architecture == made("qwen3-0.6b", layers=4).architecture
    again = CliRunner().invoke(cli, ["design", str(path), "--save"])
    assert "is there already" in str(again.exception)


def test_a_side_stack_is_changed_alone():
    file = DesignFile(base="whisper-large-v3", stack="encoder", changes=Changes(layers=16))
    found = design(file)
    assert found.changed == ("layers 32 → 16",)
    assert {row.section for row in found.rows} == {"size", "work and time", "money and energy"}
    encoder, decoder = (found.spec.architecture.stack(name) for name in ("encoder", "decoder"))  # type: ignore[union-attr]
    assert (encoder.n_layers, decoder.n_layers) == (16, 32)
