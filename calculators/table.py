"""A lowered model as matrices: operators by measures. A million workloads are then one matrix product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calculators.form import Form
from calculators.gguf import Shape, bits_of
from calculators.imbalance import DEFAULT, Routing
from calculators.lowering import lower
from calculators.measures import NEEDED, Measure, Policy
from calculators.memory import element_bits, role_bits
from calculators.operators import Kind, Operator, Role, Weight
from calculators.plan import SINGLE, Layout, as_layout
from calculators.stages import stage_repeats
from calculators.workload import Array, Workload
from catalog.spec import Architecture
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

Floats = NDArray[np.float64]

FORMS = ("needed", "pointwise", "reads", "writes", "cache_reads", "cache_writes", "sent")
ROLES = tuple(Role)
ACTIVATION_BYTES = 2
"""Activations flow in 16 bits."""


@dataclass(frozen=True, eq=False)
class Table:
    """Coefficients of every operator's forms, repeats included; shape (operators, measures) each."""

    operators: tuple[Operator, ...]
    """The rows: operators of equal cost are one row with their repeats added up."""
    measures: tuple[Measure, ...]
    coefficients: dict[str, Floats]
    elements: Floats
    """Parameters by role (``ROLES``), repeats included, shape (operators, roles): those it owns."""
    read_elements: Floats
    """The same for what one touch reads: borrowed weights included, a mixture's divided by its experts."""
    touched: Floats
    """How often an operator's weights are read, per measure and for a single repeat."""
    rows: Floats
    """Elements of looked-up rows."""
    row_width: Floats
    """Width of one row of activations that a dense product reads, shape (operators,); infinite for other operators."""
    launches: Floats
    """Kernels started in a pass, shape (operators,)."""
    layout: Layout
    """Of whose devices this is one."""
    held: tuple[tuple[str, bool, Floats], ...]
    """(element type, recurrent, coefficients over measures) of all states."""
    layers: int = 1
    """Of the deepest stack."""
    towers: tuple[str, ...] = ()
    """Stacks for images and sound."""
    routing: Routing = DEFAULT
    """How tokens choose experts."""
    stages: tuple[Table, ...] = ()
    """Of a pipeline, one table for each sort of stage; the rows above are then those of all stages in a row."""

    def values(self, w: Workload, policy: Policy = NEEDED) -> Floats:
        """The measures of flat workloads: shape (measures, N)."""
        return np.stack([np.asarray(m.value(w, policy), dtype=np.float64) for m in self.measures])

    def timed(self, w: Workload) -> Floats:
        """The same of the device that all others wait for."""
        return self.values(w, self._busiest)

    @cached_property
    def _busiest(self) -> Policy:
        return replace(NEEDED, routing=self.routing)

    def of_kind(self, *kinds: Kind) -> NDArray[np.bool_]:
        """Mask of the operators of some kinds."""
        return np.array([operator.kind in kinds for operator in self.operators])

    def traffic(self, weights: WeightFormat, cache_bits: float) -> Floats:
        """Bytes that each operator moves per unit of each measure: weights, rows, activations and cache."""
        own, row = self.read_bytes(weights)
        cached, fixed = self.moved
        return own[:, None] * self.touched + self.rows * row + fixed + cached * (cache_bits / 8)

    def read_bytes(self, weights: WeightFormat) -> tuple[Floats, float]:
        """Bytes of weights that one touch of each operator reads, and of one looked-up element."""
        if weights.gguf is None:
            bits = role_bits(weights)
            return self.read_elements @ np.array([bits[role] for role in ROLES]) / 8, bits[Role.EMBEDDING] / 8
        return self._gguf(weights.gguf)[:2]

    def _gguf(self, file_type: str) -> tuple[Floats, float, Floats]:
        """(bytes that one touch reads, by operator; bytes of a looked-up element; bytes of weights, by operator)."""
        if file_type not in self._gguf_known:
            shape = Shape.of(self.operators, self.layers, self.towers)
            row = 2.0
            read, held = np.zeros(len(self.operators)), np.zeros(len(self.operators))
            owned: dict[Weight, float] = {}
            for index, op in enumerate(self.operators):
                for weight in op.weights:
                    owned[weight] = bits_of(file_type, op, weight, shape) / 8
                    held[index] += op.repeat * weight.elements * owned[weight]
                    if weight.role is Role.EMBEDDING and op.rows.terms:
                        row = owned[weight]
            for index, op in enumerate(self.operators):
                each = (w.elements * (owned.get(w) or bits_of(file_type, op, w, shape) / 8)
                        for w in (*op.weights, *op.borrowed))  # fmt: skip
                read[index] = op.repeat * sum(each) / op.active[1]
            self._gguf_known[file_type] = (read, row, held)
        return self._gguf_known[file_type]

    @cached_property
    def _gguf_known(self) -> dict[str, tuple[Floats, float, Floats]]:
        return {}

    def brought(self, cache_bits: float) -> Floats:
        """The part of the traffic that new tokens bring: activations, and what they add to a cache."""
        dtypes = [operator.states[0].dtype if operator.states else "cache" for operator in self.operators]
        added = np.array([element_bits(dtype, cache_bits) / 8 for dtype in dtypes])
        moved = self.coefficients["reads"] + self.coefficients["writes"]
        return moved * ACTIVATION_BYTES + self.coefficients["cache_writes"] * added[:, None]

    @cached_property
    def single_settings(self) -> dict[Any, Any]:
        """Coefficients on single settings (``calculators.roofline``), by what they were compiled for."""
        return {}

    @cached_property
    def moved(self) -> tuple[Floats, Floats]:
        """(elements in the cache's format, bytes of everything else but weights) moved per unit of each measure."""
        dtypes = [operator.states[0].dtype if operator.states else "cache" for operator in self.operators]
        cached = self.coefficients["cache_reads"] + self.coefficients["cache_writes"]
        fixed_bytes = np.array([0 if dtype == "cache" else element_bits(dtype, 0) / 8 for dtype in dtypes])
        in_cache = np.array([dtype == "cache" for dtype in dtypes])
        moved = self.coefficients["reads"] + self.coefficients["writes"]
        return cached * in_cache[:, None], moved * ACTIVATION_BYTES + cached * fixed_bytes[:, None]

    def weight_bytes(self, weights: WeightFormat) -> float:
        """Bytes of all weights on one device, scales and zero points included; of a pipeline on its heaviest stage."""
        if self.stages:
            return max(stage.weight_bytes(weights) for stage in self.stages)
        if weights.gguf is not None:
            return float(self._gguf(weights.gguf)[2].sum())
        bits = role_bits(weights)
        return float(self.elements.sum(axis=0) @ np.array([bits[role] for role in ROLES])) / 8

    def held_weight_bytes(self, weights: WeightFormat) -> Floats:
        """Bytes of the weights that each operator owns, shape (operators,)."""
        if weights.gguf is not None:
            return self._gguf(weights.gguf)[2]
        bits = role_bits(weights)
        return np.asarray(self.elements @ np.array([bits[role] for role in ROLES]) / 8)

    def held_row(self, cache_bits: float) -> Floats:
        """Bytes of cache and state per unit of each measure, shape (measures,)."""
        rows = [row * (element_bits(dtype, cache_bits) / 8) for dtype, _, row in self.held]  # type: ignore[arg-type]
        return np.sum(rows, axis=0) if rows else np.zeros(len(self.measures))

    def held_bytes(self, w: Workload, cache_bits: float, policy: Policy = NEEDED) -> tuple[Array, Array]:
        """Bytes of growing cache and of constant state on one device, in the workload's shape.

        Of a pipeline: on the stage that holds most of each.
        """
        if self.stages:
            parts = [stage.held_bytes(w, cache_bits, policy) for stage in self.stages]
            return np.max([part[0] for part in parts], axis=0), np.max([part[1] for part in parts], axis=0)
        values = self.values(w, policy)
        growing = constant = np.zeros(w.shape)
        for dtype, recurrent, coefficients in self.held:
            size = coefficients @ values * (element_bits(dtype, cache_bits) / 8)  # type: ignore[arg-type]
            if recurrent:
                constant = constant + size
            else:
                growing = growing + size
        return growing, constant


