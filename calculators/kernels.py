"""What a model's operators cost on each setting, as coefficients of its measures: compiled once, evaluated often.

Nearly every formula of ``catalog/machine.py`` is linear in what an operator computes and moves, and these are linear in
the measures of a workload: so the seconds of all operators are one matrix product, and only what is not linear (roots,
maxima, chains) is computed apart, for the few operators that have it.

Axes: C settings, O operators, M measures, N workloads. An added last measure is 1, for what a pass costs once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from calculators.efficiency import Efficiency
from calculators.operators import Kind, Operator
from calculators.smooth import smooth_maximum
from calculators.table import ACTIVATION_BYTES, Floats, Table
from calculators.workload import Stream, Workload
from catalog.machine import AttentionKernel, AttentionRates
from catalog.values import dataclass

SIXTEEN_BIT_SHARE = {"fp4": 0.25, "fp8": 0.5, "int8": 0.5, "tf32": 2.0}
"""Peak of 16-bit arithmetic over that of another type, where only the other is known."""
STEP_TOKENS = 16
"""Up to so many new tokens per sequence attention runs as in a step, above as in a prefill."""
NARROW_CACHE_BITS = 9.0
"""A cache with fewer bits per element, scales included, runs in the kernels for 8-bit caches."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one setting's machine reaches, in SI units."""

    eff: Efficiency
    narrow_cache: bool

    @property
    def peak(self) -> float:
        """Of products in the weights' type."""
        return self.eff.peak_flops_per_s or float("inf")

    @property
    def sixteen(self) -> float:
        """Of 16-bit products."""
        return self.eff.sixteen_flops_per_s or self.peak * SIXTEEN_BIT_SHARE.get(self.eff.dtype, 1.0)

    @property
    def vector(self) -> float:
        """Of 32-bit arithmetic."""
        return self.eff.vector_flops_per_s or float("inf")

    def attention(self, kernel: AttentionKernel | None) -> AttentionRates:
        """The constants of a kind of attention: its own, those of causal attention, or those of light kernels."""
        own = self.eff.attention_kernels
        wanted: list[AttentionKernel] = [kernel] if kernel else []
        if self.narrow_cache and kernel != "bidirectional":
            wanted.insert(0, "latent_cache8" if kernel == "latent" else "cache8")
        found = next((own[name] for name in wanted if name in own), self.eff.attention)
        if found is not None:
            return found
        plain = self.eff.plain
        return AttentionRates.model_construct(
            prefill_compute=plain.compute,
            decode_memory=plain.memory,
            query_memory=None,
            softmax=None,
            tile_ns=0.0,
            token_ns=0.0,
            launch_us=plain.launch_us,
            prefill_launch_us=None,
            source=plain.source,
        )


def attention_kernel(operator: Operator) -> AttentionKernel | None:
    """Which constants an attention operator takes; ``None``: those of causal attention over a cache."""
    if any(state.name == "latent" for state in operator.states):
        return "latent"
    return None if operator.cache_reads.terms else "bidirectional"


def is_short_convolution(operator: Operator) -> bool:
    """Whether a convolution passes over a sequence with a few tokens of state."""
    return operator.kind is Kind.CONVOLUTION and bool(operator.states)


def is_delta_rule(operator: Operator) -> bool:
    """Whether a scan solves for what it writes, chunk after chunk: only of such has the chain been measured."""
    return any(state.name == "delta" for state in operator.states)


@dataclass(frozen=True, slots=True)
class _Chain:
    """An operator with a time that grows with the length of one sequence, however wide the machine is."""

    row: int
    stream: Stream
    lengths: Floats
    """Measures whose sum over that of ``tokens`` is the length, shape (M,)."""
    tokens: Floats
    prefill_s: Floats
    """Seconds per unit of length, all repeats, shape (C,)."""
    step_s: Floats
    prefill_extra_s: Floats
    """What a launch costs more in a prefill than in a step, all repeats, shape (C,)."""
    work: Floats
    """Seconds per measure of what overlaps with the chain, shape (C, M)."""


