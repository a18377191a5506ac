"""Encoder-decoders put together from two configurations, one of which is made to read the other."""

from __future__ import annotations

from catalog.errors import BadInput
from catalog.extras import Linear
from catalog.importers import bert_like, encoders, kinds
from catalog.importers.fields import Fields
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Group, Layer, Stack

SIDES = {
    name: entry
    for name, entry in {**encoders.TYPES, **bert_like.TYPES}.items()
    if name in ("bert", "bert-generation", "camembert", "roberta", "xlm-roberta")
}
"""Types whose layers can hold cross-attention, all of BERT's order of norms."""

ENDINGS = {"bert": ("Model", "LMHeadModel"), "bert-generation": ("Encoder", "Decoder")}
"""How classes are called as encoder and as decoder, where not ``Model`` and ``ForCausalLM``."""


def encoder_decoder(f: Fields) -> Architecture:
    """A BERT that reads and a BERT that writes (arXiv:1907.12461, section 2).

    Between different widths stands a linear map, needed once per text; the class repeats it in each step of decoding,
    which is not counted.
    """
    encoder = _side(f, "encoder", 0)
    decoder = _side(f, "decoder", 1)
    groups = tuple(
        Group(repeat=group.repeat, layers=tuple(_reading(layer, decoder.hidden) for layer in group.layers))
        for group in decoder.groups
    )
    heads = encoder.heads
    if encoder.hidden != decoder.hidden:
        if f.child("decoder").value("cross_attention_hidden_size") is not None:
            raise BadInput(f"{f.where}, decoder: cross_attention_hidden_size is not modelled")
        heads = (*heads, Linear(name="to_decoder", inputs=encoder.hidden, outputs=decoder.hidden, bias=True))
    return Architecture(
        stacks=(encoder.model_copy(update={"heads": heads}), decoder.model_copy(update={"groups": groups}))
    )


def _side(f: Fields, key: str, which: int) -> Stack:
    child = f.child(key)
    kind = child.model_type or str(child.value("model_type", default="bert"))
    if kind not in SIDES:
        raise BadInput(f"{f.where}, {key}: model_type {kind!r} is not modelled here; known: {', '.join(SIDES)}")
    role = {"is_decoder": key == "decoder", "add_cross_attention": False}
    own = child.changed(role)
    entry = SIDES[kind]
    prefix = next(p for p in ("BertGeneration", "Bert", "Camembert", "XLMRoberta", "Roberta") if _is(entry, p))
    ending = ENDINGS.get(kind, ("Model", "ForCausalLM"))[which]
    return entry.read(own, prefix + ending).stacks[0]


def _is(entry: kinds.Type, prefix: str) -> bool:
    return entry.class_name.startswith(prefix)


def _reading(layer: Layer, width: int) -> Layer:
    mixer = layer.mixer
    assert isinstance(mixer, Attention)
    cross = CrossAttention(
        heads=mixer.heads, head_dim=mixer.head_dim, source="encoder", source_width=width, bias=mixer.bias
    )
    return layer.model_copy(update={"cross": cross})


TYPES: dict[str, kinds.Type] = {
    "encoder-decoder": kinds.only("EncoderDecoderModel", "encoder-decoder", encoder_decoder),
}
