"""A design beside the model it came from: both values of every quantity, and the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.comparing import Better, Row, Value, rows_of, subject_of
from advisor.comparison.reasons import reasons
from advisor.design.changes import Setting
from catalog.errors import BadInput
from catalog.spec import ModelSpec

TOLD = ("architecture", "size", "work and time", "money and energy")
LEFT_OUT = ("family", "context", "context, by RULER", "weights", "fits")
"""Rows that say nothing of a change of shape, or are said in words."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One quantity of both models."""

    section: str
    name: str
    base: Value
    design: Value
    base_text: str
    design_text: str
    change: float | None
    """Design over base, less one: 0.25 is a quarter more; ``None`` where it is no number or the base has none."""
    better: Better | None
    """Which end is the better one, where there is one."""

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or nothing where neither can be said."""
        if self.change is None or self.better is None or abs(self.change) < 5e-4:
            return ""
        return "better" if (self.change < 0) == (self.better == "low") else "worse"


def workload_of(base: ModelSpec, setting: Setting) -> dict[str, object]:
    """The setting as fields of a scenario, the same weights for both."""
    weights = setting.weights or ("bf16" if base.stored else base.published_weights)
    return {
        "machine": setting.machine, "tp": setting.devices, "weights": weights, "cache": setting.cache,
        "batch": setting.batch, "input_tokens": setting.input_tokens, "output_tokens": setting.output_tokens,
    }  # fmt: skip


def differences(
    base: ModelSpec, design: ModelSpec, setting: Setting
) -> tuple[tuple[Difference, ...], tuple[str, ...], tuple[str, ...]]:
    """Rows, sentences that explain the largest differences, and what must be known of the numbers.

    Raises:
        BadInput: If the machine, a format or the layout is impossible.
    """
    workload = workload_of(base, setting)
    subjects = [subject_of(spec.id, spec, workload, None) for spec in (base, design)]
    rows = rows_of(subjects, setting.input_tokens + setting.output_tokens, "chat")
    notes = []
    for subject in subjects:
        if subject.estimate is not None and subject.estimate.memory.fits is False:
            notes.append(f"{subject.spec.id} does not fit: its times are what they would be if it did")
    told = tuple(_difference(row) for row in rows if row.section in TOLD and row.name not in LEFT_OUT)
    same = base.architecture == design.architecture
    return told, () if same else tuple(reasons(subjects)), tuple(notes)


def _difference(row: Row) -> Difference:
    old, new = row.values
    known = isinstance(old, int | float) and isinstance(new, int | float) and bool(old)
    change = new / old - 1 if known else None  # type: ignore[operator]
    texts = [text.partition(" (")[0] if known else text for text in row.texts]
    return Difference(row.section, row.name, old, new, texts[0], texts[1], change, row.better)


def find(rows: Sequence[Difference], name: str) -> Difference:
    """The row of that name.

    Raises:
        BadInput: If there is none.
    """
    for row in rows:
        if row.name == name:
            return row
    raise BadInput(f"no row is called {name!r}")
