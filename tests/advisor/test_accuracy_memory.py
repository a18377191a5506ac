"""Published parameters, files and peaks of memory beside predicted ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import accuracy
from calculators import cache_bytes, count_params, weight_bytes
from catalog.loader import load, load_engine, load_format

PUBLISHED = "model,quantity,context,dtype,value,unit,notes,tier,source\n"
BUDGET = "hardware,model,dtype,tp,engine,engine_version,gpu_mem_util,kv_tokens,note,device_gib\n"


def table(path: Path, head: str, *rows: str) -> Path:
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_parameters_and_files_are_compared_in_their_own_units(tmp_path):
    found = accuracy(table(tmp_path / "m.csv", PUBLISHED,
        "Llama-3.1-8B,total_params,,,8.03,B params,,A,x",
        "LLaMA-3-8B,weights_file_size,,GGUF Q4_K_M,4.58,GiB,,A,x",
        "Llama-3.1-8B,colour,,,1,hues,,A,x",
    ))  # fmt: skip
    parameters, size = found.compared
    assert (parameters.quantity, parameters.predicted) == ("parameters", count_params(load("llama-3.1-8b")).total)
    assert (size.quantity, size.measured) == ("weights", 4.58 * 2**30)
    assert abs(size.error) < 0.01
    assert found.tables[0].reasons == {"not a quantity that is compared: colour": 1}


def test_a_peak_under_transformers_is_weights_cache_and_activations(tmp_path):
    rows = [
        f"{name}-Instruct,gpu_memory_measured_infer_bs1_gen2048,8192,BF16,20,GB,"
        '"HF transformers, input 6144 + 2048 generated",A,x'
        for name in ("Qwen2-7B", "Qwen2.5-7B")
    ]
    early, late = accuracy(table(tmp_path / "m.csv", PUBLISHED, *rows)).compared
    held = weight_bytes(load("qwen2.5-7b"), load_format("bf16")) + cache_bytes(load("qwen2.5-7b"), 8192)
    assert held < late.predicted < 1.15 * held
    assert early.predicted - held == pytest.approx(6 * 6144 * 152064, rel=0.01)  # logits of every position


def test_a_server_holds_weights_cache_activations_and_its_own(tmp_path):
    path = table(
        tmp_path / "b.csv", BUDGET,
        'H100-80GB-SXM,Qwen/Qwen2.5-7B-Instruct,bf16/fp16,1,vllm,0.15.1,0.9,1045632,"mbt 2048, max_num_seqs 128",79.65',
    )  # fmt: skip
    (comparison,) = accuracy(path).compared
    spec = load("qwen2.5-7b")
    held = weight_bytes(spec, load_format("bf16")) + cache_bytes(spec, 1045632)
    assert comparison.measured == pytest.approx(0.9 * 79.65 * 2**30)
    assert comparison.predicted > held + load_engine("vllm").memory_gib * 2**30
    assert abs(comparison.error) < 0.03
