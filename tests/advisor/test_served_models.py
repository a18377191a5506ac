"""Engines are named and started only for models that they run on a machine (tables of their documentation)."""

from __future__ import annotations

import pytest

from advisor import estimate
from advisor.candidates import space
from advisor.launch import launches
from advisor.machines import engine_for
from advisor.ranking.many import Many
from advisor.ranking.tables import Tables
from advisor.readable import formats_for
from advisor.recommend import recommend
from advisor.requirements import Requirements, complete
from advisor.served_models import needed, unserved
from advisor.simulator.rules import PRESETS
from calculators.plan import Layout
from catalog import load
from catalog.loader import load_engine, load_format, load_machine, load_task


def started(model, machine, weights="bf16", layout=None):
    where = load_machine(machine)
    engine = load_engine(engine_for(where))
    rules = PRESETS.get(engine.id, PRESETS["vllm"])
    return launches(load(model), where, engine, load_format(weights), "bf16", layout or Layout(), rules, 2048)


@pytest.mark.parametrize(
    ("model", "machine", "why"),
    [
        ("nllb-200-3.3b", "l4", "vLLM serves no encoder-decoders"),
        ("flan-t5-xl", "apple-m2-ultra", "llama.cpp serves no encoder-decoders"),
        ("rwkv-6-finch-7b", "h100-sxm", "vLLM does not run"),
        ("rwkv-6-finch-7b", "rx-7900-xtx", ""),
        ("whisper-large-v3", "apple-m3-max", "llama.cpp does not run"),
        ("whisper-large-v3", "l4", ""),
        ("glm-5", "a100-sxm4-80gb", "no kernels for its sparse attention"),
        ("glm-5", "h200-sxm", ""),
        ("glm-5", "mi300x", ""),
        ("deepseek-r1", "a100-sxm4-80gb", ""),
        ("gpt-oss-20b", "inferentia2", "does not list it"),
        ("gpt-oss-20b", "trainium2", ""),
        ("qwen3-next-80b-a3b", "trainium2", "does not list it"),
        ("qwen3-32b", "trainium2", ""),
        ("gemma-3-27b", "t4", "refuses float16"),
        ("gemma-3-27b", "l4", ""),
    ],
)
def test_an_estimate_says_where_its_engine_would_not_run_the_model(model, machine, why):
    where = load_machine(machine)
    said = unserved(load(model), where, engine_for(where))
    assert why in said
    assert bool(why) == bool(said)
    notes = estimate(model=model, machine=machine, input_tokens=256, output_tokens=64).notes
    assert any("figures are as if it did" in note for note in notes) == bool(why)


def test_what_no_engine_runs_on_any_named_machine_is_left_out_of_the_ranking():
    answer = recommend(task="chat", machines=("inferentia2",), max_gpus=8, limit=200)
    assert answer.excluded["gpt-oss-20b"] == "AWS's vLLM for Inferentia 2 does not list it"
    rows = answer.recommendations
    assert {"qwen3-14b", "llama-3.1-8b"} <= {row.model for row in rows}
    assert all(row.weights in ("bf16", "fp16", "fp32") and row.kv == "bf16" for row in rows)


def test_a_model_keeps_the_machines_that_run_it():
    answer = recommend(task="chat", machines=("a100-sxm4-80gb", "mi300x"), max_gpus=8, limit=200)
    places = {row.model: row.machine for row in answer.recommendations}
    assert places["glm-5"] == "mi300x"
    assert "glm-5" not in answer.excluded


def test_old_cards_run_what_needs_bfloat16_in_llama_cpp_or_not_at_all():
    gemma = load("gemma-3-27b")
    assert formats_for(load_machine("t4"), gemma) == ()
    assert set(formats_for(load_machine("rtx-2080-ti"), gemma)) == {"gguf-q8_0", "gguf-q6_k", "gguf-q4_k_m"}


