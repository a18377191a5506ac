"""Which families suit a task, after what is known of the case has turned the usual answer round."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from advisor.requirements import Needs
from advisor.reversals import reversals
from catalog.loader import load_machine, load_task
from catalog.spec import Family
from catalog.task import Quantity, Reversal, Task, Trait
from catalog.values import dataclass

Grade = Literal["preferred", "acceptable", "poor"]
SECONDS_PER_MONTH = 730 * 3600.0


@dataclass(frozen=True, slots=True)
class Suited:
    """A family for a task."""

    family: Family
    grade: Grade
    """After reversals: the family that one chooses is preferred, the one that it replaces is at best acceptable."""
    reason: str
    """The reversal's, where one makes it preferred."""
    usual: Grade
    """Without reversals."""
    reversal: Reversal | None = None
    """The one that speaks of this family."""


def suited(task: Task, needs: Needs, also: Mapping[Quantity, float] | None = None) -> dict[Family, Suited]:
    """The task's families with their grades in this case.

    Args:
        task: The task.
        needs: The case.
        also: Further numbers that no requirement holds, such as how many candidates are compared.
    """
    holding = reversals(task, {**quantities_of(needs), **(also or {})}, traits_of(needs))
    found: dict[Family, Suited] = {}
    for entry in task.families:
        grade: Grade = entry.grade
        about: Reversal | None = None
        for reversal in holding:
            if reversal.choose == entry.family:
                grade, about = "preferred", reversal
                break
            if reversal.instead_of == entry.family:
                grade, about = ("poor" if entry.grade == "poor" else "acceptable"), reversal
        turned = about is not None and about.choose == entry.family and grade != entry.grade
        reason = about.reason if about is not None and turned else entry.reason
        found[entry.family] = Suited(entry.family, grade, reason, entry.grade, about)
    return found


def judged_in(task: Task, needs: Needs) -> Task:
    """The task, with the benchmarks of a reversal that holds, where one names what speaks for models in its case."""
    for reversal in reversals(task, quantities_of(needs), traits_of(needs)):
        if reversal.benchmarks:
            return _judged_by(task, reversal.benchmarks)
    return task


@lru_cache(maxsize=16)
def _judged_by(task: Task, benchmarks: tuple[str, ...]) -> Task:
    return task.model_copy(update={"benchmarks": benchmarks})


def quantities_of(needs: Needs) -> Mapping[Quantity, float]:
    """What is known in numbers; the task's typical lengths count, what nobody gave does not."""
    wanted = needs.requirements
    task = load_task(needs.task)
    found: dict[Quantity, float] = {
        "users": float(needs.users),
        "input_tokens": float(needs.input_tokens),
        "output_tokens": float(needs.output_tokens),
        "context_tokens": float(needs.context_tokens),
    }
    if wanted.languages:
        found["languages"] = float(len(wanted.languages))
    if wanted.labelled_examples is not None:
        found["labelled_examples"] = float(wanted.labelled_examples)
    if (memory := _memory_gib(needs)) is not None:
        found["memory_gib"] = memory
    if wanted.ttft_s is not None:
        found["ttft_s"] = wanted.ttft_s
    if wanted.tpot_s is not None:
        found["tpot_s"] = wanted.tpot_s
    writes = "text" in task.outputs
    rate = wanted.requests_per_s
    if rate is None and wanted.tokens_per_s is not None:
        rate = wanted.tokens_per_s / needs.output_tokens if writes else wanted.tokens_per_s
    if rate is not None:
        found["requests_per_s"] = rate
        if "image" in task.inputs:
            found["images_per_s"] = rate
        if writes:
            found["output_tokens_per_month"] = rate * needs.output_tokens * SECONDS_PER_MONTH
    return found


def traits_of(needs: Needs) -> frozenset[Trait]:
    """What else is asked for, by itself or by what it follows from."""
    wanted = needs.requirements
    found: set[Trait] = set(wanted.traits)
    if wanted.privacy != "any" or wanted.deployment in ("self-hosted", "air-gapped", "on-device"):
        found.add("private data")
    if wanted.fine_tuning:
        found.add("fine-tuning")
    return frozenset(found)


def _memory_gib(needs: Needs) -> float | None:
    """All the memory at hand, where it is said or follows from named machines."""
    wanted = needs.requirements
    each = [wanted.memory_bytes / 2**30] if wanted.memory_bytes is not None else []
    known = [load_machine(name).memory_gib for name in wanted.machines]
    if known and all(known):
        most = max(gib for gib in known if gib)
        each.append(most)
    return min(each) * needs.max_gpus if each else None
