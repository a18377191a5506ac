"""Encoders and encoder-decoders for text."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Classifier, Group, Head, Layer, LmHead, Pooler, Stack, TokenEmbedding

QKVO = ("q", "k", "v", "o")


def bert(f: Fields, heads: tuple[Head, ...]) -> Architecture:
    """BERT, RoBERTa, XLM-R: norms after each block, learned positions, biases everywhere."""
    hidden, n_heads = f.size("hidden_size"), f.size("num_attention_heads")
    if hidden % n_heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={n_heads}")
    layer = Layer(
        mixer=Attention(
            heads=n_heads, kv_heads=n_heads, head_dim=hidden // n_heads, causal=False, bias=QKVO, position="absolute"
        ),
        channel=Dense(width=f.size("intermediate_size"), gated=False, bias=True, activation="gelu"),
        norms="post",
    )
    embedding = TokenEmbedding(
        vocab=f.size("vocab_size"),
        positions=f.size("max_position_embeddings"),
        types=f.size("type_vocab_size", zero=True),
        norm=True,
    )
    encoder = Stack(
        name="encoder", role="encoder", hidden=hidden, norm="layer", embedding=embedding,
        groups=(Group(repeat=f.size("num_hidden_layers"), layers=(layer,)),), final_norm=False, heads=heads,
    )  # fmt: skip
    return Architecture(stacks=(encoder,))


MASKED_LM = LmHead(tied=True, bias=True, transform="dense", every_token=True)
BERT_HEADS: dict[str, tuple[Head, ...]] = {
    "Model": (Pooler(),),
    "ForPreTraining": (MASKED_LM, Pooler(), Classifier(classes=2)),
    "ForMaskedLM": (MASKED_LM,),
}
"""What stands on the encoder, by the end of the class name."""


def modernbert(f: Fields, heads: tuple[Head, ...]) -> Architecture:
    """ModernBERT: gated, without biases, full attention in every third layer and a narrow band in the others."""
    hidden, n_heads = f.size("hidden_size"), f.size("num_attention_heads")
    every, reach = f.size("global_attn_every_n_layers", default=3), f.size("local_attention", default=128) // 2
    n = f.size("num_hidden_layers")
    types = f.names("layer_types", n)
    local = [t == "sliding_attention" for t in types] if types else [i % every != 0 for i in range(n)]
    for key in ("attention_bias", "mlp_bias", "norm_bias"):
        if f.flag(key):
            raise BadInput(f"{f.where}: {key}=true is not modelled for ModernBERT")

    def layer(i: int) -> Layer:
        mixer = Attention(
            heads=n_heads,
            kv_heads=n_heads,
            head_dim=hidden // n_heads,
            causal=False,
            window=reach if local[i] else None,
        )
        channel = Dense(width=f.size("intermediate_size"), gated=True, activation="gelu")
        return Layer(mixer=mixer, channel=channel, norms="channel-only" if i == 0 else "pre")

    encoder = Stack(
        name="encoder", role="encoder", hidden=hidden, norm="layer-no-bias",
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), norm=True),
        groups=fold([layer(i) for i in range(n)]), heads=heads,
    )  # fmt: skip
    return Architecture(stacks=(encoder,))


MODERNBERT_HEADS: dict[str, tuple[Head, ...]] = {
    "Model": (),
    "ForMaskedLM": (LmHead(tied=True, bias=True, transform="dense", transform_bias=False, every_token=True),),
}


def t5(f: Fields) -> Architecture:
    """T5: relative positions once per stack, RMS norms, no biases; head width need not divide the hidden width."""
    hidden, heads, d = f.size("d_model"), f.size("num_heads"), f.size("d_kv", default=64)
    act = f.value("feed_forward_proj", default="relu")
    channel = Dense(
        width=f.size("d_ff"), gated=str(act).startswith("gated-"), activation=str(act).removeprefix("gated-")
    )
    buckets = f.size("relative_attention_num_buckets", default=32)
    encoder_layers = f.size("num_layers")
    decoder_layers = f.size("num_decoder_layers", default=encoder_layers)

    def self_attention(causal: bool) -> Attention:
        return Attention(heads=heads, kv_heads=heads, head_dim=d, causal=causal, position="relative")

    common: dict[str, Any] = {"hidden": hidden, "norm": "rms", "relative_buckets": buckets}
    vocab = f.size("vocab_size")
    encoder = Stack(
        name="encoder", role="encoder", embedding=TokenEmbedding(vocab=vocab),
        groups=(Group(repeat=encoder_layers, layers=(Layer(mixer=self_attention(False), channel=channel),)),), **common,
    )  # fmt: skip
    cross = CrossAttention(heads=heads, head_dim=d, source="encoder")
    decoder = Stack(
        name="decoder", role="decoder", embedding=TokenEmbedding(vocab=vocab, shared_with="encoder"),
        groups=(
            Group(
                repeat=decoder_layers, layers=(Layer(mixer=self_attention(True), cross=cross, channel=channel),)
            ),
        ),
        heads=(LmHead(tied=f.flag("tie_word_embeddings", True)),), **common,
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))


def bart(f: Fields) -> Architecture:
    """BART: norms after each block, learned positions with an offset of two, one token table for both sides."""
    hidden = f.size("d_model")
    rows = f.size("max_position_embeddings") + 2
    vocab = f.size("vocab_size")

    def layer(side: str, causal: bool) -> Layer:
        heads = f.size(f"{side}_attention_heads")
        if hidden % heads:
            raise BadInput(f"{f.where}: d_model={hidden} is not a multiple of {side}_attention_heads={heads}")
        d = hidden // heads
        return Layer(
            mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, causal=causal, bias=QKVO, position="absolute"),
            cross=CrossAttention(heads=heads, head_dim=d, source="encoder", bias=QKVO) if causal else None,
            channel=Dense(width=f.size(f"{side}_ffn_dim"), gated=False, bias=True, activation="gelu"),
            norms="post",
        )

    common: dict[str, Any] = {"hidden": hidden, "norm": "layer", "final_norm": False}
    encoder = Stack(
        name="encoder", role="encoder", embedding=TokenEmbedding(vocab=vocab, positions=rows, norm=True),
        groups=(Group(repeat=f.size("encoder_layers"), layers=(layer("encoder", False),)),), **common,
    )  # fmt: skip
    decoder = Stack(
        name="decoder", role="decoder",
        embedding=TokenEmbedding(vocab=vocab, positions=rows, norm=True, shared_with="encoder"),
        groups=(Group(repeat=f.size("decoder_layers"), layers=(layer("decoder", True),)),),
        heads=(LmHead(tied=True),), **common,
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))
