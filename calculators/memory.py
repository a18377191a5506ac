"""Memory: weights in a format, cache and recurrent state under a policy."""

from __future__ import annotations

from typing import Literal

from calculators.flops import default_source
from calculators.lowering import lower
from calculators.measures import POLICIES
from calculators.operators import Dtype, Role
from calculators.params import architecture_of
from calculators.plan import SINGLE, Layout
from calculators.workload import Workload
from catalog.errors import unknown
from catalog.gguf_blocks import BLOCKS
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat

CACHE_BITS: dict[str, float] = {
    "fp32": 32,
    "bf16": 16,
    "fp16": 16,
    "fp8": 8,
    "int8": 8,
    "int4": 4,
    "nvfp4": 4.5,
    **{name: BLOCKS[name].bits for name in ("q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")},
}
"""Bits per cached element. Those of NVFP4 and of llama.cpp's blocks (``--cache-type-k``) include their scales; fp8 has
one scale per tensor, and int8 and int4 are bare, because their scales depend on the engine."""

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
        dtype: Element type of the cache: one of ``CACHE_BITS``. Scan states are always 32 bits.
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
    half_bits = 0
    for operator in lower(architecture_of(spec)):
        for state in operator.states:
            if state.recurrent is recurrent:
                elements = int(state.elements.value(w, POLICIES[policy]))
                half_bits += (
                    int(2 * element_bits(state.dtype, CACHE_BITS[dtype], model_bits)) * elements * operator.repeat
                )
    return -(-half_bits // 16)


def role_bits(format: WeightFormat) -> dict[Role, float]:
    """Effective bits per element of each role of weights."""
    return {
        Role.MATRIX: format.bits,
        Role.EXPERT: format.bits if format.expert_bits is None else format.expert_bits,
        Role.EMBEDDING: format.embedding_bits,
        Role.HEAD: format.head_bits,
        Role.VECTOR: format.vector_bits,
    }


def gguf_role_bits(file_type: str, spec: ModelSpec) -> dict[Role, float]:
    """What llama.cpp's rules give each role of a model's weights on average, in bits per element."""
    from calculators.gguf import Shape, bits_of

    architecture = architecture_of(spec)
    graph = tuple(lower(architecture))
    towers = tuple(stack.name for stack in architecture.stacks if stack.role in ("vision", "audio"))
    shape = Shape.of(graph, max(stack.n_layers for stack in architecture.stacks), towers)
    elements, bits = dict.fromkeys(Role, 0), dict.fromkeys(Role, 0.0)
    for op in graph:
        for weight in op.weights:
            elements[weight.role] += op.repeat * weight.elements
            bits[weight.role] += op.repeat * weight.elements * bits_of(file_type, op, weight, shape)
    return {role: bits[role] / n if n else 0.0 for role, n in elements.items()}


def weight_bytes(spec: ModelSpec, format: WeightFormat, layout: Layout | int = SINGLE) -> float:
    """Bytes of all weights that one device of a layout holds, scales and zero points included.

    Of a pipeline: on its heaviest stage.

    Raises:
        BadInput: If the architecture is undisclosed.
    """
    architecture = architecture_of(spec)
    if format.gguf is not None or (not isinstance(layout, int) and layout.pp > 1):
        from calculators.table import compile_table

        return compile_table(architecture, layout).weight_bytes(format)
    bits = role_bits(format)
    graph = lower(architecture, layout)
    return sum(w.elements * bits[w.role] * op.repeat for op in graph for w in op.weights) / 8
