"""Encoders, vision and denoisers: the whole batch goes through together."""

from __future__ import annotations

from advisor.answer import Cost, Estimate, Memory, Throughput, Time
from advisor.estimating.bands import band_of, inverse, like
from advisor.estimating.breakdown import shares
from advisor.estimating.common import common, flops_of, usd_for
from advisor.estimating.energy import energy_of
from advisor.estimating.rates import single_pass_rates, unit_of
from advisor.estimating.resolve import Resolved, passes_of, prompt_tokens, server_of
from calculators.workload import Workload


def single_pass(case: Resolved, memory: Memory) -> Estimate:
    """The estimate of a model that answers in one pass (or so many steps of one)."""
    s, server = case.scenario, server_of(case)
    passes, guided = passes_of(case)
    w = Workload.of([s.batch * guided], prompt_tokens(case), 0)
    one = float(server.pass_s(w)[0])
    total = one * passes + case.engine.idle_request_ms * 1e-3
    hourly = None if case.price is None else case.price.usd_per_hour * s.layout.devices
    busy = one * passes / s.batch
    text = case.spec.family == "encoder"
    badge = server.settings.settings[0].eff.badge
    whole = band_of(case, "pass", total, badge)
    rates = single_pass_rates(case, server, whole)
    return Estimate(
        **common(case, memory),
        flops=flops_of(case),
        time=Time(
            ttft_s=whole,
            tpot_s=None,
            e2e_s=whole,
            prefill_s=like(whole, one, "the answer"),
            decode_s=None,
        ),
        throughput=Throughput(
            unit_of(rates), s.batch / total, 1 / total, s.batch / total / s.layout.devices, inverse(whole, s.batch)
        ),
        cost=Cost(
            usd_per_million_input_tokens=usd_for(busy / s.input_tokens, hourly) if text else None,
            usd_per_million_output_tokens=None,
            usd_per_thousand_requests=usd_for(busy * 1e-3, hourly),
            usd_per_hour=hourly,
            basis=case.price.basis if case.price else "no price known",
        ),
        breakdown=shares(server, w, None),
        energy=energy_of(case, inverse(whole, s.batch)),
        rates=rates,
    )
