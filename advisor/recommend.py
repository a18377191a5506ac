"""From requirements to a ranked shortlist with reasons, and to what would admit the rest.

Per model the best way to run it is chosen (``ranking.ways``); models are ranked by the weighted utility of quality,
cost and latency (``ranking.weights``) times the probability that they keep the promises of time (``ranking.chance``)
and the share that the grade of their family for the task leaves (``decision.suited``, ``ranking.weights``);
of near-duplicates the best stands for its lineage. Where one copy of a model cannot serve all users, copies share them
(``ranking.copies``). A model that keeps no way open is rejected with every broken promise
and the smallest change that admits it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from advisor.ranking.many import Many
from advisor.ranking.order import in_order, points_of, shortlist
from advisor.ranking.promises import Limit, context_problem
from advisor.ranking.row import hosted, row_of
from advisor.ranking.rows import Advice, Point, Recommendation, Variant
from advisor.ranking.search import settle
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

__all__ = ["Advice", "Limit", "Point", "Recommendation", "Rejection", "Variant", "recommend"]


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
    best, closest, considered = _runs(kept, machines, needs, blocked)
    for spec in kept:
        if run := best.get(spec.id):
            row = row_of(spec, families[spec.family], quality.get(spec.id), run)
            (too_poor if floor.problem(row.quality) else found).append(row)
    rejected = _nearest([spec for spec in kept if spec.id not in best], closest, needs, blocked, told)
    rejected += tuple(floor.rejection(row) for row in too_poor)
    ranked = in_order(found, needs, weights)
    return Advice(
        requirements=needs.model_dump(),
        recommendations=shortlist(ranked, limit),
        rejected=tuple(sorted(rejected, key=lambda r: r.severity)[:told]),
        considered=considered,
        unsuited={f.family: f.reason for f in families.values() if f.grade == "poor"},
        excluded=excluded,
        points=points_of(ranked),
        weights=asdict(weights),
    )


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


def _runs(
    models: Sequence[ModelSpec], machines: Sequence[Machine], needs: Needs, blocked: Mapping[str, str]
) -> tuple[dict[str, Run], dict[str, list[Outcomes]], int]:
    """As ``_settled``, and what one copy cannot do, or only on every device there may be, by copies."""
    ways, closest, considered = _settled(models, machines, needs, blocked)
    best = {name: Run(*way, needs) for name, way in ways.items()}
    retried = to_share(best, needs)
    others = [spec for spec in models if spec.id not in blocked and (spec.id not in best or spec.id in retried)]
    for copies in counts(needs) if others else ():
        one = of_one(needs, copies)
        found, _, more = _settled(others, machines, one, {})
        considered += more
        for name, way in found.items():
            run = Run(*way, one, copies)
            if name not in best or run.key < best[name].key:
                best[name] = run
    return best, closest, considered


def _settled(
    models: Sequence[ModelSpec], machines: Sequence[Machine], needs: Needs, blocked: Mapping[str, str]
) -> tuple[dict[str, tuple[Outcomes, int]], dict[str, list[Outcomes]], int]:
    """The best way of each model, the ways of the others among which the closest is, and how many were considered.

    Shipped models that write are settled together, as far as nodes go; others one by one.
    """
    together = [spec for spec in models if needs.max_gpus <= NODE and is_shipped(spec.id) and facts_of(spec).writes]
    best: dict[str, tuple[Outcomes, int]] = {}
    closest: dict[str, list[Outcomes]] = {}
    considered = 0
    if together:
        settled = settle(Many(together, machines, needs), frozenset(blocked))
        best = {name: (way.outcome, way.index) for name, way in settled.best.items()}
        closest = {name: [way.alone] for name, way in settled.closest.items()}
        considered = settled.considered
    known = {spec.id for spec in together}
    for spec in (load(spec.id) for spec in models if spec.id not in known):
        outcomes = _outcomes(spec, machines, needs, first_only=spec.id in blocked)
        considered += sum(len(o.space.choices) for o in outcomes)
        way = None if spec.id in blocked else choose(outcomes, needs)
        if way is None:
            closest[spec.id] = outcomes
        else:
            best[spec.id] = way
    return best, closest, considered


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
