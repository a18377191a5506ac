"""Encoders made small and fast: projections in bottlenecks, groups or convolutions, so attention stands bare."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.ends import Classifier, LmHead, Pooler
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import kinds
from catalog.importers.encoder_heads import convbert_heads, pooled_heads, usual
from catalog.importers.encoders import bert_embedding, encoder, equal, heads_of
from catalog.importers.fields import Fields
from catalog.importers.kinds import Heads, labels
from catalog.mixers import BareAttention
from catalog.spec import Architecture, Layer


def _norm(name: str, width: int) -> Learned:
    return Learned(name=name, elements=2 * width)


def _map(name: str, inputs: int, outputs: int, **rest: Any) -> Linear:
    return Linear(name=name, inputs=inputs, outputs=outputs, bias=rest.pop("bias", True), **rest)


def convbert(f: Fields, heads: Heads) -> Architecture:
    """ConvBERT: half of the heads attend, the other half mix neighbours (arXiv:2008.02496, section 3)."""
    hidden, ratio, count = f.size("hidden_size"), f.size("head_ratio"), f.size("num_attention_heads")
    kernel, groups, width = f.size("conv_kernel_size"), f.size("num_groups"), f.size("intermediate_size")
    n = max(1, count // ratio)
    if hidden % n or hidden // n % 2:
        raise BadInput(f"{f.where}: hidden_size={hidden} does not divide evenly into twice {n} heads")
    d = hidden // n // 2
    inner = n * d
    extras: list[Extra] = [_map(f"attention.{name}", hidden, inner) for name in ("q", "k", "v", "conv_value")]
    extras += [
        _map("attention.conv.depthwise", kernel, hidden, bias=False),
        _map("attention.conv.pointwise", hidden, inner),
        _map("attention.conv.kernel", inner, n * kernel),
        _map("attention.o", hidden, hidden),
    ]
    channel = Dense(width=width, gated=False, bias=True, activation="gelu") if groups == 1 else None
    if channel is None:
        extras += [_grouped("channel.up", hidden, width, groups), _grouped("channel.down", width, hidden, groups)]
        extras.append(_norm("channel.norm", hidden))
    mixer = BareAttention(heads=n, head_dim=d, kernel=kernel)
    layer = Layer(mixer=mixer, channel=channel, norms="post", extras=tuple(extras))
    narrow = f.size("embedding_size")
    embedding = bert_embedding(f, narrow if narrow != hidden else None)
    return encoder(f, hidden, embedding, equal(f, layer), heads)


def _grouped(name: str, inputs: int, outputs: int, groups: int, **rest: Any) -> Linear:
    """A map in groups: each output reads its group's inputs."""
    return _map(name, inputs // groups, outputs, **rest)


def squeezebert(f: Fields, heads: Heads) -> Architecture:
    """SqueezeBERT: BERT whose maps are grouped convolutions over single tokens (arXiv:2006.11316, section 3.1)."""
    hidden, width = f.size("hidden_size"), f.size("intermediate_size")
    if f.size("embedding_size", default=hidden) != hidden:
        raise BadInput(f"{f.where}: embedding_size other than hidden_size is not modelled for SqueezeBERT")
    count, d = heads_of(f, hidden, "num_attention_heads")
    extras = [_grouped(f"attention.{p}", hidden, hidden, f.size(f"{p}_groups")) for p in "qkv"]
    extras += [
        _grouped("attention.o", hidden, hidden, f.size("post_attention_groups")),
        _grouped("channel.up", hidden, width, f.size("intermediate_groups")),
        _grouped("channel.down", width, hidden, f.size("output_groups", default=4)),
    ]
    layer = Layer(
        mixer=BareAttention(heads=count, head_dim=d), norms="post", extras=(*extras, _norm("channel.norm", hidden))
    )
    return encoder(f, hidden, bert_embedding(f), equal(f, layer), heads)


def squeezebert_heads(f: Fields) -> dict[str, Heads]:
    """SqueezeBERT: every class holds the pooler; sentences are not told apart in pairs."""
    known = pooled_heads(f)
    return {name: known[name] for name in usual(f)}


def mobilebert(f: Fields, heads: Heads) -> Architecture:
    """MobileBERT: a narrow BERT inside wide layers, with several feed-forwards each (arXiv:2004.02984, section 3)."""
    hidden, narrow, vocab_width = f.size("hidden_size"), f.size("hidden_size"), f.size("embedding_size")
    width, depth = f.size("intermediate_size"), f.size("num_feedforward_networks")
    f.read.update(("classifier_activation", "normalization_type", "true_hidden_size"))
    extras: list[Extra] = []
    values = hidden
    if f.flag("use_bottleneck", True):
        narrow = f.size("intra_bottleneck_size")
        whole, shared = f.flag("use_bottleneck_attention"), f.flag("key_query_shared_bottleneck", True)
        if not whole and not shared:
            raise BadInput(f"{f.where}: use_bottleneck needs a bottleneck for queries, and neither flag gives one")
        values = narrow if whole else hidden
        for name in ("input", "attention") if shared else ("input",):
            held = _idle if whole and name == "attention" else _map
            extras.append(held(f"bottleneck.{name}", hidden, narrow))
            extras.append(_norm(f"bottleneck.{name}.norm", narrow))
        extras += [_map("bottleneck.output", narrow, hidden), _norm("channel.norm", narrow)]
    count, d = heads_of(f, narrow, "num_attention_heads")
    extras += [_map("attention.q", narrow, narrow), _map("attention.k", narrow, narrow)]
    extras += [_map("attention.v", values, narrow), _map("attention.o", narrow, narrow)]
    extras.append(_norm("attention.norm", narrow))
    for i in range(depth):
        extras += [_map(f"channel.{i}.up", narrow, width), _map(f"channel.{i}.down", width, narrow)]
        if i:
            extras.append(_norm(f"channel.{i}.norm", narrow))
    layer = Layer(mixer=BareAttention(heads=count, head_dim=d), norms="post", extras=tuple(extras))
    tables = [
        Learned(name=name, elements=f.size(key) * hidden, table=True)
        for name, key in (("positions", "max_position_embeddings"), ("types", "type_vocab_size"))
    ]
    trigram = f.flag("trigram_input", True)
    runs = trigram or vocab_width != hidden
    start: list[Extra] = [*tables, _norm("embedding.norm", hidden)]
    if trigram:
        start.append(_map("embedding.neighbours", 2 * vocab_width, hidden, bias=False))
    elif not runs:
        start.append(_idle("embedding", hidden, hidden))
    embedding = bert_embedding(f, vocab_width if runs else None, positions=0, types=0, norm=False)
    return encoder(f, hidden, embedding, equal(f, layer), heads, extras=tuple(start))


def _idle(name: str, inputs: int, outputs: int) -> Learned:
    """A map that the class holds and does not run."""
    return Learned(name=f"{name}.idle", elements=inputs * outputs + outputs)


def mobilebert_heads(f: Fields) -> dict[str, Heads]:
    """MobileBERT: logits from the narrow table and a wide one of their own; the pooler may do nothing."""
    hidden, width, classes = f.size("hidden_size"), f.size("embedding_size"), labels(f)
    tied, vocab = f.flag("tie_word_embeddings", True), f.size("vocab_size")
    pooler: Heads = (Pooler(),) if f.flag("classifier_activation", True) else ()
    logits: list[Any] = [
        Pooler(every_token=True, norm=True),
        LmHead(tied=tied, bias=True, every_token=True),
    ]
    if hidden > width:
        logits.append(_map("head.rest", hidden - width, vocab, bias=False))
    if not tied:
        logits.append(Learned(name="head.idle_bias", elements=vocab))
    pair: Heads = (*pooler, Classifier(classes=2))
    return usual(f, model=pooler) | {
        "ForMaskedLM": tuple(logits),
        "ForSequenceClassification": (*pooler, Classifier(classes=classes)),
        "ForMultipleChoice": (*pooler, Classifier(classes=1)),
        "ForPreTraining": (*logits, *pair),
        "ForNextSentencePrediction": pair,
    }


TYPES: dict[str, kinds.Type] = {
    "convbert": kinds.masked("ConvBert", "ForMaskedLM", convbert, convbert_heads),
    "mobilebert": kinds.masked("MobileBert", "ForPreTraining", mobilebert, mobilebert_heads),
    "squeezebert": kinds.masked("SqueezeBert", "ForMaskedLM", squeezebert, squeezebert_heads),
}
