"""Whole models at random weights, as ``benchmarks/measure.py`` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.own_machines import machine_beside
from advisor.calibration.check import habits_of, predicted_s, stage_of
from catalog.errors import BadInput
from catalog.importers.huggingface import from_hf_config
from catalog.machine import Machine

GROWTH = {"decoder": "O(n²)", "moe": "O(n²)", "encoder": "O(n²)", "encoder-decoder": "O(n²)", "ssm": "O(n)",
          "hybrid": "O(n) and O(n²)", "vision": "images", "diffusion": "O(n²)"}  # fmt: skip
"""How the time of a pass grows with its tokens, by family."""


@dataclass(frozen=True)
class _Pass:
    name: str
    config: dict[str, Any]
    dtype: str
    batch: int
    new: int
    past: int
    image: int

    @classmethod
    def of(cls, row: Row) -> _Pass:
        numbers = (int(row[name]) for name in ("batch", "new", "past", "image"))
        return cls(row["model"], json.loads(row["config"]), row["dtype"], *numbers)


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    known: dict[str, Machine | str] = {}
    growth: dict[str, str] = {}
    for line, row in enumerate(file.rows, 1):
        machine = machine_beside(file, row, given, known)
        if isinstance(machine, str):
            yield Skipped(line, machine)
            continue
        try:
            one = _Pass.of(row)
            if one.name not in growth:
                growth[one.name] = GROWTH.get(from_hf_config(one.config, name="measured").family, "other")
            predicted = predicted_s(one, machine, habits_of(row["mode"]))
        except (BadInput, ValueError, KeyError) as error:
            yield Skipped(line, f"{row['model']}: {error}")
            continue
        yield Comparison(
            line=line,
            quantity=stage_of(one),
            unit="s",
            measured=float(row["seconds"]),
            predicted=predicted,
            keys={"model": one.name, "machine": machine.id, "growth": growth[one.name], "mode": row["mode"],
                  "batch": str(one.batch), "tokens": str(one.past or one.new), "engine": "pytorch"},
        )  # fmt: skip


READER = Reader(
    layout="measured_passes",
    about="whole models of transformers at random weights, measured by benchmarks/measure.py",
    columns=frozenset(("machine", "model", "config", "dtype", "mode", "batch", "new", "past", "image", "seconds")),
    compare=_compare,
    by=("quantity", "growth", "model", "machine"),
)
