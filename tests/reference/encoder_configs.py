"""Small random configurations of encoders that are BERT with one thing changed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Config = dict[str, Any]

ONCE = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
LM = ("ForMaskedLM",)
BERT = ("ForPreTraining", "ForMaskedLM", "Model", "ForNextSentencePrediction")


def _one(draw: st.DrawFn, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def _flags(draw: st.DrawFn, *names: str) -> Config:
    return {name: draw(st.booleans()) for name in names}


def _classed(draw: st.DrawFn, prefix: str, *endings: str) -> Config:
    """A class, and the number of labels where it is free: answers to questions have a start and an end."""
    ending = _one(draw, *endings)
    return {"architectures": [prefix + ending], **({} if "Answering" in ending else {"num_labels": _one(draw, 2, 5)})}


def _sizes(draw: st.DrawFn, model_type: str, **rest: Any) -> Config:
    heads = _one(draw, 2, 4)
    return {
        "model_type": model_type,
        "vocab_size": 97,
        "pad_token_id": 0,
        "hidden_size": heads * 12,
        "num_attention_heads": heads,
        "num_hidden_layers": _one(draw, 1, 3),
        "intermediate_size": _one(draw, 32, 50),
        "max_position_embeddings": 514,
        "type_vocab_size": _one(draw, 1, 2),
        **_flags(draw, "tie_word_embeddings"),
        **rest,
    }


@st.composite
def like_bert(draw: st.DrawFn, model_type: str, prefix: str, endings: tuple[str, ...], **rest: Any) -> Config:
    """An encoder, with further fields each drawn from its options."""
    drawn = {name: _one(draw, *options) for name, options in rest.items()}
    return _sizes(draw, model_type, **drawn, **_classed(draw, prefix, *endings, *ONCE))


@st.composite
def decoding(draw: st.DrawFn, model_type: str, prefix: str, ending: str, **rest: Any) -> Config:
    """The same as a decoder, or with a decoder's class over an encoder."""
    drawn = {name: _one(draw, *options) for name, options in rest.items()}
    return _sizes(draw, model_type, **drawn, architectures=[prefix + ending], is_decoder=_one(draw, True, True, False))


def either(model_type: str, prefix: str, endings: tuple[str, ...], head: str = "ForCausalLM", **rest: Any) -> Any:
    """As an encoder or as a decoder."""
    return st.one_of(like_bert(model_type, prefix, endings, **rest), decoding(model_type, prefix, head, **rest))


@st.composite
def bert_generation(draw: st.DrawFn) -> Config:
    decodes = _one(draw, True, False)
    name = "Decoder" if decodes else _one(draw, "Encoder", "Decoder")
    return _sizes(draw, "bert-generation", architectures=[f"BertGeneration{name}"], is_decoder=decodes)


@st.composite
def xlm(draw: st.DrawFn, model_type: str, prefix: str) -> Config:
    heads = _one(draw, 2, 4)
    endings = ("WithLMHeadModel", "Model", "ForSequenceClassification", "ForTokenClassification")
    return {
        "model_type": model_type,
        "vocab_size": 97,
        "emb_dim": 12 * heads,
        "n_heads": heads,
        "n_layers": _one(draw, 1, 3),
        "max_position_embeddings": 64,
        "n_langs": _one(draw, 1, 3),
        **_flags(draw, "use_lang_emb", "tie_word_embeddings"),
        # FlauBERT's class cannot run its pre_norm=true: it asks its cache for a layer by number.
        **_classed(draw, prefix, *endings, "ForQuestionAnsweringSimple"),
    }


@st.composite
def eurobert(draw: st.DrawFn) -> Config:
    kv, group = _one(draw, 1, 2), _one(draw, 1, 3)
    rest = {"num_key_value_heads": kv, "num_attention_heads": kv * group, "hidden_size": kv * group * 12}
    rest |= _flags(draw, "attention_bias", "mlp_bias") | {"head_dim": _one(draw, 12, 8)}
    rest["classifier_pooling"] = _one(draw, "late", "mean", "bos")
    endings = ("ForMaskedLM", "Model", "ForSequenceClassification", "ForTokenClassification")
    return _sizes(draw, "eurobert", **rest, **_classed(draw, "EuroBert", *endings))


@st.composite
def ultrabert(draw: st.DrawFn) -> Config:
    kv, group, n = _one(draw, 1, 2), _one(draw, 1, 3), _one(draw, 1, 3, 4)
    kinds = [_one(draw, "full_attention", "sliding_attention") for _ in range(n)]
    rest = {"num_key_value_heads": kv, "num_attention_heads": kv * group, "hidden_size": kv * group * 12}
    rest |= {"num_hidden_layers": n, "layer_types": kinds, "prediction_head_size": 20, "sliding_window": 4}
    rest |= _flags(draw, "attention_bias", "mlp_bias")
    return _sizes(draw, "ultrabert", **rest, **_classed(draw, "Ultrabert", "ForMaskedLM", "Model", *ONCE))


@st.composite
def esmc(draw: st.DrawFn) -> Config:
    endings = ("ForMaskedLM", "Model", "ForSequenceClassification", "ForTokenClassification")
    return _sizes(draw, "esmc", num_key_value_heads=None, head_dim=None) | _classed(draw, "Esmc", *endings)


