"""What an innovation changed, computed: a model of the catalog beside the same model without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from advisor.report import bytes_text, count_text, flops_text, seconds_text
from calculators.params import architecture_of
from catalog.channels import Experts
from catalog.ends import TokenEmbedding
from catalog.errors import BadInput
from catalog.knowledge import Change, Comparison, Innovation
from catalog.loader import load, load_format
from catalog.mixers import Attention, LatentAttention, Mamba, Mamba2
from catalog.spec import Layer, ModelSpec, Stack

PAGE = 16
"""Tokens per page of a paged cache (vLLM's usual block, arXiv:2309.06180, section 7.2)."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One comparison, computed."""

    model: str
    measure: str
    unit: str
    before: float
    after: float
    ratio: float
    """How many times less, or for requests more."""
    without: str
    """What makes the model of before."""
    setting: str
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def _layers(spec: ModelSpec, edit: Callable[[Layer], Layer]) -> ModelSpec:
    stacks = tuple(
        stack.model_copy(
            update={
                "groups": tuple(
                    group.model_copy(update={"layers": tuple(edit(layer) for layer in group.layers)})
                    for group in stack.groups
                )
            }
        )
        for stack in architecture_of(spec).stacks
    )
    return _with(spec, stacks)


def _with(spec: ModelSpec, stacks: tuple[Stack, ...]) -> ModelSpec:
    architecture = architecture_of(spec).model_copy(update={"stacks": stacks})
    return spec.model_copy(update={"architecture": architecture})


def _ungrouped(layer: Layer) -> Layer:
    mixer = layer.mixer
    if not isinstance(mixer, Attention) or not mixer.causal:
        return layer
    return layer.model_copy(update={"mixer": mixer.model_copy(update={"kv_heads": mixer.heads})})


def _unwindowed(layer: Layer) -> Layer:
    mixer = layer.mixer
    if not isinstance(mixer, Attention) or mixer.window is None:
        return layer
    return layer.model_copy(update={"mixer": mixer.model_copy(update={"window": None})})


def _unlatent(layer: Layer) -> Layer:
    mixer = layer.mixer
    if not isinstance(mixer, LatentAttention):
        return layer
    width = mixer.nope_dim + mixer.rope_dim
    whole = Attention(heads=mixer.heads, kv_heads=mixer.heads, head_dim=width, value_dim=mixer.v_dim)
    return layer.model_copy(update={"mixer": whole})


def _unrouted(layer: Layer) -> Layer:
    channel = layer.channel
    if not isinstance(channel, Experts):
        return layer
    return layer.model_copy(update={"channel": channel.model_copy(update={"top_k": channel.experts})})


def _attending(spec: ModelSpec) -> ModelSpec:
    """Attention where scans stood: the model's own if it has some, else of its width with heads of 128."""
    own = [m for s in architecture_of(spec).stacks for g in s.groups for layer in g.layers for m in layer.mixers
           if isinstance(m, Attention)]  # fmt: skip
    hidden = architecture_of(spec).stacks[-1].hidden
    mixer = own[0] if own else Attention(heads=hidden // 128, kv_heads=hidden // 128, head_dim=128)
    return _layers(
        spec,
        lambda layer: layer.model_copy(update={"mixer": mixer}) if isinstance(layer.mixer, Mamba | Mamba2) else layer,
    )


def _tabled(spec: ModelSpec, positions: int) -> ModelSpec:
    stacks = tuple(
        stack.model_copy(update={"embedding": stack.embedding.model_copy(update={"positions": positions})})
        if isinstance(stack.embedding, TokenEmbedding)
        else stack
        for stack in architecture_of(spec).stacks
    )
    return _with(spec, stacks)


def without(spec: ModelSpec, change: Change, context: int) -> ModelSpec:
    """The model of before: the same in everything but one thing.

    Changes that are no matter of architecture (kernels, formats, engines) leave it as it is.
    """
    match change:
        case "one key-value head per query head":
            return _layers(spec, _ungrouped)
        case "whole keys and values":
            return _layers(spec, _unlatent)
        case "every layer sees all":
            return _layers(spec, _unwindowed)
        case "every expert works":
            return _layers(spec, _unrouted)
        case "attention in place of scans":
            return _attending(spec)
        case "a table of positions":
            return _tabled(spec, context)
        case _:
            return spec


def _pair(c: Comparison) -> tuple[float, float]:
    """Before and after."""
    spec = load(c.model)
    other = without(spec, c.before, c.context)
    match c.measure:
        case "kv-cache":
            from calculators.memory import cache_bytes

            return cache_bytes(other, c.context, c.batch), cache_bytes(spec, c.context, c.batch)
        case "parameters":
            from calculators.params import count_params

            return count_params(other).total, count_params(spec).total
        case "reading-flops" | "token-flops":
            from calculators.flops import count_flops

            new, past = (c.context, 0) if c.measure == "reading-flops" else (1, c.context)
            counts = [count_flops(s, new, past, c.batch, "needed") for s in (other, spec)]
            return counts[0], counts[1]
        case "weights":
            from calculators.memory import weight_bytes

            after = load_format(c.weights or spec.published_weights)
            return weight_bytes(spec, load_format("bf16")), weight_bytes(spec, after)
        case "attention-traffic":
            from calculators.attention_io import attention_traffic

            standard, flash = (attention_traffic(spec, c.context, k) for k in ("standard", "flash"))
            return standard.total_bytes, flash.total_bytes
        case "scan-traffic":
            from calculators.scan_io import scan_traffic

            return scan_traffic(spec, c.context, "stepwise"), scan_traffic(spec, c.context, "fused")
        case "tpot" | "ttft":
            return _times(c)
        case "requests":
            return _requests(c, spec)


def _fields(c: Comparison) -> dict[str, Any]:
    if c.machine is None:
        raise BadInput(f"innovation on {c.model}: {c.measure} needs a machine")
    return {
        "model": c.model, "machine": c.machine, "tp": c.devices, "batch": c.batch, "input_tokens": c.context,
        "output_tokens": c.output, "weights": c.weights or "",
    }  # fmt: skip


def _times(c: Comparison) -> tuple[float, float]:
    from advisor.estimate import estimate

    today = _fields(c) | {"cached_prefix": c.cached, "speculate": c.speculate}
    once = dict(today)
    match c.before:
        case "16-bit weights":
            once["weights"] = "bf16"
        case "no guessing":
            once["speculate"] = ""
        case "the whole prompt read":
            once["cached_prefix"] = 0
        case _:
            raise BadInput(f"innovation on {c.model}: no time is known for {c.before!r}")
    found = []
    for fields in (once, today):
        time = estimate(**fields).time
        band = time.tpot_s if c.measure == "tpot" else time.ttft_s
        assert band is not None
        found.append(band.p50)
    return found[0], found[1]


def _requests(c: Comparison, spec: ModelSpec) -> tuple[float, float]:
    """Requests of ``context + output`` tokens in the memory that weights and engine leave."""
    from advisor.estimate import estimate
    from calculators.memory import cache_bytes

    memory = estimate(**_fields(c)).memory
    taken = memory.weights_bytes + memory.activation_bytes + memory.overhead_bytes
    room = (memory.usable_bytes or 0) - taken
    length = ceil((c.context + c.output) / PAGE) * PAGE
    longest = spec.context_tokens or length
    return room // (cache_bytes(spec, longest) / c.devices), room // (cache_bytes(spec, length) / c.devices)


_UNITS = {
    "kv-cache": "bytes", "parameters": "parameters", "reading-flops": "FLOP", "token-flops": "FLOP", "weights": "bytes",
    "attention-traffic": "bytes", "scan-traffic": "bytes", "tpot": "s", "ttft": "s", "requests": "requests",
}  # fmt: skip


def _amount(value: float, unit: str) -> str:
    match unit:
        case "bytes":
            return bytes_text(value)
        case "FLOP":
            return flops_text(value)
        case "s":
            return seconds_text(value)
        case "parameters":
            return count_text(value)
        case _:
            return f"{value:,.0f}"


def _length(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens % 1024 == 0 and tokens >= 1024 else f"{tokens:,}"


def effect(c: Comparison) -> Effect:
    """Compute one comparison.

    Raises:
        BadInput: If a name in it is unknown, or the measure does not belong to the change.
    """
    before, after = _pair(c)
    unit = _UNITS[c.measure]
    ratio = after / before if unit == "requests" else before / after
    devices = f"{c.devices} × {c.machine}" if c.devices > 1 else c.machine or ""
    sentence = c.says.format(
        model=load(c.model).name, before=_amount(before, unit), after=_amount(after, unit),
        ratio=f"{ratio:.0f}" if ratio >= 9.5 else f"{ratio:.2g}", context=_length(c.context), batch=c.batch,
        machine=devices, weights=c.weights or "", output=c.output,
    )  # fmt: skip
    setting = ", ".join(
        text
        for text in (
            f"{c.context:,} tokens",
            f"{c.cached:,} of them cached" if c.cached else "",
            f"{c.output:,} written" if c.machine else "",
            f"{c.batch} at a time" if c.batch > 1 or c.machine else "",
            f"on {devices}" if devices else "",
            f"weights {c.weights}" if c.weights else "",
        )
        if text
    )
    return Effect(c.model, c.measure, unit, before, after, ratio, c.before, setting, sentence)


def effects(page: Innovation) -> tuple[Effect, ...]:
    """All comparisons of a page."""
    return tuple(effect(c) for c in page.comparisons)
