"""How well a model does a task, from published scores only.

The scores that speak for the task, and with a quarter of their weight all others of the same domain, give each model an
ability (``ability``); a model's index is the share of the catalog's scored models that it beats, with the interval that
holds four cases in five. A model without a score on the task's own benchmarks has no index and never ranks before one
that has. Rankings count the lower quartile, so thin evidence counts for less.

How well this foretells scores that were left out is measured by ``python -m benchmarks.quality_index``.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import is_
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from advisor.ability import Abilities, fit, log_odds
from catalog.loader import listed_models
from catalog.quality import Reporter, Taken, benchmark_of, taken
from catalog.spec import ModelSpec
from catalog.task import Task
from catalog.terms import beyond
from catalog.values import changed, dataclass

RELATED = 0.25
"""What a score of the same domain outside the task's benchmarks weighs. From 0.25 to 1 held-out scores of chat, code
and reasoning are foretold alike, and better than without; long-context scores best at 0.1 to 0.25."""
WEIGHTS: dict[Reporter, float] = {"independent": 1.0, "vendor": 0.8, "relayed": 0.8, "rival": 0.8}
"""By who reports. Where both print the same model and benchmark, makers and leaderboards differ by 0.35 in log-odds (27
pairs), two leaderboards by 0.30 (19): little, so makers count little less."""
OTHER_WEIGHTS = 0.5
"""What a score of another snapshot, or of the same architecture trained by others, weighs besides."""
NORMAL = NormalDist()
QUARTILE, TENTH = -NORMAL.inv_cdf(0.25), -NORMAL.inv_cdf(0.1)
LEAST_SLOPE = 0.25
"""Below this the task's benchmarks say too little of ability to turn log-odds into it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Evidence for one model on one task."""

    index: float
    """Share of the scored models of the domain that it beats, 0 to 1."""
    coverage: float
    """Share of the task's benchmarks, weighing 1, 1/2, 1/3 ... in its order, that have a score."""
    evidence: tuple[str, ...]
    """The task's own benchmarks with values, and who reports them where not the maker."""
    low: float = 0.0
    """The index that nine cases in ten exceed."""
    high: float = 1.0
    """The index that one case in ten exceeds."""
    cautious: float = 0.0
    """The index as it counts in rankings: three cases in four exceed it."""
    ability: float = 0.0
    """The fitted ability, of which the index is the place among others."""
    spread: float = 1.0
    """Standard deviation of the ability."""
    scale: NormalDist = NORMAL
    """Abilities of the scored models."""
    slope: float = 1.0
    """Log-odds of a score per unit of ability, on average over the task's benchmarks."""

    def after(self, odds_lost: float) -> Quality:
        """The same with so many log-odds lost, as a narrower weight format costs (``format_loss``)."""
        if odds_lost <= 0:
            return self
        ability = self.ability - odds_lost / self.slope
        return changed(self, ability=ability, **_places(ability, self.spread, self.scale))


class Table(NamedTuple):
    """Scores of one domain, ready to fit."""

    models: list[str]
    groups: list[str]
    model: np.ndarray
    group: np.ndarray
    odds: np.ndarray
    weight: np.ndarray
    rows: list[Taken]


_LAST: dict[str, tuple[Task, list[ModelSpec], dict[str, Quality]]] = {}


def qualities(task: Task, models: Iterable[ModelSpec]) -> dict[str, Quality]:
    """Quality by model id; models without a score for the task are missing."""
    asked = list(models)
    last = _LAST.get(task.id)
    if last and last[0] is task and len(last[1]) == len(asked) and all(map(is_, last[1], asked)):
        return last[2]
    found = _qualities(task, asked)
    _LAST[task.id] = (task, asked, found)
    return found


_FITTED: dict[str, tuple[Task, list[ModelSpec], Table, Abilities | None]] = {}


def _fitted(task: Task) -> tuple[Table, Abilities | None]:
    """The scores that a task is judged by and the abilities behind them, if there are any; found once per catalog."""
    listed = list(listed_models())
    last = _FITTED.get(task.id)
    if last and last[0] is task and len(last[1]) == len(listed) and all(map(is_, last[1], listed)):
        return last[2], last[3]
    table = task_table(task)
    found = None
    if table.rows:
        found = fit(table.model, table.group, table.odds, table.weight, len(table.models), len(table.groups))
    _FITTED[task.id] = (task, listed, table, found)
    return table, found


