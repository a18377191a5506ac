"""Where a time, a rate, an energy or a price comes from: formula, numbers put in, unit and source."""

from __future__ import annotations

from collections.abc import Callable

from advisor.answer import Band, Estimate
from advisor.breakdown import Pass, breakdown_of
from advisor.estimate import estimate
from advisor.estimating.energy import power_model_of, utilisation
from advisor.estimating.resolve import Resolved, resolve, server_of
from advisor.estimating.served import request_overhead_s, served_of
from advisor.report import bytes_text, flops_text, percent_text, seconds_text
from advisor.scenario import Scenario
from calculators.explain import Explanation, Part
from calculators.overlap import delay_share
from catalog.errors import BadInput, unknown
from catalog.spec import ModelSpec

ROOFLINE = "Σ ((F/(π·η_c))^p + (B/(β·η_b))^p)^(1/p) + launches·t_launch over operators; attention: p = 1"
LOOP = "closed loop of b clients; passes that carry a prompt and steps together: arXiv:2308.16369"
SELF = "calculators/roofline.py, calculators/serving.py"


def explain_time(scenario: Scenario, quantity: str, spec: ModelSpec | None = None) -> Explanation:
    """One of ``TIMES`` for a scenario; ``spec`` stands for a model that no catalog holds.

    Raises:
        BadInput: If the quantity is unknown or the model has none of it; and as ``estimate``.
    """
    if quantity not in TIMES:
        raise unknown("quantity", quantity, TIMES)
    case = resolve(scenario, spec)
    if scenario.speculate or scenario.host:
        raise BadInput(f"explain: {quantity} is explained without speculation and without a host")
    if quantity in ("tpot", "decode", "e2e", "throughput") and not case.generates:
        raise BadInput(f"explain: {case.spec.id} is {case.spec.family} and writes no tokens; ask for ttft or prefill")
    return TIMES[quantity](case)


def _explanation(
    case: Resolved, quantity: str, title: str, value: float, unit: str, formula: str, parts: list[Part],
    sources: tuple[str, ...], band: Band | None = None,
) -> Explanation:  # fmt: skip
    s = case.scenario
    lengths = f"{s.input_tokens:,} tokens in" + (f", {s.output_tokens:,} out" if case.generates else "")
    setting = (
        f"{s.batch:,} requests at a time, {lengths}, {s.layout.devices} × {case.machine.id}, "
        f"weights {case.weights.id}, cache {s.cache}, {case.engine.id}"
    )
    notes: tuple[str, ...] = ()
    if band is not None:
        span = (
            "" if band.p10 is None or band.p90 is None else f"80 % between {band.p10:.4g} and {band.p90:.4g} {unit}; "
        )
        notes = (f"{span}{band.badge}: {band.basis}",)
    return Explanation(case.spec.id, quantity, title, value, unit, formula, setting, tuple(parts), {}, sources, notes)


def _constants(case: Resolved) -> tuple[str, ...]:
    """Where the constants of a machine come from, with their values."""
    eff = server_of(case).settings.settings[0].eff
    r = eff.products
    peak = "unknown" if eff.peak_flops_per_s is None else f"{flops_text(eff.peak_flops_per_s)}/s"
    found = [
        f"{eff.dtype} products on {case.machine.id}: π {peak}, β {eff.bandwidth_bytes_per_s / 1e9:,.0f} GB/s, "
        f"η_c {r.compute:g}, η_b {r.memory:g}, p {r.p:g}, t_launch {r.launch_us:g} µs ({eff.badge}: {r.source.where})"
    ]
    if eff.attention:
        found.append(f"attention: {eff.attention.source.where}")
    return (*found, f"formulas: {SELF}")


def _pass(index: int, quantity: str, title: str) -> Callable[[Resolved], Explanation]:
    def answer(case: Resolved) -> Explanation:
        found: Pass = breakdown_of(case).passes[index]
        e = estimate(case.scenario, spec=case.spec)
        band = e.time.decode_s if index else e.time.prefill_s
        parts = [
            Part(
                short_name(o.name),
                1,
                f"F = {flops_text(o.flops)}, B = {bytes_text(o.bytes)}, ×{o.repeat}: {seconds_text(o.seconds)}",
                f"bound by {o.bound}; "
                + ("–" if o.fraction_of_roofline is None else percent_text(o.fraction_of_roofline))
                + " of the nominal roofline",
                o.seconds,
            )
            for o in found.parts
        ]
        if found.due_to["engine"]:
            own = f"{found.due_to['engine'] * 1e6:,.0f} µs"
            parts.append(Part("engine", 1, "per pass, besides kernels", own, found.due_to["engine"]))
        value = band.p50 if band else found.seconds
        return _explanation(
            case, quantity, f"{title} ({found.what})", value, "s", ROOFLINE, parts, _constants(case), band
        )

    return answer


