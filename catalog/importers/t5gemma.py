"""T5Gemma: Gemma turned into encoder-decoders (arXiv:2504.06225)."""

from __future__ import annotations

from typing import Any, Literal

from catalog.connectors import Connector, Map, Normalise, Pool
from catalog.ends import Classifier
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds
from catalog.importers.decoders import QKVO, attention, gated, windows
from catalog.importers.dual import siglip_vision
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import Heads, labels
from catalog.importers.sides import seq2seq
from catalog.mixers import CrossAttention
from catalog.spec import Architecture, Layer, LmHead, PatchEmbedding, Stack, TokenEmbedding

Side = Literal["encoder", "decoder"]


def _stack(f: Fields, side: Side, layers: list[Layer], **rest: Any) -> Stack:
    embedding = rest.pop("embedding", None) or TokenEmbedding(vocab=f.size("vocab_size"))
    return Stack(
        name=side, role=side, hidden=f.size("hidden_size"), norm="rms", embedding=embedding, groups=fold(layers), **rest
    )


def t5gemma(f: Fields) -> Architecture:
    """T5Gemma: Gemma 2's layer on both sides, the decoder's with cross-attention; a table per side."""
    f.read.add("vocab_size")  # the decoder's says it
    sides = {side: f.child(side) for side in ("encoder", "decoder")}

    def layers(side: Side) -> list[Layer]:
        own, decodes = sides[side], side == "decoder"
        mixer = attention(own)
        cross = CrossAttention(
            heads=mixer.heads,
            kv_heads=mixer.kv_heads,
            head_dim=mixer.head_dim,
            source="encoder",
            source_width=sides["encoder"].size("hidden_size"),
            bias=QKVO if own.flag("attention_bias") else (),
        )
        return [
            Layer(
                mixer=attention(own, causal=decodes, softcap=True, window=reach),
                cross=cross if decodes else None,
                channel=gated(own, activation="gelu", bias=False),
                norms="sandwich",
            )
            for reach in windows(own, lambda i: i % 2 == 0)
        ]

    head = LmHead(tied=f.flag("tie_word_embeddings", True))
    return Architecture(
        stacks=(
            _stack(sides["encoder"], "encoder", layers("encoder")),
            _stack(sides["decoder"], "decoder", layers("decoder"), heads=(head,)),
        )
    )


def t5gemma2(f: Fields) -> Architecture:
    """T5Gemma 2: Gemma 3's layer on both sides; the decoder's attention reads the encoder's tokens as its own, and all
    share one table (arXiv:2512.14856, section 2). Images enter the encoder."""
    f.read.update(("vocab_size", "eoi_token_index"))  # the decoder's and the encoder's say them
    encoder, decoder = f.child("encoder"), f.child("decoder")
    text, picture = encoder.child("text_config"), encoder.child("vision_config")
    if not f.flag("tie_word_embeddings", True):
        raise BadInput(f"{f.where}: tie_word_embeddings=false is not modelled for t5gemma2")

    def layers(own: Fields, side: Side) -> list[Layer]:
        decodes = side == "decoder"
        return [
            Layer(
                mixer=attention(
                    own,
                    causal=decodes,
                    qk_norm="head",
                    reads="encoder" if decodes else None,
                    window=reach if decodes or reach is None else reach // 2,
                ),
                channel=gated(own, activation="gelu", bias=False),
                norms="sandwich",
            )
            for reach in windows(own, lambda i: (i + 1) % 6 != 0)
        ]

    vision, hidden = siglip_vision(picture), text.size("hidden_size")
    assert isinstance(vision.embedding, PatchEmbedding)
    fewer = max(1, vision.embedding.patches // encoder.size("mm_tokens_per_image"))
    steps = (Pool(factor=fewer), Normalise(norm="rms"), Map(outputs=hidden, bias=False))
    tower = vision.model_copy(update={"heads": (*vision.heads, Connector(steps=steps))})
    table = TokenEmbedding(vocab=decoder.size("vocab_size"), shared_with="encoder")
    end_of_image = Learned(name="end_of_image", elements=hidden)
    return Architecture(
        stacks=(
            tower,
            _stack(text, "encoder", layers(text, "encoder"), extras=(end_of_image,)),
            _stack(decoder, "decoder", layers(decoder, "decoder"), embedding=table, heads=(LmHead(tied=True),)),
        )
    )


def _heads(f: Fields) -> dict[str, Heads]:
    classes = labels(f)
    return {
        "ForSequenceClassification": (Classifier(classes=classes),),
        "ForTokenClassification": (Classifier(classes=classes, every_token=True),),
    }


BOTH = ("ForSequenceClassification", "ForTokenClassification")

TYPES: dict[str, kinds.Type] = {
    "t5gemma": seq2seq("T5Gemma", t5gemma, *BOTH, heads=_heads),
    "t5gemma2": seq2seq("T5Gemma2", t5gemma2, *BOTH, heads=_heads, proof="parameters"),
}
