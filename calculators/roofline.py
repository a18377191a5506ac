"""Time of operators by a smooth roofline, on many settings at once.

    t = ((flops / (peak·η_c))^p + (bytes / (bandwidth·η_b))^p)^(1/p) + launches·t_launch + what the inputs cost

is the time of matrix products. Mixtures of experts, attention in its kinds, scans and short convolutions have formulas
of their own; all of them, with their constants, stand in ``catalog/machine.py``. Constants are measured per machine
(``catalog/machines``, by ``whicharch fit``). Other work without matrix products (norms, activations, look-ups) takes
the longer of its traffic and its 32-bit arithmetic.

Axes: C settings (a machine with its formats), O operators, N workloads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calculators.collectives import cost_or_never, one_step_of
from calculators.efficiency import Efficiency
from calculators.kernels import NARROW_CACHE_BITS, Compiled, Rates
from calculators.operators import Exchange, Kind
from calculators.smooth import smooth_maximum
from calculators.table import ACTIVATION_BYTES, Floats, Table
from calculators.workload import Workload
from catalog.machine import Machine
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

__all__ = ["PRODUCTS", "Setting", "Settings", "smooth_maximum"]

PRODUCTS = (Kind.GEMM, Kind.EXPERTS)
"""Products of activations with weights, which run in the type of the weights."""


MOST_KNOWN = 64
"""Settings of which a table keeps its coefficients."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A machine with the formats that run on it."""

    machine: Machine
    eff: Efficiency
    weights: WeightFormat
    cache_bits: float


class Settings:
    """Many settings as arrays, so that one model is timed on all of them at once."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self.settings = tuple(settings)
        self._links: dict[Exchange, Floats] = {}
        self.rates = [Rates(s.eff, s.cache_bits < NARROW_CACHE_BITS) for s in self.settings]
        self._compiled: dict[Table, Compiled] = {}

    def __len__(self) -> int:
        return len(self.settings)

    def operator_seconds(self, table: Table, w: Workload) -> Floats:
        """Seconds that each operator takes in a pass, all repeats included.

        Args:
            table: The model's share on one device of a layout; the machine's links carry what they exchange.
            w: Flat workloads, shape (N,).

        Returns:
            Seconds, shape (C, O, N).
        """
        values = table.timed(w)
        seconds = self.compiled(table).seconds(values, w)
        if table.layout.devices > 1:
            self._collectives(table, values, seconds)
        return seconds

    def compiled(self, table: Table) -> Compiled:
        """A table's coefficients on these settings."""
        if table not in self._compiled:
            self._compiled[table] = self._known(table) if len(self) == 1 else self._compile(table)
        return self._compiled[table]

    def _known(self, table: Table) -> Compiled:
        """The same for one setting, kept with the table: an estimate asks for it again and again."""
        only, known = self.settings[0], table.single_settings
        key = (only.eff.identity, id(only.weights), only.cache_bits)
        if key not in known:
            if len(known) >= MOST_KNOWN:
                known.clear()
            known[key] = (self._compile(table), only)  # the setting keeps alive what the key names
        compiled: Compiled = known[key][0]
        return compiled

    def _compile(self, table: Table) -> Compiled:
        traffic = {(s.weights.id, s.cache_bits): s for s in self.settings}
        moved = {key: table.traffic(s.weights, s.cache_bits) for key, s in traffic.items()}
        brought = {bits: table.brought(bits) for bits in {s.cache_bits for s in self.settings}}
        return Compiled(
            table,
            [moved[s.weights.id, s.cache_bits] for s in self.settings],
            [brought[s.cache_bits] for s in self.settings],
            self.rates,
        )

    def _collectives(self, table: Table, values: Floats, seconds: Floats) -> None:
        """Fill in the rows of what devices exchange; nothing is started where nothing is sent."""
        for row in np.flatnonzero(table.of_kind(Kind.COLLECTIVE)):
            exchange = table.operators[row].exchange
            if exchange is None:
                continue
            if exchange not in self._links:
                self._links[exchange] = np.array(
                    [(*cost_or_never(s.machine, exchange), *one_step_of(s.machine, exchange)) for s in self.settings]
                )
            alpha, per_byte, second, one_step = self._links[exchange].T[:, :, None]
            sent = table.coefficients["sent"][row] @ values * ACTIVATION_BYTES
            launches = table.launches[row]
            moving = np.minimum(one_step * sent, launches * second + per_byte * sent)
            seconds[:, row] = np.where(sent > 0, launches * alpha + moving, 0.0)
