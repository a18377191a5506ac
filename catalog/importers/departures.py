"""Where a PyTorch class is known to differ from the checkpoints that its configuration describes."""

from __future__ import annotations

from catalog.spec import Architecture, Departure, LmHead, PatchEmbedding, Stack, TokenEmbedding


def departure_of(class_name: str, architecture: Architecture) -> Departure | None:
    """By how much the class exceeds the architecture that was read, or nothing where they agree."""
    match class_name:
        case "T5ForConditionalGeneration" | "MT5ForConditionalGeneration" | "UMT5ForConditionalGeneration":
            return _tied_t5(architecture.stack("decoder"))
        case "DiTTransformer2DModel":
            return _embedder_per_block(architecture.stacks[0])
        case _:
            return None


def _tied_t5(decoder: Stack) -> Departure | None:
    own_head = any(isinstance(head, LmHead) and not head.tied for head in decoder.heads)
    if not own_head or not isinstance(decoder.embedding, TokenEmbedding):
        return None
    return Departure(
        parameters=-decoder.embedding.vocab * decoder.hidden,
        reason="transformers 5 ties T5 embeddings always; the published checkpoint has its own head",
    )


def _embedder_per_block(denoiser: Stack) -> Departure | None:
    condition, h = denoiser.conditioning, denoiser.hidden
    if condition is None or not isinstance(denoiser.embedding, PatchEmbedding):
        return None
    matrices = condition.frequency * h + h * h
    return Departure(
        parameters=(denoiser.n_layers - 1) * (matrices + 2 * h + condition.classes * h),
        flops_per_sequence=denoiser.n_layers * 2 * matrices,
        reason=f"diffusers builds one timestep and label embedder per block ({denoiser.n_layers}) and runs the first "
        "once more for the head; the published DiT has a single one",
    )
