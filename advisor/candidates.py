"""All ways to run one model: formats × caches × machines × devices, evaluated at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from advisor.machines import engine_reading, hourly_price
from advisor.readable import formats_for
from advisor.requirements import Needs
from advisor.served_models import BYTES, has_sinks, keeps_no_bytes
from advisor.tensor_split import most_together, splits_tensors
from calculators.activations import peak_activation_bytes
from calculators.collectives import network_bytes_per_s
from calculators.diffusion import usual_passes
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by, usable_bytes
from calculators.flops import reads_source, source_tokens
from calculators.images import takes_images, tokens_per_image
from calculators.memory import CACHE_BITS
from calculators.over_output import passes_over_output_s
from calculators.overlap import delay_share
from calculators.params import architecture_of
from calculators.plan import Layout, layout_problem
from calculators.roofline import Setting, Settings
from calculators.serving import Server, closed_loop
from calculators.table import Floats, compile_table
from calculators.workload import Workload
from catalog.engine import Engine
from catalog.loader import load_engine, load_task, machine_classes
from catalog.machine import Machine
from catalog.spec import LmHead, ModelSpec
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

DEGREES = (1, 2, 4, 8, 16, 32, 64)
NODE = 8
"""Devices that share layers where a model fills several nodes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to run a model on one device count."""

    machine: Machine
    weights: WeightFormat
    cache: str
    engine: Engine
    usd_per_hour: float
    """Per device; infinite where no price is known."""


@dataclass(frozen=True, eq=False)
class Space:
    """Choices as arrays over C, built once for all models with the same formats."""

    choices: tuple[Choice, ...]
    settings: Settings
    usable_bytes: Floats
    overhead_bytes: Floats
    step_s: Floats
    step_request_s: Floats
    pass_tokens: Floats
    steps_ahead: Floats
    request_s: Floats
    usd_per_hour: Floats
    max_gpus: Floats
    networked: NDArray[np.bool_]
    """Whether a network joins nodes."""
    cache_bits: Floats
    nominal_bits: Floats
    formats: tuple[WeightFormat, ...]
    format_index: NDArray[np.intp]
    """Which of ``formats`` each choice has."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What follows from choices and settings alone, made when it is first asked for."""

    def take(self, indices: NDArray[np.intp]) -> Space:
        """Some of the choices, which may repeat."""
        own: dict[str, Any] = {
            f.name: value[indices] for f in fields(self) if isinstance(value := getattr(self, f.name), np.ndarray)
        }
        settings = self.settings.settings
        return replace(
            self, choices=tuple(self.choices[i] for i in indices.tolist()),
            settings=Settings([settings[i] for i in indices.tolist()]), kept={}, **own,
        )  # fmt: skip

    def nodes_used(self, layout: Layout) -> Floats:
        """Devices over those of a node; stages may stand on nodes of their own where a network joins them."""
        needed = np.where(self.networked, layout.tp, layout.devices)
        return np.asarray(needed / self.max_gpus)


def space(spec: ModelSpec, machines: Sequence[Machine], needs: Needs) -> Space:
    """The choices for a model on some machines."""
    key = tuple(formats_for(machine, spec) for machine in machines)
    found = offered(machines, key, writes=generates(spec), needs=needs, splits=splits_tensors(spec))
    kept = [i for i, c in enumerate(found.choices) if not (c.cache in BYTES and keeps_no_bytes(c.machine, c.engine.id))]
    if len(kept) == len(found.choices) or not has_sinks(spec):
        return found
    return found.take(np.array(kept, dtype=np.intp))


def offered(
    machines: Sequence[Machine],
    formats: tuple[tuple[str, ...], ...],
    *,
    writes: bool,
    needs: Needs,
    splits: bool = True,
) -> Space:
    """The choices of some formats on each machine, of models that llama.cpp shares between GPUs or does not."""
    return _space(Machines(machines), formats, writes, needs.users > 1, needs.requirements.memory_bytes, splits)


