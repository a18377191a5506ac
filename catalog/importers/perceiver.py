"""Perceiver for text: bytes are read by a few learned vectors, and written back from them (arXiv:2107.14795)."""

from __future__ import annotations

from catalog.channels import Dense
from catalog.ends import QueryEmbedding
from catalog.errors import BadInput
from catalog.extras import Extra, Learned
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import labels
from catalog.mixers import Attention
from catalog.spec import Architecture, Group, Layer, Stack

QKVO = ("q", "k", "v", "o")


def _reader(name: str, queries: int, source: int, score: int, value: int, widening: int) -> Learned:
    """Attention from vectors of one width to those of another, and a feed-forward: all it holds."""
    norms = 2 * queries + 2 * source + 2 * queries
    maps = score * (queries + 1) + score * (source + 1) + value * (source + 1) + queries * (value + 1)
    wide = widening * queries
    return Learned(name=name, elements=norms + maps + wide * (queries + 1) + queries * (wide + 1))


def perceiver(f: Fields, class_name: str) -> Architecture:
    """Perceiver: only parameters are counted of what reads the bytes and writes them; the layers between are usual."""
    end = kinds.ending(f, class_name, "Perceiver", ("Model", "ForMaskedLM", "ForSequenceClassification"))
    hidden, width, vocab = f.size("d_latents"), f.size("d_model"), f.size("vocab_size")
    shape, rows = f.value("cross_attention_shape_for_attention", default="kv"), f.size("max_position_embeddings")
    if shape not in ("q", "kv"):
        raise BadInput(f"{f.where}: cross_attention_shape_for_attention is {shape!r}; expected 'q' or 'kv'")
    f.read.update(("num_blocks", "num_cross_attention_heads", "use_query_residual", "output_num_channels"))
    f.read.update(("image_size", "train_size", "num_frames", "audio_samples_per_frame", "samples_per_patch"))
    f.read.update(("output_shape", "_label_trainable_num_channels"))
    score = f.size("qk_channels", default=hidden if shape == "q" else width)
    value = f.size("v_channels", default=score)
    own, heads = f.size("qk_channels", default=hidden), f.size("num_self_attention_heads")
    if own != hidden or f.size("v_channels", default=own) != hidden or hidden % heads:
        raise BadInput(f"{f.where}: qk_channels or v_channels other than d_latents={hidden} is not modelled")
    extras: list[Extra] = [_reader("reader", hidden, width, score, value, f.size("cross_attention_widening_factor"))]
    if end != "Model":
        extras.append(Learned(name="bytes", elements=(vocab + rows) * width, table=True))
    if end == "ForMaskedLM":
        extras += [_reader("writer", width, hidden, 8 * 32, width, 1)]
        extras.append(Learned(name="writer.positions", elements=rows * width + vocab))
    if end == "ForSequenceClassification":
        extras += [_reader("writer", hidden, hidden, hidden, hidden, 1)]
        extras.append(Learned(name="writer.classes", elements=hidden + labels(f) * (hidden + 1)))
    layer = Layer(
        mixer=Attention(
            heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="none"
        ),
        channel=Dense(
            width=f.size("self_attention_widening_factor") * hidden, gated=False, bias=True, activation="gelu"
        ),
    )
    blocks, depth = f.size("num_blocks", default=1), f.size("num_self_attends_per_block")
    groups = fold([layer] * depth) if blocks == 1 else (Group(repeat=blocks, shared=True, layers=(layer,) * depth),)
    stack = Stack(
        name="latents", role="encoder", hidden=hidden, norm="layer", final_norm=False, extras=tuple(extras),
        embedding=QueryEmbedding(tokens=f.size("num_latents")), groups=groups,
    )  # fmt: skip
    return Architecture(stacks=(stack,))


TYPES: dict[str, kinds.Type] = {
    "perceiver": kinds.Type("encoder", "PerceiverForMaskedLM", perceiver, "parameters"),
}
