"""Encoders for text, and what all importers of encoders use."""

from __future__ import annotations

from typing import Any, Literal

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.encoder_heads import (
    albert_heads,
    bert_heads,
    deberta_heads,
    deberta_v2_heads,
    electra_heads,
    modernbert_heads,
    nomic_heads,
    roberta_heads,
    single_heads,
)
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import Heads
from catalog.mixers import Attention, Disentangled, Projection
from catalog.spec import (
    Architecture,
    Group,
    Layer,
    SideConvolution,
    Stack,
    TokenEmbedding,
)

QKVO: tuple[Projection, ...] = ("q", "k", "v", "o")


def heads_of(f: Fields, hidden: int, *keys: str) -> tuple[int, int]:
    """Number of heads and width of one."""
    heads = f.size(*keys)
    if hidden % heads:
        raise BadInput(f"{f.where}: {keys[0]}={heads} does not divide the hidden width {hidden}")
    return heads, hidden // heads


def post_norm_layer(heads: int, d: int, width: int, **attention: Any) -> Layer:
    """BERT's layer: bidirectional attention and a dense block, biases everywhere, a norm after each."""
    details = {"position": "absolute", "causal": False, "bias": QKVO, **attention}
    return Layer(
        mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, **details),
        channel=Dense(width=width, gated=False, bias=True, activation="gelu"),
        norms="post",
    )


def bert_layer(f: Fields, *, decodes: bool = False, **attention: Any) -> Layer:
    """BERT's layer under its usual names."""
    heads = heads_of(f, f.size("hidden_size"), "num_attention_heads")
    return post_norm_layer(*heads, f.size("intermediate_size"), causal=decodes, **attention)


def encoder(
    f: Fields,
    hidden: int,
    embedding: TokenEmbedding,
    groups: tuple[Group, ...],
    heads: Heads,
    *,
    decodes: bool = False,
    **rest: Any,
) -> Architecture:
    """A model of one text encoder; ``decodes``: its layers look back only and keep a cache."""
    if decodes and f.flag("add_cross_attention"):
        raise BadInput(f"{f.where}: add_cross_attention=true needs an encoder; import the 'encoder-decoder' around it")
    role: Literal["decoder", "encoder"] = "decoder" if decodes else "encoder"
    stack = {"norm": "layer", "final_norm": False, **rest}
    return Architecture(
        stacks=(Stack(name=role, role=role, hidden=hidden, embedding=embedding, groups=groups, heads=heads, **stack),)
    )


def equal(f: Fields, layer: Layer) -> tuple[Group, ...]:
    """The same layer throughout."""
    return (Group(repeat=f.size("num_hidden_layers"), layers=(layer,)),)


def bert_embedding(f: Fields, width: int | None = None, **overrides: Any) -> TokenEmbedding:
    """Tokens, positions and segments, summed and normed."""
    fields: dict[str, Any] = {
        "vocab": f.size("vocab_size"),
        "positions": f.size("max_position_embeddings"),
        "types": f.size("type_vocab_size", default=0, zero=True) if "types" not in overrides else 0,
        "norm": True,
        "width": width,
    }
    return TokenEmbedding(**{**fields, **overrides})


def bert(f: Fields, heads: Heads) -> Architecture:
    """BERT, RoBERTa, XLM-R: norms after each block, learned positions, biases everywhere."""
    decodes = f.flag("is_decoder")
    groups = equal(f, bert_layer(f, decodes=decodes))
    return encoder(f, f.size("hidden_size"), bert_embedding(f), groups, heads, decodes=decodes)


def electra(f: Fields, heads: Heads) -> Architecture:
    """ELECTRA: BERT whose tables may be narrower than its layers."""
    hidden, width, decodes = f.size("hidden_size"), f.size("embedding_size"), f.flag("is_decoder")
    embedding = bert_embedding(f, width if width != hidden else None)
    return encoder(f, hidden, embedding, equal(f, bert_layer(f, decodes=decodes)), heads, decodes=decodes)


def albert(f: Fields, heads: Heads) -> Architecture:
    """ALBERT: narrow tables, and few layers executed many times (arXiv:1909.11942, section 3.1)."""
    hidden, n = f.size("hidden_size"), f.size("num_hidden_layers")
    layer = post_norm_layer(*heads_of(f, hidden, "num_attention_heads"), f.size("intermediate_size"))
    kinds, inner = f.size("num_hidden_groups"), f.size("inner_group_num")
    if kinds > n:
        raise BadInput(f"{f.where}: num_hidden_groups={kinds} is more than num_hidden_layers={n}")
    runs = [int(i / (n / kinds)) for i in range(n)]
    groups = tuple(Group(repeat=runs.count(kind), shared=True, layers=(layer,) * inner) for kind in range(kinds))
    return encoder(f, hidden, bert_embedding(f, f.size("embedding_size")), groups, heads)


