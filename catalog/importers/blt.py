"""Byte Latent Transformer (arXiv:2412.09871): bytes, grouped into patches where a small model finds them hard to guess.

Where patches end depends on the text; counts take ``patch_size`` bytes for each.
"""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention
from catalog.residual import PatchAttention
from catalog.spec import Architecture, Layer, LmHead, Stack, TokenEmbedding


def _layer(f: Fields, hidden: int, window: int | None, *extras: Extra) -> Layer:
    heads = f.size("num_attention_heads")
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    width = f.size("intermediate_size", default=int(8 * hidden / 3))
    mixer = Attention(
        heads=heads, kv_heads=f.size("num_key_value_heads", default=heads), head_dim=hidden // heads, window=window
    )
    return Layer(mixer=mixer, channel=Dense(width=width), extras=extras)


def _stack(name: str, f: Fields, layers: list[Layer], embedding: TokenEmbedding, **rest: Any) -> Stack:
    hidden = f.size("hidden_size")
    return Stack(name=name, role="decoder", hidden=hidden, embedding=embedding, groups=fold(layers), **rest)


def _window(f: Fields, key: str) -> int | None:
    return None if f.value(key) is None else f.size(key)


def blt(f: Fields) -> Architecture:
    """A small model of bytes to cut by, bytes to patches, the large model of patches, and patches to bytes again."""
    encoder, decoder, patches = f.child("encoder_config"), f.child("decoder_config"), f.child("global_config")
    f.read.update(("patching_mode", "patching_threshold", "patching_batch_size", "max_patch_length"))
    each, vectors, vocab = f.size("patch_size"), f.size("cross_attn_k"), f.size("vocab_size")
    if any(local.size("cross_attn_k") != vectors for local in (encoder, decoder)):
        raise BadInput(f"{f.where}: field 'cross_attn_k' differs between the model and its encoder or decoder")
    window = _window(f, "local_attention_window_len")
    embedding = TokenEmbedding(vocab=encoder.size("vocab_size"))
    reused = TokenEmbedding(vocab=embedding.vocab, shared_with="bytes")
    stacks = (
        *((_cutter(f.child("patcher_config")),) if f.flag("patch_in_forward", True) else ()),
        _stack(
            "bytes", encoder, _local(encoder, window, "patches", vectors, each), embedding, final_norm=False,
            extras=(_hashes(f, encoder.size("hidden_size")),),
        ),
        _patches(patches, encoder, decoder, vectors, reused.model_copy(update={"merged": each})),
        _stack(
            "decoder", decoder, _local(decoder, window, "bytes", vectors, each),
            reused.model_copy(update={"vocab": vocab}), heads=(LmHead(tied=False),),
        ),
    )  # fmt: skip
    return Architecture(stacks=stacks)


def _cutter(f: Fields) -> Stack:
    """The model whose doubt about the next byte ends a patch; it is run for every byte."""
    layers = [_layer(f, f.size("hidden_size"), _window(f, "sliding_window"))] * f.size("num_hidden_layers")
    head = LmHead(tied=False, every_token=True)
    return _stack("patcher", f, layers, TokenEmbedding(vocab=f.size("vocab_size")), heads=(head,))


def _local(f: Fields, window: int | None, queries: Any, vectors: int, each: int) -> list[Layer]:
    """Layers over bytes: in the encoder the last meets patches, in the decoder the first, or all of them."""
    hidden, n, heads = f.size("hidden_size"), f.size("num_hidden_layers"), f.size("num_attention_heads")
    meeting = PatchAttention(
        heads=heads, kv_heads=f.size("num_key_value_heads", default=heads), head_dim=max(1, hidden // heads),
        queries=queries, vectors=vectors, bytes=each,
    )  # fmt: skip
    one = n - 1 if queries == "patches" else 0
    everywhere = f.flag("cross_attn_all_layers")
    return [_layer(f, hidden, window, *((meeting,) if everywhere or i == one else ())) for i in range(n)]


def _hashes(f: Fields, hidden: int) -> Learned:
    """Vectors of groups of the last few bytes, looked up by hash and added to the byte's own (section 3.2.1)."""
    sizes = f.value("encoder_hash_byte_group_size", default=[3, 4, 5, 6, 7, 8])
    if not isinstance(sizes, list) or not sizes:
        raise BadInput(f"{f.where}: field 'encoder_hash_byte_group_size' must list lengths of groups")
    tables = len(sizes) * f.size("encoder_hash_byte_group_nb_functions")
    rows = tables * f.size("encoder_hash_byte_group_vocab")
    return Learned(name="hashes", elements=rows * hidden, table=True, row=tables * hidden)


def _patches(f: Fields, encoder: Fields, decoder: Fields, vectors: int, embedding: TokenEmbedding) -> Stack:
    """The large model, which runs once per patch, and the maps to and from the vectors of its neighbours."""
    hidden, n = f.size("hidden_size"), f.size("num_hidden_layers")
    entering, leaving = encoder.size("hidden_size") * vectors, decoder.size("hidden_size") * vectors
    maps = [
        Linear(name="patches_of_bytes", inputs=encoder.size("hidden_size"), outputs=entering),
        Linear(name="patches_out", inputs=decoder.size("hidden_size_global"), outputs=leaving),
    ]
    if entering != hidden:
        maps.append(Linear(name="patches_in", inputs=entering, outputs=hidden))
    return _stack("patches", f, [_layer(f, hidden, None)] * n, embedding, final_norm=False, extras=tuple(maps))


TYPES: dict[str, kinds.Type] = {"blt": kinds.only("BltForCausalLM", "decoder", blt, "parameters")}
