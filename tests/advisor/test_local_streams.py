"""Single streams on machines on a desk: names, kernels of local engines, errors on published runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import estimate
from advisor.accuracy.comparison import Comparison, File, Given, Skipped
from advisor.accuracy.local_names import engine_of, format_of, host_of, model_of
from advisor.accuracy.readers.decode_single_stream import READER, streams
from advisor.accuracy.readers.llama_bench import READER as LLAMA_BENCH
from advisor.accuracy.streams import SPILLED, Stream, of_size, predict
from calculators.engine_rates import as_run_by, rates_of, streaming_share
from calculators.memory import weight_bytes
from catalog.loader import load, load_engine, load_format, load_machine

ROW = {
    "model": "LLaMA-3-8B", "quant": "Q4_K_M", "file_size_gb": "4.58", "hardware": "4090 24GB", "prompt_len": "",
    "prompt_tok_s": "", "gen_len": "1024", "gen_tok_s": "127.74", "engine": "llama.cpp (May 2024)", "notes": "",
}  # fmt: skip


def compared(**changes: str) -> list[Comparison | Skipped]:
    return list(READER.compare(File(Path("t.csv"), [ROW | changes]), Given()))


@pytest.mark.parametrize(
    ("printed", "model"),
    [
        ("shisa-v2-llama3.3-70b.i1-Q4_K_M (70553706560 params)", "llama-3.3-70b"),
        ("Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf", "qwen3-30b-a3b"),
        ("LLaMA-3-70B", "llama-3-70b"),
        ("NVIDIA-Nemotron-3-Super-120B-A12B-UD-Q4_K_XL (120.67 B)", "nemotron-3-super-120b-a12b"),
        ("ArliAI_Qwen3.5-27B-RpRMax-v1-Q4_K_M.gguf", "qwen3.5-27b"),
        ("gemma-2-9b-it-Q4_K_M-fp16.gguf", "gemma-2-9b"),
        ("DeepSeek R1 14b", "qwen2.5-14b"),
        ("Altworld_Astrea-R8-Chat-9B-Q4_K_M.gguf", None),
    ],
)
def test_printed_names_mean_a_model_of_the_catalog_or_none(printed: str, model: str | None):
    assert model_of(printed) == model


def test_formats_are_named_only_where_a_recipe_made_the_file():
    assert format_of("Qwen3-8B-Q4_K_M.gguf", "see provider tag", "llama.cpp") == "gguf-q4_k_m"
    assert format_of("Qwen3-30B-A3B-UD-Q4_K_XL", "Q4_K - Medium", "llama.cpp") == ""
    assert format_of("gpt-oss 20B (20.91 B)", "MXFP4 MoE", "llama.cpp") == "gguf-mxfp4"
    assert format_of("Qwen3-8B-4bit", "", "mlx") == "mlx-4bit"
    assert format_of("Llama2-70B", "4-bit", "exllamav2") is None


def test_hosts_whose_cpu_shares_the_work_are_no_machine():
    assert host_of("4x 4090 24GB") == ("rtx-4090", 4)
    assert host_of("M1 Max 32\u2011Core GPU 64GB") == ("apple-m1-max", 1)
    assert host_of("Ryzen 9 7900X (Nvidia 4090) [GPU/CPU]")[0] is None
    assert engine_of("Ollama/llama.cpp") == "llama.cpp"


def test_a_file_of_which_only_the_size_is_known_keeps_that_size():
    format = of_size("qwen3-30b-a3b", 17.7e9)
    assert weight_bytes(load("qwen3-30b-a3b"), format) == pytest.approx(17.7e9, rel=4e-3)  # fp32 norms


def test_a_card_limited_by_memory_streams_at_the_engines_share():
    engine = load_engine("llama.cpp")
    card = load_machine("rtx-4090")
    rates = rates_of(engine, card)
    assert rates is not None
    assert streaming_share(rates, card, 0.8, 16) == pytest.approx(0.8, rel=0.01)
    clocks = 82.6e12 / 2 / 128
    halved = rates.model_copy(update={"clock_bytes": 0.4 * 1008e9 / clocks})  # loads in flight allow 40 %
    assert streaming_share(halved, card, 0.8, 16) == pytest.approx(0.4, rel=0.02)


def test_unpacking_adds_its_lane_operations_to_long_blocks_only():
    engine, chip = load_engine("llama.cpp"), load_machine("apple-m1-max")
    wide, short = (as_run_by(engine, chip, load_format(f)).roofline["fp16"] for f in ("fp16", "gguf-q4_0"))
    packed = as_run_by(engine, chip, load_format("gguf-q4_k_m")).roofline["fp16"]
    rates = rates_of(engine, chip)
    assert rates is not None
    assert wide.memory == pytest.approx(rates.memory)
    assert short.memory == wide.memory
    assert of_size("llama-3.1-8b", 5e9).in_long_blocks
    assert not load_format("gguf-mxfp4").in_long_blocks
    weight_s = 4.7975 / 8 / 400e9 / rates.memory + rates.unpack_lanes / (10.4e12 / 2)
    assert 4.7975 / 8 / 400e9 / packed.memory == pytest.approx(weight_s, rel=1e-4)


def test_machines_calibrated_by_their_owner_and_engines_without_kernels_keep_their_constants():
    card = load_machine("rtx-4090")
    assert as_run_by(load_engine("vllm"), card, load_format("bf16")) is card


def test_a_published_stream_is_predicted_within_ten_percent():
    (result,) = compared()
    assert isinstance(result, Comparison)
    assert result.measured == pytest.approx(1 / 127.74)
    assert abs(result.error) < 0.1


def test_what_does_not_fit_is_passed_over_with_the_reason():
    (result,) = compared(model="LLaMA-3-70B", file_size_gb="39.6")
    assert isinstance(result, Skipped)
    assert result.reason == SPILLED


def test_rows_without_a_speed_or_a_known_name_say_so():
    rows = [ROW | {"gen_tok_s": ""}, ROW | {"model": "no such model"}, ROW | {"hardware": "Pi 5 - 16GB [CPU]"}]
    reasons = [each.reason for each in streams(rows) if isinstance(each, Skipped)]
    assert reasons == ["no speed", "model not in the catalog", "machine not in the catalog, or a CPU shared the work"]


def test_an_estimate_on_apple_silicon_uses_llama_cpps_kernels():
    answer = estimate(model="llama-3.1-8b", machine="apple-m1-max", weights="gguf-q4_k_m", input_tokens=64)
    assert answer.engine == "llama.cpp"
    assert answer.time.tpot_s is not None
    assert answer.time.tpot_s.p50 == pytest.approx(0.030, rel=0.1)  # 34.5 tokens/s measured (GPU-Benchmarks-on-LLM)


BENCH = {
    "build_number": 5163, "cpu_info": "AMD Ryzen 7 7800X3D 8-Core Processor", "gpu_info": "NVIDIA GeForce RTX 4080",
    "backends": "CUDA", "model_filename": "models/Qwen2.5-7B-Instruct-Q4_K_M.gguf",
    "model_type": "qwen2 7B Q4_K - Medium", "model_size": 4677120000, "n_gpu_layers": 99, "type_k": "f16",
    "type_v": "f16", "n_prompt": 0, "n_gen": 128, "n_depth": 0, "avg_ts": 119.915244,
}  # fmt: skip
"""From llama.cpp's tools/llama-bench/README.md; no run on this machine was used in a fit."""


