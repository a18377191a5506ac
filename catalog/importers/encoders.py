"""Encoders for text, and the heads that stand on them."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import Heads, labels
from catalog.mixers import Attention, Disentangled
from catalog.spec import (
    Architecture,
    Classifier,
    Group,
    Layer,
    LmHead,
    Pooler,
    SideConvolution,
    Stack,
    TokenEmbedding,
)

QKVO = ("q", "k", "v", "o")
MASKED_LM = LmHead(tied=True, bias=True, transform="dense", every_token=True)


def tuned_heads(f: Fields) -> dict[str, Heads]:
    """Heads of fine-tuned checkpoints: a dense layer and classes on the first token, or classes on each."""
    classes = labels(f)
    each = (Classifier(classes=classes, every_token=True),)
    return {
        "ForSequenceClassification": (Pooler(), Classifier(classes=classes)),
        "ForTokenClassification": each,
        "ForQuestionAnswering": each,
    }


def bert_heads(f: Fields) -> dict[str, Heads]:
    """BERT, RoBERTa, XLM-R: what stands on the encoder, by the end of the class name."""
    return {
        "Model": (Pooler(),),
        "ForPreTraining": (MASKED_LM, Pooler(), Classifier(classes=2)),
        "ForMaskedLM": (MASKED_LM,),
        **tuned_heads(f),
    }


def albert_heads(f: Fields) -> dict[str, Heads]:
    """ALBERT: the order of two sentences is told by as many classes as the configuration has labels."""
    return bert_heads(f) | {"ForPreTraining": (MASKED_LM, Pooler(), Classifier(classes=labels(f)))}


def bare_heads(f: Fields) -> dict[str, Heads]:
    """DistilBERT and DeBERTa: the model itself ends without a pooler."""
    return {"Model": (), "ForMaskedLM": (MASKED_LM,), **tuned_heads(f)}


def electra_heads(f: Fields) -> dict[str, Heads]:
    """ELECTRA: pre-training tells for each token whether it was replaced."""
    detector = (Pooler(every_token=True), Classifier(classes=1, every_token=True))
    return bare_heads(f) | {"ForPreTraining": detector}


def nomic_heads(f: Fields) -> dict[str, Heads]:
    """Nomic: as DistilBERT, without a question-answering class."""
    return {name: heads for name, heads in bare_heads(f).items() if name != "ForQuestionAnswering"}


def modernbert_heads(f: Fields) -> dict[str, Heads]:
    """ModernBERT: a dense layer and a norm before every head, on what the head reads."""
    bias, classes = f.flag("classifier_bias"), labels(f)
    logits = LmHead(
        tied=True, bias=f.flag("decoder_bias", True), transform="dense", transform_bias=bias, every_token=True
    )
    each = (Pooler(every_token=True, bias=bias, norm=True), Classifier(classes=classes, every_token=True))
    return {
        "Model": (),
        "ForMaskedLM": (logits,),
        "ForSequenceClassification": (Pooler(bias=bias, norm=True), Classifier(classes=classes)),
        "ForTokenClassification": each,
        "ForQuestionAnswering": each,
    }


def _heads_of(f: Fields, hidden: int, *keys: str) -> tuple[int, int]:
    """Number of heads and width of one."""
    heads = f.size(*keys)
    if hidden % heads:
        raise BadInput(f"{f.where}: {keys[0]}={heads} does not divide the hidden width {hidden}")
    return heads, hidden // heads


def _post_norm_layer(heads: int, d: int, width: int, **attention: Any) -> Layer:
    """BERT's layer: bidirectional attention and a dense block, biases everywhere, a norm after each."""
    details = {"position": "absolute", **attention}
    return Layer(
        mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, causal=False, bias=QKVO, **details),
        channel=Dense(width=width, gated=False, bias=True, activation="gelu"),
        norms="post",
    )


def _encoder(
    f: Fields, hidden: int, embedding: TokenEmbedding, groups: tuple[Group, ...], heads: Heads, **rest: Any
) -> Architecture:
    stack = {"norm": "layer", "final_norm": False, **rest}
    return Architecture(
        stacks=(
            Stack(
                name="encoder", role="encoder", hidden=hidden, embedding=embedding, groups=groups, heads=heads, **stack
            ),
        )
    )


def _bert_embedding(f: Fields, width: int | None = None) -> TokenEmbedding:
    return TokenEmbedding(
        vocab=f.size("vocab_size"),
        positions=f.size("max_position_embeddings"),
        types=f.size("type_vocab_size", zero=True),
        norm=True,
        width=width,
    )


