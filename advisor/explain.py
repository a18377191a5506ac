"""``explain``: a question in names to a question in specs."""

from __future__ import annotations

from advisor.formats import weights_of
from advisor.usual_lengths import usual_lengths
from calculators.explain import Explanation, Question
from calculators.explain import explain as answer
from calculators.measures import POLICIES
from calculators.memory import CACHE_BITS, PolicyName
from calculators.training import Recompute
from catalog.errors import BadInput, unknown
from catalog.loader import load
from catalog.spec import ModelSpec


def explain(
    model: str | ModelSpec,
    quantity: str,
    *,
    context: int | None = None,
    batch: int = 1,
    step: bool = False,
    weights: str = "",
    cache: str = "bf16",
    policy: PolicyName = "needed",
    images: int = 0,
    recompute: Recompute = "none",
    rank: int = 16,
    targets: tuple[str, ...] = ("q", "v"),
) -> Explanation:
    """Formula, numbers put in, unit and source of one quantity of one model.

    Args:
        model: Id, alias, file or spec.
        quantity: ``parameters``, ``flops``, ``kv-cache`` ...: see ``calculators.explain.QUANTITIES``.
        context: Tokens read; tokens held for caches; with ``step`` tokens cached before the step.
            By default 2,048, or what the model takes.
        batch: Sequences.
        step: One new token on ``context`` cached ones.
        weights: Weight format; empty: as published.
        cache: Cache element type.
        policy: How an engine keeps its cache.
        images: Images per sequence.
        recompute: What a training step computes twice.
        rank: Of low-rank adapters.
        targets: Projections that adapters sit on.

    Raises:
        BadInput: If a name is unknown, a number not positive, or the architecture undisclosed.
    """
    if (context is not None and context < 1) or batch < 1 or images < 0:
        raise BadInput(f"explain: context={context}, batch={batch} and images={images} must be positive")
    if cache not in CACHE_BITS:
        raise unknown("cache type", cache, CACHE_BITS)
    if policy not in POLICIES:
        raise unknown("cache policy", policy, POLICIES)
    spec = model if isinstance(model, ModelSpec) else load(model)
    context = context or usual_lengths(spec.context_tokens, writes=False)[0]
    weight_format = weights_of(spec, weights)
    question = Question(spec, weight_format, context, batch, step, cache, policy, images, recompute, rank, targets)
    return answer(question, quantity)
