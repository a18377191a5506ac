"""Tables of many models laid end to end as flat arrays, so that thousands of models and settings are timed together.

A ``Table`` serves one model on any number of workloads: settings times operators times measures. To compare all models
on a handful of workloads, the workloads are put in first: what remains of every operator is a few numbers per workload,
and its time on a setting takes a few operations on them. The formulas are those of ``calculators.kernels``; a test
holds the two together.

Axes: P models, R operators of all of them, M measures, F weight formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from calculators.activations import alive_at
from calculators.kernels import attention_kernel, experts_here, is_delta_rule, is_short_convolution, stream_of
from calculators.measures import Measure, Policy
from calculators.memory import element_bits
from calculators.operators import Exchange, Kind
from calculators.table import ACTIVATION_BYTES, Floats, Table
from calculators.workload import Stream, Workload
from catalog.spec import Architecture
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

T = TypeVar("T")
Indices = NDArray[np.intp]
GEMM, EXPERTS, ATTENTION, SCAN, LIGHT, COLLECTIVE = range(6)
KINDS = {
    Kind.GEMM: GEMM, Kind.EXPERTS: EXPERTS, Kind.ATTENTION: ATTENTION, Kind.SCAN: SCAN, Kind.COLLECTIVE: COLLECTIVE,
}  # fmt: skip
"""What has a formula of its own; everything else is light."""
KERNELS = (None, "bidirectional", "latent")
"""Sorts of attention."""
FORMS = (
    "needed", "pointwise", "reads", "writes", "touched", "rows", "cached", "fixed", "added", "added_fixed", "sent",
    "drive", "lengths", "tokens",
)  # fmt: skip


class Sparse(NamedTuple):
    """A matrix of rows by measures, entry by entry."""

    row: Indices
    measure: Indices
    value: Floats

    def times(self, values: Floats, column: Indices, rows: int) -> Floats:
        """Times the measures' values: those of each row stand from its ``column`` on. Shape (rows, N)."""
        found = np.empty((rows, values.shape[2]))
        for n in range(values.shape[2]):
            found[:, n] = np.bincount(self.row, self.value * values[self.measure, column[self.row], n], minlength=rows)
        return found


@dataclass(frozen=True, eq=False)
class Stack:
    """Many models in one layout."""

    names: tuple[str, ...]
    formats: tuple[str, ...]
    measures: tuple[Measure, ...]
    streams: tuple[Stream, ...]
    exchanges: tuple[Exchange, ...]
    starts: Indices
    """Where each model's operators begin, shape (P + 1,)."""
    kind: Indices
    kernel: Indices
    stream: Indices
    """Of each operator; -1 where it has none."""
    exchange: Indices
    short_convolution: NDArray[np.bool_]
    convolution: NDArray[np.bool_]
    delta: NDArray[np.bool_]
    launches: Floats
    repeat: Floats
    row_width: Floats
    here: Floats
    """Experts on this device, times repeats."""
    forms: dict[str, Sparse]
    read_bytes: Floats
    """Of one touch of an operator's weights, shape (R, F)."""
    looked_up_bytes: Floats
    """Of one element of a looked-up row, shape (P, F)."""
    weight_bytes: Floats
    """Shape (P, F); NaN for formats that nobody asked for."""
    held_cached: Sparse
    """Elements in the cache's format, rows are models."""
    held_fixed: Sparse
    """Bytes of other states."""
    uses: Sparse
    """Which measures each model has."""
    peaks: Sparse
    """Activations alive at each moment, in elements."""
    peak_of: Indices
    """Which model each row of ``peaks`` belongs to."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each model stands."""
        return {name: place for place, name in enumerate(self.names)}

    def subset(self, models: Indices) -> Stack:
        """Some of the models, in ascending order, with the measures that they have."""
        kept = np.zeros(len(self), dtype=bool)
        kept[models] = True
        sizes = np.diff(self.starts)
        rows = np.repeat(kept, sizes)
        peaks = kept[self.peak_of]
        used = np.zeros(len(self.measures), dtype=bool)
        used[self.uses.measure[kept[self.uses.row]]] = True
        used[self.peaks.measure[peaks[self.peaks.row]]] = True
        new_measure = np.cumsum(used) - 1

        def part(form: Sparse, keep: NDArray[np.bool_]) -> Sparse:
            here = keep[form.row]
            new_row = np.cumsum(keep) - 1
            return Sparse(new_row[form.row[here]], new_measure[form.measure[here]], form.value[here])

        by_row = ("kind", "kernel", "stream", "exchange", "short_convolution", "convolution", "delta", "launches",
                  "repeat", "row_width", "here", "read_bytes")  # fmt: skip
        own: dict[str, Any] = {name: getattr(self, name)[rows] for name in by_row}
        made = replace(
            self, names=tuple(self.names[m] for m in models.tolist()),
            measures=tuple(m for m, keep in zip(self.measures, used.tolist(), strict=True) if keep),
            starts=np.concatenate([[0], np.cumsum(sizes[models])]), **own,
            forms={name: part(form, rows) for name, form in self.forms.items()},
            looked_up_bytes=self.looked_up_bytes[models], weight_bytes=self.weight_bytes[models],
            held_cached=part(self.held_cached, kept), held_fixed=part(self.held_fixed, kept),
            uses=part(self.uses, kept), peaks=part(self.peaks, peaks),
            peak_of=(np.cumsum(kept) - 1)[self.peak_of[peaks]],
        )  # fmt: skip
        _CODED[made] = tuple([code for code, keep in zip(self.codes, used.tolist(), strict=True) if keep])
        return made

    @property
    def codes(self) -> tuple[int, ...]:
        """A number for each measure, the same in all stacks of this process: hashing a measure anew takes longer."""
        if self not in _CODED:
            _CODED[self] = tuple([_CODES.setdefault(measure, len(_CODES)) for measure in self.measures])
        return _CODED[self]

    def values(self, w: Workload, policy: Policy, known: dict[int, Floats] | None = None, *only: Sparse) -> Floats:
        """Measures of workloads of shape (G, N): shape (M, G, N).

        Args:
            w: The workloads.
            policy: How measures are counted.
            known: Values of measures of the same workloads under the same policy, by code; what is found is added.
            only: What will be multiplied by them; measures that none of these has may be left at 0. By default all are
                wanted.
        """
        flat = w.reshape(-1)
        known = {} if known is None else known
        found = np.zeros((len(self.measures), *w.shape))
        wanted = np.full(len(self.measures), not only)
        for form in only:
            wanted[form.measure] = True
        codes = self.codes
        for index in np.flatnonzero(wanted).tolist():
            value = known.get(codes[index])
            if value is None:
                value = np.asarray(self.measures[index].value(flat, policy), dtype=np.float64).reshape(w.shape)
                known[codes[index]] = value
            found[index] = value
        return found


