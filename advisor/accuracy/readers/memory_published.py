"""Published parameters, file sizes and peaks of memory, each in its own unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from advisor.accuracy import local_names
from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import model_of
from advisor.accuracy.readers.serving_end_to_end import number
from calculators.activations import peak_activation_bytes
from calculators.memory import kv_cache_bytes, weight_bytes
from calculators.params import architecture_of, count_params
from calculators.workload import Workload
from catalog.loader import load, load_engine, load_format
from catalog.spec import Architecture, TokenEmbedding

GIB = 2**30
UNITS = {"bytes": 1.0, "MiB": 2.0**20, "GiB": 2.0**30, "MB": 2.0**20, "GB": 2.0**30}
"""Bytes; tools that print MB and GB of a GPU mean 2^20 and 2^30 (torch.cuda.max_memory_allocated over 1024^3)."""
COUNTS = {"params": 1.0, "M params": 1e6, "B params": 1e9}
FORMATS = {
    "bf16": "bf16", "fp16": "fp16", "fp8": "fp8", "gptq-int4": "gptq-int4", "gptq-int8": "gptq-int8",
    "int4": "gptq-int4", "int8": "gptq-int8", "awq": "awq-int4", "awq-int4": "awq-int4", "fp32 checkpoint": "fp32",
    "mxfp4 moe + bf16": "mxfp4-experts", "int8 w8a8": "int8-channel",
}  # fmt: skip
ALL_LOGITS = re.compile(r"Qwen(1\.5|2)?-")
"""Measured with transformers before 4.45 (4.38 to 4.40 in the same tables of speed), which kept the logits of every
position of the prompt, in 16 and in 32 bits."""
CHUNK, PAGE = 512, 256
"""Tokens that llama.cpp computes at a time, and to which its cache is rounded up."""


def comparisons(rows: Sequence[Row]) -> Iterator[Comparison | Skipped]:
    """One for each row whose quantity the calculators know."""
    files = {str(row["model"]): _bytes(row) for row in rows if row["quantity"] == "weights_file_size"}
    for line, row in enumerate(rows, 1):
        found = _one(row, files)
        if isinstance(found, str):
            yield Skipped(line, found)
            continue
        quantity, unit, measured, predicted, model, weights = found
        keys = {"model": model, "weights": weights, "machine": "", "source": str(row["quantity"])}
        yield Comparison(line, quantity, unit, measured, predicted, keys)


Found = tuple[str, str, float, float, str, str]


def _one(row: Row, files: Mapping[str, float | None]) -> Found | str:
    """Quantity, unit, measured and predicted value, model and format; or why there is none."""
    kind, printed, value = str(row["quantity"]), str(row["model"]), number(row, "value")
    if kind not in ("total_params", "active_params", "weights_file_size", "vllm_weights_gib_per_gpu",
                    "gpu_memory_peak_measured", "gpu_memory_measured_infer_bs1_gen2048"):  # fmt: skip
        return f"not a quantity that is compared: {kind}"
    model = local_names.model_of(printed) or model_of(printed)
    if model is None or value is None:
        return "model not in the catalog"
    if kind.endswith("params"):
        scale = COUNTS.get(str(row["unit"]))
        params = count_params(load(model))
        count = float(params.active if kind == "active_params" else params.total)
        return "not a count" if scale is None else ("parameters", "parameters", value * scale, count, model, "")
    measured, weights = _bytes(row), _format(row, model)
    if kind == "gpu_memory_peak_measured":
        size = files.get(printed)
        if size is None:
            return "the size of its file is not printed"
        return "memory", "bytes", measured or 0.0, _llama_cpp_bytes(model, size, number(row, "context") or 0), model, ""
    if weights is None:
        return "format not known for certain"
    devices = re.search(r"TP=(\d+)", str(row["context"]))
    held = weight_bytes(load(model), load_format(weights), int(devices[1]) if devices else 1)
    if kind == "gpu_memory_measured_infer_bs1_gen2048":
        return "memory", "bytes", measured or 0.0, held + _transformers_bytes(row, model), model, weights
    return "weights", "bytes", measured or 0.0, held, model, weights


def _bytes(row: Row) -> float | None:
    value, unit = number(row, "value"), str(row["unit"]).split(" ", 1)[0]
    return None if value is None or unit not in UNITS else value * UNITS[unit]


def _format(row: Row, model: str) -> str | None:
    dtype = str(row["dtype"]).lower()
    if dtype.startswith(("gguf", "ggml")):
        return local_names.format_of(str(row["model"]), dtype.split(" ", 1)[1], "llama.cpp") or None
    return "fp8-block" if dtype == "fp8" and load(model).published_weights == "fp8-block" else FORMATS.get(dtype)


def _transformers_bytes(row: Row, model: str) -> float:
    """Cache and activations of one prompt and 2,048 tokens written, as PyTorch allocates them (no CUDA context)."""
    spec, length = load(model), int(number(row, "context") or 2048)
    given = re.search(r"input (\d+)", str(row["notes"]))
    prompt = int(given[1]) if given else max(length - 2048, 1)
    architecture = architecture_of(spec)
    activations = float(peak_activation_bytes(architecture, Workload.of([1], prompt, 0))[0])
    if ALL_LOGITS.match(str(row["model"])):
        activations = max(activations, 6.0 * prompt * _vocabulary(architecture))
    return float(kv_cache_bytes(spec, length)) + activations


def _vocabulary(architecture: Architecture) -> int:
    return max(s.embedding.vocab for s in architecture.stacks if isinstance(s.embedding, TokenEmbedding))


def _llama_cpp_bytes(model: str, size: float, context: float) -> float:
    """A prompt of ``context`` tokens under llama-bench."""
    spec, pages = load(model), -(-int(context) // PAGE)
    activations = peak_activation_bytes(architecture_of(spec), Workload.of([1], CHUNK, 0))
    cache = float(kv_cache_bytes(spec, pages * PAGE))
    return size + cache + float(activations[0]) + load_engine("llama.cpp").memory_gib * GIB


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return comparisons(file.rows)


READER = Reader(
    layout="memory_and_params_published",
    about="parameters, weights and peaks of memory",
    columns=frozenset({"model", "quantity", "context", "dtype", "value", "unit", "notes"}),
    compare=_compare,
    by=("quantity", "source", "weights"),
)
