"""Seconds of many pairs of a model and a setting: the formulas of ``calculators.kernels``, workloads put in first.

Axes: K pairs, R operators of all pairs, N workloads of each.
"""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calculators.collectives import cost_or_never, one_step_of
from calculators.kernels import STEP_TOKENS, Rates
from calculators.operators import Exchange
from calculators.roofline import Settings
from calculators.smooth import smooth_maximum
from calculators.stacked import (
    ATTENTION,
    COLLECTIVE,
    EXPERTS,
    GEMM,
    KERNELS,
    LIGHT,
    SCAN,
    Indices,
    Stack,
)
from calculators.table import ACTIVATION_BYTES, Floats
from calculators.workload import Workload
from catalog.values import dataclass

OWN_STATE = (ATTENTION, SCAN)
"""With convolutions: what reads what each sequence keeps, so that prompts and steps cost it separately."""


@dataclass(frozen=True, eq=False)
class Constants:
    """What settings reach, as arrays over C; attention over (C, kernels)."""

    p: Floats
    products: Floats
    bandwidth: Floats
    memory: Floats
    expert_memory: Floats
    row_s: Floats
    input_s: Floats
    inner_s: Floats
    launch_s: Floats
    own_experts: NDArray[np.bool_]
    experts: Floats
    experts_memory: Floats
    expert_s: Floats
    expert_launch_s: Floats
    attention: Floats
    softmax: Floats
    held: Floats
    brought: Floats
    attention_launch_s: Floats
    tile_s: Floats
    token_s: Floats
    attention_extra_s: Floats
    own_scan: NDArray[np.bool_]
    scan: Floats
    scan_memory: Floats
    scan_pointwise: Floats
    scan_launch_s: Floats
    scan_token_s: Floats
    scan_extra_s: Floats
    own_convolution: NDArray[np.bool_]
    convolution_memory: Floats
    convolution_launch_s: Floats
    plain: Floats
    plain_pointwise: Floats
    plain_memory: Floats
    plain_launch_s: Floats
    links: dict[Exchange, Floats] = field(default_factory=dict)
    """Latency, seconds per byte, second step and single step of exchanges, filled as they are met; (C, 4) each."""

    @classmethod
    def of(cls, settings: Settings) -> Constants:
        """Read off settings."""
        first = {id(rates.eff): rates for rates in settings.rates}
        shared = {key: _constants(rates) for key, rates in first.items()}
        rows = [shared[id(rates.eff)] | _attention(rates) for rates in settings.rates]
        found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return cls(**found)  # type: ignore[arg-type]


def _attention(r: Rates) -> dict[str, object]:
    """What depends on the cache's format as well."""
    attention = [r.attention(kernel) for kernel in KERNELS]  # type: ignore[arg-type]
    extra = [(a.prefill_launch_us - a.launch_us) * 1e-6 if a.prefill_launch_us is not None else 0.0 for a in attention]
    bandwidth = r.eff.bandwidth_bytes_per_s
    return {
        "attention": [r.sixteen * a.prefill_compute for a in attention],
        "softmax": [r.vector * a.softmax if a.softmax else np.inf for a in attention],
        "held": [bandwidth * a.decode_memory for a in attention],
        "brought": [bandwidth * (a.query_memory or a.decode_memory) for a in attention],
        "attention_launch_s": [a.launch_us * 1e-6 for a in attention],
        "tile_s": [a.tile_ns * 1e-9 for a in attention], "token_s": [a.token_ns * 1e-9 for a in attention],
        "attention_extra_s": extra,
    }  # fmt: skip