def bert(f: Fields, heads: Heads) -> Architecture:
    """BERT, RoBERTa, XLM-R: norms after each block, learned positions, biases everywhere."""
    hidden = f.size("hidden_size")
    layer = _post_norm_layer(*_heads_of(f, hidden, "num_attention_heads"), f.size("intermediate_size"))
    return _encoder(f, hidden, _bert_embedding(f), (Group(repeat=f.size("num_hidden_layers"), layers=(layer,)),), heads)


def electra(f: Fields, heads: Heads) -> Architecture:
    """ELECTRA: BERT whose tables may be narrower than its layers."""
    hidden, width = f.size("hidden_size"), f.size("embedding_size")
    layer = _post_norm_layer(*_heads_of(f, hidden, "num_attention_heads"), f.size("intermediate_size"))
    groups = (Group(repeat=f.size("num_hidden_layers"), layers=(layer,)),)
    return _encoder(f, hidden, _bert_embedding(f, width if width != hidden else None), groups, heads)


def albert(f: Fields, heads: Heads) -> Architecture:
    """ALBERT: narrow tables, and few layers executed many times (arXiv:1909.11942, section 3.1)."""
    hidden, n = f.size("hidden_size"), f.size("num_hidden_layers")
    layer = _post_norm_layer(*_heads_of(f, hidden, "num_attention_heads"), f.size("intermediate_size"))
    kinds, inner = f.size("num_hidden_groups"), f.size("inner_group_num")
    if kinds > n:
        raise BadInput(f"{f.where}: num_hidden_groups={kinds} is more than num_hidden_layers={n}")
    runs = [int(i / (n / kinds)) for i in range(n)]
    groups = tuple(Group(repeat=runs.count(kind), shared=True, layers=(layer,) * inner) for kind in range(kinds))
    return _encoder(f, hidden, _bert_embedding(f, f.size("embedding_size")), groups, heads)


def distilbert(f: Fields, heads: Heads) -> Architecture:
    """DistilBERT: BERT without segments, with names of its own."""
    hidden = f.size("dim", "hidden_size")
    layer = _post_norm_layer(*_heads_of(f, hidden, "n_heads", "num_attention_heads"), f.size("hidden_dim"))
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings"), norm=True)
    groups = (Group(repeat=f.size("n_layers", "num_hidden_layers"), layers=(layer,)),)
    return _encoder(f, hidden, embedding, groups, heads)


def deberta_v2(f: Fields, heads: Heads) -> Architecture:
    """DeBERTa-v2 and v3: content and relative position attend to each other; v2 adds one convolution."""
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
        shared=f.flag("share_att_key"),
    )
    layer = _post_norm_layer(
        *_heads_of(f, hidden, "num_attention_heads"),
        f.size("intermediate_size"),
        position="relative" if relative else "absolute",
        disentangled=mixer if relative else None,
    )
    kernel = f.size("conv_kernel_size", default=0, zero=True)
    side = SideConvolution(kernel=kernel, groups=f.size("conv_groups", default=1)) if kernel else None
    first = layer.model_copy(update={"convolution": side})
    embedding = TokenEmbedding(
        vocab=f.size("vocab_size"),
        positions=f.size("max_position_embeddings") if f.flag("position_biased_input", True) else 0,
        types=f.size("type_vocab_size", zero=True),
        norm=True,
    )
    return _encoder(
        f, hidden, embedding, fold([first] + [layer] * (f.size("num_hidden_layers") - 1)), heads,
        relative_rows=2 * span if relative else 0,
        relative_norm="layer_norm" in str(f.value("norm_rel_ebd", default="none")).lower(),
    )  # fmt: skip


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
    return _encoder(f, hidden, embedding, (Group(repeat=f.size("num_hidden_layers"), layers=(layer,)),), heads)


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
    return _encoder(f, hidden, embedding, groups, heads, norm="layer-no-bias", final_norm=True)


TYPES: dict[str, kinds.Type] = {
    "albert": kinds.masked("Albert", "ForPreTraining", albert, albert_heads),
    "bert": kinds.masked("Bert", "ForPreTraining", bert, bert_heads),
    "deberta-v2": kinds.masked("DebertaV2", "Model", deberta_v2, bare_heads),
    "distilbert": kinds.masked("DistilBert", "ForMaskedLM", distilbert, bare_heads),
    "electra": kinds.masked("Electra", "ForPreTraining", electra, electra_heads),
    "modernbert": kinds.masked("ModernBert", "ForMaskedLM", modernbert, modernbert_heads),
    "nomic_bert": kinds.masked("NomicBert", "Model", nomic, nomic_heads),
    "roberta": kinds.masked("Roberta", "ForMaskedLM", bert, bert_heads),
    "xlm-roberta": kinds.masked("XLMRoberta", "ForMaskedLM", bert, bert_heads),
}
