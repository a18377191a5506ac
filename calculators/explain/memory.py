"""Bytes explained: cache, state, weights, activations, traffic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calculators.activations import peak_activation_bytes
from calculators.attention_io import ON_CHIP_BYTES, attention_traffic
from calculators.explain.explanation import Explanation, Part
from calculators.explain.measures import amount_text, unit_of
from calculators.explain.question import (
    Question,
    count_of,
    graph_of,
    grouped,
    legend_of,
    letters_in,
    short_of,
    sources_of,
    written,
)
from calculators.explain.symbols import HELD, Letters
from calculators.flops import default_source
from calculators.measures import POLICIES, Policy
from calculators.memory import CACHE_BITS, element_bits, gguf_role_bits, role_bits
from calculators.params import architecture_of, elements_by_role
from calculators.table import compile_table
from calculators.workload import Workload


def held(q: Question, *, recurrent: bool) -> Explanation:
    """The cache, or the state, of sequences that hold ``context`` tokens."""
    policy: Policy = POLICIES[q.policy]
    w = Workload.exact(q.batch, 0, q.context, source=default_source(q.spec, q.context), encode=0)

    def counted() -> Iterator[Part]:
        for op in graph_of(q):
            for state in op.states:
                if state.recurrent is not recurrent:
                    continue
                size = element_bits(state.dtype, CACHE_BITS[q.cache]) / 8
                for measure, coefficient in state.elements.terms.items():
                    formula, numbers = _held_text(state.name, letters_in(q, op), coefficient)
                    amount = amount_text(measure, w, policy)
                    value = count_of(measure, w, policy) * coefficient * op.repeat * size
                    yield Part(
                        short_of(op), op.repeat, f"({formula}) elements per {unit_of(measure)}",
                        f"{numbers} x {amount} x {size:g} bytes", value,
                    )  # fmt: skip

    parts = grouped(counted())
    name = "state" if recurrent else "kv-cache" if q.policy == "needed" else f"{q.policy}-cache"
    notes = {
        "needed": "windows capped at their width: what the architecture must remember",
        "reserved": "pages of 16 tokens, windowed layers in full: what an engine without a hybrid allocator sets aside",
        "transformers": "as DynamicCache of transformers keeps it: W-1 tokens in windowed layers",
    }
    operators = [op for op in graph_of(q) if any(state.recurrent is recurrent for state in op.states)]
    total = sum(part.value for part in parts)
    return Explanation(
        q.spec.id, name, "State" if recurrent else f"KV cache ({q.policy})", total, "bytes",
        "Σ layers · elements · positions · bytes per element" if not recurrent else "Σ layers · elements · bytes",
        f"B={q.batch:,}, {q.context:,} tokens held, {q.cache}", parts, legend_of(q, parts),
        sources_of(operators) or ("the model keeps none",), () if recurrent else (notes[q.policy],),
    )  # fmt: skip


def _held_text(name: str, letters: Letters, coefficient: int) -> tuple[str, str]:
    for formula in HELD.get(name, ()):
        told = written(formula, letters, coefficient)
        if told[0] == formula:
            return told
    return f"{coefficient:,}", f"{coefficient:,}"


def weights(q: Question) -> Explanation:
    """Bytes of the weights in a format, by the role of tensors."""
    bits = role_bits(q.weights) if q.weights.gguf is None else gguf_role_bits(q.weights.gguf, q.spec)
    parts = tuple(
        Part(role.value, 1, "elements · bits / 8", f"{n:,} x {bits[role]:g} bits / 8", n * bits[role] / 8)
        for role, n in elements_by_role(q.spec).items()
        if n
    )
    return Explanation(
        q.spec.id, "weights", f"Weights in {q.weights.id}", sum(part.value for part in parts), "bytes",
        "Σ roles · elements · effective bits / 8, scales and zero points included", q.weights.name, parts, {},
        tuple(str(source) for source in q.weights.sources),
    )  # fmt: skip


def activations(q: Question, *, eager: bool = False) -> Explanation:
    """Activation memory at the worst moment of a pass."""
    architecture = architecture_of(q.spec)
    value = float(peak_activation_bytes(architecture, q.workload, profile="eager" if eager else "flash"))
    return Explanation(
        q.spec.id, "eager-activations" if eager else "activations",
        "Peak activations" + (" with scores in memory" if eager else ""), value, "bytes",
        "max over operators of Σ outputs still to be read, 2 bytes each"
        + (", plus the attention scores of the operator that runs" if eager else ""),
        q.setting, (), {}, ("liveness in topological order: an output lives until its last reader",)
        + (() if eager else ("arXiv:2205.14135, section 3.1 (scores never stored)",)),
    )  # fmt: skip


def intensity(q: Question) -> Explanation:
    """FLOPs per byte moved between memory and chip."""
    table, w = compile_table(architecture_of(q.spec)), q.workload
    values = table.values(Workload(**{name: np.atleast_1d(field) for name, field in w.fields().items()}))
    work = float((table.coefficients["needed"] @ values).sum())
    moved = (table.traffic(q.weights, CACHE_BITS[q.cache]) @ values)[:, 0]
    kinds = dict.fromkeys(op.kind for op in table.operators)
    parts = tuple(
        Part(kind.value, 1, "Σ weights, cache and activations moved", f"{n:,.0f} bytes", n)
        for kind in kinds
        if (n := float(moved[table.of_kind(kind)].sum()))
    )
    total = float(moved.sum())
    return Explanation(
        q.spec.id, "intensity", "Arithmetic intensity", work / total, "FLOP per byte",
        f"needed FLOPs / bytes moved = {work:,.0f} / {total:,.0f}", f"{q.setting}, weights {q.weights.id}, {q.cache}",
        tuple(sorted(parts, key=lambda part: -part.value)), {},
        ("Williams, Waterman and Patterson, Roofline, CACM 52(4), 2009",),
        ("each operator reads its weights once a pass, and of a mixture the experts expected to be visited",),
    )  # fmt: skip


def io(q: Question) -> Explanation:
    """Attention's traffic with and without FlashAttention."""
    plain, flash = (attention_traffic(q.spec, q.context, kernel) for kernel in ("standard", "flash"))
    parts = tuple(
        Part(name, 1, formula, f"{t.read_bytes:,} read + {t.written_bytes:,} written", float(t.total_bytes * q.batch))
        for name, formula, t in (
            ("standard", "(4·N·d + 4·N²) elements per head", plain),
            ("flash", "2·N·d + ceil(N/B_c)·(3·N·d + statistics) per head, B_c = M/4d", flash),
        )
    )
    return Explanation(
        q.spec.id, "attention-traffic", "Traffic of attention", float(flash.total_bytes * q.batch), "bytes",
        "Σ layers · heads · bytes per head, with FlashAttention",
        f"B={q.batch:,}, N={q.context:,}, M={ON_CHIP_BYTES // 1024} KiB on chip, 2 bytes", parts, {},
        ("arXiv:2205.14135, algorithms 0 and 1, theorem 2",), ("masks not used; one forward pass",),
    )  # fmt: skip
