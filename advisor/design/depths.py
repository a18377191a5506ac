"""Depth against width: shapes of the same number of parameters, with exact counts, caches and times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from advisor.design.changes import Changes, Setting
from advisor.design.differences import workload_of
from advisor.design.edit import edit
from advisor.design.shape import shape
from advisor.design.widths import width_step
from advisor.estimate import estimate
from calculators.memory import cache_bytes
from calculators.params import count_params
from catalog.errors import BadInput
from catalog.spec import ModelSpec

SHARES = (0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Depths that are looked at unless they are given, as shares of the model's own."""
STEP = 8
"""Feed-forward widths are multiples of it."""
MOST_WIDTH = 2**17
OFF_AT_MOST = 0.05
"""Shapes further from the size are not shown."""


@dataclass(frozen=True, slots=True)
class SizedShape:
    """One shape of about the same size."""

    layers: int
    hidden: int
    heads: int | None
    kv_heads: int | None
    ff_width: int | None
    """Of experts, where there are some."""
    params_total: int
    params_active: int
    off: float
    """Parameters over those that were aimed at, less one."""
    cache_bytes: int
    """Cache and state of one sequence, prompt and answer together; 0 where nothing is kept."""
    first_s: float
    """To the first token, or to the answer."""
    token_s: float | None
    """Per further token."""
    fits: bool | None
    is_own: bool
    """Whether this is the model's own number of layers."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Depths:
    """The answer: shapes from shallow to deep, and depths that have none, with a sentence each."""

    aimed_at: int
    """Parameters that every shape is to have."""
    tokens: int
    """Length of which the cache is told."""
    shapes: tuple[SizedShape, ...]
    without: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def depths(
    model: ModelSpec,
    setting: Setting,
    layers: Sequence[int] | None = None,
    *,
    stack: str | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Depths:
    """Shapes of a model's size at several depths.

    The width is the multiple that keeps head width and queries per kv head and comes closest in proportion; then the
    feed-forward, where there is one, is chosen so that the parameters come as close as its steps of 8 allow.

    Args:
        model: Whose size and proportions are kept.
        setting: Where times are taken.
        layers: Depths; by default shares of the model's own, from a quarter to four times.
        stack: Which stack, as for ``edit``.
        stop: Asked before each depth; when true, the rest is left out.

    Raises:
        BadInput: If no depth has such a shape, with the reason of the first.
    """
    now = shape(model, stack)
    wanted = sorted(set(layers or {max(1, round(now.layers * share)) for share in SHARES}))
    target, found, without = count_params(model).total, [], []
    for depth in wanted:
        if stop():
            break
        try:
            spec = model if depth == now.layers else _sized(model, depth, target, stack)
            found.append(_evaluated(spec, setting, target, stack, own=depth == now.layers))
        except BadInput as error:
            without.append(f"{depth} layers: {error}")
    if not found:
        raise BadInput(without[0] if without else "depths: nothing to look at")
    return Depths(target, setting.input_tokens + setting.output_tokens, tuple(found), tuple(without))


def _evaluated(spec: ModelSpec, setting: Setting, target: int, stack: str | None, *, own: bool) -> SizedShape:
    now, params = shape(spec, stack), count_params(spec)
    answer = estimate(model=spec.id, spec=spec, **workload_of(spec, setting))
    first = answer.time.ttft_s or answer.time.e2e_s
    writes = answer.time.tpot_s is not None
    length = setting.input_tokens + setting.output_tokens
    return SizedShape(
        layers=now.layers, hidden=now.hidden, heads=now.heads, kv_heads=now.kv_heads,
        ff_width=now.expert_width or now.ff_width, params_total=params.total, params_active=params.active,
        off=params.total / target - 1, cache_bytes=cache_bytes(spec, length, dtype=setting.cache) if writes else 0,
        first_s=first.p50, token_s=answer.time.tpot_s.p50 if answer.time.tpot_s else None,
        fits=answer.memory.fits, is_own=own,
    )  # fmt: skip


def _sized(model: ModelSpec, depth: int, target: int, stack: str | None) -> ModelSpec:
    """The model at another depth, with the width and then the feed-forward that bring it closest to its size."""
    step = width_step(model, stack)

    def wide(multiple: int) -> ModelSpec:
        changes = Changes(layers=depth, hidden=step * multiple, proportional=True)
        return edit(model, changes, stack=stack, name=model.id).spec

    low, high = 1, max(1, MOST_WIDTH // step)
    while low < high:  # the first width that is large enough
        middle = (low + high) // 2
        low, high = (low, middle) if _size(wide(middle)) >= target else (middle + 1, high)
    near = [m for m in (low - 1, low) if m > 0]
    best = min(
        (_filled(wide(m), target, stack) for m in near), key=lambda spec: _distortion(spec, model, target, stack)
    )
    if abs(_size(best) / target - 1) > OFF_AT_MOST:
        raise BadInput(f"no width in steps of {step:,} comes within {OFF_AT_MOST:.0%} of the size")
    return best


def _size(spec: ModelSpec) -> int:
    return count_params(spec).total


def _filled(spec: ModelSpec, target: int, stack: str | None) -> ModelSpec:
    """The same with the feed-forward that brings its parameters closest: they are linear in its width."""
    now = shape(spec, stack)
    field, width = ("expert_width", now.expert_width) if now.expert_width else ("ff_width", now.ff_width)
    if not width:
        return spec

    def at(value: int) -> ModelSpec:
        return edit(spec, Changes.model_validate({field: value}), stack=stack, name=spec.id).spec

    slope = (_size(at(width + STEP)) - _size(at(width))) / STEP
    exact = width + (target - _size(spec)) / slope
    return at(max(STEP, round(exact / STEP) * STEP))


def _distortion(spec: ModelSpec, model: ModelSpec, target: int, stack: str | None) -> tuple[bool, float]:
    """How far the feed-forward's ratio to the width is from the model's; shapes off the size come last."""
    a, b = shape(spec, stack), shape(model, stack)
    ratio = [(s.expert_width or s.ff_width or 1) / s.hidden for s in (a, b)]
    return abs(_size(spec) / target - 1) > 0.01, max(ratio[0] / ratio[1], ratio[1] / ratio[0])
