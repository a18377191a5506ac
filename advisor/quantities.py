"""Quantities as people write them: ``16k``, ``1.5s``, ``60ms``, ``24GiB``, ``1k..256k``. Parsed at the edges only."""

from __future__ import annotations

import re
from math import isfinite

from catalog.errors import BadInput

_NUMBER = re.compile(r"^\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-zA-Zµ]*)\s*$")
_COUNTS = {"": 1, "k": 1024, "m": 1024**2, "ki": 1024, "mi": 1024**2}
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "m": 60.0, "h": 3600.0}
_BYTES = {
    "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
    "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40,
}  # fmt: skip
_HOURS_PER_MONTH = 730.0


def _split(text: str, what: str, example: str) -> tuple[float, str]:
    match = _NUMBER.match(text)
    if match is None or not isfinite(float(match[1])):
        raise BadInput(f"{what}: cannot read {text!r}; write it like {example}")
    return float(match[1]), match[2].lower()


def tokens(text: str, what: str = "tokens", *, zero: bool = False) -> int:
    """A number of tokens: ``2000``, ``16k`` (k is 1024, as in context lengths), ``1m``.

    Raises:
        BadInput: If it is no positive whole number.
    """
    number, unit = _split(text, what, "2048, 16k or 1m")
    if unit not in _COUNTS:
        raise BadInput(f"{what}: unknown suffix {unit!r} in {text!r}; write it like 2048, 16k or 1m")
    value = number * _COUNTS[unit]
    if value > 2**40:
        raise BadInput(f"{what}: {text!r} is too large; at most 2^40 tokens")
    if value != int(value) or value < (0 if zero else 1):
        raise BadInput(f"{what}: {text!r} is not a positive whole number of tokens")
    return int(value)


def count(text: str, what: str) -> int:
    """A positive whole number.

    Raises:
        BadInput: If it is anything else.
    """
    if re.fullmatch(r"\s*[0-9]{10,}\s*", text) and (len(text.strip()) > 10 or int(text) > 10**9):
        raise BadInput(f"{what}: {text[:40]!r} is too large; at most 1000000000")
    if not re.fullmatch(r"\s*[0-9]{1,10}\s*", text) or int(text) < 1:
        raise BadInput(f"{what}: {text!r} is not a positive whole number")
    return int(text)


def count_or_none(text: str, what: str) -> int:
    """A whole number that may be zero.

    Raises:
        BadInput: If it is anything else.
    """
    return 0 if text.strip() == "0" else count(text, what)


def params(text: str, what: str) -> float:
    """A number of parameters: ``7B``, ``350M``, ``7e9``.

    Raises:
        BadInput: If it is not a positive number.
    """
    number, unit = _split(text, what, "7B or 350M")
    scale = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}.get(unit)
    if scale is None or number <= 0:
        raise BadInput(f"{what}: cannot read {text!r}; write it like 7B or 350M")
    return number * scale


def share(text: str, what: str) -> float:
    """A part of a whole: ``60%`` or ``0.6``.

    Raises:
        BadInput: If it is not between 0 and 1.
    """
    stripped = text.strip()
    number, unit = _split(stripped.removesuffix("%"), what, "60% or 0.6")
    value = number / 100 if stripped.endswith("%") else number
    if unit or not 0 <= value <= 1:
        raise BadInput(f"{what}: {text!r} is no part of a whole; write it like 60% or 0.6")
    return value


def rate_per_s(text: str, what: str = "rate") -> float:
    """So many per second: ``5/s``, ``300/min``, ``10000/h``; a bare number is per second.

    Raises:
        BadInput: If it is not a positive rate.
    """
    number, slash, unit = str(text).partition("/")
    seconds = {"": 1.0, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "hour": 3600.0, "day": 86400.0}
    try:
        value = float(number.replace(",", "")) / seconds[unit.strip().lower()]
    except (ValueError, KeyError):
        value = 0.0
    if not 0 < value < 1e7 or (slash and not unit):
        raise BadInput(f"{what}: {text!r} is not a positive rate; write it like 5/s, 300/min or 10000/h")
    return value


def seconds(text: str, what: str) -> float:
    """A duration in seconds: ``1s``, ``60ms``; a bare number is seconds.

    Raises:
        BadInput: If it is not a positive duration.
    """
    number, unit = _split(text, what, "500ms or 1.5s")
    if (unit or "s") not in _SECONDS:
        raise BadInput(f"{what}: unknown unit {unit!r} in {text!r}; write it like 500ms or 1.5s")
    value = number * _SECONDS[unit or "s"]
    if not 0 < value < 1e7:
        raise BadInput(f"{what}: {text!r} is not a positive duration")
    return value


def memory_bytes(text: str, what: str) -> float:
    """A size in bytes: ``24GiB``, ``80GB``; a bare number is GiB. G alone is GiB, as on the box.

    Raises:
        BadInput: If it is not a positive size.
    """
    number, unit = _split(text, what, "24GiB or 80GB")
    unit = {"": "gib", "g": "gib", "m": "mib", "t": "tib"}.get(unit, unit)
    if unit not in _BYTES:
        raise BadInput(f"{what}: unknown unit {unit!r} in {text!r}; write it like 24GiB or 80GB")
    value = number * _BYTES[unit]
    if value <= 0:
        raise BadInput(f"{what}: {text!r} is not a positive size")
    return value


def usd_per_hour(text: str, what: str) -> float:
    """A budget in US dollars per hour: ``2000/month``, ``3/hour``; a bare number is per month.

    Raises:
        BadInput: If it is not a positive amount per hour, day, month or year.
    """
    amount, _, period = text.lstrip("$").partition("/")
    hours = {"": _HOURS_PER_MONTH, "month": _HOURS_PER_MONTH, "mo": _HOURS_PER_MONTH, "hour": 1.0, "h": 1.0,
             "day": 24.0, "year": 8760.0}  # fmt: skip
    period = period.strip().lower()
    if period not in hours:
        raise BadInput(f"{what}: unknown period {period!r} in {text!r}; write it like 2000/month or 3/hour")
    number, unit = _split(amount, what, "2000/month or 3/hour")
    if unit not in ("", "k") or number <= 0:
        raise BadInput(f"{what}: cannot read {text!r}; write it like 2000/month or 3/hour")
    return number * (1000 if unit == "k" else 1) / hours[period]


def token_range(text: str, what: str) -> tuple[int, int]:
    """A range of lengths: ``1k..256k``.

    Raises:
        BadInput: If an end is missing or the first is larger.
    """
    low, dots, high = text.partition("..")
    if not dots:
        raise BadInput(f"{what}: cannot read {text!r}; write a range like 1k..256k")
    start, stop = tokens(low, what), tokens(high, what)
    if start > stop:
        raise BadInput(f"{what}: {text!r} runs backwards; write the smaller end first")
    return start, stop


def number_text(value: float) -> str:
    """A number without an exponent that reads back as the same."""
    from decimal import Decimal

    return format(Decimal(repr(value)), "f").removesuffix(".0")
