"""Decoders that only speech has: Moshi's, and Voxtral Realtime's."""

from __future__ import annotations

from dataclasses import replace

from catalog.channels import Dense
from catalog.extras import Linear
from catalog.importers import decoders, kinds
from catalog.importers.fields import Fields
from catalog.mixers import Attention
from catalog.spec import Architecture, Layer, LmHead, TokenEmbedding

TIME_WIDTH = 32
"""Width of the two layers that turn the delay into a scale, fixed in the class."""


def realtime_text(f: Fields, lm: bool = True) -> Architecture:
    """Voxtral Realtime: Mistral's layer, each scaled by how long it may wait, through two narrow layers."""
    hidden = f.size("hidden_size")
    mixer = decoders.attention(f, window=f.value("sliding_window"), bias=())
    scale = (
        Linear(name="delay.in", inputs=hidden, outputs=TIME_WIDTH, over="pass"),
        Linear(name="delay.out", inputs=TIME_WIDTH, outputs=hidden, over="pass"),
    )
    layers = [Layer(mixer=mixer, channel=decoders.gated(f, bias=False), extras=scale)] * f.size("num_hidden_layers")
    return decoders.decoder(f, lm, layers)


def moshi_layers(f: Fields) -> list[Layer]:
    """Moshi's layer (arXiv:2410.00037): LLaMA's, with a window and gate and value in one matrix."""
    width = f.size("ffn_dim")
    mixer: Attention = decoders.attention(f, window=f.value("sliding_window"), bias=())
    return [Layer(mixer=mixer, channel=Dense(width=width // 2))] * f.size("num_hidden_layers")


def moshi(f: Fields, lm: bool = True) -> Architecture:
    """Moshi's language model alone; its embedding holds one word more than it can say."""
    vocab = f.size("vocab_size")
    f.read.update(("num_codebooks", "audio_vocab_size"))
    stack = decoders.stack(
        f, moshi_layers(f), tied=False, lm=False, embedding=TokenEmbedding(vocab=vocab + 1)
    )  # fmt: skip
    return Architecture(stacks=(stack.model_copy(update={"heads": (LmHead(vocab=vocab),) if lm else ()}),))


TYPES: dict[str, kinds.Type] = {"moshi": replace(kinds.causal("Moshi", moshi), proof="parameters")}
