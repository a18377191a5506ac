"""What fits are worth: a row per machine and kind of kernels, and which bars are missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from advisor.fit.run import Fitted
from advisor.fit.solve import Errors, Fit


@dataclass(frozen=True)
class Line:
    """One kind of kernels on one machine, on shapes held out of the fit."""

    machine: str
    kernels: str
    phase: str
    fitted: int
    held: Errors
    raw: Errors
    """Of the plain roofline."""
    bar: float | None
    constants: dict[str, float]
    engine: str

    @property
    def misses(self) -> bool:
        """Whether the median error is above what was asked for."""
        return self.bar is not None and self.held.median > self.bar

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "machine": self.machine, "kernels": self.kernels, "phase": self.phase or None, "rows_fitted": self.fitted,
            "rows_held_out": self.held.n, "median_absolute_error": self.held.median,
            "p90_absolute_error": self.held.p90, "bias": self.held.bias,
            "raw_roofline_median_absolute_error": self.raw.median, "bar": self.bar, "misses": self.misses,
            "constants": self.constants, "engine": self.engine,
        }  # fmt: skip


HEADERS = ("machine", "kernels", "phase", "fitted", "held out", "median", "p90", "bias", "raw roofline", "bar", "")


def lines(fits: Sequence[Fit]) -> list[Line]:
    """A line for each machine, kind and phase, machine by machine."""
    return [
        Line(
            f.kernels.machine, f.kernels.kind, phase, f.rows, f.held[phase], f.raw[phase],
            f.kernels.bars.get(phase), f.values, f.kernels.version,
        )
        for f in sorted(fits, key=lambda f: (f.kernels.machine, _order(f.kernels.kind)))
        for phase in (sorted(set(f.held) - {""}) or [""])
    ]  # fmt: skip


ORDER = ("gemm", "experts", "attention", "scan", "short", "all-reduce", "ring")
"""Kinds of kernels by their first word, as reports list them."""


def _order(kind: str) -> tuple[int, str]:
    word = kind.partition(" ")[0]
    return (ORDER.index(word) if word in ORDER else len(ORDER)), kind


def cells(line: Line) -> list[str]:
    """As the table shows it."""
    held = line.held
    return [
        line.machine, line.kernels, line.phase, str(line.fitted), str(held.n), percent(held.median), percent(held.p90),
        f"{100 * held.bias:+.1f} %", percent(line.raw.median), "" if line.bar is None else f"{100 * line.bar:.0f} %",
        "misses" if line.misses else "",
    ]  # fmt: skip


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f} %"


@dataclass(frozen=True)
class Summary:
    """One kind of kernels over all machines, each weighing the same."""

    kernels: str
    phase: str
    machines: int
    mean: float
    middle: float
    raw: float
    bar: float | None

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kernels": self.kernels, "phase": self.phase or None, "machines": self.machines,
            "mean_of_medians": self.mean, "median_of_medians": self.middle, "raw_roofline": self.raw, "bar": self.bar,
        }  # fmt: skip


def summaries(found: Sequence[Line]) -> list[Summary]:
    """Means and medians over machines of their median errors."""
    grouped: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        kind = line.kernels.partition(" x")[0]
        grouped.setdefault((kind, line.phase), []).append(line)
    return [
        Summary(
            kind, phase, len({o.machine for o in own}), fmean(o.held.median for o in own),
            median(o.held.median for o in own), median(o.raw.median for o in own), own[0].bar,
        )
        for (kind, phase), own in sorted(grouped.items(), key=lambda item: (_order(item[0][0]), item[0][1]))
    ]  # fmt: skip


SUMMARY_HEADERS = ("kernels", "phase", "machines", "mean", "median", "raw roofline", "bar")


def summary_cells(summary: Summary) -> list[str]:
    """As the table shows it."""
    return [
        summary.kernels, summary.phase, str(summary.machines), percent(summary.mean), percent(summary.middle),
        percent(summary.raw), "" if summary.bar is None else f"{100 * summary.bar:.0f} %",
    ]  # fmt: skip


CLASS_HEADERS = ("class", "kernels", "members", "each from the others")


def class_cells(fitted: Fitted) -> Iterator[list[str]]:
    """Defaults of classes with the median error of members predicted from the others."""
    for kin, found in fitted.classes:
        for default in found:
            phases = [p for p in sorted(default.errors) if p or len(default.errors) == 1]
            errors = ", ".join(f"{p} {percent(default.errors[p].median)}".strip() for p in phases)
            yield [kin.id, default.kind, str(len(default.members)), errors or "one member"]