_CODES: dict[Measure, int] = {}
_CODED: WeakKeyDictionary[Stack, tuple[int, ...]] = WeakKeyDictionary()
"""Beside the stacks, for these are kept on disk and numbers hold in one process alone."""


def stack_of(
    tables: Iterable[tuple[str, Architecture, Table, Sequence[WeightFormat]]], formats: Sequence[str]
) -> Stack:
    """Lay tables end to end: name, architecture, table without stages, and the formats that matter of each."""
    names: list[str] = []
    measures: dict[Measure, int] = {}
    streams: dict[Stream, int] = {}
    exchanges: dict[Exchange, int] = {}
    starts = [0]
    columns: dict[str, list[float]] = {
        name: []
        for name in (
            *("kind", "kernel", "stream", "exchange", "short_convolution", "convolution", "delta", "launches"),
            *("repeat", "row_width", "here"),
        )
    }
    entries: dict[str, list[tuple[int, int, float]]] = {
        name: [] for name in (*FORMS, "held_cached", "held_fixed", "uses", "peaks")
    }
    read, looked_up, held = [], [], []
    peak_of: list[int] = []
    for model, (name, architecture, table, wanted) in enumerate(tables):
        names.append(name)
        base = starts[-1]
        index = np.array([measures.setdefault(m, len(measures)) for m in table.measures], dtype=np.intp)
        for op in table.operators:
            stream = stream_of(op)
            columns["kind"].append(KINDS.get(op.kind, LIGHT))
            columns["kernel"].append(KERNELS.index(attention_kernel(op)) if op.kind is Kind.ATTENTION else 0)
            columns["stream"].append(-1 if stream is None else streams.setdefault(stream, len(streams)))
            columns["exchange"].append(-1 if op.exchange is None else exchanges.setdefault(op.exchange, len(exchanges)))
            columns["short_convolution"].append(is_short_convolution(op))
            columns["convolution"].append(op.kind is Kind.CONVOLUTION)
            columns["delta"].append(is_delta_rule(op))
            columns["repeat"].append(op.repeat)
            columns["here"].append(experts_here(op) if op.kind is Kind.EXPERTS else 0.0)
        columns["launches"] += table.launches.tolist()
        columns["row_width"] += table.row_width.tolist()
        starts.append(base + len(table.operators))
        for form, matrix in _matrices(table).items():
            rows, places = np.nonzero(matrix)
            entries[form] += zip(
                (rows + base).tolist(), index[places].tolist(), matrix[rows, places].tolist(), strict=True
            )
        entries["uses"] += [(model, m, 1.0) for m in index.tolist()]
        for dtype, _, row in table.held:
            form, scale = ("held_cached", 1.0) if dtype == "cache" else ("held_fixed", element_bits(dtype, 0) / 8)  # type: ignore[arg-type]
            entries[form] += [(model, int(index[m]), float(row[m]) * scale) for m in np.flatnonzero(row)]
        for form_alive in alive_at(architecture, table.layout):
            entries["peaks"] += [
                (len(peak_of), measures.setdefault(m, len(measures)), float(factor))
                for m, factor in form_alive.terms.items()
            ]
            peak_of.append(model)
        known = {format.id: format for format in wanted}
        own = [table.read_bytes(known[f]) if f in known else None for f in formats]
        o = len(table.operators)
        read.append(np.stack([np.full(o, np.nan) if pair is None else pair[0] for pair in own], axis=1))
        looked_up.append([np.nan if pair is None else pair[1] for pair in own])
        held.append([table.weight_bytes(known[f]) if f in known else np.nan for f in formats])
    sparse = {form: _sparse(found) for form, found in entries.items()}
    whole = {"kind", "kernel", "stream", "exchange"}
    arrays = {
        name: np.array(
            column,
            dtype=np.intp
            if name in whole
            else bool
            if name in ("delta", "short_convolution", "convolution")
            else float,
        )
        for name, column in columns.items()
    }
    return Stack(
        names=tuple(names), formats=tuple(formats), measures=tuple(measures), streams=tuple(streams),
        exchanges=tuple(exchanges), starts=np.array(starts, dtype=np.intp), **arrays,
        forms={form: sparse[form] for form in FORMS}, read_bytes=np.concatenate(read),
        looked_up_bytes=np.array(looked_up), weight_bytes=np.array(held), held_cached=sparse["held_cached"],
        held_fixed=sparse["held_fixed"], uses=sparse["uses"], peaks=sparse["peaks"],
        peak_of=np.array(peak_of, dtype=np.intp),
    )  # fmt: skip


