"""What speaks for a model: its quality at every task for which it has scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from advisor.quality import Quality, qualities
from catalog.loader import all_models, all_tasks
from catalog.spec import ModelSpec
from catalog.task import Task


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's place at one task."""

    task: str
    name: str
    quality: Quality


@lru_cache(maxsize=64)
def _of_task(task: Task) -> dict[str, Quality]:
    return qualities(task, all_models())


def standings(spec: ModelSpec) -> tuple[Standing, ...]:
    """Quality at each task whose own benchmarks the model has a score of, the best first."""
    found = []
    seen: set[tuple[str, ...]] = set()
    for task in all_tasks():
        if task.benchmarks and (quality := _of_task(task).get(spec.id)) is not None:
            if quality.evidence in seen:
                continue
            seen.add(quality.evidence)
            found.append(Standing(task.id, task.name, quality))
    return tuple(sorted(found, key=lambda standing: -standing.quality.index))
