"""What a person needs, before any model is chosen. Everything has a visible default."""

from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from catalog.base import Count, Size, Spec
from catalog.spec import Family
from catalog.task import Task, Trait

Positive = Annotated[float, Field(gt=0)]
Modality = Literal["text", "image", "audio", "video"]
Weight = Annotated[float, Field(ge=0)]
Preset = Literal["quality-first", "balanced", "cost-first", "latency-first"]
PRESETS: dict[Preset, tuple[float, float, float]] = {
    "quality-first": (0.95, 0.03, 0.02),
    "balanced": (0.75, 0.2, 0.05),
    "cost-first": (0.3, 0.65, 0.05),
    "latency-first": (0.3, 0.1, 0.6),
}
"""What quality, cost and latency weigh. Quality counts as the share of scored models that one beats, cost and latency
as in ``advisor.ranking.weights``: a price ten times as high outweighs five percent of the models under ``balanced``,
one half percent under ``quality-first``, and 43 percent under ``cost-first``."""


class Requirements(Spec):
    """Limits and wishes; ``None`` means no limit, or the task's own typical value."""

    task: str = "chat"
    context_tokens: Size | None = None
    """Length, prompt and answer together, for which every user needs memory at the same time."""
    input_tokens: Size | None = None
    """Length of a typical prompt, for which the first token is timed."""
    output_tokens: Size | None = None
    users: Size = 1
    """Concurrent requests."""
    requests_per_s: Positive | None = None
    """Mean rate of all requests, for what a month costs and for what suits; where ``users`` is not given, as many are
    taken to be in flight as this rate keeps (Little's law)."""
    ttft_s: Positive | None = None
    """Longest time to the first token (for models that answer in one pass: to the answer)."""
    tpot_s: Positive | None = None
    """Longest time per token after the first."""
    e2e_s: Positive | None = None
    """Longest time from the request to the last token."""
    tokens_per_s: Positive | None = None
    """Least output of all users together; requests per second for models that answer in one pass. Without ``users`` as
    many are taken to be in flight as this keeps."""
    memory_bytes: Positive | None = None
    """Memory that may be used per device; by default the machine's."""
    machines: tuple[str, ...] = ()
    """Machines to choose from; empty: every machine that is rented out and whose speed is known."""
    max_gpus: Size | None = None
    """Devices at most, all copies together; by default one where machines are named, else eight, and with
    ``requests_per_s`` as many for each copy."""
    budget_usd_per_hour: Positive | None = None
    quality_floor: Annotated[float, Field(ge=0, le=1)] | None = None
    """Least quality: share of the catalog's scored models that a model must beat at the task; ``None``: the best that
    the other limits allow."""
    at_least: str = ""
    """A model whose quality at the task must be reached; empty: none."""
    commercial: bool = False
    """Whether the licence must allow commercial use."""
    fine_tuning: bool = False
    """Whether the weights will be trained further, so that they must be open."""
    privacy: Literal["any", "own-servers", "own-premises"] = "any"
    """Where texts may go: to a provider, to rented or own servers only, or to bought machines only."""
    modalities: tuple[Modality, ...] = ()
    """What a model must take in besides what the task needs."""
    context_evidence: Literal["advertised", "not-refuted", "measured"] = "advertised"
    """What speaks for a model's context: its maker's word; that no measurement (RULER) ends below what is needed; or a
    measurement that reaches it."""
    labelled_examples: Count | None = None
    """Examples at hand to train a head or fine-tune with."""
    traits: tuple[Trait, ...] = ()
    """What else the work asks for, by which the usual answer to a task may be wrong."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes that a model must be stated to know; one that states none is kept."""
    deployment: Literal["any", "api", "self-hosted", "air-gapped", "on-device"] = "any"
    """``air-gapped``: on machines that are sold, since a cloud's network is not cut off. ``on-device``: on one machine
    of a person, for one user at a time."""
    families: tuple[Family, ...] = ()
    """Only these; empty: all that suit the task."""
    without_families: tuple[Family, ...] = ()
    organisations: tuple[str, ...] = ()
    """Only theirs; empty: everybody's."""
    without_organisations: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    """Beginnings of licences' names, of which one must fit."""
    min_params: Positive | None = None
    max_params: Positive | None = None
    preset: Preset = "balanced"
    """What quality, cost and latency weigh (``PRESETS``), where no weight is given by itself."""
    quality_weight: Weight | None = None
    cost_weight: Weight | None = None
    latency_weight: Weight | None = None
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Least probability with which all promises of time together must be kept, by measured errors of predictions."""

    @field_validator("families", "without_families", "languages", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        """Families and languages whatever their capitals; the script of a language, as in zh-Hant, stays."""
        return tuple(_small(name) for name in value) if isinstance(value, tuple | list) else value


def _small(name: Any) -> Any:
    if not isinstance(name, str):
        return name
    head, dash, script = name.partition("-")
    return name.lower() if len(head) > 3 else f"{head.lower()}{dash}{script}"


class Needs(Spec):
    """Requirements with every default filled in."""

    requirements: Requirements
    task: str
    context_tokens: int
    input_tokens: int
    output_tokens: int
    users: int
    ttft_s: float | None
    tpot_s: float | None
    max_gpus: int
    usual_ttft_s: float | None = None
    """What the task's template takes for usual, where the user set no limit; nothing is ruled out by it."""
    usual_tpot_s: float | None = None
    defaults: tuple[str, ...]
    """Which values nobody gave, with where they come from."""