def short_name(name: str) -> str:
    """An operator's name without its stack and layer."""
    pieces = name.split(".")
    return ".".join(pieces[2:]) if len(pieces) > 2 and pieces[1].isdigit() else name


def _ttft(case: Resolved) -> Explanation:
    e = estimate(case.scenario, spec=case.spec)
    assert e.time.ttft_s is not None
    if not case.generates:
        one = e.time.prefill_s.p50
        rest = e.time.ttft_s.p50 - one
        parts = [
            Part("passes", 1, "all passes of the batch", seconds_text(one), one),
            Part("engine", 1, "per request, and further passes", seconds_text(rest), rest),
        ]
        formula = "t_passes + t_request"
        return _explanation(case, "ttft", "Time to the answer", e.time.ttft_s.p50, "s", formula, parts,
                            _constants(case), e.time.ttft_s)  # fmt: skip
    served, overhead = served_of(case, server_of(case)), request_overhead_s(case)
    step, shared, calm = (float(x) for x in (served.decode_s, served.shared_s, served.calm_ttft_s))
    alone, busy = float(served.prefill_s), case.scenario.batch > 1
    parts = [Part("engine", 1, "t_request", f"{overhead * 1e3:g} ms", overhead)]
    if busy:
        ahead = 0.5 + case.engine.steps_ahead
        queue = float(served.ttft_s) - calm
        parts += [
            Part("steps under way", 1, f"{ahead:g}·t_step", f"{ahead:g}·{seconds_text(step)}", ahead * step),
            Part("pass that reads it", 1, "t_shared: the prompt and everybody's step", seconds_text(shared), shared),
            Part("other prompts", 1, "queue: ρ·t_prefill/2(1-ρ), and the common start", seconds_text(queue), queue),
        ]
    else:
        parts.append(Part("prefill", 1, "t_prefill", seconds_text(alone), alone))
    formula = "t_request + (1/2 + steps ahead)·t_step + t_shared + t_queue" if busy else "t_request + t_prefill"
    return _explanation(case, "ttft", "Time to the first token", e.time.ttft_s.p50, "s", formula, parts,
                        (LOOP, *_constants(case)), e.time.ttft_s)  # fmt: skip


def _tpot(case: Resolved) -> Explanation:
    server = server_of(case)
    e, served, s = estimate(case.scenario, spec=case.spec), served_of(case, server), case.scenario
    step, shared = float(served.decode_s), float(served.shared_s)
    delay = float(delay_share(server.table.layout, _array(s.batch), _array(s.output_tokens)))
    others = float(served.tpot_s) - step
    parts = [
        Part("step", 1, "t_step, mean over the answer", seconds_text(step), step),
        Part(
            "other prompts", 1, "(b - 1)·delay·(t_shared - t_step)/output",
            f"{s.batch - 1}·{delay:.3g}·({seconds_text(shared)} - {seconds_text(step)})/{s.output_tokens:,}", others,
        ),
    ]  # fmt: skip
    assert e.time.tpot_s is not None
    formula = "t_step + (b - 1)·delay·(t_shared - t_step)/output"
    return _explanation(case, "tpot", "Time per token", e.time.tpot_s.p50, "s", formula, parts,
                        (LOOP, *_constants(case)), e.time.tpot_s)  # fmt: skip


def _array(value: int):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.asarray(float(value))


def _e2e(case: Resolved) -> Explanation:
    e, further = estimate(case.scenario, spec=case.spec), case.scenario.output_tokens - 1
    first, each = _known(e)
    parts = [
        Part("first token", 1, "TTFT", seconds_text(first), first),
        Part("others", 1, "(output - 1)·TPOT", f"{further:,}·{seconds_text(each)}", further * each),
    ]
    return _explanation(case, "e2e", "Time of a whole answer", e.time.e2e_s.p50, "s", "TTFT + (output - 1)·TPOT", parts,
                        (LOOP,), e.time.e2e_s)  # fmt: skip