def benched(given: Given | None = None, **changes: object) -> Comparison | Skipped:
    (result,) = LLAMA_BENCH.compare(File(Path("b.json"), [BENCH | changes]), given or Given())
    return result


def test_llama_benchs_own_example_is_predicted_within_ten_percent():
    result = benched()
    assert isinstance(result, Comparison)
    assert (result.keys["machine"], result.keys["model"], result.keys["weights"]) == (
        "rtx-4080", "qwen2.5-7b", "gguf-q4_k_m",
    )  # fmt: skip
    assert result.measured == pytest.approx(1 / 119.915244)
    assert abs(result.error) < 0.1
    assert LLAMA_BENCH.columns <= set(BENCH)


def test_the_size_of_a_file_stands_in_for_a_recipe_nobody_knows():
    dynamic, plain = benched(model_filename="Qwen2.5-7B-Instruct-UD-Q4_K_XL.gguf"), benched()
    assert isinstance(dynamic, Comparison)
    assert isinstance(plain, Comparison)
    assert dynamic.keys["weights"] == "by its size"
    assert dynamic.predicted == pytest.approx(plain.predicted, rel=0.05)


@pytest.mark.parametrize(
    ("machine", "weights", "tokens_per_s"),
    [
        ("apple-m1", "gguf-q4_0", 14.15), ("apple-m1-pro", "gguf-q8_0", 22.34), ("apple-m2", "gguf-q4_0", 21.91),
        ("apple-m2-max", "gguf-q4_0", 65.95), ("apple-m2-ultra", "fp16", 41.02), ("apple-m4-max", "gguf-q8_0", 54.05),
    ],
)  # fmt: skip
def test_apples_chips_write_as_fast_as_published(machine: str, weights: str, tokens_per_s: float):
    """llama.cpp discussion 4167, of which the constants know; left out, none of these errs by more than 9 %."""
    (step,) = predict([Stream(1, "llama.cpp", machine, 1, "llama-2-7b", weights, None, 0.0, output_tokens=128)])
    assert 1 / step.seconds == pytest.approx(tokens_per_s, rel=0.1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"n_gpu_layers": 20}, "part of the layers ran on the CPU"),
        ({"type_k": "q8_0"}, "a quantized cache"),
        ({"n_prompt": 512}, "a prompt and its answer timed together"),
        ({"gpu_info": "GeForce 9000"}, "machine not in the catalog: GeForce 9000; say it with --machine"),
        ({"model_filename": "x.gguf", "model_type": "x"}, "model not in the catalog: x.gguf; say it with --model"),
    ],
)
def test_tests_that_cannot_be_compared_say_why(changes: dict[str, object], reason: str):
    result = benched(**changes)
    assert isinstance(result, Skipped)
    assert result.reason == reason