FALLBACK = {True: (1024, 256), False: (256, 4)}
"""Prompt and answer where neither the user nor the task's template says, for tasks that write text and those that
answer with a label or a vector; shown as an assumption."""


def complete(wanted: Requirements, task: Task) -> Needs:
    """Fill in the task's typical lengths; its usual latencies are named, and rule nothing out."""
    defaults = []
    template = f"{task.id} template, grade {task.targets.grade}"
    given_output = wanted.output_tokens or task.targets.output_tokens
    writes = "text" in task.outputs
    usual_input, usual_output = FALLBACK[writes]
    output = given_output or usual_output
    if wanted.output_tokens is None and writes:
        defaults.append(f"output {output:,} tokens ({template if given_output else 'assumed'})")
    given_input = wanted.input_tokens or task.targets.input_tokens
    room = None if wanted.context_tokens is None else max(1, wanted.context_tokens - output)
    inputs = given_input or usual_input
    if wanted.input_tokens is None:
        if room is not None and inputs > room:
            inputs = room
        defaults.append(f"prompt {inputs:,} tokens ({template if given_input else 'assumed'})")
    context = wanted.context_tokens or inputs + (output if writes else 0)
    if wanted.context_tokens is None:
        defaults.append(f"context {context:,} tokens (prompt{' and answer' if writes else ''})")
    personal = wanted.deployment == "on-device"
    most = wanted.max_gpus or (1 if wanted.machines or personal else 8)
    if wanted.max_gpus is None:
        each = " per copy" if wanted.requests_per_s is not None else ""
        defaults.append(f"at most {most} device{'s' if most > 1 else ''}{each}")
    users = wanted.users
    if (wanted.requests_per_s is not None or wanted.tokens_per_s is not None) and users == 1:
        users = _in_flight(wanted, task, output if writes else 1)
        defaults.append(f"{users} requests in flight on one copy (Little's law, at most {IN_FLIGHT})")
    limited = wanted.e2e_s is not None
    return Needs(
        requirements=wanted,
        task=task.id,
        context_tokens=max(context, inputs),
        input_tokens=inputs,
        output_tokens=output,
        users=users,
        ttft_s=wanted.ttft_s,
        tpot_s=wanted.tpot_s,
        max_gpus=most,
        usual_ttft_s=None if wanted.ttft_s or limited else task.targets.ttft_s,
        usual_tpot_s=None if wanted.tpot_s or limited else task.targets.tpot_s,
        defaults=tuple(defaults),
    )


IN_FLIGHT = 32
"""Requests that one copy of a model is given at a time at most, where only a rate is said; more copies share the rest.
An assumption, and shown as one."""


def _in_flight(wanted: Requirements, task: Task, output: int) -> int:
    """Requests on their way at once: rate times the time that one may take, by the limits or the task's usual ones."""
    targets = task.targets
    first, each = wanted.ttft_s or targets.ttft_s or 1.0, wanted.tpot_s or targets.tpot_s or 0.0
    whole = wanted.e2e_s or first + (output - 1) * each
    rate = wanted.requests_per_s or (wanted.tokens_per_s or 0) / output
    return max(1, min(IN_FLIGHT, ceil(rate * whole)))