class Compiled:
    """One table on many settings."""

    def __init__(self, table: Table, traffic: Sequence[Floats], news: Sequence[Floats], rates: Sequence[Rates]) -> None:
        """Compile.

        Args:
            table: A model on one device.
            traffic: Bytes that operators move per measure, of each setting, shape (O, M).
            news: The part of it that new tokens bring.
            rates: What each setting reaches.
        """
        self.table = table
        o, m = len(table.operators), len(table.measures)
        self._linear = np.zeros((len(rates), o, m + 1))
        self._chains: list[_Chain] = []
        flops, pointwise = table.coefficients["needed"], table.coefficients["pointwise"]
        rows: dict[Kind, list[int]] = {kind: np.flatnonzero(table.of_kind(kind)).tolist() for kind in Kind}
        own_experts = all(r.eff.experts for r in rates)
        products = rows[Kind.GEMM] + ([] if own_experts else rows[Kind.EXPERTS])
        self._products = np.array(products, dtype=np.intp)
        p = np.array([r.eff.products.p for r in rates])
        self._compute = np.zeros((len(rates), len(products), m))
        self._memory = np.zeros_like(self._compute)
        convolutions = np.array([is_short_convolution(op) for op in table.operators])
        self._set_products(products, rates, flops, traffic)
        self._set_experts(rows[Kind.EXPERTS], rates, flops, traffic)
        for c, r in enumerate(rates) if convolutions.any() else ():
            if own := r.eff.short_convolution:
                for row in np.flatnonzero(convolutions):
                    self._linear[c, row, :m] = traffic[c][row] / (r.eff.bandwidth_bytes_per_s * own.memory)
                    self._linear[c, row, m] = table.launches[row] * own.launch_us * 1e-6
        self._set_attention(rows[Kind.ATTENTION], rates, flops, pointwise, traffic, news)
        self._set_scans(rows[Kind.SCAN], rates, flops, traffic)
        done = {*products, *rows[Kind.EXPERTS], *rows[Kind.ATTENTION], *rows[Kind.COLLECTIVE]}
        self._set_light([row for row in range(o) if row not in done], rates, convolutions, traffic)
        self._roots = [
            (np.flatnonzero(same), p[same], self._compute[same], self._memory[same])
            for same in (p == 2, p != 2)
            if same.any()
        ]
        drive = np.sum([np.abs(table.coefficients[n]) for n in ("needed", "pointwise", "reads", "writes")], axis=0)
        self._drive = drive + np.max([np.abs(t) for t in traffic], axis=0)

    # --- coefficients ---------------------------------------------------------------------------------------------

    def _set_products(self, rows: list[int], rates: Sequence[Rates], flops: Floats, traffic: Sequence[Floats]) -> None:
        """Dense products, and experts where they have no constants of their own."""
        if not rows:
            return
        table, m, owns = self.table, flops.shape[1], [r.eff.products for r in rates]
        bandwidth = np.array([r.eff.bandwidth_bytes_per_s for r in rates])
        self._compute = (
            flops[rows] / np.array([r.peak * own.compute for r, own in zip(rates, owns, strict=True)])[:, None, None]
        )
        experts = np.array([table.operators[row].kind is Kind.EXPERTS for row in rows])
        shares = np.array([[own.memory, own.expert_memory or own.memory] for own in owns])
        share = np.where(experts, shares[:, 1:], shares[:, :1])
        self._memory = np.stack([moved[rows] for moved in traffic]) / (bandwidth[:, None] * share)[:, :, None]
        width, reads = table.row_width[rows], table.coefficients["reads"][rows]
        finite = np.isfinite(width)
        row_s = np.array([own.row_ns * 1e-9 for own in owns])
        input_s = np.array([ACTIVATION_BYTES / own.input_memory if own.input_memory else 0.0 for own in owns])
        inner_s, launch_s = np.array([[own.inner_ns * 1e-9, own.launch_us * 1e-6] for own in owns]).T
        lines = np.where(finite[:, None], reads / width[:, None], 0.0)
        inputs = np.where(finite[:, None], reads, 0.0)
        self._linear[:, rows, :m] = row_s[:, None, None] * lines + (input_s / bandwidth)[:, None, None] * inputs
        walked = inner_s[:, None] * np.where(finite, width, 0.0)
        self._linear[:, rows, m] = table.launches[rows] * (launch_s[:, None] + walked)

    def _set_experts(self, rows: list[int], rates: Sequence[Rates], flops: Floats, traffic: Sequence[Floats]) -> None:
        found = [(c, r, r.eff.experts) for c, r in enumerate(rates) if r.eff.experts is not None]
        if not found or not rows:
            return
        table, m, own_rates = self.table, flops.shape[1], [c for c, _, _ in found]
        here = np.array([experts_here(table.operators[row]) for row in rows])[:, None]
        peak = np.array([(r.eff.expert_flops_per_s or r.peak) * own.compute for _, r, own in found])
        streamed = np.array([r.eff.bandwidth_bytes_per_s * own.memory for _, r, own in found])
        expert_s, launch_s = np.array([[own.expert_ns * 1e-9, own.launch_us * 1e-6] for _, _, own in found]).T
        seconds = flops[rows] / peak[:, None, None]
        seconds += np.stack([traffic[c][rows] for c in own_rates]) / streamed[:, None, None]
        seconds += table.touched[rows] * here * expert_s[:, None, None]
        self._linear[np.ix_(own_rates, rows, range(m))] = seconds
        self._linear[np.ix_(own_rates, rows, [m])] = (table.launches[rows] * launch_s[:, None])[:, :, None]
        places = [place for place, row in enumerate(self._products.tolist()) if row in set(rows)]
        if places:  # another setting has none: here the root is of nothing
            self._compute[np.ix_(own_rates, places)] = self._memory[np.ix_(own_rates, places)] = 0.0

    def _set_attention(
        self,
        rows: Iterable[int],
        rates: Sequence[Rates],
        flops: Floats,
        pointwise: Floats,
        traffic: Sequence[Floats],
        news: Sequence[Floats],
    ) -> None:
        table, m = self.table, flops.shape[1]
        for row in rows:
            operator = table.operators[row]
            kernel, launches = attention_kernel(operator), table.launches[row]
            work, prefill_s, step_s, extra = np.zeros((len(rates), m)), *np.zeros((3, len(rates)))
            for c, r in enumerate(rates):
                own, bandwidth = r.attention(kernel), r.eff.bandwidth_bytes_per_s
                compute = flops[row] / (r.sixteen * own.prefill_compute)
                if own.softmax:
                    compute = np.hypot(compute, pointwise[row] / (r.vector * own.softmax))
                held = (traffic[c][row] - news[c][row]) / (bandwidth * own.decode_memory)
                work[c] = compute + held
                brought = news[c][row] / (bandwidth * (own.query_memory or own.decode_memory))
                self._linear[c, row, :m] = brought
                self._linear[c, row, m] = launches * own.launch_us * 1e-6
                prefill_s[c], step_s[c] = (operator.repeat * ns * 1e-9 for ns in (own.tile_ns, own.token_ns))
                if own.prefill_launch_us is not None:
                    extra[c] = launches * (own.prefill_launch_us - own.launch_us) * 1e-6
            stream = stream_of(operator)
            if stream is None or not (prefill_s.any() or step_s.any() or extra.any()):
                self._linear[:, row, :m] += work
                continue
            self._chains.append(
                _Chain(row, stream, _where(flops[row]), _where(table.coefficients["writes"][row]), prefill_s, step_s,
                       extra, work)
            )  # fmt: skip

    def _set_scans(self, rows: Sequence[int], rates: Sequence[Rates], flops: Floats, traffic: Sequence[Floats]) -> None:
        """Scans: products inside chunks, traffic, and chunks one after another; elementwise work may exceed them."""
        table, m = self.table, flops.shape[1]
        if all(r.eff.scan is None for r in rates):
            return
        for row in rows:
            operator, launches = table.operators[row], table.launches[row]
            work, token_s, extra = np.zeros((len(rates), m)), *np.zeros((2, len(rates)))
            for c, r in enumerate(rates):
                own = r.eff.scan
                if own is None:  # a light kernel there
                    continue
                work[c] = traffic[c][row] / (r.eff.bandwidth_bytes_per_s * own.memory)
                if own.compute:
                    work[c] = work[c] + flops[row] / (r.sixteen * own.compute)
                pointwise = table.coefficients["pointwise"][row] / (r.vector * r.eff.plain.compute)
                work[c] = np.maximum(work[c], pointwise)
                self._linear[c, row, m] = launches * own.launch_us * 1e-6
                if is_delta_rule(operator):
                    token_s[c] = operator.repeat * own.token_ns * 1e-9
                if own.prefill_launch_us is not None:
                    extra[c] = launches * (own.prefill_launch_us - own.launch_us) * 1e-6
            stream = stream_of(operator)
            if stream is None:
                self._linear[:, row, :m] += work
                continue
            one = np.zeros(m)
            self._chains.append(_Chain(row, stream, one, one, token_s, token_s, extra, work))

    def _set_light(
        self, rows: list[int], rates: Sequence[Rates], convolutions: NDArray[np.bool_], traffic: Sequence[Floats]
    ) -> None:
        """The longer of 32-bit arithmetic (with products) and traffic; linear where one is longer in every measure."""
        table, m = self.table, self._linear.shape[2] - 1
        needed, pointwise = (table.coefficients[name][rows] for name in ("needed", "pointwise"))
        plains = [r.eff.plain for r in rates]
        sixteen = np.array([r.sixteen * plain.compute for r, plain in zip(rates, plains, strict=True)])
        vector = np.array([r.vector * plain.compute for r, plain in zip(rates, plains, strict=True)])
        streamed = np.array([r.eff.bandwidth_bytes_per_s * r.eff.plain.memory for r in rates])
        compute = needed / sixteen[:, None, None] + pointwise / vector[:, None, None]
        memory = np.stack([moved[rows] for moved in traffic]) / streamed[:, None, None]
        own_short = np.array([r.eff.short_convolution is not None for r in rates])[:, None]
        own_scan = np.array([r.eff.scan is not None for r in rates])[:, None]
        elsewhere = convolutions[rows] & own_short | table.of_kind(Kind.SCAN)[rows] & own_scan
        compute[elsewhere] = memory[elsewhere] = 0.0
        launch_s = np.array([plain.launch_us * 1e-6 for plain in plains])[:, None]
        self._linear[:, rows, m] = np.where(elsewhere, self._linear[:, rows, m], table.launches[rows] * launch_s)
        straight = np.all((compute >= memory).all(axis=2) | (compute <= memory).all(axis=2), axis=0)
        self._linear[:, np.array(rows, dtype=np.intp)[straight], :m] += np.maximum(compute, memory)[:, straight]
        self._bent = np.array(rows, dtype=np.intp)[~straight]
        self._bent_sides = compute[:, ~straight], memory[:, ~straight]

    # --- seconds --------------------------------------------------------------------------------------------------

    def seconds(self, values: Floats, w: Workload) -> Floats:
        """Seconds by operator: shape (C, O, N).

        Args:
            values: The table's measures of the workloads, shape (M, N).
            w: The same workloads, flat.
        """
        ones = np.ones((1, values.shape[1]))
        seconds: Floats = _times(self._linear, np.concatenate([values, ones]))
        for own, p, compute, memory in self._roots if len(self._products) else ():
            root = _root(_times(compute, values), _times(memory, values), p)
            where = slice(None) if len(own) == len(seconds) else own
            for place, row in enumerate(self._products):
                seconds[where, row] += root[:, place]
        if len(self._bent):
            longer = np.maximum(*(_times(side, values) for side in self._bent_sides))
            for place, row in enumerate(self._bent):
                seconds[:, row] += longer[:, place]
        for chain in self._chains:
            seconds[:, chain.row] += _chained(chain, values, w)
        idle = ~((self._drive > 0) @ (values.min(axis=1, initial=np.inf) > 0))
        for row in np.flatnonzero(idle):
            seconds[:, row] *= (self._drive[row] @ values) > 0
        return seconds