def _known(e: Estimate) -> tuple[float, float]:
    assert e.time.ttft_s is not None
    assert e.time.tpot_s is not None
    return e.time.ttft_s.p50, e.time.tpot_s.p50


def _throughput(case: Resolved) -> Explanation:
    e, s = estimate(case.scenario, spec=case.spec), case.scenario
    whole = e.time.e2e_s.p50
    numbers = f"{s.batch:,}·{s.output_tokens:,}/{seconds_text(whole)}"
    parts = [Part("all clients", 1, "b·output/t_answer", numbers, e.throughput.total)]
    title = "Tokens written per second"
    return _explanation(case, "throughput", title, e.throughput.total, "tok/s", "b·output/t_answer",
                        parts, (LOOP,), e.throughput.band)  # fmt: skip


def _energy(case: Resolved) -> Explanation:
    e, s = estimate(case.scenario, spec=case.spec), case.scenario
    if e.energy is None or case.machine.tdp_w is None:
        raise BadInput(f"explain: the power of {case.machine.id} is not known")
    rate = s.batch / e.time.e2e_s.p50
    model, devices, tdp = power_model_of(case), s.layout.devices, case.machine.tdp_w
    per_s = devices / rate * s.pue
    source: tuple[str, ...] = ("Choi et al., A roofline model of energy, IPDPS 2013",)
    if model is None:
        parts = [Part("device", 1, "TDP, all the time (a bound)", f"{tdp:g} W", tdp * per_s)]
        formula = "devices·TDP·PUE/rate"
    else:
        u_flops, u_bytes = utilisation(case, rate)
        terms = (
            ("static", model.static, 1.0),
            ("arithmetic", model.per_flops, u_flops),
            ("memory", model.per_bytes, u_bytes),
        )
        parts = [
            Part(name, 1, "share·use·TDP", f"{c:g}·{u:.3f}·{tdp:g} W", c * u * tdp * per_s) for name, c, u in terms
        ]
        over = sum(part.value for part in parts) - tdp * per_s
        if over > 0:
            parts.append(Part("power limit", 1, "not above TDP", f"{tdp:g} W", -over))
        formula = "devices·TDP·min(1, static + c_f·u_flops + c_b·u_bytes)·PUE/rate"
        source += (f"{model.source.where}, {model.rows} runs on {' and '.join(model.machines)}",)
    if s.host_w:
        parts.append(Part("host", 1, "as given", f"{s.host_w:g} W per device", s.host_w * per_s))
    band = e.energy.joules_per_request
    return _explanation(case, "energy", "Energy of a request", band.p50, "J", formula, parts, source, band)


def _cost(case: Resolved) -> Explanation:
    e, s = estimate(case.scenario, spec=case.spec), case.scenario
    c = e.cost
    if c.usd_per_hour is None or c.usd_per_thousand_requests is None:
        raise BadInput(f"explain: no price known for {case.machine.id}")
    per_s = c.usd_per_hour / 3600 * 1000
    read = e.time.prefill_s.p50 if case.generates else c.usd_per_thousand_requests / per_s
    parts = [
        Part("passes" if not case.generates else "prompt", 1, "1000·t·$/s", f"1000·{seconds_text(read)}", read * per_s)
    ]
    if e.time.decode_s:
        each = s.output_tokens * e.time.decode_s.p50 / s.batch
        parts.append(Part("answer", 1, "1000·output·t_step/b·$/s", f"1000·{seconds_text(each)}", each * per_s))
    price = f"${c.usd_per_hour:.2f} per hour: {c.basis}"
    return _explanation(case, "cost", "Price of a thousand requests", c.usd_per_thousand_requests, "USD",
                        "machine-seconds × dollars per hour / 3600", parts, (price,))  # fmt: skip


TIMES: dict[str, Callable[[Resolved], Explanation]] = {
    "ttft": _ttft,
    "tpot": _tpot,
    "e2e": _e2e,
    "prefill": _pass(0, "prefill", "Time of one pass"),
    "decode": _pass(1, "decode", "Time of a decode step"),
    "throughput": _throughput,
    "energy": _energy,
    "cost": _cost,
}
"""What can be explained of a model on a machine."""
