"""A scenario with its names looked up, and what follows from it before anything is timed."""

from __future__ import annotations

from functools import lru_cache

from advisor.formats import weights_of
from advisor.machines import HourlyPrice, engine_reading, hourly_price
from advisor.readable import usual_weights
from advisor.scenario import Scenario
from advisor.usual_lengths import within
from calculators.collectives import network_problem
from calculators.diffusion import usual_passes
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by
from calculators.flops import reads_source, source_tokens
from calculators.images import takes_images, tokens_per_image
from calculators.memory import CACHE_BITS
from calculators.params import architecture_of
from calculators.plan import layout_problem
from calculators.rates import resized
from calculators.remembered import Remembering
from calculators.serving import Demand
from catalog.engine import Engine, PassHabits
from catalog.errors import BadInput, unknown
from catalog.loader import load, load_engine, load_machine, machine_classes
from catalog.machine import Machine
from catalog.spec import Architecture, AudioEmbedding, LmHead, ModelSpec
from catalog.values import dataclass
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
        return _writes(self.architecture)

    @property
    def encoder_decoder(self) -> bool:
        """Whether the prompt goes through an encoder."""
        return reads_source(self.architecture)

    @property
    def source_tokens(self) -> int:
        """Encoder tokens of one request; 0 where no encoder is read."""
        return source_tokens(self.architecture, self.scenario.input_tokens, self.scenario.audio_seconds)

    @property
    def image_tokens(self) -> int:
        """Tokens that the language model sees per image."""
        return tokens_per_image(self.architecture)


@lru_cache(maxsize=2048)
def _writes(architecture: Architecture) -> bool:
    return any(s.role == "decoder" and any(isinstance(h, LmHead) for h in s.heads) for s in architecture.stacks)


@lru_cache(maxsize=2048)
def hears(architecture: Architecture) -> bool:
    """Whether a stack takes audio."""
    return any(isinstance(stack.embedding, AudioEmbedding) for stack in architecture.stacks)


def tokens_heard(architecture: Architecture, seconds: float) -> int:
    """Tokens that so much audio becomes in the first stack; 0 where it does not hear."""
    first = architecture.stacks[0].embedding
    return max(1, int(seconds * first.tokens_per_second)) if isinstance(first, AudioEmbedding) else 0


def resolve(scenario: Scenario, spec: ModelSpec | None = None) -> Resolved:
    """Look up the names of a scenario; ``spec`` stands for a model that no catalog holds.

    Raises:
        BadInput: As ``estimate``.
    """
    spec = spec or load(scenario.model)
    architecture = architecture_of(spec)
    if scenario.image_side is not None:
        if spec.family != "vision":
            raise BadInput(f"image side: {spec.id} is {spec.family}; only vision models are resized")
        architecture = resized(architecture, scenario.image_side)
        spec = spec.model_copy(update={"architecture": architecture})
    writes = _writes(architecture)
    scenario = within(scenario, spec.context_tokens, writes=writes, hears=hears(architecture))
    machine = load_machine(scenario.machine)
    weights = weights_of(spec, scenario.weights or _usual_weights(scenario, machine, spec))
    if scenario.cache not in CACHE_BITS:
        raise unknown("cache type", scenario.cache, CACHE_BITS)
    if problem := layout_problem(architecture, scenario.layout):
        raise BadInput(f"{spec.id}: {problem}")
    if problem := network_problem(machine, scenario.layout):
        raise BadInput(f"{scenario.layout}: {problem}")
    if scenario.images and not takes_images(architecture):
        raise BadInput(f"images: {spec.id} does not take images")
    _check_prefix(scenario, spec, architecture)
    _check_idle(scenario, spec)
    usual = "llama.cpp" if scenario.host else engine_reading(weights, machine, writes)
    engine = load_engine(scenario.engine or usual)
    return Resolved(
        scenario, spec, architecture, machine, weights, CACHE_BITS[scenario.cache], engine, hourly_price(machine)
    )


def _usual_weights(scenario: Scenario, machine: Machine, spec: ModelSpec) -> str:
    """Nothing where the file or the engine that was chosen decides."""
    return "" if spec.stored or scenario.engine else usual_weights(machine, spec, host=bool(scenario.host))


def _check_idle(scenario: Scenario, spec: ModelSpec) -> None:
    """Refuse what would be asked for in vain."""
    if scenario.steps is not None and spec.family != "diffusion":
        raise BadInput(f"steps: {spec.id} is {spec.family}; only diffusion models take denoising steps")


def _check_prefix(scenario: Scenario, spec: ModelSpec, architecture: Architecture) -> None:
    if not scenario.cached_prefix:
        return
    if not _writes(architecture) or reads_source(architecture):
        raise BadInput(f"cached prefix: {spec.id} is {spec.family}; only decoders keep what they have read of a prompt")
    if scenario.cached_prefix >= scenario.input_tokens:
        raise BadInput(
            f"cached prefix: {scenario.cached_prefix:,} tokens of a prompt of {scenario.input_tokens:,}; "
            f"at most {scenario.input_tokens - 1:,}, because the last one is always computed"
        )


def prompt_tokens(case: Resolved) -> int:
    """Tokens of one prompt as the language model sees it."""
    s = case.scenario
    if not case.generates and (heard := tokens_heard(case.architecture, s.audio_seconds)):
        return heard
    return s.input_tokens + s.images * case.image_tokens


def demand_of(case: Resolved) -> Demand:
    """What each request asks for."""
    s = case.scenario
    return Demand(case.source_tokens or prompt_tokens(case), s.output_tokens, s.images, s.cached_prefix)


def passes_of(case: Resolved) -> tuple[int, int]:
    """(steps, passes in each step); one and one for all but denoisers."""
    return usual_passes(case.spec, case.scenario.steps, case.scenario.guidance)


def habits_of(case: Resolved) -> tuple[PassHabits | None, ...]:
    """How the engine runs passes; of models that write only where it was measured on such."""
    habits = case.engine.passes
    return () if case.generates and not (habits and habits.writes) else (habits,)


def server_of(case: Resolved) -> Remembering:
    """The replica as the calculators time it."""
    machine = as_run_by(case.engine, case.machine, case.weights)
    eff = efficiency(machine, case.weights, machine_classes())
    return Remembering.of(
        case.architecture,
        case.machine,
        eff,
        case.weights,
        case.cache_bits,
        case.scenario.layout,
        case.engine.step_overhead_us * 1e-6,
        case.engine.activation_tokens,
        step_request_s=case.engine.step_request_us * 1e-6,
        habits=habits_of(case),
        routing=case.scenario.routed,
    )
