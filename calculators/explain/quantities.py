"""The explanations: each a fold over the operator graph that keeps its summands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from calculators.activations import peak_activation_bytes
from calculators.adapters import lora, lora_training_flops
from calculators.attention_io import ON_CHIP_BYTES, attention_traffic
from calculators.explain.explanation import Explanation, Part
from calculators.explain.measures import amount_text, unit_of
from calculators.explain.symbols import ACTIVE, FLOPS, HELD, PARAMETERS, Letters, letters_of, put_in
from calculators.flops import default_source
from calculators.form import Form
from calculators.lowering import LOWERINGS, lower
from calculators.measures import POLICIES, Measure, Policy
from calculators.memory import CACHE_BITS, PolicyName, element_bits, role_bits
from calculators.operators import Kind, Operator, Role
from calculators.params import architecture_of
from calculators.scaling import complexity, local_exponent, overtakes
from calculators.shape import reshaped
from calculators.table import compile_table
from calculators.training import Recompute, passes, trained_form
from calculators.workload import Workload
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat


@dataclass(frozen=True, slots=True)
class Question:
    """What a number is asked for."""

    spec: ModelSpec
    weights: WeightFormat
    context: int = 2048
    """Tokens read, or held while a step is taken."""
    batch: int = 1
    step: bool = False
    """One new token on ``context`` cached ones, instead of reading ``context`` tokens."""
    cache: str = "bf16"
    policy: PolicyName = "needed"
    images: int = 0
    recompute: Recompute = "none"
    rank: int = 16
    targets: tuple[str, ...] = ("q", "v")

    @property
    def workload(self) -> Workload:
        """In whole numbers."""
        source = default_source(self.spec, self.context)
        new, past = (1, self.context) if self.step else (self.context, 0)
        return Workload.exact(
            self.batch, new, past, source=source, images=self.images, encode=int(not self.step)
        )  # fmt: skip

    @property
    def setting(self) -> str:
        """The same in words: B sequences, S new tokens, P cached."""
        work = f"S=1 token on P={self.context:,} cached" if self.step else f"S={self.context:,} tokens, P=0 cached"
        return f"B={self.batch:,}, {work}" + (f", {self.images} images" if self.images else "")


Answer = Callable[[Question], Explanation]


def _count(measure: Measure, w: Workload, policy: Policy = POLICIES["needed"]) -> int:
    return int(np.asarray(measure.value(w, policy)).item())


def _graph(q: Question) -> tuple[Operator, ...]:
    return lower(architecture_of(q.spec)).operators


def _short(operator: Operator) -> str:
    pieces = operator.name.split(".")
    return ".".join(pieces[2:] if len(pieces) > 2 and pieces[1].isdigit() else pieces[1:])


def _letters(q: Question, operator: Operator) -> Letters:
    return letters_of(architecture_of(q.spec).stack(operator.name.split(".")[0]), operator.name.replace(".again", ""))


def _grouped(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Equal summands of several layers as one, with their repeats added up."""
    merged: dict[tuple[str, str, str], Part] = {}
    for part in parts:
        key = (part.name, part.formula, part.substituted)
        known = merged.get(key)
        merged[key] = (
            part
            if known is None
            else Part(part.name, known.repeat + part.repeat, part.formula, part.substituted, known.value + part.value)
        )
    return tuple(sorted(merged.values(), key=lambda part: -part.value))


def _written(formula: str | None, letters: Letters, coefficient: int) -> tuple[str, str]:
    """(formula, numbers) where the formula tells the coefficient, else the coefficient twice."""
    filled = put_in(formula, letters) if formula else None
    if formula is None or filled is None or filled[1] != coefficient:
        return f"{coefficient:,}", f"{coefficient:,}"
    return formula, f"{filled[0]} = {coefficient:,}"


def sources_of(operators: Iterable[Operator]) -> tuple[str, ...]:
    """The sources that the lowering functions of these operators name."""
    functions = {kind.model_fields["kind"].default: function for kind, function in LOWERINGS.items()}
    found: dict[str, None] = {}
    for operator in operators:
        text = functions[operator.origin].__doc__ if operator.origin in functions else None
        for match in re.finditer(r"Source:\s*(.+?)(?:\n\s*\n|\Z)", text or "", re.S):
            found[" ".join(match[1].split())] = None
        if text and "Source:" not in text:
            found |= dict.fromkeys(f"arXiv:{number}" for number in re.findall(r"arXiv:(\d{4}\.\d{5})", text))
    return tuple(found)


