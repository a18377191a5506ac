"""Open weights against closed models, as criteria: where data go, training, price at volume, lock-in, terms."""

from __future__ import annotations

from math import isinf

from advisor.decision.month import Volume, break_even_per_day, dollars_text, month_of
from advisor.ranking.rows import Recommendation
from advisor.requirements import Needs
from catalog.loader import load
from catalog.terms import terms_of
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion for both kinds."""

    name: str
    own: str
    api: str
    for_own: bool | None
    """Whether it speaks for own machines; ``None``: for neither."""


def trade_offs(own: Recommendation, api: Recommendation, needs: Needs, volume: Volume | None) -> tuple[Criterion, ...]:
    """Criteria for a model on own machines against one behind an API."""
    return (_residency(own, api, needs), _training(own, api), _price(own, api, needs, volume), _lock_in(own, api))


def _residency(own: Recommendation, api: Recommendation, needs: Needs) -> Criterion:
    cut_off = needs.requirements.deployment == "air-gapped" or needs.requirements.privacy == "own-premises"
    where = "never leave the building" if cut_off else "stay on machines that you rent or own"
    return Criterion("data", f"texts {where}", f"every text goes to {api.engine}", True)


def _training(own: Recommendation, api: Recommendation) -> Criterion:
    terms = terms_of(load(own.model))
    licence = load(own.model).licence
    may = "weights can be trained further"
    if licence is not None and terms.conditions:
        may += f"; {licence.name}: {terms.conditions}"
    closed = "weights cannot be had" if terms_of(load(api.model)).open_weights is not True else "weights can be had"
    return Criterion("fine-tuning", may, f"{closed}; only what the provider offers", True)


def _price(own: Recommendation, api: Recommendation, needs: Needs, volume: Volume | None) -> Criterion:
    here, there = month_of(own, needs, volume), month_of(api, needs, volume)
    even = break_even_per_day(own, api, needs)
    own_text = "no price is known" if here is None else f"{dollars_text(here.usd)} a month, busy or idle"
    api_text = "no price at this volume" if there is None else f"{dollars_text(there.usd)} a month, {there.basis}"
    if even is not None:
        api_text += ". Cheaper " + ("at any volume" if isinf(even) else f"below {even:,.0f} requests a day")
    cheaper = None if here is None or there is None else here.usd < there.usd
    return Criterion("price at volume", own_text, api_text, cheaper)


def _lock_in(own: Recommendation, api: Recommendation) -> Criterion:
    licence = load(own.model).licence
    held = f"weights under {licence.name} stay yours" if licence else "weights stay yours"
    sellers = len({price.provider for price in load(api.model).prices})
    spec = load(api.model)
    sold = f"{sellers} providers sell it" if sellers > 1 else f"{api.engine} alone sells it"
    fate = {"deprecated": ", and has announced its end", "removed": ", and has withdrawn it"}
    return Criterion("lock-in", f"{held}; any machine and engine", sold + fate.get(spec.availability, ""), True)