def _constants(r: Rates) -> dict[str, object]:
    eff, own, plain = r.eff, r.eff.products, r.eff.plain
    bandwidth, experts, scan, short = eff.bandwidth_bytes_per_s, eff.experts, eff.scan, eff.short_convolution
    return {
        "p": own.p, "products": r.peak * own.compute, "bandwidth": bandwidth, "memory": bandwidth * own.memory,
        "expert_memory": bandwidth * (own.expert_memory or own.memory), "row_s": own.row_ns * 1e-9,
        "input_s": ACTIVATION_BYTES / own.input_memory / bandwidth if own.input_memory else 0.0,
        "inner_s": own.inner_ns * 1e-9, "launch_s": own.launch_us * 1e-6, "own_experts": experts is not None,
        "experts": (eff.expert_flops_per_s or r.peak) * experts.compute if experts else np.inf,
        "experts_memory": bandwidth * experts.memory if experts else np.inf,
        "expert_s": experts.expert_ns * 1e-9 if experts else 0.0,
        "expert_launch_s": experts.launch_us * 1e-6 if experts else 0.0,
        "own_scan": scan is not None,
        "scan": r.sixteen * scan.compute if scan and scan.compute else np.inf,
        "scan_memory": bandwidth * scan.memory if scan else np.inf, "scan_pointwise": r.vector * plain.compute,
        "scan_launch_s": scan.launch_us * 1e-6 if scan else 0.0, "scan_token_s": scan.token_ns * 1e-9 if scan else 0.0,
        "scan_extra_s": (scan.prefill_launch_us - scan.launch_us) * 1e-6
        if scan and scan.prefill_launch_us is not None else 0.0,
        "own_convolution": short is not None, "convolution_memory": bandwidth * short.memory if short else np.inf,
        "convolution_launch_s": short.launch_us * 1e-6 if short else 0.0, "plain": r.sixteen * plain.compute,
        "plain_pointwise": r.vector * plain.compute, "plain_memory": bandwidth * plain.memory,
        "plain_launch_s": plain.launch_us * 1e-6,
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Loaded:
    """A stack with workloads put in: what each operator computes and moves, shape (R, N) each."""

    stack: Stack
    forms: dict[str, Floats]
    own: NDArray[np.bool_]
    """Operators that read what each sequence keeps."""
    new: Floats
    """New tokens of the sequences that each operator reads."""
    length: Floats
    """What a chain of a sequence grows with."""
    entries: dict[str, Floats]
    """Of attention and scans: costs by measure, padded, shape (R', E); rows as in ``detailed``."""
    detailed: Indices
    """Of each operator its row in ``entries``; -1 where it has none."""
    entry_values: Floats
    """The measures' values of these, shape (R', E, N)."""

    @classmethod
    def of(cls, stack: Stack, w: Workload, values: Floats, group: Indices) -> Loaded:
        """Put workloads in.

        Args:
            stack: The models.
            w: Workloads in groups, shape (G, N).
            values: Their measures, shape (M, G, N).
            group: Which group each model has, shape (P,).
        """
        r = int(stack.starts[-1])
        column = np.repeat(group, np.diff(stack.starts))
        forms = {name: stack.forms[name].times(values, column, r) for name in stack.forms}
        flat = w.reshape(-1)
        shape = (len(stack.streams), *w.shape)
        new, length = np.zeros(shape), np.zeros(shape)
        for index, stream in enumerate(stack.streams):
            tokens = np.asarray(stream.new(flat), dtype=np.float64)
            new[index] = tokens.reshape(w.shape)
            length[index] = (tokens * np.minimum(stream.sequences(flat), 1)).reshape(w.shape)
        here = np.maximum(stack.stream, 0)
        own_new, own_length = (
            (array[here, column] if len(stack.streams) else np.zeros((r, w.shape[1]))) for array in (new, length)
        )
        lengths, tokens = forms.pop("lengths"), forms.pop("tokens")
        measured = np.isin(np.arange(r), stack.forms["lengths"].row) & (stack.kind == ATTENTION)
        chain = np.divide(lengths, tokens, out=np.zeros_like(lengths), where=tokens > 0)
        return cls(
            stack, forms, np.isin(stack.kind, OWN_STATE) | stack.convolution, own_new,
            np.where(measured[:, None], chain, own_length), *_entries(stack, values, column),
        )  # fmt: skip


def _entries(stack: Stack, values: Floats, column: Indices) -> tuple[dict[str, Floats], Indices, Floats]:
    """Costs of attention and scans by measure, for they take the longer of two in each."""
    wanted = np.isin(stack.kind, (ATTENTION, SCAN))
    rows = np.flatnonzero(wanted)
    detailed = np.full(len(stack.kind), -1, dtype=np.intp)
    detailed[rows] = np.arange(len(rows))
    names = ("needed", "pointwise", "touched", "rows", "cached", "fixed")
    keys = [(form.row[keep := wanted[form.row]], form.measure[keep]) for form in (stack.forms[n] for n in names)]
    m = len(stack.measures)
    pairs, _ = distinct(np.concatenate([row * m + measure for row, measure in keys]))
    pair_row, pair_measure = pairs // max(m, 1), pairs % max(m, 1)
    first = np.searchsorted(pair_row, rows)
    place = np.arange(len(pairs)) - first[detailed[pair_row]] if rows.size else pairs
    width = int(place.max(initial=-1)) + 1
    found = {}
    for name, (row, measure) in zip(names, keys, strict=True):
        form = stack.forms[name]
        matrix = np.zeros((len(rows), width))
        at = np.searchsorted(pairs, row * m + measure)
        matrix[detailed[row], place[at]] = form.value[wanted[form.row]]
        found[name] = matrix
    entry_values = np.zeros((len(rows), width, values.shape[2]))
    entry_values[detailed[pair_row], place] = values[pair_measure, column[pair_row]]
    return found, detailed, entry_values


class Gathered:
    """Seconds of pairs of a model and a setting."""

    def __init__(self, stack: Stack, settings: Settings, constants: Constants) -> None:
        self.stack = stack
        self.settings = settings
        self.constants = constants

    def passes_s(
        self, loaded: Loaded, model: Indices, choice: Indices, format: Indices, bits: Floats, prompts: int
    ) -> tuple[Floats, Floats, Floats]:
        """Prompts on their own, a step on its own, and passes that carry both (``Server.passes_s``).

        Args:
            loaded: The stack with workloads put in.
            model: Of each pair, shape (K,).
            choice: Its setting.
            format: Its weights' place among the stack's formats.
            bits: Of an element of its cache.
            prompts: How many of the workloads are prompts. They come first; steps, of which the mean counts, follow.

        Returns:
            Seconds, shapes (K, prompts), (K,) and (K, prompts).
        """
        stack = self.stack
        sizes = np.diff(stack.starts)[model]
        pair = np.repeat(np.arange(len(model)), sizes)
        ends = np.cumsum(sizes)
        row = np.arange(len(pair)) - np.repeat(ends - sizes, sizes) + stack.starts[model][pair]
        seconds = self.seconds(loaded, row, model[pair], choice[pair], format[pair], bits[pair])
        begins = ends - sizes
        first, step = seconds[:, :prompts], seconds[:, prompts:]
        both, steps = np.empty_like(first), step.shape[1]
        own = loaded.own[row]
        for index in range(prompts):
            one = first[:, index : index + 1]
            both[:, index] = np.where(own[:, None], one + step, np.maximum(one, step)).sum(axis=1) / steps
        alone, shared = (np.add.reduceat(part, begins, axis=0) for part in (first, both))
        return alone, np.add.reduceat(step.sum(axis=1) / steps, begins), shared

    def seconds(
        self, loaded: Loaded, row: Indices, model: Indices, choice: Indices, format: Indices, bits: Floats
    ) -> Floats:
        """Seconds by operator of the pairs, shape (R, N)."""
        stack, forms, c = self.stack, loaded.forms, self.constants
        kind, launches = stack.kind[row], stack.launches[row]
        own_bytes = stack.read_bytes[row, format]
        row_bytes = stack.looked_up_bytes[model, format]
        traffic = own_bytes[:, None] * forms["touched"][row]
        traffic += row_bytes[:, None] * forms["rows"][row]
        traffic += forms["fixed"][row]
        traffic += forms["cached"][row] * (bits / 8)[:, None]
        seconds = np.zeros_like(traffic)
        needed, pointwise = forms["needed"], forms["pointwise"]
        own_experts = c.own_experts[choice]

        def at(mask: NDArray[np.bool_]) -> tuple[Indices, Indices, Indices]:
            places = np.flatnonzero(mask)
            return places, row[places], choice[places]

        # products, and experts without constants of their own
        here, r, s = at((kind == GEMM) | (kind == EXPERTS) & ~own_experts)
        if here.size:
            share = np.where(kind[here] == EXPERTS, c.expert_memory[s], c.memory[s])
            root = smooth_root(needed[r] / c.products[s][:, None], traffic[here] / share[:, None], c.p[s])
            width = stack.row_width[r]
            finite = np.isfinite(width)
            reads = np.where(finite[:, None], forms["reads"][r], 0.0)
            narrow = np.where(finite, width, 1.0)[:, None]
            root += c.row_s[s][:, None] * (reads / narrow) + c.input_s[s][:, None] * reads
            root += (launches[here] * (c.launch_s[s] + c.inner_s[s] * np.where(finite, width, 0.0)))[:, None]
            seconds[here] = root
        here, r, s = at((kind == EXPERTS) & own_experts)
        if here.size:
            time = needed[r] / c.experts[s][:, None] + traffic[here] / c.experts_memory[s][:, None]
            time += forms["touched"][r] * (stack.here[r] * c.expert_s[s])[:, None]
            seconds[here] = time + (launches[here] * c.expert_launch_s[s])[:, None]
        here, r, s = at(kind == ATTENTION)
        if here.size:
            seconds[here] = self._attention(loaded, r, s, traffic[here], bits[here])
        scans = (kind == SCAN) & c.own_scan[choice]
        here, r, s = at(scans)
        if here.size:
            seconds[here] = self._scans(loaded, r, s, own_bytes[here], row_bytes[here], bits[here])
        short = stack.short_convolution[row] & c.own_convolution[choice] & (kind == LIGHT)
        here, r, s = at(short)
        if here.size:
            time = traffic[here] / c.convolution_memory[s][:, None]
            seconds[here] = time + (launches[here] * c.convolution_launch_s[s])[:, None]
        here, r, s = at(((kind == LIGHT) | (kind == SCAN)) & ~short & ~scans)
        if here.size:
            compute = needed[r] / c.plain[s][:, None] + pointwise[r] / c.plain_pointwise[s][:, None]
            memory = traffic[here] / c.plain_memory[s][:, None]
            seconds[here] = np.maximum(compute, memory) + (launches[here] * c.plain_launch_s[s])[:, None]
        seconds *= forms["drive"][row] > 0
        here, r, s = at(kind == COLLECTIVE)
        if here.size:
            alpha, per_byte, second, one_step = self._links[s, stack.exchange[r]].T[:, :, None]
            sent = forms["sent"][r] * ACTIVATION_BYTES
            count = launches[here][:, None]
            moving = np.minimum(one_step * sent, count * second + per_byte * sent)
            seconds[here] = np.where(sent > 0, count * alpha + moving, 0.0)
        return seconds

    def _attention(self, loaded: Loaded, r: Indices, s: Indices, traffic: Floats, bits: Floats) -> Floats:
        stack, forms, c = self.stack, loaded.forms, self.constants
        kernel = stack.kernel[r]
        detail = loaded.detailed[r]
        entries = loaded.entries
        compute = np.hypot(
            entries["needed"][detail] / c.attention[s, kernel][:, None],
            entries["pointwise"][detail] / c.softmax[s, kernel][:, None],
        )
        news = forms["added_fixed"][r] + forms["added"][r] * (bits / 8)[:, None]
        work = np.einsum("re,ren->rn", compute, loaded.entry_values[detail])
        work += (traffic - news) / c.held[s, kernel][:, None]
        time = self._chained(loaded, r, work, c.tile_s[s, kernel], c.token_s[s, kernel], c.attention_extra_s[s, kernel])
        time += news / c.brought[s, kernel][:, None]
        return time + (stack.launches[r] * c.attention_launch_s[s, kernel])[:, None]

    def _scans(
        self, loaded: Loaded, r: Indices, s: Indices, own_bytes: Floats, row_bytes: Floats, bits: Floats
    ) -> Floats:
        stack, c = self.stack, self.constants
        detail, entries = loaded.detailed[r], loaded.entries
        moved = own_bytes[:, None] * entries["touched"][detail] + row_bytes[:, None] * entries["rows"][detail]
        moved += entries["fixed"][detail] + entries["cached"][detail] * (bits / 8)[:, None]
        work = moved / c.scan_memory[s][:, None] + entries["needed"][detail] / c.scan[s][:, None]
        work = np.maximum(work, entries["pointwise"][detail] / c.scan_pointwise[s][:, None])
        work = np.einsum("re,ren->rn", work, loaded.entry_values[detail])
        each = c.scan_token_s[s] * stack.delta[r]
        return (
            self._chained(loaded, r, work, each, each, c.scan_extra_s[s])
            + (stack.launches[r] * c.scan_launch_s[s])[:, None]
        )

    def _chained(
        self, loaded: Loaded, r: Indices, work: Floats, prefill_s: Floats, step_s: Floats, extra_s: Floats
    ) -> Floats:
        """The longer of the work and of the chain along one sequence (``calculators.kernels._chained``)."""
        stack = self.stack
        streams = (stack.stream[r] >= 0)[:, None]
        stepping = loaded.new[r] <= STEP_TOKENS
        each = np.where(stepping, step_s[:, None], prefill_s[:, None]) * stack.repeat[r][:, None]
        longer = np.maximum(work, each * loaded.length[r])
        longer += np.where(stepping, 0.0, (stack.launches[r] * extra_s)[:, None])
        return np.where(streams, longer, work)

    @cached_property
    def _links(self) -> Floats:
        """Latency, seconds per byte, second step and single step of each exchange, shape (C, exchanges, 4)."""
        known = self.constants.links
        for exchange in self.stack.exchanges:
            if exchange not in known:
                machines = {s.machine.id: s.machine for s in self.settings.settings}
                by_id = {name: (*cost_or_never(m, exchange), *one_step_of(m, exchange)) for name, m in machines.items()}
                known[exchange] = np.array([by_id[s.machine.id] for s in self.settings.settings])
        return np.stack([known[exchange] for exchange in self.stack.exchanges], axis=1)


def smooth_root(a: Floats, b: Floats, p: Floats) -> Floats:
    """The smooth maximum, by rows with exponents of their own."""
    if np.all(p == 2):
        return np.asarray(np.sqrt(a * a + b * b))
    found = np.empty_like(a)
    for exponent in distinct(p)[0]:
        same = p == exponent
        if exponent == 2:
            found[same] = np.sqrt(a[same] ** 2 + b[same] ** 2)
        else:
            found[same] = smooth_maximum(a[same], b[same], np.asarray(exponent))
    return found


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], Indices]:
    """The values in ascending order, each once, and where each entry stands among them.

    As ``numpy.unique``, whose first call imports ``numpy.ma`` and so costs more than a whole ranking.
    """
    ordered = np.sort(values)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    found = ordered[first]
    return found, np.searchsorted(found, values)
