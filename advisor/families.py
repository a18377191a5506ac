"""What a family costs, computed from the model that stands for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from advisor.answer import Estimate
from calculators.flops import count_flops, reads_source
from calculators.memory import cache_bytes, weight_bytes
from calculators.params import architecture_of, count_params
from catalog.knowledge import FamilyPage
from catalog.loader import load, load_format
from catalog.spec import ModelSpec

MACHINE = "h100-sxm"
"""Where times are computed."""
MANY = 64
"""Requests at once, beside one alone."""
LONGEST = 131072
TEXT = ("decoder", "encoder", "encoder-decoder", "moe", "ssm", "hybrid")
"""Families whose cost follows a length of text."""
USUAL: dict[str, dict[str, Any]] = {
    "encoder": {"input_tokens": 200},
    "encoder-decoder": {"input_tokens": 512, "output_tokens": 256},
    "vision-language": {"input_tokens": 128, "output_tokens": 128, "images": 1},
    "speech": {"output_tokens": 108},
}
"""A usual request where it is not 1,024 tokens read and 256 written."""


@dataclass(frozen=True, slots=True)
class Length:
    """Cost of one text of some length."""

    tokens: int
    reading_flops: int
    step_flops: int | None
    """For one more token; ``None`` where nothing is written."""
    held_bytes: int | None
    """Cache and state that it leaves behind."""


@dataclass(frozen=True, slots=True)
class Load:
    """One request alone, or many together, on the machine."""

    requests: int
    first_s: float
    """To the first token, or to the whole answer."""
    token_s: float | None
    rate: float
    rate_unit: str
    usd_per_thousand_requests: float | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A family's cost."""

    model: str
    machine: str
    request: str
    parameters: int
    active_parameters: int
    weights: str
    weights_bytes: float
    lengths: tuple[Length, ...]
    loads: tuple[Load, ...]
    reading_growth: float | None
    """How many times the arithmetic of reading grows when the length is doubled at the end of ``lengths``."""
    held_growth: float | None
    """The same of cache and state."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def served_weights(spec: ModelSpec) -> str:
    """The format that a model is usually run in: as published, but 16 bits where that is 32."""
    return "bf16" if spec.published_weights == "fp32" else spec.published_weights


def _length(spec: ModelSpec, tokens: int, writes: bool) -> Length:
    seq2seq = reads_source(architecture_of(spec))
    new = 1 if seq2seq else tokens
    reading = count_flops(spec, new, count="needed", source=tokens if seq2seq else None)
    if not writes:
        return Length(tokens, reading, None, None)
    past, source = (1, tokens) if seq2seq else (tokens, None)
    step = count_flops(spec, 1, past, count="needed", source=source)
    return Length(tokens, reading, step, cache_bytes(spec, past, source=source))


def _loads(spec: ModelSpec, fields: dict[str, Any]) -> list[Load]:
    from advisor.estimate import estimate

    found = []
    for requests in (1, MANY):
        e: Estimate = estimate(model=spec.id, machine=MACHINE, batch=requests, weights=served_weights(spec), **fields)
        if e.memory.fits is False:
            continue
        band = e.time.ttft_s or e.time.e2e_s
        unit, rate = e.throughput.unit, e.throughput.total
        if e.rates:
            unit, rate = e.rates[0].unit, e.rates[0].total.p50
        cost = e.cost.usd_per_thousand_requests
        token = None if e.time.tpot_s is None else e.time.tpot_s.p50
        found.append(Load(requests, band.p50, token, rate, unit, cost))
    return found


def request_of(family: str) -> dict[str, Any]:
    """A usual request of the family, as fields of a scenario."""
    return USUAL.get(family, {"input_tokens": 1024, "output_tokens": 256})


def _request_text(family: str, spec: ModelSpec) -> str:
    fields = request_of(family)
    match family:
        case "vision":
            return "one image"
        case "dual-encoder":
            return "one image and one text"
        case "diffusion":
            return "one image, all its steps"
        case "speech":
            return f"30 s of speech, {fields['output_tokens']} tokens written"
        case "encoder":
            return f"a text of {fields['input_tokens']} tokens"
    image = "one image, " if fields.get("images") else ""
    return f"{image}{fields['input_tokens']:,} tokens read, {fields['output_tokens']:,} written"


def profile(page: FamilyPage) -> Profile | None:
    """What the family costs; ``None`` where its models are not disclosed."""
    if page.representative is None:
        return None
    spec = load(page.representative)
    params = count_params(spec)
    lengths: tuple[Length, ...] = ()
    growth: tuple[float | None, float | None] = None, None
    if page.id in TEXT:
        writes = page.id != "encoder"
        most = min(spec.context_tokens or 2048, LONGEST)
        top = 1 << (most.bit_length() - 1)
        lengths = tuple(_length(spec, tokens, writes) for tokens in (top >> 6, top >> 4, top >> 2, top))
        half, whole = _length(spec, top >> 1, writes), lengths[-1]
        held = whole.held_bytes / half.held_bytes if whole.held_bytes and half.held_bytes else None
        growth = whole.reading_flops / half.reading_flops, held
    return Profile(
        model=spec.id,
        machine=MACHINE,
        request=_request_text(page.id, spec),
        parameters=params.total,
        active_parameters=params.active,
        weights=served_weights(spec),
        weights_bytes=weight_bytes(spec, load_format(served_weights(spec))),
        lengths=lengths,
        loads=tuple(_loads(spec, request_of(page.id))),
        reading_growth=growth[0],
        held_growth=growth[1],
    )
