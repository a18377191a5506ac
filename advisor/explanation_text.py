"""Explanations as text, the same for every face."""

from __future__ import annotations

from textwrap import wrap

from advisor.report import bytes_text, count_text, flops_text, seconds_text
from calculators.explain import Explanation

LABEL, HANGING = 11, 28
"""Characters before the text of a line, and of a part."""
TIMED = ("s", "J", "USD", "tok/s")


def head_of(e: Explanation) -> str:
    """What is explained, and its value."""
    return f"{e.title} of {e.model}: {amount(e.value, e.unit)}"


def text_of(e: Explanation, shown: int, width: int | None = None) -> str:
    """Setting, formula, letters, the largest ``shown`` parts with numbers put in, notes and sources.

    ``width``: characters of a line, over which what is longer is broken; ``None``: however long it is.
    """
    from calculators.explain.symbols import MEANINGS

    lines = [f"  for      {e.setting}", f"  formula  {e.formula}"]
    if e.symbols:
        lines.append("  where    " + ", ".join(_letter(s, n, MEANINGS[s]) for s, n in e.symbols.items()))
    total = e.value if isinstance(e.value, int | float) else 0
    for part in e.parts[:shown]:
        times = f"{part.repeat} x " if part.repeat > 1 else ""
        share = f"  {100 * part.value / total:5.1f} %" if total and _adds_up(e) else ""
        lines.append(f"    {part.name:<24}{times}{part.formula}{share}")
        if part.substituted != part.formula:
            lines.append(f"    {'':<24}{times}{part.substituted}")
    if rest := e.parts[shown:]:
        lines.append(f"    {len(rest)} smaller: {amount(sum(part.value for part in rest), e.unit)} (--all shows them)")
    lines += [f"  note     {note}" for note in e.notes]
    lines += [f"  source   {source}" for source in e.sources]
    return "\n".join(lines if width is None else _broken(lines, width))


def _broken(lines: list[str], width: int) -> list[str]:
    """Lines broken at spaces, what follows under where their text begins."""
    found: list[str] = []
    for line in lines:
        under = HANGING if line.startswith("    ") else LABEL
        found += wrap(line, width, subsequent_indent=" " * under, break_on_hyphens=False, drop_whitespace=True)
    return found


def full_text(e: Explanation, shown: int) -> str:
    """Both, one below the other."""
    return f"{head_of(e)}\n{text_of(e, shown)}"


def amount(value: float | str, unit: str) -> str:
    """A number exactly and shortly: ``4,294,967,296 bytes (4.00 GiB)``."""
    if isinstance(value, str):
        return value
    if unit == "s":
        return seconds_text(value)
    exact = f"{value:,.0f}" if value == int(value) or value >= 1e6 else f"{value:,.4g}"
    short = {"bytes": bytes_text, "FLOP": flops_text, "parameters": count_text}.get(unit)
    return f"{exact} {unit}" + (f" ({short(value)})" if short else "")


def _adds_up(e: Explanation) -> bool:
    if not isinstance(e.value, int | float):
        return False
    allowed = 1e-6 * abs(e.value) if e.unit in TIMED else 1
    return abs(sum(part.value for part in e.parts) - e.value) < allowed


def _letter(symbol: str, values: tuple[int, ...], meaning: str) -> str:
    return f"{symbol}={' or '.join(f'{value:,}' for value in values)} ({meaning})"
