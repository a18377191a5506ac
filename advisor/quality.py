"""How well a model does a task, from published scores only.

Each benchmark that speaks for the task is scaled over the catalog's models from its worst (0) to its best (1). A
model's index is the weighted mean of what it has, benchmarks weighing 1, 1/2, 1/3 ... in the task's order. Its coverage
is the share of that weight for which it has a score at all. For ranking, thin evidence counts for less: the index is
drawn towards the bottom by the missing share of ``CAUTION``. A model without any score has no index and never ranks
before one that has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.spec import ModelSpec
from catalog.task import Task

CAUTION = 0.3
"""How much of the index a model loses if (almost) none of the task's benchmarks were reported for it."""
LOWER_IS_BETTER = ("FID", "WER", "perplexity")


@dataclass(frozen=True, slots=True)
class Quality:
    """Evidence for one model on one task."""

    index: float
    """0 is the catalog's worst, 1 its best, over the benchmarks that the model has."""
    coverage: float
    """Share of the task's benchmark weight that has a score."""
    evidence: tuple[str, ...]

    @property
    def cautious(self) -> float:
        """The index as it counts in rankings."""
        return self.index * (1 - CAUTION * (1 - self.coverage))


def qualities(task: Task, models: Iterable[ModelSpec]) -> dict[str, Quality]:
    """Quality by model id; models without a score for the task are missing."""
    specs = list(models)
    weights = {name: 1 / (rank + 1) for rank, name in enumerate(task.benchmarks)}
    scores = {spec.id: {s.benchmark: s.value for s in spec.scores if s.benchmark in weights} for spec in specs}
    spans = {}
    for name in weights:
        values = [have[name] for have in scores.values() if name in have]
        if len(values) >= 2 and max(values) > min(values):
            spans[name] = (min(values), max(values))
    result = {}
    for spec in specs:
        have = {name: value for name, value in scores[spec.id].items() if name in spans}
        if not have:
            continue
        weight = sum(weights[name] for name in have)
        index = sum(weights[name] * _scaled(name, value, spans[name]) for name, value in have.items()) / weight
        total = sum(weights[name] for name in spans)
        evidence = tuple(f"{s.benchmark} {s.value:g}" for s in spec.scores if s.benchmark in have)
        result[spec.id] = Quality(index, weight / total, evidence)
    return result


def _scaled(name: str, value: float, span: tuple[float, float]) -> float:
    share = (value - span[0]) / (span[1] - span[0])
    return 1 - share if any(word in name for word in LOWER_IS_BETTER) else share
