"""Measured runs of models that answer in one pass: ``encoder_vision_throughput.csv`` and files with its columns.

Every row becomes a ``PassRun`` or a reason why it cannot be compared; nothing is dropped silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from advisor.accuracy import names
from calculators.params import architecture_of, count_params
from calculators.rates import Counts, resized
from catalog.errors import BadInput
from catalog.importers.huggingface import from_hf_config
from catalog.importers.timm_names import config_of
from catalog.loader import load, load_machine
from catalog.spec import ModelSpec

COLUMNS = ("model", "hardware", "batch", "seq_or_img", "precision", "value", "unit", "gmacs", "task", "engine")
"""Columns by which such a file is known."""
SAME_SIZE = 0.01
"""How far a published parameter count may be from ours for a network to count as the same."""

MACHINES = (
    (r"^(\d+x )?(nvidia )?a100$", "a100-sxm4-80gb"), (r"^v100", "v100-sxm2-16gb"), (r"i9-10940x", "core-i9-10940x"),
    (r"\binf2", "inferentia2"), (r"\btrn1", "trainium1"),
)  # fmt: skip
"""Names of machines that only these tables use, in lower case: DGX boxes are meant by a bare A100 and V100."""
PRECISIONS = (
    (r"matmult-bf16", "bf16"), (r"int8", "int8"), (r"fp8", "fp8"), (r"tf32", "tf32"), (r"amp|mixed|fp16|half", "fp16"),
    (r"bf16|bfloat16", "bf16"), (r"fp32|float32", "fp32"),
)  # fmt: skip
"""Precision column, and the weight format that it means (or ``tf32``)."""
ENGINES = (
    (r"fastertransformer", "fastertransformer"), (r"tensorrt", "tensorrt"),
    (r"torch\.compile|dynamo|inductor", "torch-compile"), (r"onnx", "onnxruntime"),
    (r"text-embeddings|\btei\b", "tei"), (r"pytorch 1\.|pytorch$|pytorch \(dle\)", "pytorch-1"),
    (r"pytorch|timm|transformers", "pytorch"),
)  # fmt: skip
"""How results name engines. PyTorch without a version is from before 2.0: those guides are from 2021 and 2022."""
OFFLINE_BATCH = "128"
"""For MLPerf's offline scenario, in which submitters choose the batch that is fastest: well past where rates rise."""
NEURON = ("inferentia2", "trainium1", "trainium2", "trainium3")
"""Machines that run what AWS Neuron compiled, whatever the framework."""
MODELS = {
    "vit-b/16": "vit_base_patch16_224", "vit-l/16": "vit_large_patch16_224", "vit-h/14": "vit_huge_patch14_224",
    "swinv1-tiny": "swin_tiny_patch4_window7_224", "swinv1-small": "swin_small_patch4_window7_224",
    "swinv1-base": "swin_base_patch4_window7_224", "swinv1-large": "swin_large_patch4_window7_224",
    "efficientnet-b0": "efficientnet_b0", "efficientnet-b4": "efficientnet_b4", "resnet50": "resnet50",
    "resnet50 v1.5": "resnet50", "resnet-50": "resnet50", "resnet": "resnet50",
    "bert": "bert-large-uncased", "bert-large": "bert-large-uncased", "bert-base": "bert-base-uncased",
}  # fmt: skip
"""Other names of networks, in lower case."""


@dataclass(frozen=True, slots=True)
class PassRun:
    """One measured run, per device, in seconds of a pass."""

    model: str
    spec: ModelSpec | None
    """What it is, where the catalog or its importers can make it."""
    counts: Counts | None
    """Published counts, where they cannot."""
    machine: str
    engine: str
    weights: str
    batch: float
    tokens: int
    pass_s: float
    line: int

    @property
    def pair(self) -> tuple[str, str]:
        """What is weighted equally."""
        return self.model, self.machine