def test_lines_start_what_runs_the_model():
    line = started("nllb-200-3.3b", "l4")[0]
    assert line.engine == "CTranslate2"
    assert "--quantization bfloat16" in line.command
    assert started("nllb-moe-54b", "l4") == () == started("rwkv-6-finch-7b", "h100-sxm")
    assert started("whisper-large-v3", "apple-m3-max")[0].engine == "whisper.cpp"
    assert "--mmproj" in started("gemma-3-4b", "apple-m3-max", "gguf-q4_k_m")[0].command
    assert "--mmproj" not in started("qwen3-8b", "apple-m3-max", "gguf-q4_k_m")[0].command
    assert "up to release 0.10.2" in started("llama-3.2-11b-vision", "l4")[0].note
    neuron = started("qwen3-8b", "trainium2")
    assert [line.engine for line in neuron] == ["vLLM"]
    assert "Neuron plugin" in neuron[0].note


def test_lines_count_the_devices_that_software_sees_and_join_nodes():
    dies = started("llama-3.3-70b", "mi250x", layout=Layout(tp=2))[0]
    assert "--tensor-parallel-size 4" in dies.command
    assert "--tensor-parallel-size 2" in started("qwen3-8b", "inferentia2")[0].command
    vllm, sglang, *_ = started("deepseek-v3", "h100-sxm", "fp8-block", Layout(tp=8, pp=2))
    assert "--distributed-executor-backend ray" in vllm.note
    assert "--nnodes 2" in sglang.note
    assert "ray" not in started("deepseek-v3", "h200-sxm", "fp8-block", Layout(tp=8))[0].note


def test_a_server_of_embeddings_batches_passages_whatever_the_number_of_users():
    assert "--max-batch-requests" not in started("bge-reranker-v2-m3", "l4", "fp16")[0].command


def test_prompts_on_a_desktop_take_the_time_of_their_arithmetic():
    """8.0 billion parameters take 15 GFLOP a token (without the table) and 512 tokens 7.2 TFLOP, at 0.71 TFLOPS."""
    case = estimate(model="llama-3-8b", machine="generic-desktop-ddr4", input_tokens=512, output_tokens=64)
    assert case.time.ttft_s.p50 > 7.2 / 0.71
    assert not any("arithmetic" in note for note in case.notes)
    assert any("arithmetic" in note for note in estimate(model="llama-3-8b", machine="apple-m5-ultra").notes)


def test_models_with_attention_sinks_keep_16_bits_in_the_cache_before_ada():
    """vLLM's attention_backends.md: sinks below compute capability 9 in Triton's kernels only; pull request 43914."""
    old, new = load_machine("a100-sxm4-80gb"), load_machine("l40s")
    needs = complete(Requirements(task="chat"), load_task("chat"))
    for spec, machine, caches in (
        (load("gpt-oss-20b"), old, {"bf16"}), (load("gpt-oss-20b"), new, {"bf16", "fp8"}),
        (load("qwen3-8b"), old, {"bf16", "fp8"}),
    ):  # fmt: skip
        assert {c.cache for c in space(spec, [machine], needs).choices if c.engine.id == "vllm"} == caches
        found = Many(Tables([spec], [machine]), needs)
        chosen = [found.space.choices[i] for i in found.ways.choice]
        assert {c.cache for c in chosen if c.engine.id == "vllm"} == caches
    told = estimate(model="gpt-oss-20b", machine=old.id, cache="fp8")
    assert any("sinks" in note for note in told.notes)


def test_a_tpus_launch_line_says_what_its_plugin_was_tested_with():
    tested, other = (needed(load(name), load_machine("tpu-v6e")) for name in ("llama-3.3-70b", "mixtral-8x7b"))
    assert tested == "needs tpu-inference for vLLM"
    assert "no release test" in other
    assert "experimental" in needed(load("llama-3.3-70b"), load_machine("tpu-v5p"))
