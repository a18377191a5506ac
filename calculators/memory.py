"""Memory: weights in a format, cache and recurrent state under a policy."""

from __future__ import annotations

from typing import Literal

from calculators.flops import default_source
from calculators.lowering import lower
from calculators.measures import POLICIES
from calculators.operators import Dtype, Role
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog.errors import unknown
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat

CACHE_BITS: dict[str, float] = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "int4": 4}
"""Bits per cached element; scales of quantized caches are not counted."""

PolicyName = Literal["needed", "reserved", "transformers"]


def element_bits(dtype: Dtype, cache_bits: float, model_bits: float = 16) -> float:
    """Bits of one element of a state: scans keep 32, convolutions the activations' type, caches what is asked."""
    return {"cache": cache_bits, "model": model_bits, "fp32": 32.0}[dtype]


def cache_bytes(
    spec: ModelSpec,
    tokens: int,
    batch: int = 1,
    dtype: str = "bf16",
    policy: PolicyName = "needed",
    *,
    source: int | None = None,
    images: int = 0,
) -> int:
    """Bytes of KV cache and recurrent state that ``batch`` sequences of ``tokens`` tokens keep.

    Args:
        spec: The model.
        tokens: Cached positions per sequence.
        batch: Sequences.
        dtype: Element type of the cache: bf16, fp16, fp8, int8, int4 or fp32. Scan states are always 32 bits.
        policy: ``needed``: what the architecture must remember, windows capped at their width; ``reserved``: pages of
            16 tokens, full length also in windowed layers; ``transformers``: what its ``DynamicCache`` holds (W-1
            tokens in a windowed layer).
        source: Encoder tokens whose cross-attention keys and values stay cached; by default ``default_source``.
        images: Images per sequence that layers of the decoder attend to (Llama 3.2); those in the context are tokens.

    Source:
        arXiv:2405.04434, table 1: ``2·K·d`` (grouped) and ``d_c + d_R`` (latent) elements per token and layer.

    Raises:
        BadInput: If the architecture is undisclosed, or the type or policy unknown.
        ValueError: If a count is negative.
    """
    return kv_cache_bytes(spec, tokens, batch, dtype, policy, source=source, images=images) + state_bytes(
        spec, batch, dtype, policy=policy
    )


def kv_cache_bytes(
    spec: ModelSpec,
    tokens: int,
    batch: int = 1,
    dtype: str = "bf16",
    policy: PolicyName = "needed",
    *,
    source: int | None = None,
    images: int = 0,
) -> int:
    """The part of ``cache_bytes`` that grows with context."""
    return _held_bytes(spec, tokens, batch, dtype, policy, recurrent=False, source=source, images=images)


def state_bytes(spec: ModelSpec, batch: int = 1, dtype: str = "bf16", policy: PolicyName = "needed") -> int:
    """The part of ``cache_bytes`` that does not grow: states of scans and convolutions."""
    return _held_bytes(spec, 1, batch, dtype, policy, recurrent=True, source=0)


def _held_bytes(
    spec: ModelSpec,
    tokens: int,
    batch: int,
    dtype: str,
    policy: PolicyName,
    *,
    recurrent: bool,
    source: int | None,
    images: int = 0,
) -> int:
    if dtype not in CACHE_BITS:
        raise unknown("cache type", dtype, CACHE_BITS)
    if policy not in POLICIES:
        raise unknown("cache policy", policy, POLICIES)
    length = default_source(spec, tokens) if source is None else source
    w = Workload.exact(batch, 0, tokens, source=length, images=images, encode=0)
    model_bits = 32 if dtype == "fp32" else 16
    bits = 0
    for operator in lower(architecture_of(spec)):
        for state in operator.states:
            if state.recurrent is recurrent:
                elements = int(state.elements.value(w, POLICIES[policy]))
                bits += int(element_bits(state.dtype, CACHE_BITS[dtype], model_bits)) * elements * operator.repeat
    return -(-bits // 8)


def role_bits(format: WeightFormat) -> dict[Role, float]:
    """Effective bits per element of each role of weights."""
    return {
        Role.MATRIX: format.bits,
        Role.EXPERT: format.bits if format.expert_bits is None else format.expert_bits,
        Role.EMBEDDING: format.embedding_bits,
        Role.HEAD: format.head_bits,
        Role.VECTOR: format.vector_bits,
    }


def weight_bytes(spec: ModelSpec, format: WeightFormat, tp: int = 1) -> float:
    """Bytes of all weights that one of ``tp`` devices holds, scales and zero points included.

    Raises:
        BadInput: If the architecture is undisclosed.
    """
    bits = role_bits(format)
    graph = lower(architecture_of(spec), tp)
    return sum(w.elements * bits[w.role] * op.repeat for op in graph for w in op.weights) / 8
