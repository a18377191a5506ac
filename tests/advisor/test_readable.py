"""Formats are those that a machine's usual engine has kernels for (tables of vLLM's and llama.cpp's documentation)."""

from __future__ import annotations

import pytest

from advisor import estimate
from advisor.readable import formats_for, possible_formats, unread
from advisor.recommend import recommend
from advisor.tensor_split import WARNING, splits_tensors
from catalog import load
from catalog.loader import all_machines, load_engine, load_format, load_machine


@pytest.mark.parametrize(
    ("machine", "model", "first"),
    [
        ("a100-sxm4-80gb", "deepseek-v3", "fp8-block"),  # Marlin unpacks into 16 bits
        ("mi300x", "deepseek-v3", "fp8-block"),
        ("mi250x", "deepseek-v3", "bf16"),  # no 8-bit floats, no kernel that unpacks them
        ("apple-m3-ultra", "deepseek-v3", "gguf-q8_0"),  # llama.cpp reads no FP8
        ("t4", "deepseek-v3", "fp8-block"),
        ("t4", "gpt-oss-20b", "bf16"),  # Marlin's MXFP4 needs Ampere
        ("a10", "gpt-oss-20b", "mxfp4-experts"),
        ("v100-sxm2-32gb", "gpt-oss-20b", "gguf-mxfp4"),  # too old for vLLM
        ("v100-sxm2-32gb", "llama-3.1-8b", "bf16"),
    ],
)
def test_a_model_is_run_in_its_published_format_or_the_nearest_that_is_read(machine, model, first):
    assert formats_for(load_machine(machine), load(model))[0] == first
    case = estimate(model=model, machine=machine)
    assert case.weights == first
    assert not any("does not read" in note or "no kernel" in note for note in case.notes)


def test_awq_is_tried_on_nvidia_alone_and_gguf_where_llama_cpp_runs():
    spec = load("llama-3.1-8b")
    tried = {name: set(formats_for(load_machine(name), spec)) for name in ("h100-sxm", "mi300x", "v100-sxm2-32gb")}
    assert tried["h100-sxm"] == {"bf16", "fp8", "awq-int4"}
    assert tried["mi300x"] == {"bf16", "fp8"}
    assert tried["v100-sxm2-32gb"] == {"bf16", "gguf-q8_0", "gguf-q6_k", "gguf-q4_k_m"}


def test_what_is_tried_anywhere_is_among_the_possible():
    for model in ("llama-3.1-8b", "deepseek-v3", "gpt-oss-20b", "bert-base-uncased", "t5-base"):
        spec = load(model)
        assert {name for machine in all_machines() for name in formats_for(machine, spec)} <= set(
            possible_formats(spec)
        )


def test_a_pairing_without_kernels_is_estimated_with_a_warning():
    vllm, v100 = load_engine("vllm"), load_machine("v100-sxm2-32gb")
    assert "compute capability 7.5" in unread(load_format("bf16"), v100, vllm)
    assert "no kernel for awq-int4 on mi300x" in unread(load_format("awq-int4"), load_machine("mi300x"), vllm)
    assert unread(load_format("awq-int4"), load_machine("h100-sxm"), vllm) == ""
    notes = estimate(model="llama-3.1-8b", machine="apple-m4-max", weights="fp8").notes
    assert any("llama.cpp does not read fp8" in note for note in notes)


def test_llama_cpp_shares_layers_only_of_models_and_caches_that_its_tensor_split_takes():
    assert splits_tensors(load("llama-3.3-70b"))
    refused = ("deepseek-v3", "mamba2-2.7b", "minimax-m2", "jamba-1.5-mini")
    assert not any(splits_tensors(load(name)) for name in refused)
    answer = recommend(task="chat", machines=("rx-7900-xtx",), max_gpus=2, limit=200)
    shared = [row for row in answer.recommendations if row.n_gpus > 1]
    assert shared
    assert all(row.kv == "bf16" and WARNING in row.notes and splits_tensors(load(row.model)) for row in shared)