@lru_cache(maxsize=64)
def _space(
    machines: Machines,
    formats: tuple[tuple[str, ...], ...],
    caches: bool,
    busy: bool,
    limit: float | None,
    splits: bool,
) -> Space:
    """Those of ``_unlimited`` for one user or several, with so much memory."""
    whole, idle_s = _unlimited(machines, formats, caches, splits)
    usable = whole.usable_bytes if limit is None else np.minimum(whole.usable_bytes, limit)
    return replace(whole, usable_bytes=usable, request_s=whole.request_s if busy else idle_s)


class Machines:
    """Machines as a cache key: by identity of their ids."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self.machines = tuple(machines)
        self._key = tuple(machine.id for machine in self.machines)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Machines) and self._key == other._key


@lru_cache(maxsize=64)
def _unlimited(
    machines: Machines, formats: tuple[tuple[str, ...], ...], caches: bool, splits: bool
) -> tuple[Space, Floats]:
    """The choices for several users with all memory, and what an engine with a single user takes per request."""
    from catalog.loader import load_format

    choices = []
    for machine, names in zip(machines.machines, formats, strict=True):
        price = hourly_price(machine)
        for name in names:
            weights = load_format(name)
            engine = load_engine(engine_reading(weights, machine, caches))
            for cache in _caches(machine, engine) if caches else ("bf16",):
                hourly = price.usd_per_hour if price else np.inf
                choices.append(Choice(machine, weights, cache, engine, hourly))
    classes = machine_classes()
    bits = [CACHE_BITS[c.cache] for c in choices]
    reached = {
        (machine, weights): efficiency(as_run_by(c.engine, c.machine, c.weights), c.weights, classes)
        for (machine, weights), c in {(c.machine.id, c.weights.id): c for c in choices}.items()
    }
    settings = Settings(
        [
            Setting(c.machine, reached[c.machine.id, c.weights.id], c.weights, b)
            for c, b in zip(choices, bits, strict=True)
        ]
    )
    formats_used = tuple({c.weights.id: c.weights for c in choices}.values())
    ids = [format.id for format in formats_used]
    usable = [usable_bytes(c.engine, c.machine) or np.inf for c in choices]
    idle_s = np.array([c.engine.idle_request_ms * 1e-3 for c in choices])
    whole = Space(
        choices=tuple(choices),
        settings=settings,
        usable_bytes=np.array(usable),
        overhead_bytes=np.array([c.engine.memory_gib * 2**30 for c in choices]),
        step_s=np.array([c.engine.step_overhead_us * 1e-6 for c in choices]),
        step_request_s=np.array([c.engine.step_request_us * 1e-6 for c in choices]),
        steps_ahead=np.array([c.engine.steps_ahead for c in choices]),
        pass_tokens=np.array([c.engine.activation_tokens for c in choices], dtype=np.float64),
        request_s=np.array([c.engine.busy_request_ms * 1e-3 for c in choices]),
        usd_per_hour=np.array([c.usd_per_hour for c in choices]),
        networked=np.array([network_bytes_per_s(c.machine) is not None for c in choices]),
        max_gpus=np.array(
            [most_together(c.engine, c.cache, c.machine.link.max_gpus, splits) for c in choices], dtype=np.float64
        ),
        cache_bits=np.array(bits),
        nominal_bits=np.array([c.weights.nominal_bits for c in choices]),
        formats=formats_used,
        format_index=np.array([ids.index(c.weights.id) for c in choices], dtype=np.intp),
    )
    return whole, idle_s


def _caches(machine: Machine, engine: Engine) -> tuple[str, ...]:
    """Cache formats worth trying: 16 bits, and the engine's 8-bit one where the machine's kernels have it."""
    if engine.id == "llama.cpp":
        return ("bf16", "int8")
    if machine.vendor == "aws":  # its plugin takes no --kv-cache-dtype
        return ("bf16",)
    return ("bf16", "fp8") if {"bf16", "fp8"} & set(machine.peak_tflops) else ("bf16",)


def generates(spec: ModelSpec) -> bool:
    """Whether a model writes token by token."""
    architecture = architecture_of(spec)
    return any(s.role == "decoder" and any(isinstance(h, LmHead) for h in s.heads) for s in architecture.stacks)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What every choice would give, for one number of devices; arrays over C."""

    space: Space
    layout: Layout
    weights_bytes: Floats
    cache_bytes: Floats
    """Cache and state of all users at full context."""
    fixed_bytes: Floats
    """Weights, activations and engine."""
    ttft_s: Floats
    full_ttft_s: Floats
    """To the first token of a prompt that fills the context."""
    tpot_s: Floats
    decode_s: Floats
    prefill_s: Floats
    tokens_per_s: Floats
    usd_per_hour: Floats
    usd_per_mtok_in: Floats
    usd_per_mtok_out: Floats
    usd_per_thousand_requests: Floats
    """Of a deployment that all users keep busy without pause."""
    writes: bool
    """Whether the model writes token by token."""

    def take(self, indices: NDArray[np.intp]) -> Outcomes:
        """Those of some choices."""
        own: dict[str, Any] = {
            f.name: value[indices] for f in fields(self) if isinstance(value := getattr(self, f.name), np.ndarray)
        }
        return replace(self, space=self.space.take(indices), **own)

    @property
    def devices(self) -> int:
        """Devices of the layout."""
        return self.layout.devices

    @property
    def total_bytes(self) -> Floats:
        """Memory per device."""
        return self.fixed_bytes + self.cache_bytes


