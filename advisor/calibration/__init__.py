"""Measure a machine, fit the constants that the catalog holds of machines, and check them on real models."""

from __future__ import annotations

from advisor.calibration.run import QUICK_SECONDS, SECONDS, Calibrated, calibrate

__all__ = ["QUICK_SECONDS", "SECONDS", "Calibrated", "calibrate"]
