"""From requirements to a ranked shortlist with reasons, and to what would admit the rest.

Per model the best way to run it is chosen (``ranking.ways``); models are ranked by the weighted utility of quality,
cost and latency (``ranking.weights``) times the probability that they keep the promises of time (``ranking.chance``)
and the share that the grade of their family for the task leaves (``decision.suited``, ``ranking.weights``);
of near-duplicates the best stands for its lineage. Where one copy of a model cannot serve all users, copies share them
(``ranking.copies``). A model that keeps no way open is rejected with every broken promise
and the smallest change that admits it.

``recommend`` gives the whole answer; ``shortlist_first`` gives it in two stages, the shortlist before the rejected
models are looked at, for whoever waits at a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from advisor.candidates import NODE, Outcomes, degrees, evaluate, space, weights_fit
from advisor.decision.floor import floor_of, over_budget
from advisor.decision.suited import judged_in, suited
from advisor.eligible import check_names, machines_for, obstacle
from advisor.quality import qualities
from advisor.ranking.copies import Run, counts, of_one, to_share
from advisor.ranking.facts import facts_of
from advisor.ranking.many import Many, many
from advisor.ranking.order import in_order, points_of, shortlist
from advisor.ranking.promises import Limit, context_problem
from advisor.ranking.row import hosted, row_of
from advisor.ranking.rows import Advice, Point, Recommendation, Variant
from advisor.ranking.search import Beaten, settle
from advisor.ranking.tables import tables_of
from advisor.ranking.ways import choose
from advisor.ranking.weights import weights_of
from advisor.readable import formats_for
from advisor.rejection import Rejection, reject, severity
from advisor.requirements import Needs, Requirements, complete
from advisor.served_models import barred
from catalog.loader import checked, is_shipped, listed_models, load, load_machine, load_task
from catalog.machine import Machine
from catalog.spec import ModelSpec
from catalog.task import Task
from catalog.values import changed, dataclass

__all__ = [
    "Advice", "InStages", "Limit", "Point", "Recommendation", "Rejection", "Variant", "recommend", "shortlist_first",
]  # fmt: skip


def recommend(
    requirements: Requirements | None = None, /, *, limit: int = 10, rejections: int | None = None, **fields: Any
) -> Advice:
    """Rank models for requirements, given whole or as fields: ``recommend(task="chat", users=8, machines=("l4",))``.

    Args:
        requirements: The requirements as a whole.
        limit: Recommendations at most, and of rejected models the nearest.
        rejections: Of these so many instead: what would admit one takes longer to find than to rank all models.
        fields: Or the fields of the requirements.

    Raises:
        BadInput: If a name is unknown, or a limit impossible.
    """
    return shortlist_first(requirements, limit=limit, rejections=rejections, **fields).whole()


@dataclass(frozen=True, eq=False, slots=True)
class InStages:
    """An answer whose rejected models are found when they are asked for."""

    advice: Advice
    """With nothing rejected: all else is as in the whole answer."""
    rejected: Callable[[], tuple[Rejection, ...]]
    """Finds the rejected models; what would admit each is found when it is read (``Rejection.smallest_change``)."""

    def whole(self) -> Advice:
        """The answer with its rejected models, as ``recommend`` gives it."""
        return changed(self.advice, rejected=self.rejected())


def shortlist_first(
    requirements: Requirements | None = None, /, *, limit: int = 10, rejections: int | None = None, **fields: Any
) -> InStages:
    """The answer of ``recommend`` in two stages: ``advice`` has the shortlist, ``whole()`` the rejected models too.

    The second stage takes up what the first has computed; it may run in another thread, or never.

    Args:
        requirements: As for ``recommend``, like all others.
        limit: Recommendations at most.
        rejections: Rejected models at most, if not as many.
        fields: Or the fields of the requirements.

    Raises:
        BadInput: If a name is unknown, or a limit impossible.
    """
    wanted = requirements if requirements is not None else checked(Requirements, fields, "requirements")
    check_names(wanted)
    task = load_task(wanted.task)
    needs, weights = complete(wanted, task), weights_of(wanted)
    machines = [load_machine(name) for name in wanted.machines] or machines_for(wanted)
    families = suited(task, needs)
    models = [spec for spec in listed_models() if _serves(spec, task)]
    quality = qualities(judged_in(task, needs), models)
    floor = floor_of(wanted, quality)
    told = limit if rejections is None else rejections
    found: list[Recommendation] = []
    too_poor: list[Recommendation] = []
    excluded: dict[str, str] = {}
    kept: list[ModelSpec] = []
    for spec in models:
        suits = families.get(spec.family)
        if suits is None or suits.grade == "poor":
            continue
        if against := obstacle(spec, wanted):
            excluded[spec.id] = against
        elif spec.is_disclosed and machines and not any(formats_for(machine, spec) for machine in machines):
            excluded[spec.id] = barred(spec, machines[0])
        elif spec.is_disclosed:
            kept.append(spec)
        elif not wanted.machines and wanted.memory_bytes is None:
            for row in hosted(spec, needs, suits, quality.get(spec.id)):
                if below := floor.problem(row.quality) or over_budget(row, needs):
                    excluded[spec.id] = below
                else:
                    found.append(row)
    blocked = {spec.id: why for spec in kept if (why := _licence_problem(spec, wanted) or context_problem(spec, needs))}
    runs = _runs(kept, machines, needs, blocked)
    for spec in kept:
        if run := runs.best.get(spec.id):
            row = row_of(spec, families[spec.family], quality.get(spec.id), run)
            (too_poor if floor.problem(row.quality) else found).append(row)
    ranked = in_order(found, needs, weights)

    def rejected() -> tuple[Rejection, ...]:
        if not told:
            return ()
        left = [spec for spec in kept if spec.id not in runs.best]
        nearest = _nearest(left, runs.closest([spec.id for spec in left]), needs, blocked, told)
        nearest += tuple(floor.rejection(row) for row in too_poor)
        return tuple(sorted(nearest, key=lambda r: r.severity)[:told])

    advice = Advice(
        requirements=needs.model_dump(),
        recommendations=shortlist(ranked, limit),
        rejected=(),
        considered=runs.considered,
        unsuited={f.family: f.reason for f in families.values() if f.grade == "poor"},
        excluded=excluded,
        points=points_of(ranked),
        weights=asdict(weights),
    )
    return InStages(advice, rejected)


def hosted_models(needs: Needs) -> tuple[Recommendation, ...]:
    """Models behind an API that could do the task, the best score first, whatever machines are named."""
    wanted, task = needs.requirements, load_task(needs.task)
    families = suited(task, needs)
    closed = [spec for spec in listed_models() if not spec.is_disclosed and _serves(spec, task)]
    judged = judged_in(task, needs)
    quality = qualities(judged, closed)
    floor = floor_of(wanted, qualities(judged, listed_models()) if wanted.at_least else quality)
    found = [
        row
        for spec in closed
        if (suits := families.get(spec.family)) and suits.grade != "poor" and obstacle(spec, wanted) is None
        for row in hosted(spec, needs, suits, quality.get(spec.id))
        if not floor.problem(row.quality) and not over_budget(row, needs)
    ]
    return shortlist(in_order(found, needs, weights_of(wanted)), len(found))


@dataclass(frozen=True, eq=False, slots=True)
class _Settled:
    """The best way of each model that has one, how many ways were considered, and the others' ways when asked for."""

    best: dict[str, tuple[Outcomes, int]]
    considered: int
    closest: Callable[[Sequence[str]], dict[str, list[Outcomes]]]
    """Of models that have no best way: ways among which the one that comes closest is."""
    many: Many | None
    """The shipped ones that write."""