def degrees(spec: ModelSpec, needs: Needs, where: Space) -> list[Layout]:
    """Layouts that the architecture and some machine allow, by device count.

    Layers are shared inside a node; where a machine's nodes are too small and a network joins them, each is a pipeline
    stage.
    """
    found = []
    for count in (n for n in DEGREES if n <= needs.max_gpus):
        if count == 1 or np.any(where.max_gpus >= count):
            found.append(Layout(tp=count))
        if count > NODE and np.any(where.networked & (where.max_gpus >= NODE) & (where.max_gpus < count)):
            found.append(Layout(tp=NODE, pp=count // NODE))
    return [layout for layout in found if layout_problem(architecture_of(spec), layout) is None]


def weights_fit(spec: ModelSpec, where: Space, layout: Layout) -> bool:
    """Whether some choice holds its share of the weights."""
    table = compile_table(architecture_of(spec), layout)
    weights = np.array([table.weight_bytes(format) for format in where.formats])[where.format_index]
    return bool(np.any((weights + where.overhead_bytes < where.usable_bytes) & (where.nodes_used(layout) <= 1)))


class Memory(NamedTuple):
    """What a model takes per device, arrays over C."""

    weights_bytes: Floats
    cache_bytes: Floats
    fixed_bytes: Floats
    """Weights, activations and engine."""


def memory(spec: ModelSpec, where: Space, needs: Needs, layout: Layout, users: int) -> Memory:
    """Memory of a model for every choice, which needs no timing."""
    architecture = architecture_of(spec)
    table = compile_table(architecture, layout)
    images = 1 if "image" in load_task(needs.task).inputs and takes_images(architecture) else 0
    prompt = needs.input_tokens + images * tokens_per_image(architecture)
    context = max(needs.context_tokens, prompt)
    there = set(where.format_index.tolist())
    sizes = [table.weight_bytes(format) if i in there else np.nan for i, format in enumerate(where.formats)]
    weights = np.array(sizes)[where.format_index]
    cache = np.zeros_like(weights)
    if generates(spec):
        read, past = source_tokens(architecture, prompt), needs.output_tokens if reads_source(architecture) else context
        held = Workload.of([users], 0, past, source=read, encode=0)
        bits, inverse = np.unique(where.cache_bits, return_inverse=True)
        cache = np.array([sum(float(x[0]) for x in table.held_bytes(held, b)) for b in bits])[inverse]
    activations = _activations(spec, where, layout, prompt, users, images)
    return Memory(weights, cache, weights + activations + where.overhead_bytes)


def evaluate(
    spec: ModelSpec, where: Space, needs: Needs, layout: Layout, users: int | None = None, held: Memory | None = None
) -> Outcomes:
    """Memory, times and cost of a model for every choice; ``held`` is its memory where that is known."""
    architecture = architecture_of(spec)
    users = users or needs.users
    table = compile_table(architecture, layout)
    habits = () if generates(spec) else tuple(choice.engine.passes for choice in where.choices)
    server = Server(table, where.settings, habits=habits)
    seq2seq = reads_source(architecture)
    images = 1 if "image" in load_task(needs.task).inputs and takes_images(architecture) else 0
    prompt = needs.input_tokens + images * tokens_per_image(architecture)
    context = max(needs.context_tokens, prompt)
    output = needs.output_tokens
    read, most = source_tokens(architecture, prompt), source_tokens(architecture, context)  # audio: its own length
    held = held or memory(spec, where, needs, layout, users)
    if generates(spec):
        # The typical prompt, and one that fills the context; a step at full context.
        prompts = (
            Workload.of(1, 1, 0, source=[read, most])
            if seq2seq
            else Workload.of(1, [prompt, context], 0, images=images)
        )
        done = output / 2
        late = max(done, 1) if seq2seq else max(context - output, 1) + done
        steps = Workload.of([users, users], 1, late, source=read, encode=0)
        alone, step, shared = (
            x.reshape(-1, 2) + (where.step_s + where.step_request_s * requests)[:, None]
            for x, requests in zip(
                passes_over_output_s(server, prompts, steps, output - 1), (1, users, users + 1), strict=True
            )
        )
        served = closed_loop(
            alone, step, shared, users, output, where.request_s[:, None],
            together=where.pass_tokens[:, None] / np.array([prompt, context]),
            delay=delay_share(layout, users, output),
            steps_ahead=where.steps_ahead[:, None],
        )  # fmt: skip
        prefill, decode, tpot, rate = (
            x[:, 0] for x in (served.prefill_s, served.decode_s, served.tpot_s, served.output_tokens_per_s)
        )
        ttft, full = served.ttft_s.T
        out_s = decode / users
    else:
        rounds, guided = usual_passes(spec)
        prefill = (server.pass_s(Workload.of([users * guided], prompt, 0))[..., 0].reshape(-1) + where.step_s) * rounds
        decode = tpot = np.zeros_like(prefill)
        ttft = full = where.request_s + prefill
        rate = users / ttft
        out_s = np.full_like(prefill, np.nan)
    charged = prompt if generates(spec) else prompt * users
    hourly = where.usd_per_hour * layout.devices
    return Outcomes(
        space=where,
        layout=layout,
        weights_bytes=held.weights_bytes,
        cache_bytes=held.cache_bytes,
        fixed_bytes=held.fixed_bytes,
        ttft_s=ttft,
        full_ttft_s=full,
        tpot_s=tpot,
        decode_s=decode,
        prefill_s=prefill,
        tokens_per_s=rate,
        usd_per_hour=hourly,
        usd_per_mtok_in=prefill / layout.pp / max(charged, 1) * hourly / 3600 * 1e6,
        usd_per_mtok_out=out_s * hourly / 3600 * 1e6,
        usd_per_thousand_requests=hourly / 3600 * 1e3 / (rate / output if generates(spec) else rate),
        writes=generates(spec),
    )


def _activations(spec: ModelSpec, where: Space, layout: Layout, prompt: int, users: int, images: int) -> Floats:
    """Peak activations per choice: a prefill chunk of its engine, or the whole batch where one pass answers."""
    architecture = architecture_of(spec)

    def peak(w: Workload) -> float:
        return float(peak_activation_bytes(architecture, w, tp=layout)[0])

    if not generates(spec):
        return np.full(len(where.choices), peak(Workload.of([users * usual_passes(spec)[1]], prompt, 0)))
    if reads_source(architecture):
        return np.full(len(where.choices), peak(Workload.of([1], 1, 0, source=source_tokens(architecture, prompt))))
    by_chunk = {
        tokens: peak(Workload.of([1], min(prompt * users, tokens), 0, images=images))
        for tokens in {c.engine.activation_tokens for c in where.choices}
    }
    return np.array([by_chunk[c.engine.activation_tokens] for c in where.choices])