def distilbert(f: Fields, heads: Heads) -> Architecture:
    """DistilBERT: BERT without segments, with names of its own."""
    hidden = f.size("dim", "hidden_size")
    layer = post_norm_layer(*heads_of(f, hidden, "n_heads", "num_attention_heads"), f.size("hidden_dim"))
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings"), norm=True)
    groups = (Group(repeat=f.size("n_layers", "num_hidden_layers"), layers=(layer,)),)
    return encoder(f, hidden, embedding, groups, heads)


def deberta_v2(f: Fields, heads: Heads) -> Architecture:
    """DeBERTa-v2 and v3: content and relative position attend to each other; v2 adds one convolution."""
    return _disentangled(f, heads, shared=f.flag("share_att_key"))


def _disentangled(f: Fields, heads: Heads, bias: tuple[Projection, ...] = QKVO, **kind: bool) -> Architecture:
    hidden, span = f.size("hidden_size"), f.value("position_buckets", default=-1)
    for key in {"embedding_size", "pooler_hidden_size"} & set(f):
        if f.size(key) != hidden:
            raise BadInput(f"{f.where}: {key} other than hidden_size is not modelled for DeBERTa")
    if not isinstance(span, int) or span < 1:
        reach = f.value("max_relative_positions", default=-1)
        span = reach if isinstance(reach, int) and reach > 0 else f.size("max_position_embeddings")
    relative, ways = f.flag("relative_attention"), f.value("pos_att_type", default=())
    ways = [way.strip() for way in ways.lower().split("|")] if isinstance(ways, str) else list(ways)
    mixer = Disentangled(
        span=span,
        content_to_position="c2p" in ways,
        position_to_content="p2c" in ways,
        **kind,
    )
    layer = post_norm_layer(
        *heads_of(f, hidden, "num_attention_heads"),
        f.size("intermediate_size"),
        position="relative" if relative else "absolute",
        disentangled=mixer if relative else None,
        bias=bias,
    )
    kernel = f.size("conv_kernel_size", default=0, zero=True)
    side = SideConvolution(kernel=kernel, groups=f.size("conv_groups", default=1)) if kernel else None
    first = layer.model_copy(update={"convolution": side})
    embedding = TokenEmbedding(
        vocab=f.size("vocab_size"),
        positions=f.size("max_position_embeddings") if f.flag("position_biased_input", True) else 0,
        types=f.size("type_vocab_size", default=0, zero=True),
        norm=True,
    )
    return encoder(
        f, hidden, embedding, fold([first] + [layer] * (f.size("num_hidden_layers") - 1)), heads,
        relative_rows=2 * span if relative else 0,
        relative_norm="layer_norm" in str(f.value("norm_rel_ebd", default="none")).lower(),
    )  # fmt: skip


def deberta(f: Fields, heads: Heads) -> Architecture:
    """DeBERTa 1: content and relative position attend to each other, each by projections of its own, of which keys have
    no bias (arXiv:2006.03654, section 3.1)."""
    if f.flag("talking_head"):
        raise BadInput(f"{f.where}: talking_head=true is not modelled for DeBERTa")
    return _disentangled(f, heads, bias=("q", "v", "o"), near=True, key_bias=False)


def nomic(f: Fields, heads: Heads) -> Architecture:
    """Nomic BERT: rotary positions, gated blocks and no biases inside BERT's order of norms."""
    hidden, n_heads = f.size("hidden_size"), f.size("num_attention_heads")
    d = f.size("head_dim", default=hidden // n_heads)
    layer = Layer(
        mixer=Attention(heads=n_heads, kv_heads=n_heads, head_dim=d, causal=False),
        channel=Dense(width=f.size("intermediate_size"), activation="silu"),
        norms="post",
    )
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), types=f.size("type_vocab_size", zero=True), norm=True)
    return encoder(f, hidden, embedding, (Group(repeat=f.size("num_hidden_layers"), layers=(layer,)),), heads)


def modernbert(f: Fields, heads: Heads) -> Architecture:
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

    embedding = TokenEmbedding(vocab=f.size("vocab_size"), norm=True)
    groups = fold([layer(i) for i in range(n)])
    return encoder(f, hidden, embedding, groups, heads, norm="layer-no-bias", final_norm=True)


TYPES: dict[str, kinds.Type] = {
    "albert": kinds.masked("Albert", "ForPreTraining", albert, albert_heads),
    "bert": kinds.masked("Bert", "ForPreTraining", bert, bert_heads),
    "deberta": kinds.masked("Deberta", "Model", deberta, deberta_heads),
    "deberta-v2": kinds.masked("DebertaV2", "Model", deberta_v2, deberta_v2_heads),
    "distilbert": kinds.masked("DistilBert", "ForMaskedLM", distilbert, single_heads),
    "electra": kinds.masked("Electra", "ForPreTraining", electra, electra_heads),
    "modernbert": kinds.masked("ModernBert", "ForMaskedLM", modernbert, modernbert_heads),
    "nomic_bert": kinds.masked("NomicBert", "Model", nomic, nomic_heads),
    "roberta": kinds.masked("Roberta", "ForMaskedLM", bert, roberta_heads),
    "xlm-roberta": kinds.masked("XLMRoberta", "ForMaskedLM", bert, roberta_heads),
}
