"""Rows of measured tables, nominal figures of machines, and errors: what the scripts beside this file share.

Kernels are fitted by ``whicharch fit`` (``advisor/fit``).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Row = Mapping[str, str]


def read(path: Path) -> list[Row]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Hardware:
    """Nominal figures of one machine from ``hardware.csv``, in SI units."""

    id: str
    vendor: str
    kind: str
    bandwidth: float
    peaks: Mapping[str, float]
    l2_bytes: float
    achievable: float | None

    @classmethod
    def of(cls, row: Row) -> Hardware:
        """From a row of the file."""
        peaks = {
            dtype: float(row[f"{dtype}_tflops"]) * 1e12 for dtype in ("fp16", "bf16", "fp8") if row[f"{dtype}_tflops"]
        }
        achievable = float(row["achievable_bf16_tflops"]) * 1e12 if row["achievable_bf16_tflops"] else None
        bandwidth = float(row["mem_bandwidth_gbps"] or 0) * 1e9
        return cls(row["id"], row["vendor"], row["kind"], bandwidth, peaks, float(row["l2_mb"] or 0) * 1e6, achievable)


@dataclass(frozen=True)
class Errors:
    """How predictions differ from measurements, as fractions."""

    n: int
    median: float
    p90: float
    bias: float

    @classmethod
    def of(cls, predicted: Array, measured: Array) -> Errors:
        """Median and 90th percentile of the absolute relative error, and the median of the signed one."""
        if not len(measured):
            return cls(0, float("nan"), float("nan"), float("nan"))
        error = predicted / measured - 1.0
        size = np.abs(error)
        return cls(len(error), float(np.median(size)), float(np.quantile(size, 0.9)), float(np.median(error)))

    def __str__(self) -> str:
        """Median, 90th percentile and bias, in percent."""
        return f"{100 * self.median:5.1f} {100 * self.p90:6.1f} {100 * self.bias:+6.1f}"
