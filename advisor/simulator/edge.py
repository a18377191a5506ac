"""Whether a verdict hangs on the error of the times that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from advisor.estimating.measured import band_for
from advisor.simulator.metrics import Outcome, Verdict
from advisor.simulator.service import Requests, Service
from advisor.simulator.timed import Timed
from calculators.efficiency import efficiency
from catalog.loader import machine_classes


def least_share(service: Service) -> float | None:
    """Measured over predicted time per token at the lower end of its band; ``None`` where none speaks for it."""
    case = service.case
    if case is None or not case.generates:
        return None
    badge = efficiency(case.machine, case.weights, machine_classes()).badge
    band = band_for(case.engine, "tpot", badge)
    return None if band is None or band.p10 >= 1 else band.p10


def at_pace(service: Service, share: float) -> Service:
    """The same replica, every pass in so many times its time."""
    steps = service.steps
    assert isinstance(steps, Timed | Requests)
    return replace(service, steps=steps.scaled(share))


def weighed(outcome: Outcome, services: Sequence[Service], again: Callable[[Sequence[Service]], Outcome]) -> Outcome:
    """The outcome, its verdict ``at the edge`` where passes at the fast end of their band would keep up.

    A system that is not saturated with the times that are expected stays what it is, and nothing is run again.

    Args:
        outcome: Of the run with expected times.
        services: Its replicas.
        again: The same requests on other replicas, which stand where these stood.
    """
    if not outcome.verdict.saturated:
        return outcome
    kinds = {id(service): service for service in services}
    shares = {key: share for key, service in kinds.items() if (share := least_share(service)) is not None}
    if not shares:
        return outcome
    fast = {key: at_pace(s, shares[key]) if key in shares else s for key, s in kinds.items()}
    if again([fast[id(service)] for service in services]).verdict.saturated:
        return outcome
    faster = f"{100 * (1 - min(shares.values())):.0f} %"
    why = f"{outcome.verdict.why}; with passes {faster} faster, the end of their error band, it keeps up"
    return replace(outcome, verdict=Verdict(True, why, certain=False))