def _times(coefficients: Floats, values: Floats) -> Floats:
    """(C, R, M) times (M, N): one product of matrices."""
    c, r, m = coefficients.shape
    return (coefficients.reshape(c * r, m) @ values).reshape(c, r, values.shape[1])


def _root(a: Floats, b: Floats, p: Floats) -> Floats:
    """The smooth maximum, in place where all settings have p = 2."""
    if np.all(p == 2):
        a *= a
        b *= b
        a += b
        return np.sqrt(a, out=a)
    return smooth_maximum(a, b, p[:, None, None])


def _chained(chain: _Chain, values: Floats, w: Workload) -> Floats:
    new = np.asarray(chain.stream.new(w), dtype=np.float64)
    step = new <= STEP_TOKENS
    work = chain.work @ values
    if chain.lengths.any():
        tokens = chain.tokens @ values
        length = np.divide(chain.lengths @ values, tokens, out=np.zeros_like(tokens), where=tokens > 0)
    else:
        length = new * np.minimum(chain.stream.sequences(w), 1)
    all_steps = bool(step.all())
    if all_steps or not step.any():
        per_key = chain.step_s if all_steps else chain.prefill_s
        if per_key.any():
            np.maximum(work, per_key[:, None] * length, out=work)
        if not all_steps:
            work += chain.prefill_extra_s[:, None]
        return work
    per_key = np.where(step, chain.step_s[:, None], chain.prefill_s[:, None])
    return np.maximum(work, per_key * length) + np.where(step, 0.0, chain.prefill_extra_s[:, None])


def experts_here(operator: Operator) -> float:
    """All repeats of an operator, times the share of a mixture's experts that this device holds."""
    held = operator.weights[0].shape[0] if operator.weights else operator.active[1]
    return operator.repeat * min(1.0, held / operator.active[1])


def stream_of(operator: Operator) -> Stream | None:
    """Whose tokens an operator reads."""
    forms = (operator.needed, operator.pointwise, operator.writes, operator.reads)
    found = (getattr(measure, "stream", None) for form in forms for measure in form.terms)
    return next((stream for stream in found if stream is not None), None)


def _where(coefficients: Floats) -> Floats:
    return (coefficients != 0).astype(np.float64)
