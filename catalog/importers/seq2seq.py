"""Encoder-decoders for text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from catalog.channels import Channel, Dense, Experts
from catalog.errors import BadInput
from catalog.extras import Extra
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.sides import bart_heads, seq2seq
from catalog.mixers import Attention, CrossAttention, Projection
from catalog.spec import Architecture, Head, Layer, LmHead, Stack, TokenEmbedding

QKVO: tuple[Projection, ...] = ("q", "k", "v", "o")

ChannelOf = Callable[[Literal["encoder", "decoder"], int], Channel]
"""The feed-forward of one side's i-th layer."""


def t5(f: Fields) -> Architecture:
    """T5, mT5: relative positions once per stack, RMS norms, no biases; head width need not divide the hidden width."""
    return _t5(f, _t5_channel(f), own_buckets=False)


def umt5(f: Fields) -> Architecture:
    """UMT5: T5 with relative positions of each layer's own."""
    return _t5(f, _t5_channel(f), own_buckets=True)


def switch(f: Fields) -> Architecture:
    """Switch Transformer: T5 with a mixture of experts, one per token, in every n-th layer.

    An expert drops tokens beyond its capacity; counts are for none dropped.
    """
    width, experts, act = f.size("d_ff"), f.size("num_experts"), str(f.value("dense_act_fn", default="relu"))
    moe = Experts(experts=experts, top_k=1, width=width, gated=False, router_bias=f.flag("router_bias"), activation=act)
    dense = Dense(width=width, gated=False, activation=act)
    encoder = f.size("num_layers")
    depths = {"encoder": encoder, "decoder": f.size("num_decoder_layers", default=encoder)}
    steps = {}
    for side, depth in depths.items():
        sparse = f.size(f"num_sparse_{side}_layers", zero=True)
        if sparse > depth:
            raise BadInput(f"{f.where}: num_sparse_{side}_layers={sparse} is more than the {depth} layers")
        steps[side] = depth // sparse if sparse else depth
        f.read.add(f"{side}_sparse_step")  # what the class derives from the number of sparse layers

    def channel(side: Literal["encoder", "decoder"], i: int) -> Channel:
        return moe if steps[side] == 1 or i % steps[side] == 1 else dense

    return _t5(f, channel, own_buckets=False)


def _t5_channel(f: Fields) -> ChannelOf:
    act = str(f.value("feed_forward_proj", default="relu"))
    channel = Dense(width=f.size("d_ff"), gated=act.startswith("gated-"), activation=act.removeprefix("gated-"))
    return lambda side, i: channel


def _t5(f: Fields, channel: ChannelOf, *, own_buckets: bool) -> Architecture:
    hidden, heads, d = f.size("d_model"), f.size("num_heads"), f.size("d_kv", default=64)
    buckets = f.size("relative_attention_num_buckets", default=32)
    encoder_layers = f.size("num_layers")
    decoder_layers = f.size("num_decoder_layers", default=encoder_layers)
    vocab = f.size("vocab_size")
    cross = CrossAttention(heads=heads, head_dim=d, source="encoder")

    def layer(side: Literal["encoder", "decoder"], i: int) -> Layer:
        decodes = side == "decoder"
        mixer = Attention(
            heads=heads,
            kv_heads=heads,
            head_dim=d,
            causal=decodes,
            position="relative",
            relative_buckets=buckets if own_buckets else 0,
        )
        return Layer(mixer=mixer, cross=cross if decodes else None, channel=channel(side, i))

    common: dict[str, Any] = {"hidden": hidden, "norm": "rms", "relative_buckets": 0 if own_buckets else buckets}
    encoder = Stack(
        name="encoder", role="encoder", embedding=TokenEmbedding(vocab=vocab),
        groups=fold([layer("encoder", i) for i in range(encoder_layers)]), **common,
    )  # fmt: skip
    decoder = Stack(
        name="decoder", role="decoder", embedding=TokenEmbedding(vocab=vocab, shared_with="encoder"),
        groups=fold([layer("decoder", i) for i in range(decoder_layers)]),
        heads=(LmHead(tied=f.flag("tie_word_embeddings", True)),), **common,
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))


def bart(f: Fields) -> Architecture:
    """BART: norms after each block, learned positions with an offset of two, one token table for both sides."""
    must_tie(f)
    return bart_like(
        f, bart_channel(f), norms="post", positions=f.size("max_position_embeddings") + 2, embedding_norm=True
    )


def mbart(f: Fields) -> Architecture:
    """mBART: BART with norms before each block and one more at the end of each side."""
    must_tie(f)
    return bart_like(
        f, bart_channel(f), norms="pre", positions=f.size("max_position_embeddings") + 2, embedding_norm=True
    )


def pegasus(f: Fields) -> Architecture:
    """PEGASUS: norms before each block, positions in a table of sines that the checkpoint holds."""
    must_tie(f)
    return bart_like(f, bart_channel(f), norms="pre", positions=f.size("max_position_embeddings"))


def marian(f: Fields) -> Architecture:
    """Marian (OPUS-MT): norms after each block; the two sides may have vocabularies of their own."""
    must_tie(f)
    shared = f.flag("share_encoder_decoder_embeddings", True)
    target = f.value("decoder_vocab_size")
    return bart_like(
        f, bart_channel(f), norms="post", positions=f.size("max_position_embeddings"),
        vocabs=None if shared or target is None else (f.size("vocab_size"), f.size("decoder_vocab_size")),
        share=shared,
    )  # fmt: skip


