"""Why two models differ, in a sentence each, from their parts: the largest and the smallest of each quantity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from advisor.comparison.anatomy import cache_words
from advisor.report import bytes_text, count_text, flops_text, seconds_text

if TYPE_CHECKING:
    from advisor.comparing import Subject

WORTH_TELLING = 1.15
"""Smaller ratios are not explained."""


def reasons(subjects: Sequence[Subject]) -> list[str]:
    """Sentences about cache, memory, reading, writing and price, each with the numbers that make the difference."""
    told = (_cache, _memory, _reading, _writing, _price)
    return [sentence for tell in told if (sentence := tell(subjects)) is not None]


def _ends(subjects: Sequence[Subject], of: Callable[[Subject], float | None]) -> tuple[Subject, Subject, float] | None:
    """The largest, the smallest, and their ratio (infinite where the smallest is 0)."""
    known = [(value, s) for s in subjects if (value := of(s)) is not None]
    if len(known) < 2:
        return None
    (high, first), (low, last) = max(known, key=lambda k: k[0]), min(known, key=lambda k: k[0])
    ratio = high / low if low else float("inf") if high else 1.0
    return (first, last, ratio) if ratio >= WORTH_TELLING else None


def _times(ratio: float) -> str:
    return f"{ratio:.1f} ×" if ratio < 10 else f"{ratio:,.0f} ×"


def _cache(subjects: Sequence[Subject]) -> str | None:
    ends = _ends(subjects, lambda s: s.per_token)
    if ends is None:
        return None
    more, less, ratio = ends
    assert more.parts is not None
    assert less.parts is not None
    if ratio == float("inf"):
        kept = "full windows" if less.parts.windowed_layers else cache_words(less.parts)
        return (
            f"{less.spec.id} keeps {kept}, and "
            f"further tokens cost no memory; {more.spec.id} adds {bytes_text(more.per_token or 0)} per token: "
            f"{cache_words(more.parts)}."
        )
    return (
        f"{more.spec.id} keeps {_times(ratio)} the cache per token of {less.spec.id}: {cache_words(more.parts)} "
        f"against {cache_words(less.parts)}."
    )


def _memory(subjects: Sequence[Subject]) -> str | None:
    ends = _ends(subjects, lambda s: s.estimate.memory.total_bytes_per_gpu if s.estimate else None)
    if ends is None:
        return None
    more, less, ratio = ends
    return (
        f"{more.spec.id} takes {_times(ratio)} the memory of {less.spec.id}: {_weights(more)} against {_weights(less)}."
    )


def _weights(s: Subject) -> str:
    assert s.estimate is not None
    assert s.params is not None
    return (
        f"{count_text(s.params.total)} parameters in {s.estimate.weights} are "
        f"{bytes_text(s.estimate.memory.weights_bytes)} of weights per device"
    )


def _reading(subjects: Sequence[Subject]) -> str | None:
    ends = _ends(subjects, lambda s: s.estimate.time.ttft_s.p50 if s.estimate and s.estimate.time.ttft_s else None)
    if ends is None:
        return None
    slow, fast, ratio = ends
    assert slow.estimate is not None
    assert fast.estimate is not None
    work = slow.estimate.flops.prefill_needed / max(fast.estimate.flops.prefill_needed, 1)
    if work < WORTH_TELLING:
        return (
            f"{slow.spec.id} takes {_times(ratio)} the time of {fast.spec.id} to the first token though its prompts "
            f"need {flops_text(slow.estimate.flops.prefill_needed)} against "
            f"{flops_text(fast.estimate.flops.prefill_needed)}: it reaches {_reached(slow)} "
            f"against {_reached(fast)}{_all_experts(slow)}."
        )
    return (
        f"{slow.spec.id} takes {_times(ratio)} the time of {fast.spec.id} to the first token: reading the prompt needs "
        f"{flops_text(slow.estimate.flops.prefill_needed)} against {flops_text(fast.estimate.flops.prefill_needed)} "
        f"({_active(slow)} against {_active(fast)} parameters per token)."
    )


def _reached(s: Subject) -> str:
    """Arithmetic per second while one prompt is read."""
    assert s.estimate is not None
    done = s.estimate.flops.prefill_needed / s.estimate.scenario["batch"]
    return f"{flops_text(done / s.estimate.time.prefill_s.p50)}/s"


def _all_experts(s: Subject) -> str:
    """That a prompt visits nearly every expert, each with few tokens."""
    if s.parts is None or not s.parts.experts or not s.parts.top_k or s.estimate is None:
        return ""
    tokens = s.estimate.scenario["input_tokens"]
    each = tokens * s.parts.top_k / s.parts.experts
    return f", for its {tokens:,} tokens spread over {s.parts.experts} experts, some {each:,.0f} to each"


def _visited(s: Subject) -> str:
    """How many experts of each layer a step reads: ``E (1 - (1 - k/E)^T)`` of a balanced router."""
    if s.parts is None or not s.parts.experts or not s.parts.top_k or s.estimate is None:
        return ""
    batch, all_, chosen = s.estimate.scenario["batch"], s.parts.experts, s.parts.top_k
    distinct = all_ * (1 - (1 - chosen / all_) ** batch)
    return f"a step of {batch} at a time reads about {distinct:.0f} of {all_} experts in {s.parts.layers} layers"


def _active(s: Subject) -> str:
    return count_text(s.params.active) if s.params else "–"


def _writing(subjects: Sequence[Subject]) -> str | None:
    ends = _ends(subjects, lambda s: s.estimate.time.tpot_s.p50 if s.estimate and s.estimate.time.tpot_s else None)
    if ends is None:
        return None
    slow, fast, ratio = ends
    assert slow.params is not None
    assert fast.params is not None
    text = f"{slow.spec.id} takes {_times(ratio)} the time of {fast.spec.id} per token"
    if slow.params.active / fast.params.active >= WORTH_TELLING:
        return f"{text}: each token reads {_active(slow)} active parameters against {_active(fast)}."
    assert slow.parts is not None
    assert fast.parts is not None
    visited = _visited(slow)
    why = (
        f"{visited}, {count_text(slow.params.total)} parameters in all" if visited else _other_than_weights(slow, fast)
    )
    return f"{text} though it has {_active(slow)} active parameters against {_active(fast)}: {why}."


def _other_than_weights(slow: Subject, fast: Subject) -> str:
    """Cache and layers of both, where weights do not explain a step."""
    layers = [f"{s.parts.layers} layers" if s.parts else "" for s in (slow, fast)]
    return (
        f"its requests keep {bytes_text(slow.cache or 0)} of cache and state each against "
        f"{bytes_text(fast.cache or 0)}, and a step passes {layers[0]} against {layers[1]}"
    )


def _price(subjects: Sequence[Subject]) -> str | None:
    hosted = [s for s in subjects if s.estimate is None and s.spec.prices]
    owned = [
        (price, s)
        for s in subjects
        if s.estimate and (price := s.estimate.cost.usd_per_million_output_tokens) is not None
    ]
    if not hosted or not owned:
        return None
    price, cheapest = min(owned, key=lambda o: o[0])
    api = min(hosted, key=lambda s: s.spec.prices[0].output_usd_per_mtok)
    asked = api.spec.prices[0].output_usd_per_mtok
    e2e = cheapest.estimate.time.e2e_s.p50 if cheapest.estimate else 0.0
    return (
        f"{api.spec.id} costs ${asked:g} per million output tokens from its provider; {cheapest.spec.id} costs "
        f"${price:.2f} on a machine that is always busy at this load ({seconds_text(e2e)} per answer), and more on an "
        "idle one."
    )