def _role_elements(operator: Operator, weights: tuple[Weight, ...]) -> list[float]:
    return [float(operator.repeat * sum(w.elements for w in weights if w.role is role)) for role in ROLES]


def _row_width(operator: Operator) -> float:
    matrices = [w for w in (*operator.weights, *operator.borrowed) if len(w.shape) > 1]
    return matrices[0].shape[-1] if operator.kind is Kind.GEMM and matrices else np.inf


def _rows(forms: list[Form], index: dict[Measure, int], scale: list[int]) -> Floats:
    matrix = np.zeros((len(forms), len(index)))
    for row, (form, factor) in enumerate(zip(forms, scale, strict=True)):
        for measure, coefficient in form.terms.items():
            matrix[row, index[measure]] = float(coefficient) * factor
    return matrix


def merge_equal(graph: Iterable[Operator]) -> tuple[Operator, ...]:
    """Operators of equal cost as one, with their repeats added up.

    The roofline is homogeneous, so the time of the sum is the sum of the times.
    """
    merged: dict[tuple[object, ...], Operator] = {}
    for operator in graph:
        key = (
            operator.kind, operator.part, operator.launches, operator.name.rpartition(".")[2], operator.touched,
            operator.rows, operator.states, operator.active, operator.exchange, operator.weights, operator.borrowed,
            *(getattr(operator, name) for name in FORMS),
        )  # fmt: skip
        known = merged.get(key)
        merged[key] = operator if known is None else replace(known, repeat=known.repeat + operator.repeat)
    return tuple(merged.values())


