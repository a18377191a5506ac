"""Why this family and why this model, in sentences with numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from advisor.decision.month import Volume, dollars_text, month_of
from advisor.decision.suited import Suited
from advisor.ranking.rows import Recommendation
from advisor.report import percent_text, rate_text, seconds_text, usd_text
from advisor.requirements import Needs
from catalog.spec import Family

EQUAL = 1.1
"""Times and prices within this factor are called equal."""


def short_answer(r: Recommendation, needs: Needs, volume: Volume | None) -> str:
    """What an engineer would say first, in one or two sentences."""
    run = f"{r.model} through the API of {r.engine}"
    if r.machine is not None:
        many = f", {r.copies} copies on " if r.copies > 1 else " on "
        run = f"{r.model} ({r.family}, {r.weights}){many}{devices_text(r)}{' each' * (r.copies > 1)}"
    parts = []
    if r.ttft_s is not None and r.tpot_s is not None:
        parts.append(f"first token in {seconds_text(r.ttft_s)}, then {rate_text(1 / r.tpot_s)} for each user")
    elif r.ttft_s is not None:
        parts.append(f"answers in {seconds_text(r.ttft_s)}")
    month = month_of(r, needs, volume)
    if month is not None and (r.machine is not None or needs.requirements.requests_per_s is not None):
        parts.append(f"{dollars_text(month.usd)} a month")
    elif r.usd_per_thousand_requests is not None:
        parts.append(f"{usd_text(r.usd_per_thousand_requests)} per thousand requests")
    if r.quality is not None:
        parts.append(f"better than {percent_text(r.quality)} of the scored models")
    else:
        parts.append("how good it is at this, no published score says")
    return f"{run}: {', '.join(parts)}."


def devices_text(r: Recommendation) -> str:
    """``2 × l4``."""
    assert r.machine is not None
    return f"{r.n_gpus} × {r.machine}" if r.n_gpus > 1 else f"one {r.machine}"


def why_family(
    r: Recommendation, found: Mapping[Family, Suited], ranked: Sequence[Recommendation], failing: Collection[str] = ()
) -> tuple[str, ...]:
    """The task's reason, what turned it round, and what the other families would be."""
    kept = {x.family for x in ranked}
    entry = next(entry for name, entry in found.items() if name == r.family)
    said = [entry.reason]
    if entry.reversal is not None:
        when = " and ".join(map(str, entry.reversal.when))
        if entry.reversal.choose == r.family and entry.usual != entry.grade:
            said.append(f"It is not the usual answer; this case turns it round ({when}).")
        elif entry.reversal.choose == r.family:
            said.append(f"In this case ({when}) it goes before {entry.reversal.instead_of}: {entry.reversal.reason}")
        else:
            said.append(
                f"A rule of thumb speaks against it here ({when}): {entry.reversal.reason} It leads all the same."
            )
    if told := _grade_said(r, ranked):
        said.append(told)
    others = []
    for family, other in found.items():
        best = next((x for x in ranked if x.family == family), None)
        if family == r.family or best is None:
            continue
        others.append(f"{family} ({other.grade}): {best.model} at {best.score:.2f}")
    if others:
        said.append(f"The best of other families, by score: {'; '.join(others[:4])}; {r.model} has {r.score:.2f}.")
    none = [f for f, e in found.items() if e.grade == "preferred" and f in failing and f not in kept]
    if none:
        said.append(f"{' and '.join(none)} would suit as well, but no such model keeps every promise.")
    return tuple(said)


def _grade_said(r: Recommendation, ranked: Sequence[Recommendation]) -> str | None:
    """What the family's grade did to the score, and whether it decided."""
    if r.grade_share < 1:
        return (
            f"As {r.family} is acceptable here, not preferred, {percent_text(r.grade_share)} of its score counts: "
            f"{r.score:.2f} of {r.ungraded:.2f}."
        )
    if not ranked or ranked[0].model != r.model:
        return None
    ahead = [x for x in ranked if x.ungraded > r.ungraded and (x.quality is None) == (r.quality is None)]
    if not ahead:
        return None
    best = max(ahead, key=lambda x: x.ungraded)
    return (
        f"The grade decided: {best.family} is merely acceptable here, so {percent_text(best.grade_share)} of the score "
        f"of {best.model} counts, {best.score:.2f} of {best.ungraded:.2f}."
    )


def why_model(r: Recommendation, ranked: Sequence[Recommendation], needs: Needs) -> tuple[str, ...]:
    """Its place, what it wins by, and its evidence."""
    place = next((i for i, x in enumerate(ranked, 1) if x.model == r.model), 1)
    said = [f"It alone keeps every promise; it scores {r.score:.2f}."]
    if len(ranked) > 1:
        said = [f"Number {place} of {len(ranked)} lineages that keep every promise, by a score of {r.score:.2f}."]
    rival = next((x for x in ranked if x.model != r.model), None) if place == 1 else ranked[0]
    if rival is not None:
        said.append(_against(r, rival, first=place == 1))
    if r.on_front:
        said.append("No other is at least as good in quality, latency and cost, and better in one.")
    if r.variants:
        said.append(f"Of the same architecture: {', '.join(v.model for v in r.variants[:5])}.")
    if r.evidence:
        said.append(f"Evidence: {', '.join(r.evidence)}.")
    return tuple(said)


def _against(r: Recommendation, rival: Recommendation, *, first: bool) -> str:
    gains: list[str] = []
    losses: list[str] = []
    if r.quality is not None and rival.quality is not None and abs(r.quality - rival.quality) >= 0.01:
        points = 100 * (r.quality - rival.quality)
        said = f"{abs(points):.0f} point{'s' * (round(abs(points)) != 1)} of quality"
        (gains if points > 0 else losses).append(said)
    for name, mine, theirs in (
        ("latency", r.latency_s, rival.latency_s),
        ("price of a request", r.usd_per_thousand_requests, rival.usd_per_thousand_requests),
    ):
        if mine and theirs and max(mine / theirs, theirs / mine) >= EQUAL:
            factor = max(mine / theirs, theirs / mine)
            word = f"{factor:.1f} times the {name}" if mine > theirs else f"a {name} {factor:.1f} times lower"
            (losses if mine > theirs else gains).append(word)
    against = f"the runner-up {rival.model} ({rival.score:.2f})" if first else f"the first, {rival.model}"
    wins = f"it gains {' and '.join(gains)}" if gains else "it gains nothing by itself"
    gives = f" and gives {' and '.join(losses)}" if losses else ""
    return f"Against {against} {wins}{gives}." if gains or losses else f"It is much like {against}."