@st.composite
def mobilebert(draw: st.DrawFn) -> Config:
    narrow = {"use_bottleneck": True, "intra_bottleneck_size": 16, "use_bottleneck_attention": False}
    ways = [
        {**narrow, "key_query_shared_bottleneck": True},
        {**narrow, "use_bottleneck_attention": True, "key_query_shared_bottleneck": draw(st.booleans())},
        {"use_bottleneck": False},
    ]
    rest = {"embedding_size": _one(draw, 24, 12), "hidden_size": 24, "num_attention_heads": 4, "vocab_size": 97}
    rest |= {"num_feedforward_networks": _one(draw, 1, 3), "normalization_type": _one(draw, "no_norm", "layer_norm")}
    drawn = _sizes(draw, "mobilebert", **rest, **_one(draw, *ways), **_classed(draw, "MobileBert", *BERT, *ONCE))
    return drawn | {"trigram_input": drawn["embedding_size"] == 12 or draw(st.booleans())}


SQUEEZED = {f"{name}_groups": (1, 2) for name in ("q", "k", "v", "post_attention", "intermediate", "output")}

ENCODERS: dict[str, st.SearchStrategy[Config]] = {
    "bert_generation": bert_generation(),
    "camembert": either("camembert", "Camembert", (*LM, "Model")),
    "convbert": like_bert(
        "convbert",
        "ConvBert",
        (*LM, "Model"),
        embedding_size=(10, 24),
        head_ratio=(1, 2, 8),
        conv_kernel_size=(3, 9),
        num_groups=(1, 2),
    ),
    "data2vec_text": either("data2vec-text", "Data2VecText", (*LM, "Model")),
    "deberta": like_bert(
        "deberta",
        "Deberta",
        (*LM, "Model"),
        type_vocab_size=(0, 2),
        relative_attention=(True, True, False),
        max_relative_positions=(-1, 10, 40),
        pos_att_type=(["c2p"], "p2c", "c2p|p2c", None),
        position_biased_input=(True, False),
        legacy=(True, False),
    ),
    "ernie": either("ernie", "Ernie", BERT, use_task_id=(True, False)),
    "esmc": esmc(),
    "eurobert": eurobert(),
    "flaubert": xlm("flaubert", "Flaubert"),
    "fnet": like_bert("fnet", "FNet", BERT),
    "gte": like_bert("gte", "Gte", ("ForMaskedLM", "Model")).filter(lambda c: "Question" not in c["architectures"][0]),
    "ibert": like_bert("ibert", "IBert", (*LM, "Model")),
    "jina_embeddings_v3": like_bert("jina_embeddings_v3", "JinaEmbeddingsV3", (*LM, "Model")),
    "layoutlm": like_bert("layoutlm", "LayoutLM", (*LM, "Model"), max_2d_position_embeddings=(20, 33)),
    "luke": like_bert(
        "luke",
        "Luke",
        (*LM, "Model"),
        entity_vocab_size=(20, 33),
        entity_emb_size=(10, 24),
        use_entity_aware_attention=(True, False),
    ),
    "megatron_bert": either("megatron-bert", "MegatronBert", BERT),
    "mobilebert": mobilebert(),
    "mpnet": like_bert("mpnet", "MPNet", (*LM, "Model"), relative_attention_num_buckets=(8, 32)),
    "new": like_bert(
        "new", "New", ("ForMaskedLM", "Model"), pack_qkv=(True, False), position_embedding_type=("rope",)
    ).filter(lambda c: "Question" not in c["architectures"][0]),
    "nystromformer": like_bert(
        "nystromformer",
        "Nystromformer",
        (*LM, "Model"),
        segment_means_seq_len=(32,),
        num_landmarks=(32,),
        conv_kernel_size=(3, 5),
    ),
    "rembert": either(
        "rembert", "RemBert", (*LM, "Model"), input_embedding_size=(10, 20), output_embedding_size=(14, 30)
    ),
    "roberta_prelayernorm": either("roberta-prelayernorm", "RobertaPreLayerNorm", (*LM, "Model")),
    "roc_bert": either(
        "roc_bert", "RoCBert", (*LM, "Model"), enable_shape=(True, False), enable_pronunciation=(True, False)
    ),
    "roformer": either("roformer", "RoFormer", (*LM, "Model"), embedding_size=(10, 24), rotary_value=(True, False)),
    "squeezebert": like_bert("squeezebert", "SqueezeBert", (*LM, "Model"), **SQUEEZED).map(
        lambda c: c | {"embedding_size": c["hidden_size"]}
    ),
    "tapas": like_bert("tapas", "Tapas", (*LM, "Model"), type_vocab_sizes=([3, 9, 9, 2, 9, 9, 4],)).filter(
        lambda c: c["architectures"][0].endswith(("LM", "Model", "SequenceClassification"))
    ),
    "ultrabert": ultrabert(),
    "yoso": like_bert("yoso", "Yoso", (*LM, "Model"), conv_window=(3, None)),
    "xlm": xlm("xlm", "XLM"),
    "xlm_roberta_xl": either("xlm-roberta-xl", "XLMRobertaXL", (*LM, "Model")),
}
"""One strategy per type."""