def compile_table(architecture: Architecture, layout: Layout | int = SINGLE, routing: Routing = DEFAULT) -> Table:
    """Lower an architecture for one device of a layout and compile it; a bare number is tensor parallelism.

    ``routing`` matters to times alone: counts are those of the mean device.
    """
    table = _compiled(architecture, as_layout(layout))
    return table if routing == DEFAULT else _routed(table, routing)


@lru_cache(maxsize=256)
def _routed(table: Table, routing: Routing) -> Table:
    stages = tuple(replace(stage, routing=routing) for stage in table.stages)
    return replace(table, routing=routing, stages=stages)


@lru_cache(maxsize=2048)
def _compiled(architecture: Architecture, layout: Layout) -> Table:
    graph = lower(architecture, layout)
    if layout.pp == 1:
        return _table(merge_equal(graph), architecture, layout)
    by_stage = zip(*stage_repeats(graph.operators, architecture, layout), strict=True)
    stages = [
        _table(merge_equal(_on_stage(graph.operators, repeats)), architecture, layout)
        for repeats in dict.fromkeys(by_stage)
    ]
    return replace(_table(merge_equal(graph), architecture, layout), stages=tuple(stages))


def _on_stage(operators: tuple[Operator, ...], repeats: tuple[int, ...]) -> list[Operator]:
    """The operators of one stage; weights that it would borrow from another it holds itself."""
    there = [replace(op, repeat=n) for op, n in zip(operators, repeats, strict=True) if n]
    own = {weight.name for op in there for weight in op.weights}
    return [
        replace(op, weights=(*op.weights, *op.borrowed), borrowed=())
        if op.borrowed and not own & {weight.name for weight in op.borrowed}
        else op
        for op in there
    ]


def _table(operators: tuple[Operator, ...], architecture: Architecture, layout: Layout) -> Table:
    index: dict[Measure, int] = {}
    for operator in operators:
        for name in (*FORMS, "touched", "rows"):
            for measure in getattr(operator, name).terms:
                index.setdefault(measure, len(index))
        for state in operator.states:
            for measure in state.elements.terms:
                index.setdefault(measure, len(index))
    repeats = [operator.repeat for operator in operators]
    ones = [1] * len(operators)
    held: dict[tuple[str, bool], Floats] = {}
    for operator in operators:
        for state in operator.states:
            row = held.setdefault((state.dtype, state.recurrent), np.zeros(len(index)))
            row += _rows([state.elements], index, [operator.repeat])[0]
    return Table(
        operators=operators,
        measures=tuple(index),
        coefficients={name: _rows([getattr(op, name) for op in operators], index, repeats) for name in FORMS},
        elements=np.array([_role_elements(op, op.weights) for op in operators]),
        read_elements=np.array(
            [np.divide(_role_elements(op, (*op.weights, *op.borrowed)), op.active[1]) for op in operators]
        ),
        touched=_rows([op.touched for op in operators], index, ones),
        rows=_rows([op.rows for op in operators], index, repeats),
        row_width=np.array([_row_width(op) for op in operators], dtype=np.float64),
        layout=layout,
        launches=np.array([op.launches * op.repeat for op in operators], dtype=np.float64),
        held=tuple((dtype, recurrent, row) for (dtype, recurrent), row in held.items()),
        layers=max(stack.n_layers for stack in architecture.stacks),
        towers=tuple(stack.name for stack in architecture.stacks if stack.role in ("vision", "audio")),
    )
