"""How well the quality index foretells scores that it was not shown.

    python -m benchmarks.quality_index

Per task a tenth of the scores at a time is left out, and foretold from the rest; then each benchmark of the task is
left out whole, and the index of the others ranked against it. Compared with a mean of z-scores per benchmark, and with
the benchmark's own mean.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from advisor.ability import fit
from advisor.quality import Table, task_table
from catalog.loader import all_tasks
from catalog.quality import benchmark_of
from catalog.task import Task

FOLDS = 10


class HeldOut(NamedTuple):
    """Errors on scores of a task's own benchmarks that were left out."""

    scores: int
    models: int
    median_points: float
    rms: float
    """Of log-odds."""
    rms_z: float
    rms_mean: float
    within: float
    """Share of held-out scores inside the interval that should hold 0.8."""
    rank: float
    """Spearman's correlation, within each benchmark, of foretold and printed; weighted by scores."""
    rank_left_out: float
    """The same where the whole benchmark was left out and models are ranked by ability alone."""


def main() -> int:
    """Print a table."""
    print(f"{'task':<22}{'scores':>7}{'models':>7}{'|err| pts':>10}{'rms':>6}{'z':>6}{'mean':>6}{'in 80%':>8}{'rho':>6}"
          f"{'rho new':>9}")  # fmt: skip
    for task in all_tasks():
        found = held_out(task)
        if found is None:
            print(f"{task.id:<22} too few scores to leave any out")
            continue
        print(
            f"{task.id:<22}{found.scores:>7}{found.models:>7}{found.median_points:>10.1f}{found.rms:>6.2f}"
            f"{found.rms_z:>6.2f}{found.rms_mean:>6.2f}{found.within:>8.2f}{found.rank:>6.2f}{found.rank_left_out:>9.2f}"
        )
    return 0


def held_out(task: Task) -> HeldOut | None:
    """Errors on held-out scores; ``None`` with fewer than 20 that could be foretold."""
    table = task_table(task)
    if not table.rows:
        return None
    own = np.array([row.group in task.benchmarks for row in table.rows])
    per_model, per_group = np.bincount(table.model), np.bincount(table.group)
    tested = own & (per_model[table.model] >= 2) & (per_group[table.group] >= 4)
    if tested.sum() < 20:
        return None
    fold = np.random.default_rng(0).permutation(len(table.rows)) % FOLDS
    foretold, variance, by_z, by_mean = (np.zeros(len(fold)) for _ in range(4))
    for k in range(FOLDS):
        hidden, shown = tested & (fold == k), ~(tested & (fold == k))
        found = _fit(table, shown)
        foretold[hidden], variance[hidden] = found.predicted(table.model[hidden], table.group[hidden])
        by_z[hidden], by_mean[hidden] = _z_scores(table, own & shown, hidden)
    error = (foretold - table.odds)[tested]
    inside = np.abs(error) <= 1.2816 * np.sqrt(variance[tested])
    points = [abs(_points(table, i, foretold[i]) - table.rows[i].value) for i in np.flatnonzero(tested)]
    return HeldOut(
        scores=int(tested.sum()), models=len(set(table.model[tested])), median_points=float(np.median(points)),
        rms=_rms(error), rms_z=_rms((by_z - table.odds)[tested]), rms_mean=_rms((by_mean - table.odds)[tested]),
        within=float(inside.mean()), rank=_rank(table, tested, foretold), rank_left_out=_left_out(table, tested),
    )  # fmt: skip


def _fit(table: Table, shown: np.ndarray):  # type: ignore[no-untyped-def]
    return fit(
        table.model[shown], table.group[shown], table.odds[shown], table.weight[shown], len(table.models),
        len(table.groups),
    )  # fmt: skip


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _points(table: Table, row: int, odds: float) -> float:
    entry = benchmark_of(table.rows[row].group)
    if entry is None or entry.better == "lower":
        return float(np.exp(-odds))
    return entry.chance + (entry.high - entry.chance) / (1 + float(np.exp(-odds)))


def _z_scores(table: Table, shown: np.ndarray, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Foretold by the mean of a model's z-scores, shrunk by one score, and by the benchmark's mean."""
    n = len(table.groups)
    count = np.maximum(np.bincount(table.group[shown], minlength=n), 1)
    mean = np.bincount(table.group[shown], table.odds[shown], n) / count
    square = np.bincount(table.group[shown], table.odds[shown] ** 2, n) / count - mean**2
    spread = np.sqrt(np.maximum(square, 0.01))
    z = (table.odds[shown] - mean[table.group[shown]]) / spread[table.group[shown]]
    models = len(table.models)
    level = np.bincount(table.model[shown], z, models) / (np.bincount(table.model[shown], minlength=models) + 1)
    j = table.group[hidden]
    return mean[j] + spread[j] * level[table.model[hidden]], mean[j]


def _rank(table: Table, tested: np.ndarray, foretold: np.ndarray) -> float:
    rhos, sizes = [], []
    for j in np.unique(table.group[tested]):
        here = tested & (table.group == j)
        if here.sum() >= 6 and np.ptp(table.odds[here]) > 0:
            rhos.append(_spearman(foretold[here], table.odds[here]))
            sizes.append(here.sum())
    return float(np.average(rhos, weights=sizes)) if rhos else float("nan")


def _left_out(table: Table, tested: np.ndarray) -> float:
    foretold = np.zeros(len(table.rows))
    for j in np.unique(table.group[tested]):
        here = table.group == j
        foretold[here] = _fit(table, ~here).ability[table.model[here]]
    return _rank(table, tested, foretold)


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(x)).astype(float) for x in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


if __name__ == "__main__":
    sys.exit(main())
