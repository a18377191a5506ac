"""Where the numbers of a plan come from: formulas with the plan's own numbers put in, and sources."""

from __future__ import annotations

from advisor.planning.money import HOURS
from advisor.planning.result import Api, Choice, Month, Percentile, Plan, RunnerUp, Terms
from advisor.report import percent_text, seconds_text, usd_text

SIMULATED = "discrete-event simulation, request by request (advisor/simulator); times of passes: whicharch explain"
BOUNDS = "advisor/planning/bounds.py; Little's law"


def choice_text(plan: Plan, choice: Choice) -> str:
    """Price, percentiles and load of a way to serve the traffic."""
    parts = [_price(choice), _per_million(choice), _replicas(plan, choice)]
    parts += [_percentile(plan, p) for p in choice.percentiles if p.limit is not None]
    parts += [_used(choice), _spread(plan, choice), _load(choice)]
    return "\n\n".join(part for part in parts if part)


def _lines(head: str, formula: str, *put_in: str, source: str) -> str:
    rows = [head, f"  formula  {formula}", *(f"           {line}" for line in put_in if line), f"  source   {source}"]
    return "\n".join(rows)


def _each(choice: Choice) -> float:
    return choice.usd_per_hour / choice.devices


def _unit(usd: float) -> str:
    """Dollars with the digits that a sum of many needs."""
    return f"${usd:.4g}"


def _price(choice: Choice) -> str:
    return _lines(
        f"Price: {usd_text(choice.usd_per_hour)} per hour, {usd_text(choice.usd_per_month)} per month",
        f"devices × dollars per device and hour; a month has {HOURS:g} hours",
        f"{choice.devices} × {_unit(_each(choice))} = {usd_text(choice.usd_per_hour)}; "
        f"× {HOURS:g} = {usd_text(choice.usd_per_month)}",
        source=choice.price_basis,
    )


def _per_million(choice: Choice) -> str:
    million = choice.usd_per_million_tokens
    if not million:
        return ""
    rate = choice.usd_per_hour / 3600 / million * 1e6
    return _lines(
        f"Price of a million tokens: {usd_text(million)}",
        "dollars per hour / 3600 / tokens per second × 10⁶; tokens read and written in the busiest hour, over seeds",
        f"{usd_text(choice.usd_per_hour)} / 3600 / {rate:,.0f} tok/s × 10⁶ = {usd_text(million)}",
        source=SIMULATED,
    )


def _replicas(plan: Plan, choice: Choice) -> str:
    needed = choice.replicas - choice.spare
    return _lines(
        f"Replicas: {choice.replicas}",
        "the fewest with which every seed keeps every promise, and the spare ones",
        f"{needed} + {choice.spare} spare = {choice.replicas}; {plan.requests:,} requests in each run",
        source=f"{SIMULATED}; fewest possible from {BOUNDS}",
    )


def _percentile(plan: Plan, p: Percentile) -> str:
    assert p.limit is not None
    worst = p.mean if p.worst is None else p.worst
    sign, verdict = ("≤", "kept") if worst <= p.limit else (">", "MISSED")
    return _lines(
        f"{p.name}: {seconds_text(p.mean)}, {verdict}",
        "the percentile over all requests of a run, between neighbours linearly; its mean over seeds. Promised is the "
        "worst of them",
        f"worst {seconds_text(worst)} {sign} limit {seconds_text(p.limit)}: {percent_text(worst / p.limit)} of it used",
        source=f"{SIMULATED}; {plan.requests:,} requests a run",
    )


def _used(choice: Choice) -> str:
    limits = [(p.name, p.worst / p.limit) for p in choice.percentiles if p.limit and p.worst is not None]
    if not limits:
        return ""
    return _lines(
        f"Tightest limit: {percent_text(choice.promise_used)} of it used",
        "the largest of worst / limit over all promises",
        "max(" + ", ".join(f"{name} {percent_text(share)}" for name, share in limits) + ")",
        source="the percentiles above",
    )


def _spread(plan: Plan, choice: Choice) -> str:
    if not any(p.low is not None for p in choice.percentiles):
        return ""
    return _lines(
        "95 % over seeds",
        "mean ± t·s/√n of the percentiles of n runs with different seeds; t by Student's distribution, n − 1 degrees",
        source="Student (1908), The probable error of a mean",
    )


def _load(choice: Choice) -> str:
    return _lines(
        f"Load: busy {percent_text(choice.utilisation)}, {choice.mean_batch:.1f} sequences a step, cache "
        f"{percent_text(choice.cache_peak)} at most",
        "busy: seconds in passes / seconds of all replicas; sequences a step: mean over passes that write; cache: "
        "the most that was held / the room for it",
        "busy alone is no limit: a replica works whenever anybody waits, and packs more sequences into a pass",
        source=SIMULATED,
    )


def month_text(plan: Plan, month: Month) -> str:
    """Money of one month."""
    if month.usd is None or month.devices is None or plan.best is None:
        return _lines(f"Month {month.month}: no number of devices that there may be is enough",
                      "the first month's plan, with as many replicas as keep the promises at the grown traffic",
                      source=SIMULATED)  # fmt: skip
    each = _each(plan.best)
    return _lines(
        f"Month {month.month}: {usd_text(month.usd)}",
        f"devices × dollars per device and hour × {HOURS:g} hours",
        f"{month.devices} × {_unit(each)} × {HOURS:g} = {usd_text(month.devices * each * HOURS)}",
        f"{month.replicas} replicas: the fewest that keep the promises at that month's traffic (one seed), and the "
        "spare ones",
        source=f"{plan.best.price_basis}; {SIMULATED}",
    )


def terms_text(plan: Plan, terms: Terms) -> str:
    """The devices on other terms."""
    return _lines(
        f"{terms.pricing}: {usd_text(terms.usd)} over {len(plan.months)} months",
        "sum over months of devices × dollars per device and hour × 730; bought: price of purchase when devices are "
        "added, and electricity",
        f"{usd_text(terms.usd_per_device_hour)} per device and hour",
        source=terms.basis,
    )


def api_text(plan: Plan, api: Api) -> str:
    """A hosted model."""
    return _lines(
        f"{api.model} ({api.provider}): {usd_text(sum(api.usd))} over {len(api.usd)} months",
        "sum over months of requests at the mean rate × (prompt tokens × price in + cached × price cached + answer "
        "tokens × price out)",
        f"{usd_text(api.usd_per_million_tokens)} per million tokens over all; {percent_text(api.cached_share)} of "
        "prompt tokens billed as cached",
        source=api.source,
    )


def runner_up_text(one: RunnerUp) -> str:
    """Why something is not the plan."""
    price = "no price" if one.usd_per_hour is None else f"at least {usd_text(one.usd_per_hour)} per hour"
    if one.simulated:
        return _lines(f"{one.way}: {price}", "replicas × devices of each × dollars per device and hour, spare ones "
                      "included", one.why, source=SIMULATED)  # fmt: skip
    return _lines(
        f"{one.way}: {price}",
        "replicas ≥ λ·w: requests per second times the least seconds of a replica that each takes; × devices × "
        "dollars per device and hour",
        one.why,
        source=BOUNDS,
    )
