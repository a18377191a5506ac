"""Error bars: how far measured times were from predicted ones."""

from __future__ import annotations

from advisor.answer import Band
from advisor.estimating.resolve import Resolved
from catalog.engine import Engine, ErrorBand
from catalog.machine import Badge


def band_for(engine: Engine, quantity: str, badge: Badge) -> ErrorBand | None:
    """The engine's measured residuals of a quantity under constants like the machine's.

    Those of class defaults stand in where none were taken with machines' own constants; nominal rates have none.
    """
    if badge == "spec sheet":
        return None
    found: dict[str, ErrorBand] = {band.badge: band for band in engine.bands if band.quantity == quantity}
    return found.get(badge) or found.get("class default")


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
