"""Buy, rent, or pay an API by the token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.planning.demand import classes_of
from advisor.planning.money import HOURS, power_usd_per_hour, purchase_usd
from advisor.planning.money import terms_of as price_on
from advisor.planning.result import Api, Month, Terms
from advisor.planning.schema import MachineChoice, PlanFile, Pricing
from advisor.planning.search import Found
from advisor.simulator.traffic import Traffic, jobs_of
from catalog.errors import BadInput
from catalog.loader import load
from catalog.price import ApiPrice

SECONDS = HOURS * 3600
SAMPLE = 4000
"""Requests over which tokens of a class are averaged."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of a mean request."""

    fresh: float
    cached: float
    """Prompt tokens that were sent before: a shared start, and earlier turns."""
    output: float

    @property
    def all(self) -> float:
        """In and out."""
        return self.fresh + self.cached + self.output


def tokens_of(traffic: Traffic) -> Tokens:
    """Tokens of a mean request of a class, from a sample."""
    jobs = jobs_of([traffic], SAMPLE, 0, prefixes=False)
    given, written = np.array(jobs.input, dtype=float), np.array(jobs.output, dtype=float)
    cached = np.full(len(jobs), float(traffic.shared_tokens))
    if jobs.follows is not None and traffic.turns.mean > 1:
        follows = np.array(jobs.follows)
        before = np.flatnonzero(follows >= 0)
        after = follows[before]
        cached[after] = np.minimum(given[before] + written[before], given[after])
    return Tokens(float((given - cached).mean()), float(cached.mean()), float(written.mean()))


def usd_of(price: ApiPrice, tokens: Tokens) -> float:
    """A mean request at list prices: prompt tokens sent before at the cached price, where there is one."""
    cached = price.cached_input_usd_per_mtok
    usual = price.input_usd_per_mtok
    return (
        tokens.fresh * usual
        + tokens.cached * (usual if cached is None else cached)
        + tokens.output * price.output_usd_per_mtok
    ) / 1e6


def apis_of(plan: PlanFile, best: Found, months: Sequence[Month]) -> tuple[Api, ...]:
    """What hosted models cost for the same requests, at the mean rate of each month.

    Users that wait for answers send as many requests as the simulated plan answers.
    """
    found = []
    classes = classes_of(plan, busiest=False)
    tokens = [tokens_of(c) for c in classes]
    first = _rates(plan, best, 0)
    for name in plan.apis:
        spec = load(name)
        if not spec.prices:
            raise BadInput(f"apis: no price is known of {spec.id}")
        price = spec.prices[0]
        each = [usd_of(price, t) for t in tokens]
        monthly = []
        for month in months:
            monthly.append(SECONDS * sum(r * u for r, u in zip(_rates(plan, best, month.month - 1), each, strict=True)))
        mean_usd = sum(r * u for r, u in zip(first, each, strict=True)) / sum(first)
        mean_tokens = sum(r * t.all for r, t in zip(first, tokens, strict=True)) / sum(first)
        prompt = sum(r * (t.fresh + t.cached) for r, t in zip(first, tokens, strict=True))
        cached = sum(r * t.cached for r, t in zip(first, tokens, strict=True))
        waits = any(c.clients for c in classes)
        found.append(
            Api(
                model=spec.id,
                provider=price.provider,
                usd=tuple(monthly),
                usd_per_million_tokens=mean_usd / mean_tokens * 1e6,
                cached_share=cached / prompt if price.cached_input_usd_per_mtok is not None and prompt else 0.0,
                break_even_requests_per_s=None if waits else best.usd_per_hour / 3600 / mean_usd,
                source=str(price.source),
            )
        )
    return tuple(found)


def _rates(plan: PlanFile, best: Found, month: int) -> list[float]:
    """Mean requests per second by class."""
    classes = classes_of(plan, month, busiest=False)
    if not any(c.clients for c in classes):
        return [c.rate * c.turns.mean for c in classes]
    served = best.trial.mean(lambda o: o.requests_per_s) or 0.0
    clients = sum(c.clients for c in classes_of(plan, 0))
    return [served * c.clients / clients for c in classes]


def terms_of_plan(plan: PlanFile, best: Found, months: Sequence[Month]) -> tuple[Terms, ...]:
    """The plan's devices rented, reserved, on spot and bought, over all months.

    Bought devices are paid in full when a month first needs them, and electricity as long as they are needed.
    """
    machine = best.candidate.terms.machine
    hours = sum((m.devices or 0) * HOURS for m in months)
    found: list[Terms] = []
    rent: float | None = None
    kinds: tuple[Pricing, ...] = ("on-demand", "reserved", "spot")
    for pricing in kinds:
        own = best.candidate.terms if best.candidate.terms.pricing == pricing else None
        try:
            terms = own or price_on(MachineChoice(id=machine.id, pricing=pricing), plan.power)
        except BadInput:
            continue
        if pricing == "on-demand":
            rent = terms.usd_per_hour
        found.append(Terms(pricing, hours * terms.usd_per_hour, terms.usd_per_hour, None, terms.basis))
    given = next((c for c in plan.machines if c.id == machine.id and c.usd_purchase is not None), None)
    known = purchase_usd(machine)
    usd, where = (given.usd_purchase, "as given") if given and given.usd_purchase else known or (None, "")
    power = power_usd_per_hour(machine, plan.power)
    if usd is not None and power is not None:
        most = max((m.devices or 0 for m in months), default=0)
        total = most * usd + hours * power
        even = None if rent is None else even_months([m.devices for m in months], usd, (rent - power) * HOURS)
        hourly = total / hours if hours else 0.0
        electricity = f", electricity ${power:.3f} per hour" if power else ", electricity left out"
        found.append(Terms("bought", total, hourly, even, f"${usd:,.0f} each ({where}){electricity}"))
    return tuple(found)


def even_months(devices: Sequence[int | None], usd: float, saved: float) -> float | None:
    """Months after which machines bought when they are needed have cost less than rented ones, and stay so.

    Args:
        devices: Needed in each month; ``None`` where there may not be as many: the count ends there.
        usd: Price of one.
        saved: Per device and month: its rent without the electricity of one that is owned.

    Returns:
        ``None`` where buying never gets cheaper. After the last month the same devices go on.
    """
    if saved <= 0:
        return None
    owned = needed = 0
    behind, even = 0.0, 0.0
    for passed, count in enumerate(devices):
        if count is None:
            break
        needed = count
        behind += usd * max(0, needed - owned)
        owned = max(owned, needed)
        each = saved * needed
        if behind > 0:
            even = passed + behind / each if each else float("inf")
        behind -= each
    return even if needed else None