def run_of(row: Mapping[str, str], line: int, *, engine: str = "", machine: str = "") -> PassRun | str:
    """A row as a run, or the reason why it cannot be compared.

    Args:
        row: The row by column.
        line: Its number.
        engine: The engine, if the row's own is not to count.
        machine: The machine, likewise.
    """
    task = row["task"].lower()
    if "training" in task:
        return "a training step"
    if "server" in task or "singlestream" in task:
        return "under a latency limit, or a 90th percentile"
    own, devices = machine_of(row["hardware"])
    machine = machine or own or ""
    if not machine:
        return "machine unknown"
    engine = engine or ("neuron" if machine in NEURON else _first(ENGINES, row["engine"]) or "")
    if not engine:
        return "engine unknown"
    if engine == "torch-compile" and load_machine(machine).kind == "cpu":
        engine = "torch-compile-cpu"
    kind = _first(PRECISIONS, row["precision"])
    if kind is None:
        return "precision not stated"
    size = re.fullmatch(r"(\d+)(?:\.0)?(?:x\1)?", row["seq_or_img"].strip())
    if size is None:
        return "length or image size not stated"
    try:
        value = float(row["value"])
    except ValueError:
        return "no value"
    if value <= 0:
        return "no value"
    cores = 2 if machine in NEURON[:2] else 1  # each core runs its own batch
    stated = row["batch"] or (OFFLINE_BATCH if "offline" in task else "")
    if not stated:
        return "batch not stated"
    batch = float(stated) * cores
    seconds = _seconds(row["unit"].lower(), value, batch, devices)
    if seconds is None:
        return "unit is no rate of passes"
    spec, why = _spec(row, int(size[1]))
    counts = None if spec else _counts(row)
    if spec is None and counts is None:
        return why
    tokens = int(size[1]) if spec is not None and spec.family == "encoder" else 0
    return PassRun(row["model"], spec, counts, machine, engine, kind, batch, tokens, seconds, line)


def _seconds(unit: str, value: float, batch: float, devices: int) -> float | None:
    if unit in ("ms/batch",):
        return value * 1e-3
    if unit in ("ms/img", "ms/image"):
        return value * 1e-3 * batch
    if unit in ("s/img", "s/image"):
        return value * batch
    if re.match(r"(img|images|samples|inferences|sentences|texts|docs|documents|seq)\w*/s", unit):
        return batch * devices / value
    return None


def machine_of(name: str) -> tuple[str | None, int]:
    """The catalog's machine, and how many of it: ``8x NVIDIA H100-SXM-80GB``; a bare ``A100`` is the one with 80 GB."""
    machine, devices = names.machine_of(name)
    return machine or _first(MACHINES, name), devices


def _first(table: Sequence[tuple[str, str]], text: str) -> str | None:
    return next((value for pattern, value in table if re.search(pattern, text.lower())), None)


def _spec(row: Mapping[str, str], size: int) -> tuple[ModelSpec | None, str]:
    spec = _named(row["model"].lower(), size)
    if spec is None:
        return None, "model not in the catalog"
    published = _number(row.get("params_m", ""))
    if published and abs(count_params(spec).total / (published * 1e6) - 1) > SAME_SIZE:
        return None, "model not in the catalog"
    return spec, ""


@lru_cache(maxsize=4096)
def _named(name: str, size: int) -> ModelSpec | None:
    """The model of that name, for images of that size where it takes images."""
    name = MODELS.get(name, name)
    try:
        config = config_of(name, size)
        if config is not None:
            return from_hf_config(config, name=name)
        config = config_of(name)
        spec = from_hf_config(config, name=name) if config is not None else load(name)
        if spec.family != "vision":
            return spec if spec.family == "encoder" else None
        return spec.model_copy(update={"architecture": resized(architecture_of(spec), size)})
    except BadInput:
        return None


def _counts(row: Mapping[str, str]) -> Counts | None:
    """Multiply-adds, activations and parameters as published."""
    found = re.search(r"activations_M=([\d.]+)", row.get("notes", ""))
    macs, parameters = _number(row.get("gmacs", "")), _number(row.get("params_m", ""))
    if not (found and macs and parameters):
        return None
    return Counts(macs * 1e9, float(found[1]) * 1e6, parameters * 1e6)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