def _qualities(task: Task, models: list[ModelSpec]) -> dict[str, Quality]:
    table, found = _fitted(task)
    if found is None:
        return {}
    own: dict[str, list[Taken]] = {}
    for row in table.rows:
        if row.group in task.benchmarks:
            own.setdefault(row.model, []).append(row)
    shares = _shares(task)
    places = {name: place for place, name in enumerate(table.models)}
    scale = _scale(found, [places[name] for name in own])
    direct = np.array([row.group in task.benchmarks for row in table.rows])
    slope = max(LEAST_SLOPE, float(np.average(found.slope[table.group[direct]])))
    return {
        spec.id: _quality(own[spec.id], places[spec.id], found, scale, slope, shares, task)
        for spec in models
        if spec.id in own
    }


def task_table(task: Task) -> Table:
    """All scores of the domains of a task's benchmarks, the task's own with full weight."""
    entries = [entry for entry in map(benchmark_of, task.benchmarks) if entry is not None]
    return table_of({entry.domain for entry in entries}, task.benchmarks)


def table_of(domains: Iterable[str], full: Iterable[str]) -> Table:
    """Scores of some domains: those of models' own files before those of tables."""
    printed = taken()
    rows = {(row.model, row.group): row for domain in sorted(domains) if domain in printed for row in printed[domain]}
    wanted = set(domains)
    contexts = {spec.id: spec.context_tokens for spec in listed_models()}
    rows = {key: row for key, row in rows.items() if not beyond(row.group, contexts.get(row.model))}
    for spec in listed_models():
        for score in spec.scores:
            entry = benchmark_of(score.benchmark)
            if entry is None or entry.domain not in wanted or beyond(score.benchmark, spec.context_tokens):
                continue
            same = rows.get((spec.id, score.benchmark))
            by: Reporter = same.by if same is not None and same.value == score.value else "vendor"
            rows[spec.id, score.benchmark] = Taken(score.benchmark, spec.id, score.value, by, False)
    return _table(list(rows.values()), set(full))


def _table(rows: list[Taken], full: set[str]) -> Table:
    models, groups = sorted({row.model for row in rows}), sorted({row.group for row in rows})
    place = {name: i for i, name in enumerate(models)}
    column = {name: j for j, name in enumerate(groups)}
    entries = {name: benchmark_of(name) for name in groups}
    known = [entry for row in rows if (entry := entries[row.group]) is not None]
    return Table(
        models,
        groups,
        np.array([place[row.model] for row in rows], dtype=np.intp),
        np.array([column[row.group] for row in rows], dtype=np.intp),
        log_odds(
            [row.value for row in rows],
            [entry.chance for entry in known],
            [entry.high for entry in known],
            [entry.better == "lower" for entry in known],
        ),
        np.array(
            [
                WEIGHTS[row.by]
                * (OTHER_WEIGHTS if row.other_weights else 1.0)
                * (1.0 if row.group in full else RELATED)
                for row in rows
            ]
        ),
        rows,
    )


def _shares(task: Task) -> dict[str, float]:
    """What each of the task's benchmarks weighs in coverage; groups of one benchmark stand for each other."""
    shares: dict[str, float] = {}
    for name in task.benchmarks:
        entry = benchmark_of(name)
        shares.setdefault(entry.id if entry else name, 1 / (len(shares) + 1))
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _scale(found: Abilities, places: list[int]) -> NormalDist:
    """The spread of abilities, among models with a score on the task itself, uncertainty included."""
    ability = found.ability[places]
    return NormalDist(float(ability.mean()), float(np.sqrt(ability.var() + found.variance[places].mean())))


def _quality(
    own: list[Taken],
    place: int,
    found: Abilities,
    scale: NormalDist,
    slope: float,
    shares: dict[str, float],
    task: Task,
) -> Quality:
    ability, sd = float(found.ability[place]), float(np.sqrt(found.variance[place]))
    ordered = sorted(own, key=lambda row: task.benchmarks.index(row.group))
    have = {entry.id for row in own if (entry := benchmark_of(row.group)) is not None}
    return Quality(
        coverage=sum(shares[name] for name in have), evidence=tuple(_said(row) for row in ordered),
        ability=ability, spread=sd, scale=scale, slope=slope, **_places(ability, sd, scale),
    )  # fmt: skip


def _places(ability: float, sd: float, scale: NormalDist) -> dict[str, Any]:
    """The index with its interval."""
    steps = {"index": 0.0, "low": -TENTH, "high": TENTH, "cautious": -QUARTILE}
    return {name: scale.cdf(ability + step * sd) for name, step in steps.items()}


def _said(row: Taken) -> str:
    who = "" if row.by == "vendor" else f" ({row.by})"
    return f"{row.group} {row.value:g}{who}" + (", other weights" if row.other_weights else "")