def parameters(q: Question, *, kind: str = "total") -> Explanation:
    """Total, active or embedding parameters."""

    def counted() -> Iterator[Part]:
        for op in _graph(q):
            owned = op.weights
            if kind == "embedding":
                owned = tuple(w for w in owned if op.kind is Kind.EMBEDDING and w.role is Role.EMBEDDING)
            top_k, experts = op.active if kind == "active" else (1, 1)
            elements = sum(w.elements * top_k // experts for w in owned)
            if not elements:
                continue
            table = ACTIVE if kind == "active" else PARAMETERS
            key = (op.origin, _short(op))
            formula, numbers = _written(table.get(key, PARAMETERS.get(key)), _letters(q, op), elements)
            if formula == numbers:
                shapes = " + ".join("x".join(map(str, w.shape)) for w in owned)
                formula = numbers = f"{shapes} = {elements:,}" if top_k == experts else f"{elements:,}"
            yield Part(_short(op), op.repeat, formula, numbers, op.repeat * elements)

    parts = _grouped(counted())
    words = {
        "total": "the sum over all layers of what their matrices, biases and norms hold; tied matrices once",
        "active": "the same, of each mixture only k of E experts",
        "embedding": "tables that are looked up, not multiplied",
    }
    return Explanation(
        q.spec.id, {"total": "parameters"}.get(kind, f"{kind}-parameters"), f"{kind} parameters".capitalize(),
        int(sum(part.value for part in parts)), "parameters", words[kind], "any", parts, _legend(q, parts),
        (*sources_of(_graph(q)), "shapes proven against the PyTorch class by `whicharch validate`"),
    )  # fmt: skip


def flops(q: Question, *, count: str = "needed", training: bool = False) -> Explanation:
    """FLOPs of a pass, or of a training step."""
    w = q.workload

    def counted() -> Iterator[Part]:
        for op in _graph(q):
            form: Form = trained_form(op, count) if training else getattr(op, count)  # type: ignore[arg-type]
            times = passes(op, q.recompute) if training else 1
            for measure, coefficient in form.terms.items():
                value = _count(measure, w) * coefficient * op.repeat * times
                if not value:
                    continue
                formula, numbers = _flops_text(q, op, coefficient)
                pre = f"{times} passes x " if times > 1 else ""
                amount = amount_text(measure, w, POLICIES["needed"])
                yield Part(
                    _short(op), op.repeat, f"{pre}{formula} per {unit_of(measure)}",
                    f"{pre}{numbers} x {amount}", value,
                )  # fmt: skip

    parts = _grouped(counted())
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
        parts, _legend(q, parts), (*sources_of(_graph(q)), *extra), tuple(notes),
    )  # fmt: skip


def _flops_text(q: Question, op: Operator, coefficient: int) -> tuple[str, str]:
    key, letters = (op.origin, _short(op)), _letters(q, op)
    weights = PARAMETERS.get(key)
    product = f"2·{weights}" if weights and "+" not in re.sub(r"\([^()]*\)", "", weights) else None
    for formula in (*FLOPS.get(key, ()), product):
        if formula is not None:
            written = _written(formula, letters, coefficient)
            if written[0] == formula:
                return written
    matrices = [w.shape for w in (*op.weights, *op.borrowed) if len(w.shape) == 2]
    if op.kind is Kind.GEMM and coefficient == 2 * sum(a * b for a, b in matrices):
        text = (
            f"2·({' + '.join(f'{a}·{b}' for a, b in matrices)})"
            if len(matrices) > 1
            else "2·{}·{}".format(*matrices[0])
        )
        return text, f"{text} = {coefficient:,}"
    return f"{coefficient:,}", f"{coefficient:,}"


