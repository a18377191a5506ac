"""Models that write token by token."""

from __future__ import annotations

from advisor.answer import Band, Cost, Estimate, Memory, Rate, Throughput, Time
from advisor.estimating.bands import band_of, inverse, like, whole_answer
from advisor.estimating.breakdown import shares
from advisor.estimating.common import common, flops_of, usd_for
from advisor.estimating.energy import energy_of
from advisor.estimating.layouts import share_of_prompt
from advisor.estimating.resolve import Resolved, demand_of, prompt_tokens, server_of
from advisor.estimating.served import request_overhead_s, served_of
from calculators.serving import Served, Server, decode_workload, prefill_workload
from calculators.workload import Workload


def generating(case: Resolved, memory: Memory) -> Estimate:
    """The estimate of a model that writes."""
    s, server = case.scenario, server_of(case)
    demand = demand_of(case)
    prefill_w = prefill_workload(demand, encoder_decoder=case.encoder_decoder)
    done = [s.output_tokens / 2, 1, max(s.output_tokens - 1, 1)]
    steps = decode_workload(demand, s.batch, done=done, encoder_decoder=case.encoder_decoder)
    decode_w = steps.slice(slice(0, 1))
    server.expect(prefill_w.reshape(-1).then(steps))
    speculation = None
    if not s.speculate:
        served = served_of(case, server)
    else:
        from advisor.estimating.speculating import speculate, widened

        served, speculation = speculate(case, server, demand, request_overhead_s(case))
    badge = server.settings.settings[0].eff.badge
    ttft = band_of(case, "ttft", float(served.ttft_s), badge)
    tpot = band_of(case, "tpot", float(served.tpot_s), badge)
    if speculation is not None:
        tpot = widened(tpot, speculation.acceptance)
    whole = whole_answer(ttft, tpot, s.output_tokens - 1)
    prefill = like(ttft, float(served.prefill_s), "the first token")
    each = share_of_prompt(server, prefill_w, float(served.prefill_s))
    prompt_s = each * prefill.p50
    decode = like(tpot, float(served.decode_s), "per token")
    hourly = None if case.price is None else case.price.usd_per_hour * s.layout.devices
    first, last = (None, None) if speculation else _end_steps(case, server, steps.slice(slice(1, 3)), served)
    read = (case.source_tokens or prompt_tokens(case)) - s.cached_prefix
    return Estimate(
        **common(case, memory),
        flops=flops_of(case),
        time=Time(
            ttft_s=ttft,
            tpot_s=tpot,
            e2e_s=whole,
            prefill_s=prefill,
            decode_s=decode,
            first_step_s=first,
            last_step_s=last,
            joined_step_s=float(served.shared_s) if s.batch > 1 and not speculation else None,
        ),
        throughput=_throughput(case, served, prefill, decode, whole, read / each),
        cost=Cost(
            usd_per_million_input_tokens=usd_for(prompt_s / max(1, case.source_tokens or s.input_tokens), hourly),
            usd_per_million_output_tokens=usd_for(decode.p50 / s.batch, hourly),
            usd_per_thousand_requests=usd_for((prompt_s + s.output_tokens * decode.p50 / s.batch) * 1e-3, hourly),
            usd_per_hour=hourly,
            basis=case.price.basis if case.price else "no price known",
        ),
        breakdown=shares(server, prefill_w, decode_w),
        speculation=speculation,
        energy=energy_of(case, inverse(whole, s.batch), server),
        rates=_heard(case, server, whole) if case.encoder_decoder else (),
    )


def _heard(case: Resolved, server: Server, whole: Band) -> tuple[Rate, ...]:
    from advisor.estimating.rates import transcription_rates

    return transcription_rates(case, server, whole)


def _throughput(case: Resolved, served: Served, prefill: Band, decode: Band, whole: Band, prompt: float) -> Throughput:
    s, rate = case.scenario, float(served.output_tokens_per_s)
    return Throughput(
        unit="tok/s",
        total=rate,
        per_user=rate / s.batch,
        per_gpu=rate / s.layout.devices,
        band=inverse(whole, s.batch * s.output_tokens),
        prefill=inverse(prefill, prompt),
        decode=inverse(decode, s.batch),
    )


def _end_steps(case: Resolved, server: Server, steps: Workload, served: Served) -> tuple[float, float]:
    """A client's first and last step; the caches of the others are as long as the mean in both."""
    mean = float(served.decode_s)
    first, last = (mean + (step - mean) / case.scenario.batch for step in server.pass_s(steps).tolist())
    return first, last
