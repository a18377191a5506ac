"""Which weight formats are worth trying on a machine: those that its usual engine has kernels for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from advisor.machines import VLLM_NEEDS, engine_for, runs_vllm
from advisor.served_models import barred
from catalog.engine import Engine
from catalog.loader import load_format
from catalog.machine import Machine
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat

LLAMA_CPP_KINDS = frozenset({"consumer gpu", "workstation gpu", "apple", "cpu", "soc"})
"""Machines on which GGUF files are a usual choice, also beside another engine."""
TEXT = ("decoder", "moe", "ssm", "hybrid", "vision-language")
"""Families whose weights people quantize."""
SMALL_FLOATS = ("fp8", "mxfp", "nvfp")
INT4 = ("awq", "gptq")
MX_NEEDS = 8.0
"""Compute capability from which vLLM reads MXFP4."""
NEURON_MX = "trainium3"
"""The one machine of AWS that takes MXFP4 (recipe for gpt-oss of the Neuron documentation)."""


class Reader(NamedTuple):
    """What the usual engine of a machine reads.

    Of vLLM after the table of its docs/features/quantization (2026): AWQ on NVIDIA from compute capability 7.5, not on
    AMD's, Gaudi or TPU; floats of 8 and 4 bits on NVIDIA, unpacked into 16 bits where products take none (Marlin,
    arXiv:2408.11743), but MXFP4 not on Turing; on other machines of data centres only where products take 8-bit floats.
    AWS's plugin takes 8-bit floats by its own settings only, so they are not tried there.
    llama.cpp reads none of these: a model that is published so is converted to the GGUF format that keeps the most.
    """

    vllm: bool
    awq: bool
    gguf: bool
    small_floats: bool
    mx: bool
    bf16: bool
    fp8: bool


def reader(machine: Machine) -> Reader:
    """What its usual engine reads."""
    vllm, nvidia = engine_for(machine) == "vllm", machine.vendor == "nvidia"
    neuron = machine.vendor == "aws"
    fp8 = "fp8" in machine.peak_tflops and not neuron
    small = vllm and (nvidia or fp8 or machine.id == NEURON_MX)
    return Reader(
        vllm=vllm,
        awq=vllm and nvidia,
        gguf=not vllm or machine.kind in LLAMA_CPP_KINDS,
        small_floats=small,
        mx=small and (machine.compute_capability or MX_NEEDS) >= MX_NEEDS,
        bf16="bf16" in machine.peak_tflops,
        fp8=fp8,
    )


def formats_for(machine: Machine, spec: ModelSpec) -> tuple[str, ...]:
    """Ids of weight formats worth trying: the published one, and smaller ones that the machine's engine reads.

    Never one wider than the published (widening costs memory and restores nothing), except where nothing else is read:
    small floats are then widened to 16 bits for vLLM, and converted for llama.cpp. None where no engine runs the model.
    """
    reads = reader(machine)
    found = _formats(spec.published_weights, spec.family in TEXT, reads)
    if not barred(spec, machine):
        return found
    return tuple(name for name in found if name.startswith("gguf"))


def formats_of_all(models: Sequence[ModelSpec], machines: Sequence[Machine]) -> list[tuple[tuple[str, ...], ...]]:
    """``formats_for`` of each model on each machine."""
    readers = [reader(machine) for machine in machines]
    kinds = [(spec.published_weights, spec.family in TEXT) for spec in models]
    known = {kind: tuple([_formats(*kind, reads) for reads in readers]) for kind in dict.fromkeys(kinds)}
    return [known[kind] for kind in kinds]


def possible_formats(spec: ModelSpec) -> tuple[str, ...]:
    """Ids of all formats that some machine would run it in."""
    return _possible(spec.published_weights, spec.family in TEXT)


def usual_weights(machine: Machine, spec: ModelSpec, *, host: bool = False) -> str:
    """Id of the format nearest to the published one that the usual engine reads: llama.cpp where a host helps."""
    reads = reader(machine)
    return _formats(
        spec.published_weights, spec.family in TEXT, reads._replace(vllm=False, gguf=True) if host else reads
    )[0]


def unread(weights: WeightFormat, machine: Machine, engine: Engine) -> str:
    """Why an engine would not run a format on a machine, in words; empty where it does, as far as is known."""
    if weights.engines and engine.id not in weights.engines:
        return f"{engine.name} does not read {weights.id}; {' and '.join(weights.engines)} do"
    if engine.id != "vllm":
        return ""
    if not runs_vllm(machine):
        return f"vLLM needs compute capability {VLLM_NEEDS:g}, and {machine.id} has {machine.compute_capability:g}"
    reads, name = reader(machine), weights.id
    if engine_for(machine) != "vllm":
        return ""
    known = reads.awq if name.startswith(INT4) else True
    if name.startswith(SMALL_FLOATS):
        known = reads.mx if "mxfp4" in name else reads.small_floats
    return "" if known else f"vLLM has no kernel for {name} on {machine.id}"


@lru_cache(maxsize=64)
def _possible(published: str, text: bool) -> tuple[str, ...]:
    readers = (Reader(*flags) for flags in product((True, False), repeat=len(Reader._fields)))
    return tuple(dict.fromkeys(name for one in readers for name in _formats(published, text, one)))


@lru_cache(maxsize=1024)
def _formats(published: str, text: bool, reads: Reader) -> tuple[str, ...]:
    if text and published.startswith(SMALL_FLOATS):
        return (_small_floats(published, reads),)
    bits = load_format(published).nominal_bits
    names = [published]
    if bits > 16:
        names.append("bf16" if reads.bf16 else "fp16")
    if text and bits >= 16:
        if reads.fp8:
            names.append("fp8")
        if reads.awq:
            names.append("awq-int4")
        if reads.gguf:
            names += ["gguf-q8_0", "gguf-q6_k", "gguf-q4_k_m"]
    return tuple(dict.fromkeys(names))


def _small_floats(published: str, reads: Reader) -> str:
    mx = "mxfp4" in published
    if not reads.vllm:
        return "gguf-mxfp4" if mx else "gguf-q8_0"
    return published if (reads.mx if mx else reads.small_floats) else "bf16"
