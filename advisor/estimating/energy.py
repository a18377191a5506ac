"""Joules of an estimate."""

from __future__ import annotations

from advisor.answer import Band, Energy
from advisor.estimating.resolve import Resolved, demand_of, passes_of, prompt_tokens, server_of
from calculators.energy import added_bytes, power_share, work_of
from calculators.remembered import flat
from calculators.serving import Server, decode_workload, prefill_workload, serve
from calculators.workload import Workload
from catalog.loader import power_models
from catalog.power import PowerModel


def energy_of(case: Resolved, rate: Band, server: Server | None = None) -> Energy | None:
    """What one request takes when ``rate`` of them are answered per second; ``None`` where no TDP is known.

    Devices wait for nobody: a closed loop keeps them at work. Without measurements of power the answer is a bound.
    """
    s, tdp = case.scenario, case.machine.tdp_w
    if tdp is None or rate.p50 <= 0:
        return None
    model, devices = power_model_of(case), s.layout.devices
    if model is None:
        share, low, high, badge = 1.0, None, None, "spec sheet"
        basis = f"{devices} × {tdp:g} W all the time; no measured power of machines like {case.machine.id}"
    else:
        share = float(power_share(*utilisation(case, rate.p50, server), model.static, model.per_flops, model.per_bytes))
        low, high = share * model.p10, max(share, min(1.0, share * model.p90))
        badge = "calibrated" if case.machine.id in model.machines and rate.badge == "calibrated" else "class default"
        runs = f"{model.rows} runs of {' and '.join(model.machines)}"
        basis = f"power: {runs}, {model.source.where}; time: {rate.basis}"

    def joules(part: float, per_s: float) -> float:
        return (devices * (part * tdp + s.host_w)) * s.pue / per_s

    band: tuple[float | None, float | None] = (None, None)
    if low is not None and high is not None and rate.p10 and rate.p90:
        band = (joules(low, rate.p90), joules(high, rate.p10))
    per_request = Band(joules(share, rate.p50), band[0], band[1], badge, basis)
    return Energy(
        joules_per_request=per_request,
        joules_per_output_token=per_request.p50 / s.output_tokens if case.generates else None,
        watts_per_gpu=share * tdp,
        is_bound=model is None,
        host_w_per_gpu=s.host_w,
        pue=s.pue,
    )


def power_model_of(case: Resolved) -> PowerModel | None:
    """The constants of machines like this one."""
    machine = case.machine
    return next((m for m in power_models() if machine.vendor == m.vendor and machine.kind in m.kinds), None)


def utilisation(
    case: Resolved, requests_per_s: float | None = None, server: Server | None = None
) -> tuple[float, float]:
    """Shares of the nominal arithmetic and memory rates in use; by default at the predicted rate of requests."""
    s, server = case.scenario, server or server_of(case)
    setting, table = server.settings.settings[0], server.table
    if not case.generates:
        steps, guided = passes_of(case)
        w = Workload.of([s.batch * guided], prompt_tokens(case), 0)
        flops, moved = (
            steps * float(part.sum()) / s.batch for part in work_of(table, w, setting.weights, setting.cache_bits)
        )
    else:
        demand, seq2seq = demand_of(case), case.encoder_decoder
        both = flat(
            prefill_workload(demand, encoder_decoder=seq2seq),
            decode_workload(demand, s.batch, done=s.output_tokens / 2, encoder_decoder=seq2seq),
        )
        done, traffic = work_of(table, both, setting.weights, setting.cache_bits)
        prompt, step = traffic.T
        added = prompt if s.batch == 1 else added_bytes(table, prompt, step)
        flops = float(done[:, 0].sum() + s.output_tokens * done[:, 1].sum() / s.batch)
        moved = float(added.sum() + s.output_tokens * step.sum() / s.batch)
        if requests_per_s is None:
            served = serve(server, demand, s.batch, encoder_decoder=seq2seq)
            requests_per_s = float(served.output_tokens_per_s) / s.output_tokens
    peak = setting.eff.peak_flops_per_s or float("inf")
    rate = requests_per_s or 0.0
    return flops * rate / peak, moved * rate / setting.eff.bandwidth_bytes_per_s