def _matrices(table: Table) -> dict[str, Floats]:
    """Everything that operators cost, per unit of each measure, repeats included."""
    forms = table.coefficients
    cached, fixed = table.moved
    dtypes = [op.states[0].dtype if op.states else "cache" for op in table.operators]
    in_cache = np.array([dtype == "cache" for dtype in dtypes])[:, None]
    added_bytes = np.array([0.0 if dtype == "cache" else element_bits(dtype, 0) / 8 for dtype in dtypes])[:, None]
    has_weights = (table.read_elements.sum(axis=1) > 0)[:, None]
    drive = sum(np.abs(forms[name]) for name in ("needed", "pointwise", "reads", "writes"))
    drive = drive + np.abs(table.touched) * has_weights + np.abs(table.rows) + np.abs(fixed) + np.abs(cached)
    return {
        **{name: forms[name] for name in ("needed", "pointwise", "reads", "writes", "sent")},
        "touched": table.touched,
        "rows": table.rows,
        "cached": cached,
        "fixed": fixed,
        "added": forms["cache_writes"] * in_cache,
        "added_fixed": (forms["reads"] + forms["writes"]) * ACTIVATION_BYTES + forms["cache_writes"] * added_bytes,
        "drive": np.asarray(drive),
        "lengths": (forms["needed"] != 0).astype(np.float64),
        "tokens": (forms["writes"] != 0).astype(np.float64),
    }


def _sparse(entries: list[tuple[int, int, float]]) -> Sparse:
    if not entries:
        return Sparse(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    row, measure, value = zip(*entries, strict=True)
    return Sparse(np.array(row, np.intp), np.array(measure, np.intp), np.array(value, np.float64))


def joined(first: Stack, second: Stack) -> Stack:
    """Two stacks of one layout as one; they hold the same formats.

    Raises:
        ValueError: If they do not.
    """
    if first.formats != second.formats:
        raise ValueError("stacks hold different formats")
    measures, m = _united(first.measures, second.measures)
    streams, s = _united(first.streams, second.streams)
    exchanges, e = _united(first.exchanges, second.exchanges)
    r, p, k = int(first.starts[-1]), len(first), len(first.peak_of)

    def both(a: Sparse, b: Sparse, shift: int) -> Sparse:
        return Sparse(
            np.concatenate([a.row, b.row + shift]),
            np.concatenate([a.measure, m[b.measure]]),
            np.concatenate([a.value, b.value]),
        )

    plain: dict[str, Any] = {
        f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(Stack)
        if isinstance(getattr(first, f.name), np.ndarray)
    }
    plain["starts"] = np.concatenate([first.starts, second.starts[1:] + r])
    plain["peak_of"] = np.concatenate([first.peak_of, second.peak_of + p])
    for name, places in (("stream", s), ("exchange", e)):
        own = getattr(second, name)
        moved = np.where(own < 0, -1, places[own] if len(places) else -1)
        plain[name] = np.concatenate([getattr(first, name), moved])
    return replace(
        first, names=first.names + second.names, measures=measures, streams=streams, exchanges=exchanges,
        forms={form: both(first.forms[form], second.forms[form], r) for form in FORMS},
        held_cached=both(first.held_cached, second.held_cached, p),
        held_fixed=both(first.held_fixed, second.held_fixed, p), uses=both(first.uses, second.uses, p),
        peaks=both(first.peaks, second.peaks, k), **plain,
    )  # fmt: skip


def _united(first: tuple[T, ...], second: tuple[T, ...]) -> tuple[tuple[T, ...], Indices]:
    places = {item: i for i, item in enumerate(first)}
    found = np.array([places.setdefault(item, len(places)) for item in second], dtype=np.intp)
    return tuple(places), found