def test_what_the_user_says_of_a_file_holds():
    result = benched(Given(machine="rtx-4090", model="llama-3.1-8b", weights="gguf-q8_0"), gpu_info="?")
    assert isinstance(result, Comparison)
    assert (result.keys["machine"], result.keys["model"], result.keys["weights"]) == (
        "rtx-4090", "llama-3.1-8b", "gguf-q8_0",
    )  # fmt: skip


def test_an_eager_engines_step_takes_what_the_host_needs_whatever_the_gpu():
    fast, slow = (
        estimate(model="phi-1.5", machine=machine, weights="bf16", engine="transformers", input_tokens=32)
        for machine in ("h100-sxm", "a100-sxm4-40gb")
    )
    assert fast.time.decode_s is not None
    assert slow.time.decode_s is not None
    assert fast.time.decode_s.p50 == pytest.approx(slow.time.decode_s.p50)
    assert slow.time.decode_s.p50 == pytest.approx(1 / 42.56, rel=0.1)  # LitGPT's resource table


def test_unpacking_in_kernels_of_their_own_costs_starts_not_bandwidth():
    wide, packed = (
        estimate(model="llama-2-7b", machine="a100-sxm4-40gb", weights=weights, engine="transformers", input_tokens=32)
        for weights in ("bf16", "nf4")
    )
    assert wide.time.decode_s is not None
    assert packed.time.decode_s is not None
    assert packed.memory.weights_bytes < wide.memory.weights_bytes / 3
    products = 4 * 32 + 1
    assert packed.time.decode_s.p50 - wide.time.decode_s.p50 == pytest.approx(products * 141e-6, rel=1e-3)


def test_files_choose_their_engine():
    named = {
        weights: estimate(model="llama-3.1-8b", machine=machine, weights=weights).engine
        for machine, weights in (("rtx-4090", "gguf-q4_k_m"), ("apple-m4-max", "mlx-4bit"), ("rtx-4090", "awq-int4"))
    }
    assert named == {"gguf-q4_k_m": "llama.cpp", "mlx-4bit": "mlx", "awq-int4": "vllm"}


def test_a_cpus_prompts_reach_a_share_of_its_32_bit_arithmetic_whatever_else_its_data_sheet_lists():
    engine, cpu = load_engine("llama.cpp"), load_machine("ryzen-9-7950x")
    rates = rates_of(engine, cpu)
    assert rates is not None
    for dtype, roofline in as_run_by(engine, cpu, load_format("gguf-q4_k_m")).roofline.items():
        assert roofline.compute * cpu.peak_tflops[dtype] == pytest.approx(rates.compute * cpu.peak_tflops["fp32"])
    (prompt,) = predict([Stream(1, "llama.cpp", cpu.id, 1, "llama-3.1-8b", "gguf-q4_0", None, 0.0, prompt_tokens=512)])
    assert 512 / prompt.seconds == pytest.approx(153.52, rel=0.15)  # ik_llama.cpp discussion 164: llama.cpp build 4384
