"""The one place that turns numbers into text: command line, exports and screens print the same digits."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Literal

from catalog.values import dataclass


@dataclass
class Display:
    """How a person wants sizes and money shown; the command line keeps these defaults."""

    units: Literal["GiB", "GB"] = "GiB"
    currency: str = "$"
    per_usd: float = 1.0
    """How many of that currency a US dollar is."""


DISPLAY = Display()


def _scaled(value: float, base: float, units: Sequence[str], digits: int = 3) -> str:
    if not isfinite(value):
        return "–"
    index = 0
    while abs(value) >= base * (1 - 0.5 * 10**-digits) and index < len(units) - 1:
        value, index = value / base, index + 1
    if index == 0 and value == int(value):
        return f"{int(value)} {units[0]}".strip()
    whole = len(str(int(abs(value))))
    return f"{value:.{max(0, digits - whole)}f} {units[index]}".strip()


def count_text(value: float) -> str:
    """A count: ``8.03 B``, ``671 B``, ``124 M``."""
    return _scaled(value, 1000, ("", "k", "M", "B", "T"))


def bytes_text(value: float) -> str:
    """A size: ``15.0 GiB``, or ``16.1 GB`` where decimal units are chosen."""
    if DISPLAY.units == "GB":
        return _scaled(value, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))
    return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))


def flops_text(value: float) -> str:
    """An amount of arithmetic: ``32.9 TFLOP``."""
    return _scaled(value, 1000, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP"))


def joules_text(value: float) -> str:
    """An energy: ``3.60 kJ``, ``240 mJ``."""
    if 0 < value < 0.9995:
        return f"{_scaled(value * 1e6, 1000, ('µJ', 'mJ', 'J'))}"
    return _scaled(value, 1000, ("J", "kJ", "MJ", "GJ"))


def seconds_text(value: float) -> str:
    """A duration: ``213 ms``, ``1.20 s``."""
    if not isfinite(value):
        return "–"
    if value >= 0.9995:
        return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} s"
    if value >= 0.9995e-3:
        millis = value * 1e3
        return f"{millis:.{2 if millis < 9.995 else 1 if millis < 99.95 else 0}f} ms"
    return f"{value * 1e6:.0f} µs"


def rate_text(value: float, unit: str = "tok/s") -> str:
    """A rate: ``1,240 tok/s``."""
    if not isfinite(value):
        return "–"
    digits = 0 if value >= 100 else 1 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}".rstrip()


def usd_text(value: float | None) -> str:
    """Money: ``$0.42``, ``$12``; a dash where there is no price."""
    if value is None or not isfinite(value):
        return "–"
    sign, amount = DISPLAY.currency, value * DISPLAY.per_usd
    if amount >= 1000:
        return f"{sign}{amount:,.0f}"
    return f"{sign}{amount:.2f}" if amount >= 0.1 else f"{sign}{amount:.2g}"


def tokens_text(value: int) -> str:
    """A length: ``16k`` where it is a multiple of 1024, else with thousands separators."""
    if value >= 2**20 and value % 2**20 == 0:
        return f"{value // 2**20}M"
    if value >= 1024 and value % 1024 == 0:
        return f"{value // 1024}k"
    return f"{value:,}"


def percent_text(value: float) -> str:
    """A share: ``42 %``."""
    return "–" if not isfinite(value) else f"{100 * value:,.{0 if value >= 0.0995 else 1}f} %"


def change_text(change: float | None, digits: int = 1) -> str:
    """A change as a share of what it was: ``+12.5 %``, ``−3.0 %``, ``×4.2`` where it more than doubled."""
    if change is None or not isfinite(change):
        return "–"
    if change >= 1:
        return f"×{change + 1:.{2 if change < 9 else 0}f}"
    size = f"{abs(100 * change):.{digits}f}"
    if float(size) == 0:
        return "="
    return f"{'+' if change > 0 else '−'}{size} %"
