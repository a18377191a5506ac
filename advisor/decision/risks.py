"""What may go wrong with a recommendation, from facts and computed margins."""

from __future__ import annotations

from advisor.ranking.rows import Recommendation
from advisor.report import percent_text, seconds_text, tokens_text
from advisor.requirements import Needs
from catalog.loader import load
from catalog.terms import refuted, supported_context, terms_of

SURE = 0.9
"""Below this a promise counts as a risk."""
SHORT = 8192
"""Contexts up to this length are not doubted without a measurement."""
BADGES = {
    "class default": "times are those of machines of its kind: nobody measured this one kernel by kernel",
    "spec sheet": "times follow from the data sheet: nobody measured this machine or its kind",
}


def risks_of(r: Recommendation, needs: Needs) -> tuple[str, ...]:
    """Each in one sentence without its full stop; those of the row's own notes first."""
    found = list(r.notes)
    if r.p_meets is not None and r.p_meets < SURE:
        found.append(f"all promises of time are kept with a probability of {percent_text(r.p_meets)}")
    wanted = needs.requirements
    if wanted.deployment == "on-device" and not wanted.machines and r.machine:
        found.append(
            f"the device is not named: {r.machine} stands for it; times and money are not those of yours, "
            "only the memory is"
        )
    if slow := _slower_than_usual(r, needs):
        found.append(slow)
    found += _context(r, needs)
    found += _terms(r, needs)
    if r.badge in BADGES:
        found.append(BADGES[r.badge])
    if r.quality is None:
        found.append("no published score speaks for its quality at this task")
    elif len(r.evidence) == 1:
        found.append("its quality at this task rests on one published score")
    return tuple(dict.fromkeys(found))


def _slower_than_usual(r: Recommendation, needs: Needs) -> str:
    parts = []
    if needs.usual_ttft_s and r.ttft_s and r.ttft_s > needs.usual_ttft_s:
        what = "answer" if r.tpot_s is None else "first token"
        parts.append(f"{what} {seconds_text(r.ttft_s)}, usual are {seconds_text(needs.usual_ttft_s)}")
    if needs.usual_tpot_s and r.tpot_s and r.tpot_s > needs.usual_tpot_s:
        parts.append(f"{seconds_text(r.tpot_s)} per token, usual are {seconds_text(needs.usual_tpot_s)}")
    return f"slower than is usual for this task: {'; '.join(parts)}" if parts else ""


def _context(r: Recommendation, needs: Needs) -> list[str]:
    known = supported_context(load(r.model))
    needed = needs.context_tokens
    if known is not None and refuted(known, needed):
        supports = (
            f"RULER supports {tokens_text(known.tokens)} of its context" if known.tokens else "RULER finds it weak"
        )
        return [f"{supports}, and {tokens_text(needed)} are needed"]
    if known is None and needed > SHORT and r.tpot_s is not None:
        return [f"nobody measured whether it uses {tokens_text(needed)} tokens of context well"]
    if known is not None and known.measured_tokens < needed:
        return [f"its context is measured up to {tokens_text(known.measured_tokens)} only"]
    return []


def _terms(r: Recommendation, needs: Needs) -> list[str]:
    spec, found = load(r.model), []
    if spec.availability == "deprecated":
        found.append("its provider has announced its end")
    terms, wanted = terms_of(spec), needs.requirements
    if r.machine is None:
        found.append("texts go to the provider, whose limits and latency apply")
        if wanted.budget_usd_per_hour and not wanted.requests_per_s:
            found.append("the budget is not checked: an API costs by use, so give --rate")
    elif wanted.commercial and terms.commercial == "unknown":
        found.append("no licence is in the catalog: read it before commercial use")
    elif (wanted.commercial or wanted.fine_tuning) and terms.commercial == "conditions" and spec.licence:
        found.append(f"{spec.licence.name} has conditions{f': {terms.conditions}' if terms.conditions else ''}")
    if wanted.languages and not spec.languages:
        found.append("its maker does not state its languages")
    return found
