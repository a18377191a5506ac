"""Machines as the Machines page lists them: what was detected first, and the search line's words and facets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tui.cells import NONE
from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.detect import Detection, Found
    from advisor.machine_table import Row
    from catalog.machine import Machine

HERE = "⌂"
"""Marks what was found on this computer."""
PICKED = "✓"


@dataclass(frozen=True)
class Listed:
    """A machine in the list."""

    row: Row
    words: str
    """Everything that a search looks through, in lower case."""
    found: Found | None = None
    """What was detected, where it is this machine."""
    catalogued: bool = True
    """Whether it can be named; what was only detected cannot."""

    @property
    def machine(self) -> Machine:
        """The machine itself."""
        return self.row.machine

    @property
    def id(self) -> str:
        """Its id."""
        return self.row.machine.id


def listed(machines: Sequence[Machine]) -> tuple[Listed, ...]:
    """Rows of the catalog; looks up prices and constants, so never on the event loop."""
    from advisor.machine_table import row_of

    return tuple(_listed(row_of(machine)) for machine in machines)


def _listed(row: Row) -> Listed:
    m = row.machine
    words = [m.id, m.name, m.vendor, m.kind, m.memory_type or "", m.link.name, row.badge, *m.peak_tflops]
    return Listed(row, " ".join(words).lower())


def with_detected(rows: Sequence[Listed], detection: Detection) -> tuple[Listed, ...]:
    """What was detected on top: as the catalogued machine that it is, else as it was read."""
    from advisor.detect.own import default_id, own_machine
    from advisor.machine_table import row_of
    from catalog.errors import BadInput

    known = {row.id: row for row in rows}
    first: dict[str, Listed] = {}
    for found in detection.found:
        own = default_id(found.device)
        name = own if own in known else found.exact.machine if found.exact else None
        if name in known:
            first.setdefault(name, replace(known[name], found=found))
            continue
        try:
            row = row_of(own_machine(found, own))
        except BadInput:
            continue
        first.setdefault(own, replace(_listed(row), found=found, catalogued=False))
    return (*first.values(), *(row for row in rows if row.id not in first))


# The search line

_BOUND = re.compile(r"^([<>])=?(\$?)([0-9]*\.?[0-9]+)(gb/s|gbps|tb/s|gb|gib|g|tflops|tf|w)?$")
_UNFINISHED = re.compile(r"^[<>]=?\$?[0-9]*\.?$|^(kind|vendor|times):$")
Test = Callable[[Listed], bool]


def matcher(query: str) -> Test:
    """A test for machines.

    Every word must appear in id, name, vendor, kind, memory, link, formats or badge; ``>80gb`` compares memory,
    ``>2tb/s`` bandwidth, ``<$3`` the price per hour, ``>500tf`` the 16-bit peak, ``<400w`` power; ``kind:apple``,
    ``vendor:amd`` and ``times:calibrated`` look in one place. What is not known fails a comparison.
    """
    tests = [_test(word) for word in query.lower().split()]
    return lambda row: all(test(row) for test in tests)


def _test(word: str) -> Test:
    if match := _BOUND.match(word):
        more, number = match[1] == ">", float(match[3])
        read = _read(match[2], match[4] or "")
        return lambda row: (value := read(row)) is not None and (value > number if more else value < number)
    if _UNFINISHED.match(word):
        return lambda row: True
    facet, colon, value = word.partition(":")
    if colon and facet == "kind":
        return lambda row: value in row.machine.kind
    if colon and facet == "vendor":
        return lambda row: value in row.machine.vendor
    if colon and facet == "times":
        return lambda row: value in row.row.badge
    return lambda row: word in row.words


def _read(dollar: str, unit: str) -> Callable[[Listed], float | None]:
    if dollar:
        return lambda row: row.row.usd_per_hour
    match unit:
        case "gb/s" | "gbps":
            return lambda row: row.machine.bandwidth_gb_per_s
        case "tb/s":
            return lambda row: row.machine.bandwidth_gb_per_s / 1000
        case "tf" | "tflops":
            return lambda row: row.row.sixteen_bit_tflops
        case "w":
            return lambda row: row.machine.tdp_w
        case _:
            return lambda row: row.machine.memory_gib


# Columns


def number(value: float | None) -> str:
    """Three digits, thousands with separators; a dash where it is not known."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def columns(picked: Mapping[str, int]) -> tuple[Column[Listed], ...]:
    """The list's columns; ``picked`` is read whenever a row is drawn."""
    from advisor.report import usd_text

    def name(row: Listed) -> str:
        devices = picked.get(row.id)
        mark = f"{PICKED} " if devices else f"{HERE} " if row.found else "  "
        return f"{mark}{row.id}" + (f" ×{devices}" if devices and devices > 1 else "")

    return (
        Column("  id", name, 0, left=True, most=30, key=lambda m: m.id),
        Column("GiB", lambda m: number(m.machine.memory_gib), 1, key=lambda m: m.machine.memory_gib, descending=True),
        Column(
            "GB/s", lambda m: number(m.machine.bandwidth_gb_per_s), 2, key=lambda m: m.machine.bandwidth_gb_per_s,
            descending=True,
        ),
        Column(
            "16-bit", lambda m: number(m.row.sixteen_bit_tflops), 4, key=lambda m: m.row.sixteen_bit_tflops,
            descending=True,
        ),
        Column(
            "8-bit", lambda m: number(m.row.eight_bit_tflops), 6, key=lambda m: m.row.eight_bit_tflops, descending=True
        ),
        Column(
            "4-bit", lambda m: number(m.row.four_bit_tflops), 7, key=lambda m: m.row.four_bit_tflops, descending=True
        ),
        Column("fp32", lambda m: number(m.row.fp32_tflops), 9, key=lambda m: m.row.fp32_tflops, descending=True),
        Column("W", lambda m: number(m.machine.tdp_w), 10, key=lambda m: m.machine.tdp_w),
        Column("$/h", lambda m: usd_text(m.row.usd_per_hour), 3, key=lambda m: m.row.usd_per_hour),
        Column("times", lambda m: m.row.badge, 5, left=True, key=lambda m: m.row.badge),
        Column("kind", lambda m: m.machine.kind, 8, left=True, key=lambda m: m.machine.kind),
    )  # fmt: skip
