"""Models that write token by token."""

from __future__ import annotations

from advisor.answer import Cost, Estimate, Memory, Throughput, Time
from advisor.estimating.bands import band_of
from advisor.estimating.breakdown import shares
from advisor.estimating.common import common, flops_of, usd_for
from advisor.estimating.resolve import Resolved, prompt_tokens, server_of
from calculators.serving import Demand, decode_workload, prefill_workload, serve


def generating(case: Resolved, memory: Memory) -> Estimate:
    """The estimate of a model that writes."""
    s, server = case.scenario, server_of(case)
    demand = Demand(case.source_tokens or prompt_tokens(case), s.output_tokens, s.images)
    overhead = (case.engine.busy_request_ms if s.batch > 1 else case.engine.idle_request_ms) * 1e-3
    served = serve(server, demand, s.batch, request_overhead_s=overhead, encoder_decoder=case.encoder_decoder)
    ttft, tpot = float(served.ttft_s), float(served.tpot_s)
    rate = float(served.output_tokens_per_s)
    hourly = None if case.price is None else case.price.usd_per_hour * s.layout.devices
    prefill_s, decode_s = float(served.prefill_s), float(served.decode_s)
    badge = server.settings.settings[0].eff.badge
    prefill_w = prefill_workload(demand, encoder_decoder=case.encoder_decoder)
    decode_w = decode_workload(demand, s.batch, done=s.output_tokens / 2, encoder_decoder=case.encoder_decoder)
    return Estimate(
        **common(case, memory),
        flops=flops_of(case),
        time=Time(
            ttft_s=band_of(case, "ttft", ttft, badge),
            tpot_s=band_of(case, "tpot", tpot, badge),
            e2e_s=ttft + (s.output_tokens - 1) * tpot,
            prefill_s=prefill_s,
            decode_s=decode_s,
        ),
        throughput=Throughput("tok/s", rate, rate / s.batch),
        cost=Cost(
            usd_per_million_input_tokens=usd_for(prefill_s / max(1, case.source_tokens or s.input_tokens), hourly),
            usd_per_million_output_tokens=usd_for(decode_s / s.batch, hourly),
            usd_per_thousand_requests=usd_for((prefill_s + s.output_tokens * decode_s / s.batch) * 1e-3, hourly),
            usd_per_hour=hourly,
            basis=case.price.basis if case.price else "no price known",
        ),
        breakdown=shares(server, prefill_w, decode_w),
    )
