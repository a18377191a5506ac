"""The decision as a graph: task, needs, families, models, formats, machines, devices; every edge with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from advisor.decision.details import Decision
from advisor.decision.path import Kind, Step, family_step
from advisor.report import percent_text
from catalog.loader import load_task

if TYPE_CHECKING:
    from networkx import DiGraph

    from advisor.rejection import Rejection

Verdict = Literal["chosen", "possible", "ruled out"]
SHOWN = 4
"""Answers that are followed to the end."""
TOLD = 4
"""Rejected models that are told."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Why one station leads to another, or why it does not."""

    start: str
    end: str
    rule: str
    reason: str
    verdict: Verdict


class DecisionGraph:
    """Stations and edges of one decision.

    ``graph`` is a directed graph without circles: nodes have ``kind`` and ``label``, edges ``rule``, ``reason`` and
    ``verdict`` (``chosen`` on the path of the first answer, ``possible`` on those of others, else ``ruled out``).
    """

    def __init__(self, decision: Decision, *, answers: int = SHOWN, rejected: int = TOLD) -> None:
        from networkx import DiGraph

        self.graph: DiGraph[str] = DiGraph()
        self.paths: dict[str, tuple[Step, ...]] = {}
        for place in range(min(answers, len(decision.ranked))):
            details = decision.details(place)
            self.paths[details.recommendation.model] = details.path
            self._add_path(details.path, "chosen" if place == 0 else "possible")
        self._task = f"task {load_task(decision.needs.task).name}"
        if not self.paths:
            from advisor.decision.path import needs_of

            task = load_task(decision.needs.task)
            self._add_path(
                (Step("task", task.name, "asked for", task.what_matters), *needs_of(decision.needs)), "possible"
            )
        self._add_families(decision)
        self._add_rejected(decision.advice.rejected[:rejected])
        self._add_excluded(decision.advice.excluded)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, in the order of the stations."""
        from networkx import lexicographical_topological_sort

        order = {node: place for place, node in enumerate(lexicographical_topological_sort(self.graph))}
        found = [Edge(a, b, d["rule"], d["reason"], d["verdict"]) for a, b, d in self.graph.edges(data=True)]
        return tuple(sorted(found, key=lambda edge: (order[edge.start], order[edge.end])))

    def path(self, model: str) -> tuple[Step, ...]:
        """The path to an answer; empty for a model that is none."""
        return self.paths.get(model, ())

    def _node(self, kind: Kind, label: str) -> str:
        node = f"{kind} {label}"
        self.graph.add_node(node, kind=kind, label=label)
        return node

    def _edge(self, start: str, end: str, rule: str, reason: str, verdict: Verdict) -> None:
        if not self.graph.has_edge(start, end):
            self.graph.add_edge(start, end, rule=rule, reason=reason, verdict=verdict)

    def _add_path(self, steps: Iterable[Step], verdict: Verdict) -> None:
        """Needs stand beside each other, and each leads to what it decides on; what follows stands in a row."""
        task = before = way = ""
        needs: list[tuple[str, Step]] = []
        for step in steps:
            # A format, machine or count belongs to the model that is run so: it is a station of its own.
            way = step.label if step.kind == "model" else way
            own = step.kind in ("format", "machine", "parallelism")
            node = f"{step.kind} {step.label}{f' of {way}' if own else ''}"
            self.graph.add_node(node, kind=step.kind, label=step.label)
            if step.kind == "task":
                task = node
            elif step.kind == "need":
                self._edge(task, node, step.rule, step.reason, "chosen")
                needs.append((node, step))
            else:
                for start, need in needs:
                    if need.of == step.kind == "family":
                        self._edge(start, node, step.rule, step.reason, verdict)
                    elif need.of == step.kind:
                        self._edge(start, node, need.met or need.rule, need.reason, verdict)
                if before:
                    self._edge(before, node, step.rule, step.reason, verdict)
                before = node

    def _add_families(self, decision: Decision) -> None:
        """Families without an answer hang on the attention pattern, with their grade and reason."""
        task = load_task(decision.needs.task)
        pattern = f"need sees {task.sees}"
        for family, entry in decision.suited.items():
            node = f"family {family}"
            if node in self.graph:
                continue
            self._node("family", family)
            step = family_step(family, decision.suited, task)
            against = _against(family, decision)
            rule = (
                step.rule if entry.grade == "poor" else f"{step.rule}, but {against or 'not among the first answers'}"
            )
            out = entry.grade == "poor" or against
            self._edge(pattern, node, rule, step.reason, "ruled out" if out else "possible")

    def _add_rejected(self, rejected: Iterable[Rejection]) -> None:
        for r in rejected:
            family = self._node("family", r.family)
            model = self._node("model", r.model)
            reason = f"{'; '.join(r.violations)}. It would do with: {r.smallest_change}."
            self._edge(family, model, f"rejected as {r.way}", reason, "ruled out")

    def _add_excluded(self, excluded: dict[str, str]) -> None:
        """How many models each wish rules out."""
        counts: dict[str, list[str]] = {}
        for model, wish in excluded.items():
            counts.setdefault(wish, []).append(model)
        for wish, models in sorted(counts.items(), key=lambda item: -len(item[1]))[:TOLD]:
            label = f"{len(models)} models left out: {wish}"
            node = self._node("need", label)
            share = percent_text(len(models) / max(1, len(excluded)))
            self._edge(
                self._task, node, "wish", f"{share} of those left out, such as {', '.join(models[:3])}.", "ruled out"
            )


def _against(family: str, decision: Decision) -> str:
    """Why a family that suits has no answer; empty where it has one further down."""
    wanted = decision.needs.requirements
    if any(r.family == family for r in decision.ranked):
        return ""
    if family == "api":
        return decision.no_api or ("machines are named" if wanted.machines or wanted.memory_bytes else "none is priced")
    return "no such model keeps every promise"
