"""Where a PyTorch class is known to differ from the checkpoints that its configuration describes."""

from __future__ import annotations

from catalog.channels import Experts
from catalog.mixers import Attention, LatentAttention
from catalog.spec import Architecture, Departure, LmHead, PatchEmbedding, Stack, TokenEmbedding


def departure_of(class_name: str, architecture: Architecture) -> Departure | None:
    """By how much the class exceeds the architecture that was read, or nothing where they agree."""
    match class_name:
        case (
            "LongT5ForConditionalGeneration"
            | "MT5ForConditionalGeneration"
            | "T5ForConditionalGeneration"
            | "UMT5ForConditionalGeneration"
        ):
            return _tied_t5(architecture.stack("decoder"))
        case "DiTTransformer2DModel":
            return _embedder_per_block(architecture.stacks[0])
        case name if name.startswith(("FalconFor", "FalconModel")):
            return _cached_query_heads(architecture.stacks[0])
        case name if name.startswith("OpenAIGPT"):
            return Departure(
                parameters=0,
                cache_elements_per_token=-_cached(architecture.stacks[0]),
                reason="the class of GPT-1 keeps no cache and runs the whole text for each new token; causal attention "
                "needs no more than keys and values of the tokens before",
            )
        case "Dots3NoteForCausalLM" | "Dots3NoteTextModel":
            return _index_keys_of_32_bits(architecture.stacks[0])
        case "LongcatFlashForCausalLM" | "LongcatFlashModel":
            return _longcat(architecture.stacks[0])
        case _:
            return None


def _cached(decoder: Stack, per_query_head: bool = False) -> int:
    """Elements of keys and values that all layers cache per token."""
    return sum(
        group.repeat * 2 * (layer.mixer.heads if per_query_head else layer.mixer.kv_heads) * layer.mixer.head_dim
        for group in decoder.groups
        for layer in group.layers
        if isinstance(layer.mixer, Attention)
    )


def _cached_query_heads(decoder: Stack) -> Departure | None:
    mixer = decoder.groups[0].layers[0].mixer
    if not isinstance(mixer, Attention) or mixer.kv_heads in (1, mixer.heads):
        return None
    return Departure(
        parameters=0,
        cache_elements_per_token=_cached(decoder, per_query_head=True) - _cached(decoder),
        reason=f"the class of Falcon 40B repeats keys and values for each of {mixer.heads} query heads before it "
        f"caches them; {mixer.kv_heads} key-value heads are all that need be kept",
    )


def _index_keys_of_32_bits(decoder: Stack) -> Departure | None:
    mixers = [(group.repeat, layer.mixer) for group in decoder.groups for layer in group.layers]
    widths = [n * m.indexer.head_dim for n, m in mixers if isinstance(m, LatentAttention) and m.indexer]
    if not widths:
        return None
    return Departure(
        parameters=0,
        cache_elements_per_token=sum(widths),
        reason="transformers 5.23 rotates the indexer's keys in 32 bits and caches them in 32",
    )


def _longcat(decoder: Stack) -> Departure | None:
    layers = [layer for group in decoder.groups for layer in group.layers * group.repeat]
    moes = [layer.channel for layer in layers if isinstance(layer.channel, Experts)]
    latents = [layer.mixer for layer in layers[2:] if isinstance(layer.mixer, LatentAttention)]
    return Departure(
        parameters=sum(moe.idle * 2 * moe.width * decoder.hidden for moe in moes),
        cache_elements_per_token=sum(mixer.kv_rank + mixer.rope_dim for mixer in latents),
        reason="transformers 5.23 allocates the first matrix of every expert also for the choices that do nothing, and "
        "weighs experts in 32 bits, so that all layers after the first run and cache in 32",
    )


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
