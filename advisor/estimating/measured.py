"""Which measured errors speak for a prediction."""

from __future__ import annotations

from catalog.engine import Engine, ErrorBand
from catalog.loader import error_bands
from catalog.machine import Badge


def band_for(engine: Engine, quantity: str, badge: Badge) -> ErrorBand | None:
    """Measured residuals of a quantity under constants like the machine's: the engine's, else those of all engines.

    Those of class defaults stand in where none were taken with machines' own constants.
    """
    own: dict[str, ErrorBand] = {band.badge: band for band in engine.bands if band.quantity == quantity}
    pooled: dict[str, ErrorBand] = {band.badge: band for band in error_bands() if band.quantity == quantity}
    if badge in own:
        return own[badge]
    if badge != "spec sheet" and "class default" in own:
        return own["class default"]
    return pooled.get(badge) or (pooled.get("class default") if badge != "spec sheet" else None)
