"""A user's own results: vllm bench serve, aiperf and llama-bench, as these tools write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor import accuracy, estimate
from catalog.errors import BadInput

VLLM = {
    "date": "20260101-120000", "backend": "vllm", "model_id": "meta-llama/Llama-3.1-8B-Instruct", "num_prompts": 160,
    "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 16, "duration": 60.0, "completed": 160,
    "total_input_tokens": 163840, "total_output_tokens": 40960, "request_throughput": 2.6,
    "mean_ttft_ms": 90.0, "median_ttft_ms": 80.0, "mean_tpot_ms": 9.0, "p99_tpot_ms": 10.0,
}  # fmt: skip
AIPERF = {
    "request_throughput": {"unit": "requests/sec", "avg": 2.0},
    "time_to_first_token": {"unit": "ms", "avg": 60.0, "p50": 50.0},
    "inter_token_latency": {"unit": "ms", "avg": 8.0},
    "request_latency": {"unit": "ms", "avg": 2000.0},
    "input_sequence_length": {"unit": "tokens", "avg": 1000.0},
    "output_sequence_length": {"unit": "tokens", "avg": 200.0},
    "input_config": {"endpoint": {"model_names": ["Qwen/Qwen3-8B"]}, "loadgen": {"concurrency": 8}},
}
LLAMA = {
    "build_commit": "3469684", "cpu_info": "13th Gen Intel(R) Core(TM) i9-13900K",
    "gpu_info": "NVIDIA GeForce RTX 3090 Ti", "model_filename": "models/llama-2-7b.Q4_0.gguf",
    "model_type": "llama 7B Q4_0", "model_size": 3825065984, "model_n_params": 6738415616, "n_gpu_layers": 99,
    "n_prompt": 0, "n_gen": 128, "avg_ts": 125.0,
}  # fmt: skip


def written(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_a_vllm_result_is_compared_with_the_estimate_of_its_load(tmp_path):
    found = accuracy(written(tmp_path / "v.json", VLLM), machine="h100-sxm")
    by = {c.quantity: c for c in found.compared}
    e = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=16, input_tokens=1024, output_tokens=256)
    assert e.time.tpot_s is not None
    assert e.time.ttft_s is not None
    assert (by["tpot"].measured, by["ttft"].measured) == (pytest.approx(9e-3), pytest.approx(90e-3))
    assert by["tpot"].predicted == pytest.approx(e.time.tpot_s.p50, rel=1e-9)
    assert by["ttft"].predicted == pytest.approx(e.time.ttft_s.p50, rel=1e-9)
    assert by["tpot"].p10 == pytest.approx(e.time.tpot_s.p10, rel=1e-9)


def test_a_rate_means_requests_in_flight_by_littles_law(tmp_path):
    rate = {**VLLM, "request_rate": 2.0, "max_concurrency": None, "mean_e2el_ms": 3000.0}
    (comparison, _) = accuracy(written(tmp_path / "v.json", rate), machine="h100-sxm").compared
    assert comparison.keys["clients"] == "6"
    assert comparison.keys["kind"] == "constant rate"


def test_an_aiperf_export_names_its_model_and_clients(tmp_path):
    found = accuracy(written(tmp_path / "a.json", AIPERF), machine="h100-sxm", gpus=2)
    assert {c.quantity: c.measured for c in found.compared} == {
        "ttft": pytest.approx(0.06),
        "tpot": pytest.approx(8e-3),
    }
    keys = found.compared[0].keys
    assert (keys["model"], keys["clients"], keys["gpus"]) == ("qwen3-8b", "8", "2")


def test_llama_bench_names_model_machine_and_format(tmp_path):
    prompt = {**LLAMA, "n_prompt": 512, "n_gen": 0, "avg_ts": 2560.0}
    found = accuracy(written(tmp_path / "l.json", [LLAMA, prompt]))
    by = {c.quantity: c for c in found.compared}
    assert by["tpot"].measured == pytest.approx(1 / 125)
    assert by["ttft"].measured == pytest.approx(0.2)
    assert (by["tpot"].keys["model"], by["tpot"].keys["machine"]) == ("llama-2-7b", "rtx-3090-ti")


def test_llama_bench_reads_csv_as_well(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text(",".join(LLAMA) + "\n" + ",".join(f'"{v}"' for v in LLAMA.values()) + "\n", encoding="utf-8")
    (comparison,) = accuracy(path).compared
    assert comparison.measured == pytest.approx(1 / 125)


@pytest.mark.parametrize(
    ("data", "given", "words"),
    [
        (VLLM, {}, "add --machine"),
        ({**VLLM, "model_id": ""}, {"machine": "h100-sxm"}, "add --model"),
        ({**VLLM, "model_id": "acme/secret-9b"}, {"machine": "h100-sxm"}, "unknown model 'acme/secret-9b'"),
        ({**VLLM, "max_concurrency": None}, {"machine": "h100-sxm", "model": "gpt9"}, "unknown model 'gpt9'"),
        (VLLM, {"machine": "h100-sxm", "cache": "fp9"}, "unknown cache type"),
    ],
)
def test_what_a_file_does_not_say_is_asked_for(tmp_path, data, given, words):
    with pytest.raises(BadInput, match=words):
        accuracy(written(tmp_path / "x.json", data), **given)


def test_a_failed_benchmark_is_counted_not_compared(tmp_path):
    found = accuracy(written(tmp_path / "v.json", {**VLLM, "completed": 0}), machine="h100-sxm")
    assert not found.compared
    assert list(found.tables[0].reasons) == ["no request was completed, or their tokens are not counted"]


def test_results_that_were_appended_to_one_file_are_all_read(tmp_path):
    path = tmp_path / "v.json"
    path.write_text(f"{json.dumps(VLLM)}\n{json.dumps(VLLM, indent=1)}\n", encoding="utf-8")
    assert len(accuracy(path, machine="h100-sxm").compared) == 4
    path.write_text(f"{json.dumps(VLLM)}\n{{", encoding="utf-8")
    with pytest.raises(BadInput, match=r"v\.json:2: not JSON"):
        accuracy(path, machine="h100-sxm")


@pytest.mark.parametrize("wrong", [{"total_input_tokens": -5}, {"completed": 0}, {"total_output_tokens": None}])
def test_counts_that_cannot_be_are_no_measurements(tmp_path, wrong):
    found = accuracy(written(tmp_path / "v.json", VLLM | wrong), machine="h100-sxm")
    assert not found.compared
    assert accuracy(written(tmp_path / "l.json", [LLAMA | {"avg_ts": -125.0}])).compared == []
