"""Whether a shortlist is what an engineer wrote down before: reads ``scenarios.yaml`` and ``textbook.yaml``."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

from advisor import recommend
from advisor.asking.reading import read
from advisor.recommend import Advice, Recommendation
from advisor.requirements import Requirements
from catalog.loader import all_models, load_format

HERE = Path(__file__).parent
ALL = 999
PHRASES = {"quality": "best quality", "cost": "cheapest", "latency": "lowest latency"}


def rows(name: str) -> list[dict]:
    return yaml.safe_load((HERE / f"{name}.yaml").read_text())


@lru_cache(maxsize=1)
def makers() -> dict[str, str | None]:
    return {spec.id: spec.organisation for spec in all_models()}


def requirements(row: dict) -> Requirements:
    """What a row asks for, said in words or in fields."""
    if "ask" in row:
        reading = read(row["ask"])
        assert reading.problem is None, reading.problem
        return reading.requirements
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in row["request"].items()}
    return Requirements(**fields, **wish(row["preset"]) if "preset" in row else {})


def wish(name: str) -> dict:
    """The weights of ``quality``, ``cost`` or ``latency``, as a question that names one puts them."""
    asked = read(f"chat, {PHRASES[name]}").requirements
    return {key: value for key, value in asked.model_dump().items() if "weight" in key or key == "preset"}


def answer(row: dict) -> Advice:
    return recommend(requirements(row), limit=ALL)


def _within(value: float | None, ends: list[float], unit: float = 1.0) -> bool:
    return value is not None and ends[0] * unit <= value <= ends[1] * unit


def misses(r: Recommendation, wish: dict) -> list[str]:
    """The parts of a wish that a recommendation does not meet."""
    stored = None if r.family == "api" else load_format(r.weights)
    bits = None if stored is None else stored.expert_bits if r.family == "moe" and stored.expert_bits else stored.bits
    kept = {
        "family": lambda v: r.family in v,
        "model": lambda v: r.model in v,
        "not_model": lambda v: r.model not in v,
        "organisation": lambda v: makers()[r.model] in v,
        "machine": lambda v: r.machine in v,
        "not_weights": lambda v: r.weights not in v,
        "n_gpus": lambda v: _within(r.n_gpus, v),
        "bits": lambda v: _within(bits, v),
        "total_b": lambda v: _within(r.total_params, v, 1e9),
        "active_b": lambda v: _within(r.active_params, v, 1e9),
    }
    return [f"{name} {value}" for name, value in wish.items() if not kept[name](value)]


def offends(r: Recommendation, ban: dict) -> list[str]:
    """The bans that a recommendation breaks."""
    broken = {
        "family": lambda v: r.family in v,
        "model": lambda v: r.model in v,
        "organisation": lambda v: makers()[r.model] in v,
        "weights": lambda v: r.weights in v,
        "total_over_b": lambda v: (r.total_params or 0) > v * 1e9,
    }
    return [f"{name} {value}" for name, value in ban.items() if broken[name](value)]


def faults(row: dict, advice: Advice) -> list[str]:
    """Where an answer departs from what was written down; empty: nowhere."""
    found = advice.recommendations
    if row.get("empty") == "required":
        wrong = [f"recommends {found[0].model}, and nothing fits"] if found else []
    elif not found:
        wrong = [] if row.get("empty") == "allowed" else ["recommends nothing"]
    else:
        wrong = [f"first is {_said(found[0])}, not {miss}" for miss in misses(found[0], row.get("first", {}))]
    for place, r in enumerate(found, start=1):
        wrong += [f"number {place} is {_said(r)}: never {ban}" for ban in offends(r, row.get("never", {}))]
    if top := dict(row.get("top", {})):
        for place, r in enumerate(found[: top.pop("k")], start=1):
            wrong += [f"number {place} is {_said(r)}, not {miss}" for miss in misses(r, top)]
    if among := dict(row.get("among", {})):
        first = found[: among.pop("k")]
        if all(misses(r, among) for r in first):
            wrong.append(f"none of the first {len(first)} is {among}: {', '.join(_said(r) for r in first[:6])}")
    for name, pattern in row.get("rejected", {}).items():
        told = [f"{'; '.join(r.violations)} → {r.smallest_change}" for r in advice.rejected if r.model == name]
        told += [why for model, why in advice.excluded.items() if model == name]
        if not any(re.search(pattern, text) for text in told):
            wrong.append(f"of {name} is told {told or 'nothing'}, not {pattern!r}")
    return wrong


def _said(r: Recommendation) -> str:
    return f"{r.model} ({r.family}, {r.weights}, {r.n_gpus} × {r.machine})"
