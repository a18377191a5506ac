"""FLOPs of a training step: the forward pass, the backward pass, and what is computed twice to save memory."""

from __future__ import annotations

from typing import Literal

from calculators.flops import Counting, default_source
from calculators.form import Form
from calculators.lowering import lower
from calculators.operators import Kind, Operator
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog.spec import ModelSpec

Recompute = Literal["none", "attention", "full"]
"""What the backward pass computes again: nothing; attention scores (FlashAttention, arXiv:2205.14135, section 3.1;
selective recomputation, arXiv:2205.05198, section 5); or every layer (full checkpointing)."""


def training_flops(
    spec: ModelSpec,
    tokens: int = 2048,
    batch: int = 1,
    count: Counting = "executed",
    *,
    recompute: Recompute = "none",
    source: int | None = None,
    images: int = 0,
) -> int:
    """FLOPs of one step over ``batch`` sequences: forward and backward, without the optimizer's pointwise work.

    Each product ``y = xW`` has two in the backward pass, the gradients of x and of W, so it costs three times its
    forward FLOPs; where x is data (pixels), no gradient of x is taken and it costs twice.

    Args:
        spec: The model, all of whose parameters are trained.
        tokens: Tokens per sequence.
        batch: Sequences.
        count: As in ``count_flops``.
        recompute: What is computed a second time.
        source: Encoder tokens of an encoder-decoder; by default ``tokens``.
        images: Images per sequence of a vision-language model.

    Source:
        arXiv:2001.08361, section 2.1 (backward is about twice forward; here by operator, hence exact);
        arXiv:2205.05198, section 5 for recomputation.

    Raises:
        BadInput: If the architecture is undisclosed.
        ValueError: If a count is negative.
    """
    length = default_source(spec, tokens) if source is None else source
    w = Workload.exact(batch, tokens, 0, source=length, images=images)
    graph = lower(architecture_of(spec))
    return int(sum(trained_form(op, count).value(w) * op.repeat * passes(op, recompute) for op in graph))


def trained_form(operator: Operator, count: Counting) -> Form:
    """Forward FLOPs while training: the loss needs logits at every position, so nothing of the head is left out."""
    return operator.executed if count == "executed" or operator.origin == "lm" else operator.needed


def passes(operator: Operator, recompute: Recompute = "none") -> int:
    """How many times its forward FLOPs an operator costs in a training step."""
    again = recompute == "full" and _in_layer(operator)
    again = again or (recompute != "none" and operator.kind is Kind.ATTENTION)
    return 1 + (1 if operator.leaf else 2) + again


def _in_layer(operator: Operator) -> bool:
    """Checkpoints stand between layers; embeddings and heads are not computed again."""
    return operator.name.split(".")[1].isdigit()
