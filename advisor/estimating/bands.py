"""Error bars: how far measured times were from predicted ones."""

from __future__ import annotations

from advisor.answer import Band
from advisor.estimating.measured import band_for
from advisor.estimating.resolve import Resolved
from catalog.machine import Badge


def band_of(case: Resolved, quantity: str, value: float, badge: Badge) -> Band:
    """A predicted time with the band of what was measured under constants like its own."""
    measured = band_for(case.engine, quantity, badge)
    if measured is None:
        why = "nothing like it was measured" if badge == "spec sheet" else f"none for {case.engine.id}"
        return Band(value, None, None, badge, f"no measured {quantity} residuals for {case.machine.id}: {why}")
    constants = "" if measured.badge == badge else " with class default constants"
    return Band(
        value,
        value * measured.p10,
        value * measured.p90,
        badge,
        f"measured/predicted on {measured.rows} runs{constants} ({measured.measured_on})",
    )


def inverse(band: Band, amount: float) -> Band:
    """A rate, from the time that ``amount`` takes: slow ends become low ones."""
    low, high = (None if t is None else amount / t for t in (band.p90, band.p10))
    return Band(amount / band.p50, low, high, band.badge, band.basis)


def like(band: Band, value: float, what: str) -> Band:
    """A time that nobody measured by itself, with the relative band of one that holds it."""
    if band.p10 is None or band.p90 is None:
        return Band(value, None, None, band.badge, band.basis)
    share = value / band.p50
    return Band(value, band.p10 * share, band.p90 * share, band.badge, f"as {what}: {band.basis}")


def whole_answer(first: Band, each: Band, further: int) -> Band:
    """The first token and ``further`` others; errors go the same way in both, so their ends add up."""
    p50 = first.p50 + further * each.p50
    if first.p10 is None or first.p90 is None or each.p10 is None or each.p90 is None:
        return Band(p50, None, None, each.badge, each.basis if each.p10 is None else first.basis)
    basis = f"first token and further tokens erring alike: {each.basis}"
    return Band(p50, first.p10 + further * each.p10, first.p90 + further * each.p90, each.badge, basis)
