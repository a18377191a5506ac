"""Growth with length, and shapes of equal size, explained."""

from __future__ import annotations

from calculators.explain.explanation import Explanation, Part
from calculators.explain.question import Question
from calculators.flops import count_flops, reads_source
from calculators.lowering import lower
from calculators.memory import cache_bytes
from calculators.params import architecture_of
from calculators.scaling import complexity, local_exponent, overtakes
from calculators.shape import reshaped


def shapes(q: Question) -> Explanation:
    """Depth against width at equal parameters."""
    parts = []
    for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
        shape = reshaped(architecture_of(q.spec), factor)
        spec = q.spec.model_copy(update={"architecture": shape.architecture})
        new, past = (1, q.context) if q.step else (q.context, 0)
        work = count_flops(spec, new, past, q.batch, "needed")
        kept = cache_bytes(spec, new + past, q.batch, q.cache, q.policy)
        parts.append(
            Part(
                f"{shape.layers} layers",
                1,
                f"hidden width {shape.hidden:,}, {shape.parameters:,} parameters",
                f"{work:,} FLOPs, {kept:,} bytes of cache, {shape.layers} layers in sequence",
                work,
            )
        )
    return Explanation(
        q.spec.id, "depth-width", "Depth against width", "same parameters, other aspect ratio", "shapes",
        "layers · (attention + feed-forward of the width that keeps the parameters)", q.setting, tuple(parts), {},
        ("arXiv:2001.08361, section 3.1 (loss depends weakly on shape)",),
        ("fewer layers are fewer kernels in sequence; narrower ones cache less",),
    )  # fmt: skip


def growth(q: Question) -> Explanation:
    """Complexity class and local exponent in sequence length."""
    graph, both = lower(architecture_of(q.spec)), reads_source(architecture_of(q.spec))
    work, memory = complexity(graph, encoder_decoder=both)
    n = [max(1, q.context // 16), q.context, q.context * 16]
    exponents = local_exponent(graph, n, encoder_decoder=both)
    parts = tuple(
        Part(f"at {length:,} tokens", 1, "d log FLOPs / d log n", f"{e:.3f}", float(e))
        for length, e in zip(n, exponents, strict=True)
    )
    at = overtakes(graph, encoder_decoder=both)
    note = f"attention's FLOPs equal all others' at {at:,} tokens" if at else "attention never leads"
    return Explanation(
        q.spec.id, "growth", "Growth with sequence length", f"FLOPs {work}, memory {memory}", "class",
        "the exponent of needed FLOPs between very long contexts; memory is cache and state", "any length", parts, {},
        ("central difference of the closed forms", "arXiv:2001.08361, table 1"), (note,),
    )  # fmt: skip
