"""Gemma 4: a decoder alone, or behind a tower that reads pictures of any size; Emu 3's decoder."""

from __future__ import annotations

from catalog.connectors import Map, Normalise, Pool
from catalog.errors import BadInput, unknown
from catalog.extras import Learned
from catalog.importers import decoders, gemma, kinds
from catalog.importers.fields import Fields
from catalog.importers.multimodal.projectors import connector
from catalog.importers.multimodal.towers import block, tower
from catalog.spec import Architecture, LmHead, PatchEmbedding, Stack

TOKENS_A_SIDE = 16
"""A square picture of 16 by 16 tokens, 768 pixels a side: the largest square that fits the usual 280 tokens."""


def gemma4_tower(v: Fields) -> Stack:
    """Norms before and after each block and on queries and keys, a gated feed-forward, tables of both coordinates."""
    hidden, patch, kernel = v.size("hidden_size"), v.size("patch_size"), v.size("pooling_kernel_size", default=3)
    v.read.update(("default_output_length", "global_head_dim", "standardize", "use_clipped_linears"))
    layer = block(
        v, hidden, v.size("num_attention_heads"), v.size("intermediate_size"), kv_heads=v.size("num_key_value_heads"),
        head_dim=v.size("head_dim"), bias=(), qk_norm="head", position="rotary", gated=True, mlp_bias=False,
        norms="sandwich",
    )  # fmt: skip
    positions = Learned(
        name="positions", elements=2 * v.size("position_embedding_size") * hidden, table=True, row=2 * hidden
    )
    embedding = PatchEmbedding(size=patch * kernel * TOKENS_A_SIDE, patch=patch, bias=False, positions=False)
    layers = [layer] * v.size("num_hidden_layers")
    return tower(hidden, embedding, layers, "rms", final_norm=False, extras=(positions,))


def gemma4(f: Fields) -> Architecture:
    """Gemma 4: averages over squares of patches, a norm without weights and a matrix lead from tower to decoder."""
    decoder = _decoder(f)
    f.read.add("vision_soft_tokens_per_image")
    if f.value("audio_config") is not None:
        raise BadInput(f"{f.where}: field 'audio_config': the tower for sound is not modelled; null reads the rest")
    if f.value("vision_config") is None:
        return Architecture(stacks=(decoder,))
    v = f.child("vision_config")
    if v.model_type and v.model_type != "gemma4_vision":
        raise unknown(f"model_type in {v.where}:", v.model_type, ["gemma4_vision"])
    seen = gemma4_tower(v)
    steps = Pool(factor=v.size("pooling_kernel_size", default=3) ** 2, product=True), Normalise(norm="plain")
    heads = connector(*steps, Map(outputs=decoder.hidden, bias=False))
    return Architecture(stacks=(seen.model_copy(update={"heads": heads}), decoder))


def gemma4_unified(f: Fields) -> Architecture:
    """Gemma 4 unified: the decoder alone; what reads pictures and sound is not modelled."""
    for key in ("vision_config", "audio_config"):
        if f.value(key) is not None:
            raise BadInput(f"{f.where}: field {key!r} is not modelled for gemma4_unified; null reads the decoder alone")
    return Architecture(stacks=(_decoder(f),))


def _decoder(f: Fields) -> Stack:
    """The language model; the outer configuration says whether its logits are tied."""
    heads = (LmHead(tied=f.flag("tie_word_embeddings", True)),)
    return gemma.gemma4(f.child("text_config")).stacks[0].model_copy(update={"heads": heads})


def emu3(f: Fields, lm: bool = True) -> Architecture:
    """Emu 3 (arXiv:2409.18869): LLaMA over tokens of text and pictures; without the tokenizer of pictures."""
    f.read.update(("vq_config", "vocabulary_map", "image_token_id"))
    return decoders.llama(f.child_or_flat("text_config"), lm)


def _with_decoder(class_name: str, whole: kinds.Type, text: str) -> kinds.Type:
    """Whichever of the two classes is named."""

    def read(f: Fields, given: str) -> Architecture:
        if given == class_name:
            return whole.read(f, given)
        return gemma.TYPES[text].read(f.child("text_config"), given)

    return kinds.Type(whole.family, whole.class_name, read, whole.proof)


TYPES: dict[str, kinds.Type] = {
    "emu3": kinds.only("Emu3ForCausalLM", "decoder", emu3),
    "gemma4": _with_decoder(
        "Gemma4ForConditionalGeneration",
        kinds.only("Gemma4ForConditionalGeneration", "vision-language", gemma4),
        "gemma4_text",
    ),
    "gemma4_unified": _with_decoder(
        "Gemma4UnifiedForConditionalGeneration",
        kinds.only("Gemma4UnifiedForConditionalGeneration", "vision-language", gemma4_unified),
        "gemma4_unified_text",
    ),
}