@dataclass(frozen=True, eq=False, slots=True)
class _Runs:
    """The same with copies; what comes closest is one copy's."""

    best: dict[str, Run]
    considered: int
    closest: Callable[[Sequence[str]], dict[str, list[Outcomes]]]


def _runs(models: Sequence[ModelSpec], machines: Sequence[Machine], needs: Needs, blocked: Mapping[str, str]) -> _Runs:
    """As ``_settled``, and of what one copy cannot do, or only on every device there may be, by copies."""
    settled = _settled(models, machines, needs, blocked)
    considered = settled.considered
    best = {name: Run(*way, needs) for name, way in settled.best.items()}
    retried = to_share(best, needs)
    others = [spec for spec in models if spec.id not in blocked and (spec.id not in best or spec.id in retried)]
    for copies in counts(needs) if others else ():
        one = of_one(needs, copies)
        beaten = Beaten(copies, {spec.id: best[spec.id].key for spec in others if spec.id in best})
        shared = _settled(others, machines, one, {}, settled.many, beaten)
        considered += shared.considered
        for name, way in shared.best.items():
            run = Run(*way, one, copies)
            if name not in best or run.key < best[name].key:
                best[name] = run
    return _Runs(best, considered, settled.closest)


def _settled(
    models: Sequence[ModelSpec],
    machines: Sequence[Machine],
    needs: Needs,
    blocked: Mapping[str, str],
    whole: Many | None = None,
    beaten: Beaten | None = None,
) -> _Settled:
    """Shipped models that write are settled together, as far as nodes go; others one by one.

    ``whole`` holds these models already, with other needs; what ``beaten`` rules out may be left out.
    """
    together = [spec for spec in models if needs.max_gpus <= NODE and is_shipped(spec.id) and facts_of(spec).writes]
    best: dict[str, tuple[Outcomes, int]] = {}
    tried: dict[str, list[Outcomes]] = {}
    considered = 0
    settled = None
    if together:
        tables = tables_of(together, machines) if whole is None else whole.tables.part(together)
        held = many(tables, needs) if whole is None else Many(tables, needs)
        settled = settle(held, needs, frozenset(blocked), beaten)
        best = {name: (way.outcome, way.index) for name, way in settled.best.items()}
        considered = settled.considered
    known = {spec.id for spec in together}
    for spec in (load(spec.id) for spec in models if spec.id not in known):
        outcomes = _outcomes(spec, machines, needs, first_only=spec.id in blocked)
        considered += sum(len(o.space.choices) for o in outcomes)
        way = None if spec.id in blocked else choose(outcomes, needs)
        if way is None:
            tried[spec.id] = outcomes
        else:
            best[spec.id] = way

    def closest(names: Sequence[str]) -> dict[str, list[Outcomes]]:
        found = {name: tried[name] for name in names if name in tried}
        if settled is not None and (written := [name for name in names if name in known]):
            found |= {name: [way.alone] for name, way in settled.closest(written).items()}
        return found

    return _Settled(best, considered, closest, None if settled is None else settled.many)


