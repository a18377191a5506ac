"""What the clients of a scenario see, without speculation."""

from __future__ import annotations

from advisor.estimating.resolve import Resolved, demand_of
from calculators.serving import Served, Server, serve


def request_overhead_s(case: Resolved) -> float:
    """What the engine takes per request besides passes."""
    return (case.engine.busy_request_ms if case.scenario.batch > 1 else case.engine.idle_request_ms) * 1e-3


def served_of(case: Resolved, server: Server) -> Served:
    """A closed loop of the scenario's clients."""
    return serve(
        server,
        demand_of(case),
        case.scenario.batch,
        request_overhead_s=request_overhead_s(case),
        encoder_decoder=case.encoder_decoder,
        steps_ahead=case.engine.steps_ahead,
    )
