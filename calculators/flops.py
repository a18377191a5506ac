"""FLOPs: as eager PyTorch executes them, and as a good kernel needs them."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from calculators.form import Form
from calculators.lowering import lower
from calculators.measures import Measure
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog.spec import Architecture, AudioEmbedding, ModelSpec

Counting = Literal["executed", "needed"]


SECONDS = 30
"""Audio that one request holds where nobody says; Whisper's encoder always runs over so much."""


@lru_cache(maxsize=2048)
def reads_source(architecture: Architecture) -> bool:
    """Whether an encoder reads what comes in and a decoder writes."""
    return {"encoder", "decoder"} <= {stack.role for stack in architecture.stacks}


@lru_cache(maxsize=2048)
def source_tokens(architecture: Architecture, usual: int, seconds: float = SECONDS) -> int:
    """Encoder tokens of one request, 0 where no encoder is read: ``usual`` of text; of audio what the encoder always
    runs over, or those of ``seconds``."""
    if not reads_source(architecture):
        return 0
    for stack in architecture.stacks:
        if stack.role == "encoder" and isinstance(stack.embedding, AudioEmbedding):
            return stack.embedding.positions or max(1, int(seconds * stack.embedding.tokens_per_second))
    return usual


def default_source(spec: ModelSpec, new: int) -> int:
    """How long an encoder's source is where nobody says: of text as long as the target, of audio 30 seconds."""
    return source_tokens(architecture_of(spec), new)


def count_flops(
    spec: ModelSpec,
    new: int = 2048,
    past: int = 0,
    batch: int = 1,
    count: Counting = "executed",
    *,
    source: int | None = None,
    images: int = 0,
    encode: bool | None = None,
) -> int:
    """FLOPs of one forward pass: matrix products, attention and convolutions; a multiply-add is two.

    Args:
        spec: The model.
        new: Tokens computed per sequence.
        past: Tokens of each sequence that are cached already; with ``past > 0`` encoder and vision towers do not run.
        batch: Sequences.
        count: ``executed`` is what ``torch.utils.flop_counter`` sees of the eager reference: full attention squares,
            logits at every position. ``needed`` is what the mask and the task leave: the causal triangle and its
            windows, logits for the last position, absorbed latent attention, chunked scans.
        source: Encoder tokens of an encoder-decoder; by default ``new``.
        encode: Whether encoder and vision towers run; by default where nothing is cached yet.
        images: Images per sequence of a vision-language model. Vision models and denoisers see one per sequence.

    Returns:
        An exact integer.

    Source:
        Kaplan et al., arXiv:2001.08361, table 1 for the terms; each operator's docstring for its own.

    Raises:
        BadInput: If the architecture is undisclosed.
        ValueError: If a count is negative.
    """
    length = default_source(spec, new) if source is None else source
    w = Workload.exact(
        batch, new, past, source=length, images=images, encode=int(past == 0 if encode is None else encode)
    )
    return int(total_form(architecture_of(spec), count).value(w))


@lru_cache(maxsize=2048)
def total_form(architecture: Architecture, count: Counting) -> Form:
    """The FLOPs of all operators as one form: sums of integers, so nothing is rounded."""
    factors: dict[Measure, int] = {}
    for operator in lower(architecture):
        for measure, factor in getattr(operator, count).terms.items():
            factors[measure] = factors.get(measure, 0) + factor * operator.repeat
    return Form(factors)