def held(q: Question, *, recurrent: bool) -> Explanation:
    """The cache, or the state, of sequences that hold ``context`` tokens."""
    policy: Policy = POLICIES[q.policy]
    w = Workload.exact(q.batch, 0, q.context, source=default_source(q.spec, q.context), encode=0)

    def counted() -> Iterator[Part]:
        for op in _graph(q):
            for state in op.states:
                if state.recurrent is not recurrent:
                    continue
                size = element_bits(state.dtype, CACHE_BITS[q.cache]) / 8
                for measure, coefficient in state.elements.terms.items():
                    formula, numbers = _held_text(state.name, _letters(q, op), coefficient)
                    amount = amount_text(measure, w, policy)
                    value = _count(measure, w, policy) * coefficient * op.repeat * size
                    yield Part(
                        _short(op), op.repeat, f"({formula}) elements per {unit_of(measure)}",
                        f"{numbers} x {amount} x {size:g} bytes", value,
                    )  # fmt: skip

    parts = _grouped(counted())
    name = "state" if recurrent else "kv-cache" if q.policy == "needed" else f"{q.policy}-cache"
    notes = {
        "needed": "windows capped at their width: what the architecture must remember",
        "reserved": "pages of 16 tokens, windowed layers in full: what an engine without a hybrid allocator sets aside",
        "transformers": "as DynamicCache of transformers keeps it: W-1 tokens in windowed layers",
    }
    operators = [op for op in _graph(q) if any(state.recurrent is recurrent for state in op.states)]
    total = sum(part.value for part in parts)
    return Explanation(
        q.spec.id, name, "State" if recurrent else f"KV cache ({q.policy})", total, "bytes",
        "Σ layers · elements · positions · bytes per element" if not recurrent else "Σ layers · elements · bytes",
        f"B={q.batch:,}, {q.context:,} tokens held, {q.cache}", parts, _legend(q, parts),
        sources_of(operators) or ("the model keeps none",), () if recurrent else (notes[q.policy],),
    )  # fmt: skip


def _held_text(name: str, letters: Letters, coefficient: int) -> tuple[str, str]:
    formulas = HELD.get(name, ())
    for formula in (formulas,) if isinstance(formulas, str) else formulas:
        written = _written(formula, letters, coefficient)
        if written[0] == formula:
            return written
    return f"{coefficient:,}", f"{coefficient:,}"


def weights(q: Question) -> Explanation:
    """Bytes of the weights in a format, by the role of tensors."""
    bits = role_bits(q.weights)
    counts = dict.fromkeys(Role, 0)
    for op in _graph(q):
        for weight in op.weights:
            counts[weight.role] += weight.elements * op.repeat
    parts = tuple(
        Part(role.value, 1, "elements · bits / 8", f"{n:,} x {bits[role]:g} bits / 8", n * bits[role] / 8)
        for role, n in counts.items()
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


def shapes(q: Question) -> Explanation:
    """Depth against width at equal parameters."""
    parts = []
    for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
        shape = reshaped(architecture_of(q.spec), factor)
        graph, w = lower(shape.architecture), q.workload
        work = sum(int(op.needed.value(w)) * op.repeat for op in graph)
        kept = sum(int(s.elements.value(w)) * op.repeat for op in graph for s in op.states)
        size = int(CACHE_BITS[q.cache]) // 8 or 1
        parts.append(
            Part(
                f"{shape.layers} layers",
                1,
                f"hidden width {shape.hidden:,}, {shape.parameters:,} parameters",
                f"{work:,} FLOPs, {kept * size:,} bytes of cache, {shape.layers} layers in sequence",
                work,
            )
        )
    return Explanation(
        q.spec.id, "depth-width", "Depth against width", "same parameters, other aspect ratio", "shapes",
        "layers · (attention + feed-forward of the width that keeps the parameters)", q.setting, tuple(parts), {},
        ("arXiv:2001.08361, section 3.1 (loss depends weakly on shape)",),
        ("fewer layers are fewer kernels in sequence; narrower ones cache less",),
    )  # fmt: skip


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


def growth(q: Question) -> Explanation:
    """Complexity class and local exponent in sequence length."""
    graph, both = lower(architecture_of(q.spec)), q.spec.family == "encoder-decoder"
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


def _legend(q: Question, parts: tuple[Part, ...]) -> dict[str, tuple[int, ...]]:
    """Letters used, each with every value that it has somewhere in the model."""
    used = set(re.findall(r"[A-Za-z](?:_[a-z])?(?=[·+)\s]|$)", " ".join(part.formula for part in parts)))
    values: dict[str, dict[int, None]] = {}
    for op in _graph(q):
        for letter, value in _letters(q, op).items():
            if letter in used:
                values.setdefault(letter, {})[value] = None
    return {letter: tuple(found) for letter, found in values.items()}


QUANTITIES: dict[str, Answer] = {
    "parameters": parameters,
    "active-parameters": lambda q: parameters(q, kind="active"),
    "embedding-parameters": lambda q: parameters(q, kind="embedding"),
    "flops": flops,
    "executed-flops": lambda q: flops(q, count="executed"),
    "training-flops": lambda q: flops(q, training=True),
    "adapters": adapters,
    "weights": weights,
    "kv-cache": lambda q: held(q, recurrent=False),
    "state": lambda q: held(q, recurrent=True),
    "activations": activations,
    "eager-activations": lambda q: activations(q, eager=True),
    "intensity": intensity,
    "attention-traffic": io,
    "growth": growth,
    "depth-width": shapes,
}
"""What can be explained."""
