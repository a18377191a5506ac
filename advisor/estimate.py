"""One model on one machine: parameters, FLOPs, memory, time and money, each with how it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.answer import Band, Cost, Estimate, Flops, Memory, Share, Throughput, Time
from advisor.formats import weights_of
from advisor.machines import HourlyPrice, engine_for, hourly_price
from advisor.scenario import Scenario
from calculators.activations import peak_activation_bytes
from calculators.cost import usd_per_million
from calculators.diffusion import usual_passes
from calculators.efficiency import efficiency
from calculators.flops import count_flops, reads_source, source_tokens
from calculators.images import takes_images, tokens_per_image
from calculators.lowering import streams_of
from calculators.measures import RESERVED
from calculators.memory import CACHE_BITS, weight_bytes
from calculators.params import architecture_of, count_params
from calculators.plan import tp_problem
from calculators.serving import Demand, Server, decode_workload, prefill_workload, serve
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.engine import Engine, ErrorBand
from catalog.errors import BadInput, unknown
from catalog.loader import checked, load, load_engine, load_machine, machine_classes
from catalog.machine import Badge, Machine
from catalog.spec import Architecture, AudioEmbedding, LmHead, ModelSpec
from catalog.weight_format import WeightFormat


@dataclass(frozen=True, slots=True)
class Resolved:
    """A scenario with its names looked up."""

    scenario: Scenario
    spec: ModelSpec
    architecture: Architecture
    machine: Machine
    weights: WeightFormat
    cache_bits: float
    engine: Engine
    price: HourlyPrice | None

    @property
    def generates(self) -> bool:
        """Whether the model writes token by token."""
        return any(
            s.role == "decoder" and any(isinstance(h, LmHead) for h in s.heads) for s in self.architecture.stacks
        )

    @property
    def encoder_decoder(self) -> bool:
        """Whether the prompt goes through an encoder."""
        return reads_source(self.architecture)

    @property
    def source_tokens(self) -> int:
        """Encoder tokens of one request; 0 where no encoder is read."""
        return source_tokens(self.architecture, self.scenario.input_tokens)

    @property
    def image_tokens(self) -> int:
        """Tokens that the language model sees per image."""
        return tokens_per_image(self.architecture)


def hears(architecture: Architecture) -> bool:
    """Whether a stack takes audio."""
    return any(isinstance(stack.embedding, AudioEmbedding) for stack in architecture.stacks)


def estimate(scenario: Scenario | None = None, /, **fields: Any) -> Estimate:
    """Estimate one scenario, given whole or as its fields: ``estimate(model="llama-3-8b", machine="h100-sxm")``.

    Raises:
        BadInput: If a name is unknown (with the nearest), the model is undisclosed, or the layout is impossible.
    """
    case = resolve(scenario if scenario is not None else _scenario(fields))
    memory = memory_of(case)
    if not case.generates:
        return _single_pass(case, memory)
    return _generating(case, memory)


def _scenario(fields: dict[str, Any]) -> Scenario:
    return checked(Scenario, fields, "scenario")


def resolve(scenario: Scenario) -> Resolved:
    """Look up the names of a scenario.

    Raises:
        BadInput: As ``estimate``.
    """
    spec = load(scenario.model)
    architecture = architecture_of(spec)
    machine = load_machine(scenario.machine)
    weights = weights_of(spec, scenario.weights)
    if scenario.cache not in CACHE_BITS:
        raise unknown("cache type", scenario.cache, CACHE_BITS)
    if problem := tp_problem(architecture, scenario.tp):
        raise BadInput(f"tensor parallelism {scenario.tp}: {spec.id}: {problem}")
    if scenario.tp > machine.link.max_gpus:
        raise BadInput(
            f"tensor parallelism {scenario.tp}: a node of {machine.id} has {machine.link.max_gpus} device(s)"
        )
    if scenario.images and not takes_images(architecture):
        raise BadInput(f"images: {spec.id} does not take images")
    engine = load_engine(scenario.engine or engine_for(machine))
    return Resolved(
        scenario, spec, architecture, machine, weights, CACHE_BITS[scenario.cache], engine, hourly_price(machine)
    )


def prompt_tokens(case: Resolved) -> int:
    """Tokens of one prompt as the language model sees it."""
    return case.scenario.input_tokens + case.scenario.images * case.image_tokens


def memory_of(case: Resolved) -> Memory:
    """What one device holds while the batch is served at full length."""
    s, tp = case.scenario, case.scenario.tp
    table = compile_table(case.architecture, tp)
    prompt = prompt_tokens(case)
    length = s.output_tokens if case.encoder_decoder else prompt + s.output_tokens
    source = case.source_tokens

    def held(batch: int) -> Workload:
        return Workload.of([batch], 0, length, source=source, encode=0)

    weights = weight_bytes(case.spec, case.weights, tp)
    if case.generates:
        growing, constant = (float(x[0]) for x in table.held_bytes(held(s.batch), case.cache_bits))
        reserved = float(table.held_bytes(held(s.batch), case.cache_bits, RESERVED)[0][0])
    else:
        growing = constant = reserved = 0.0
    activations = float(peak_activation_bytes(case.architecture, _largest_pass(case, prompt), tp=tp)[0])
    overhead = case.engine.memory_gib * 2**30
    total = weights + growing + constant + activations + overhead
    usable = case.machine.usable_bytes
    most = None
    if usable is not None and case.generates:
        one_growing, one_constant = (float(x[0]) for x in table.held_bytes(held(1), case.cache_bits))
        free = usable - weights - activations - overhead
        each = one_growing + one_constant
        most = max(0, int(free // each)) if each > 0 else None
    return Memory(
        weights_bytes=weights,
        kv_cache_bytes=growing,
        kv_cache_reserved_bytes=reserved,
        state_bytes=constant,
        activation_bytes=activations,
        overhead_bytes=overhead,
        total_bytes_per_gpu=total,
        usable_bytes=usable,
        fits=None if usable is None else total <= usable,
        max_batch=most,
    )


def _largest_pass(case: Resolved, prompt: int) -> Workload:
    """The pass with most activations: a prefill chunk, or the whole batch for models that answer in one pass."""
    s = case.scenario
    if not case.generates:
        return Workload.of([s.batch * _passes(case)[1]], prompt, 0)
    if case.encoder_decoder:
        return Workload.of([1], 1, 0, source=case.source_tokens)
    return Workload.of([1], min(prompt * s.batch, case.engine.activation_tokens), 0, images=s.images)


def _passes(case: Resolved) -> tuple[int, int]:
    """(steps, passes in each step); one and one for all but denoisers."""
    return usual_passes(case.spec, case.scenario.steps, case.scenario.guidance)


def server_of(case: Resolved) -> Server:
    """The replica as the calculators time it."""
    eff = efficiency(case.machine, case.weights, machine_classes())
    return Server.of(
        case.architecture,
        case.machine,
        eff,
        case.weights,
        case.cache_bits,
        case.scenario.tp,
        case.engine.step_overhead_us * 1e-6,
    )


def _generating(case: Resolved, memory: Memory) -> Estimate:
    s, server = case.scenario, server_of(case)
    demand = Demand(case.source_tokens or prompt_tokens(case), s.output_tokens, s.images)
    overhead = (case.engine.busy_request_ms if s.batch > 1 else case.engine.idle_request_ms) * 1e-3
    served = serve(server, demand, s.batch, request_overhead_s=overhead, encoder_decoder=case.encoder_decoder)
    ttft, tpot = float(served.ttft_s), float(served.tpot_s)
    rate = float(served.output_tokens_per_s)
    hourly = None if case.price is None else case.price.usd_per_hour * s.tp
    prefill_s, decode_s = float(served.prefill_s), float(served.decode_s)
    badge = server.settings.settings[0].eff.badge
    prefill_w = prefill_workload(demand, encoder_decoder=case.encoder_decoder)
    decode_w = decode_workload(demand, s.batch, done=s.output_tokens / 2, encoder_decoder=case.encoder_decoder)
    return Estimate(
        **_common(case, memory),
        flops=_flops(case),
        time=Time(
            ttft_s=_band(case, "ttft", ttft, badge),
            tpot_s=_band(case, "tpot", tpot, badge),
            e2e_s=ttft + (s.output_tokens - 1) * tpot,
            prefill_s=prefill_s,
            decode_s=decode_s,
        ),
        throughput=Throughput("tok/s", rate, rate / s.batch),
        cost=Cost(
            usd_per_million_input_tokens=_usd(prefill_s / max(1, case.source_tokens or s.input_tokens), hourly),
            usd_per_million_output_tokens=_usd(decode_s / s.batch, hourly),
            usd_per_thousand_requests=_usd((prefill_s + s.output_tokens * decode_s / s.batch) * 1e-3, hourly),
            usd_per_hour=hourly,
            basis=case.price.basis if case.price else "no price known",
        ),
        breakdown=_breakdown(server, prefill_w, decode_w),
    )


def _single_pass(case: Resolved, memory: Memory) -> Estimate:
    """Encoders, vision and denoisers: the whole batch goes through together."""
    s, server = case.scenario, server_of(case)
    passes, guided = _passes(case)
    w = Workload.of([s.batch * guided], prompt_tokens(case), 0)
    one = float(server.pass_s(w)[0])
    total = one * passes + case.engine.idle_request_ms * 1e-3
    hourly = None if case.price is None else case.price.usd_per_hour * s.tp
    busy = one * passes / s.batch
    text = case.spec.family == "encoder"
    badge = server.settings.settings[0].eff.badge
    unit = "images/s" if case.spec.family in ("vision", "diffusion") else "requests/s"
    return Estimate(
        **_common(case, memory),
        flops=_flops(case),
        time=Time(
            ttft_s=Band(total, None, None, badge, "no measured residuals for models that answer in one pass"),
            tpot_s=None,
            e2e_s=total,
            prefill_s=one,
            decode_s=None,
        ),
        throughput=Throughput(unit, s.batch / total, 1 / total),
        cost=Cost(
            usd_per_million_input_tokens=_usd(busy / s.input_tokens, hourly) if text else None,
            usd_per_million_output_tokens=None,
            usd_per_thousand_requests=_usd(busy * 1e-3, hourly),
            usd_per_hour=hourly,
            basis=case.price.basis if case.price else "no price known",
        ),
        breakdown=_breakdown(server, w, None),
    )


def _usd(seconds: float, hourly: float | None) -> float | None:
    return None if hourly is None else float(usd_per_million(seconds, hourly))


def _common(case: Resolved, memory: Memory) -> dict[str, Any]:
    s = case.scenario
    return {
        "scenario": s.model_dump(),
        "model": case.spec.id,
        "family": case.spec.family,
        "machine": case.machine.id,
        "n_gpus": s.tp,
        "weights": case.weights.id,
        "kv": s.cache,
        "engine": case.engine.id,
        "params": count_params(case.spec),
        "memory": memory,
        "notes": _notes(case, memory),
    }


def _flops(case: Resolved) -> Flops:
    s = case.scenario
    if not case.generates:
        batch = s.batch * _passes(case)[1]
        executed, needed = (count_flops(case.spec, prompt_tokens(case), 0, batch, c) for c in ("executed", "needed"))
        return Flops(executed, 0, needed, 0)
    prompt = prompt_tokens(case)
    new, past = (1, s.output_tokens // 2) if case.encoder_decoder else (prompt, prompt + s.output_tokens // 2)
    source = case.source_tokens
    result = [
        count_flops(case.spec, n, p, s.batch, c, source=source, images=s.images)
        for n, p in ((new, 0), (1, max(past, 1)))
        for c in ("executed", "needed")
    ]
    return Flops(result[0], result[2], result[1], result[3])


def band_for(engine: Engine, quantity: str, badge: Badge) -> ErrorBand | None:
    """The engine's measured residuals of a quantity under constants like the machine's.

    Those of class defaults stand in where none were taken with machines' own constants; nominal rates have none.
    """
    if badge == "spec sheet":
        return None
    found: dict[str, ErrorBand] = {band.badge: band for band in engine.bands if band.quantity == quantity}
    return found.get(badge) or found.get("class default")


def _band(case: Resolved, quantity: str, value: float, badge: Badge) -> Band:
    measured = band_for(case.engine, quantity, badge)
    if measured is None:
        why = "nothing like it was measured" if badge == "spec sheet" else f"none for {case.engine.id}"
        return Band(value, None, None, badge, f"no measured {quantity} residuals for {case.machine.id}: {why}")
    constants = "" if measured.badge == badge else " with class default constants"
    return Band(
        value,
        value * measured.p10,
        value * measured.p90,
        badge,
        f"measured/predicted on {measured.rows} runs{constants} ({measured.measured_on})",
    )


def _notes(case: Resolved, memory: Memory) -> tuple[str, ...]:
    notes, s = [], case.scenario
    context = case.spec.context_tokens
    length = prompt_tokens(case) + (s.output_tokens if case.generates else 0)
    heard = case.source_tokens if hears(case.architecture) else 0
    if heard:
        length = s.output_tokens
        notes.append(f"each request is {heard:,} encoder tokens of audio, whatever input_tokens says")
    elif hears(case.architecture):
        notes.append("the prompt is counted as text; for audio its tower's work comes on top")
    if context and length > context:
        notes.append(f"{length:,} tokens exceed the advertised context of {context:,}")
    if memory.kv_cache_reserved_bytes > 1.05 * memory.kv_cache_bytes > 0:
        notes.append(
            "an engine that reserves full-length pages for windowed layers takes "
            f"{memory.kv_cache_reserved_bytes / 2**30:.1f} GiB of cache instead of {memory.kv_cache_bytes / 2**30:.1f}"
        )
    if memory.usable_bytes is None:
        notes.append(f"the memory of {case.machine.id} depends on what is fitted; compare the total with yours")
    if case.machine.id and efficiency(case.machine, case.weights, machine_classes()).badge == "spec sheet":
        notes.append(f"times on {case.machine.id} are nominal: nothing like it was measured")
    for stack in case.architecture.stacks:
        if streams_of(case.architecture)[stack.name].kind == "image" and s.images:
            notes.append(f"each image adds {case.image_tokens:,} tokens")
    return tuple(notes)


def _breakdown(server: Server, prefill: Workload, decode: Workload | None) -> tuple[Share, ...]:
    table = server.table
    first = server.operators_s(prefill.reshape(-1))[0, :, 0]
    second = server.operators_s(decode.reshape(-1))[0, :, 0] if decode is not None else np.zeros_like(first)
    setting = server.settings.settings[0]
    values = table.values(prefill.reshape(-1))
    flops = (table.coefficients["needed"] @ values)[:, 0]
    moved = (table.traffic(setting.weights, setting.cache_bits) @ values)[:, 0]
    return tuple(
        Share(op.name, op.kind.value, op.repeat, float(flops[i]), float(moved[i]), float(first[i]), float(second[i]))
        for i, op in enumerate(table.operators)
    )