def m2m_100(f: Fields) -> Architecture:
    """M2M-100 and NLLB: norms before each block, positions computed from sines."""
    must_tie(f)
    return bart_like(f, bart_channel(f), norms="pre")


def nllb_moe(f: Fields) -> Architecture:
    """NLLB with a mixture of experts, two per token, in every n-th layer (arXiv:2207.04672, section 6.2)."""
    must_tie(f)
    dense = bart_channel(f)
    steps = {side: f.size(f"{side}_sparse_step", zero=True) for side in ("encoder", "decoder")}
    experts, bias = f.size("num_experts"), f.flag("router_bias")

    def channel(side: Literal["encoder", "decoder"], i: int) -> Channel:
        plain = dense(side, i)
        assert isinstance(plain, Dense)
        if not steps[side] or (i + 1) % steps[side]:
            return plain
        return Experts(
            experts=experts, top_k=2, width=plain.width, gated=False, bias=True, router_bias=bias,
            activation=plain.activation,
        )  # fmt: skip

    return bart_like(f, channel, norms="pre")


def must_tie(f: Fields) -> None:
    """Untied, the classes build a table per side and one for the head, which no published checkpoint has."""
    if not f.flag("tie_word_embeddings", True):
        raise BadInput(f"{f.where}: tie_word_embeddings=false is not modelled for {f.value('model_type')}")


def bart_channel(f: Fields) -> ChannelOf:
    """Two matrices with biases on each side."""
    act = str(f.value("activation_function", default="gelu"))
    channels = {
        side: Dense(width=f.size(f"{side}_ffn_dim"), gated=False, bias=True, activation=act)
        for side in ("encoder", "decoder")
    }
    return lambda side, i: channels[side]


def bart_like(
    f: Fields,
    channel: ChannelOf,
    *,
    norms: Literal["pre", "post"],
    positions: int | tuple[int, int] = 0,
    embedding_norm: bool = False,
    vocabs: tuple[int, int] | None = None,
    share: bool = True,
    tied: bool = True,
    bias: tuple[Projection, ...] = QKVO,
    changed: Callable[[Literal["encoder", "decoder"], int, Layer], Layer] | None = None,
    extras: dict[str, tuple[Extra, ...]] | None = None,
) -> Architecture:
    """An encoder-decoder of BART's grammar.

    Args:
        f: The configuration.
        channel: The feed-forward of each layer.
        norms: Where they stand; before each block also means one more at the end of each side.
        positions: Rows of the tables of positions, of both sides or of each.
        embedding_norm: Whether the embedding is normed.
        vocabs: Source and target vocabulary where they have names of their own.
        share: Whether both sides read one table of tokens.
        tied: Whether the logits read the decoder's.
        bias: Which projections of attention have one.
        changed: What is unusual about a side's i-th layer.
        extras: What else a side holds.
    """
    hidden = f.size("d_model", "hidden_size")
    vocab, target = vocabs or (f.size("vocab_size"), f.size("vocab_size"))
    rows = (positions, positions) if isinstance(positions, int) else positions

    def layer(side: Literal["encoder", "decoder"], i: int) -> Layer:
        heads, decodes = f.size(f"{side}_attention_heads", f"num_{side}_attention_heads"), side == "decoder"
        if hidden % heads:
            raise BadInput(f"{f.where}: d_model={hidden} is not a multiple of {side}_attention_heads={heads}")
        d = hidden // heads
        usual = Layer(
            mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, causal=decodes, bias=bias, position="absolute"),
            cross=CrossAttention(heads=heads, head_dim=d, source="encoder", bias=bias) if decodes else None,
            channel=channel(side, i),
            norms=norms,
        )
        return changed(side, i, usual) if changed else usual

    def stack(side: Literal["encoder", "decoder"], embedding: TokenEmbedding, heads: tuple[Head, ...]) -> Stack:
        depth = f.size(f"{side}_layers", f"num_{side}_layers")
        return Stack(
            name=side, role=side, hidden=hidden, norm="layer", final_norm=norms == "pre", embedding=embedding,
            groups=fold([layer(side, i) for i in range(depth)]), heads=heads, extras=(extras or {}).get(side, ()),
        )  # fmt: skip

    source = TokenEmbedding(vocab=vocab, positions=rows[0], norm=embedding_norm)
    shared = "encoder" if share else None
    aim = TokenEmbedding(vocab=target, positions=rows[1], norm=embedding_norm, shared_with=shared)
    return Architecture(stacks=(stack("encoder", source, ()), stack("decoder", aim, (LmHead(tied=tied),))))


T5 = ("EncoderModel", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
BART = ("ForSequenceClassification", "ForQuestionAnswering", "ForCausalLM")

TYPES: dict[str, kinds.Type] = {
    "bart": seq2seq("Bart", bart, *BART, heads=lambda f: bart_heads(f, 3)),
    "m2m_100": seq2seq("M2M100", m2m_100),
    "marian": seq2seq("Marian", marian, "ForCausalLM", generates="MTModel"),
    "mbart": seq2seq("MBart", mbart, *BART),
    "mt5": seq2seq("MT5", t5, *T5),
    "nllb-moe": seq2seq("NllbMoe", nllb_moe),
    "pegasus": seq2seq("Pegasus", pegasus, "ForCausalLM"),
    "switch_transformers": seq2seq("SwitchTransformers", switch, "EncoderModel"),
    "t5": seq2seq("T5", t5, *T5),
    "umt5": seq2seq("UMT5", umt5, *T5),
}
