"""Parameters and FLOPs explained: folds over the operator graph that keep their summands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from calculators.adapters import lora, lora_training_flops
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
from calculators.explain.symbols import ACTIVE, FLOPS, PARAMETERS
from calculators.form import Form
from calculators.measures import POLICIES
from calculators.operators import Kind, Operator, Role
from calculators.training import passes, trained_form


def parameters(q: Question, *, kind: str = "total") -> Explanation:
    """Total, active or embedding parameters."""

    def counted() -> Iterator[Part]:
        for op in graph_of(q):
            owned = op.weights
            if kind == "embedding":
                owned = tuple(w for w in owned if op.kind is Kind.EMBEDDING and w.role is Role.EMBEDDING)
            top_k, experts = op.active if kind == "active" else (1, 1)
            elements = sum(w.elements * top_k // experts for w in owned)
            if not elements:
                continue
            table = ACTIVE if kind == "active" else PARAMETERS
            key = (op.origin, short_of(op))
            formula, numbers = written(table.get(key, PARAMETERS.get(key)), letters_in(q, op), elements)
            if formula == numbers:
                shapes = " + ".join("x".join(map(str, w.shape)) for w in owned)
                formula = numbers = f"{shapes} = {elements:,}" if top_k == experts else f"{elements:,}"
            yield Part(short_of(op), op.repeat, formula, numbers, op.repeat * elements)

    parts = grouped(counted())
    words = {
        "total": "the sum over all layers of what their matrices, biases and norms hold; tied matrices once",
        "active": "the same, of each mixture only k of E experts",
        "embedding": "tables that are looked up, not multiplied",
    }
    return Explanation(
        q.spec.id, {"total": "parameters"}.get(kind, f"{kind}-parameters"), f"{kind} parameters".capitalize(),
        int(sum(part.value for part in parts)), "parameters", words[kind], "any", parts, legend_of(q, parts),
        (*sources_of(graph_of(q)), "shapes proven against the PyTorch class by `whicharch validate`"),
    )  # fmt: skip


def flops(q: Question, *, count: str = "needed", training: bool = False) -> Explanation:
    """FLOPs of a pass, or of a training step."""
    w = q.workload

    def counted() -> Iterator[Part]:
        for op in graph_of(q):
            form: Form = trained_form(op, count) if training else getattr(op, count)  # type: ignore[arg-type]
            times = passes(op, q.recompute) if training else 1
            for measure, coefficient in form.terms.items():
                value = count_of(measure, w) * coefficient * op.repeat * times
                if not value:
                    continue
                formula, numbers = _flops_text(q, op, coefficient)
                pre = f"{times} passes x " if times > 1 else ""
                amount = amount_text(measure, w, POLICIES["needed"])
                yield Part(
                    short_of(op), op.repeat, f"{pre}{formula} per {unit_of(measure)}",
                    f"{pre}{numbers} x {amount}", value,
                )  # fmt: skip

    parts = grouped(counted())
    name = "training-flops" if training else "flops" if count == "needed" else "executed-flops"
    meaning = (
        "what the mask and the task leave to a good kernel"
        if count == "needed"
        else "what eager PyTorch multiplies and its counter sees"
    )
    notes = ["a multiply-add is two; norms, activations and softmax are counted apart"]
    extra: tuple[str, ...] = ()
    if training:
        notes.append("backward costs twice the forward products: gradients of inputs and of weights")
        extra = ("arXiv:2001.08361, section 2.1", "arXiv:2205.05198, section 5 (recomputation)")
    return Explanation(
        q.spec.id, name, "FLOPs of a training step" if training else f"FLOPs ({count})",
        int(sum(part.value for part in parts)), "FLOP", f"Σ repeats · FLOPs per unit · units: {meaning}", q.setting,
        parts, legend_of(q, parts), (*sources_of(graph_of(q)), *extra), tuple(notes),
    )  # fmt: skip


def _flops_text(q: Question, op: Operator, coefficient: int) -> tuple[str, str]:
    key, letters = (op.origin, short_of(op)), letters_in(q, op)
    weights = PARAMETERS.get(key)
    product = f"2·{weights}" if weights and "+" not in re.sub(r"\([^()]*\)", "", weights) else None
    for formula in (*FLOPS.get(key, ()), product):
        if formula is not None:
            told = written(formula, letters, coefficient)
            if told[0] == formula:
                return told
    matrices = [w.shape for w in (*op.weights, *op.borrowed) if len(w.shape) == 2]
    if op.kind is Kind.GEMM and coefficient == 2 * sum(a * b for a, b in matrices):
        text = (
            f"2·({' + '.join(f'{a}·{b}' for a, b in matrices)})"
            if len(matrices) > 1
            else "2·{}·{}".format(*matrices[0])
        )
        return text, f"{text} = {coefficient:,}"
    return f"{coefficient:,}", f"{coefficient:,}"


def adapters(q: Question) -> Explanation:
    """Parameters of low-rank adapters."""
    found = lora(q.spec, q.rank, q.targets)
    parts = tuple(
        Part(f"on {a.target}", a.matrices, "r·(inputs + outputs)", f"{a.parameters // a.matrices:,}", a.parameters)
        for a in found
    )
    work = lora_training_flops(q.spec, q.context, q.batch, rank=q.rank, targets=q.targets)
    return Explanation(
        q.spec.id, "adapters", "Parameters of LoRA adapters", sum(a.parameters for a in found), "parameters",
        "Σ matrices · r·(inputs + outputs)", f"r={q.rank} on {', '.join(q.targets)}", parts, {"r": (q.rank,)},
        ("arXiv:2106.09685, section 4.1", "parameters proven against peft"),
        (f"a step that trains them over {q.context:,} tokens needs {work:,} FLOPs",),
    )  # fmt: skip