def _nearest(
    models: Sequence[ModelSpec],
    closest: Mapping[str, list[Outcomes]],
    needs: Needs,
    blocked: Mapping[str, str],
    limit: int,
) -> tuple[Rejection, ...]:
    """The rejected models that come closest, explained."""
    ways = [(spec, closest.get(spec.id, []), blocked.get(spec.id)) for spec in models]
    ways.sort(key=lambda way: severity(way[0], needs, way[1], way[2]))
    return tuple(reject(load(spec.id), needs, outcomes, why) for spec, outcomes, why in ways[:limit])


def _outcomes(spec: ModelSpec, machines: Sequence[Machine], needs: Needs, *, first_only: bool) -> list[Outcomes]:
    """All device counts with which the weights fit somewhere; where none does, the largest, to say how it fails.

    ``first_only``: the fewest devices alone, for a model that no way of running it can save.
    """
    where = space(spec, machines, needs)
    counts = degrees(spec, needs, where)
    holds = (layout for layout in counts if weights_fit(spec, where, layout))
    fitting = list(islice(holds, 1 if first_only else None))
    return [evaluate(spec, where, needs, layout) for layout in fitting or counts[-1:]]


def _serves(spec: ModelSpec, task: Task) -> bool:
    """Whether a model was trained for the task and takes and gives what it needs."""
    if not set(task.inputs) <= set(spec.inputs):
        return False
    if task.tuning is not None:
        return task.tuning in spec.tuned_for
    return True


def _licence_problem(spec: ModelSpec, wanted: Requirements) -> str | None:
    if wanted.commercial and spec.licence is not None and spec.licence.commercial == "no":
        return f"licence {spec.licence.name} forbids commercial use"
    return None
