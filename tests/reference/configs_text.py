"""Small random configurations of encoders and encoder-decoders for text."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Config = dict[str, Any]

VOCAB = 97
TUNED = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")


def _one(draw: st.DrawFn, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def _flags(draw: st.DrawFn, *names: str) -> Config:
    return {name: draw(st.booleans()) for name in names}


def _headed(draw: st.DrawFn, prefix: str, *endings: str) -> Config:
    """A class, and for a fine-tuned head the number of its labels in one of the ways in which it is written.

    Answers to questions have a start and an end: always two.
    """
    ending = _one(draw, *endings, *TUNED)
    names = {"id2label": {str(i): f"label {i}" for i in range(3)}, "label2id": {f"label {i}": i for i in range(3)}}
    classes = {} if ending == "ForQuestionAnswering" else _one(draw, {}, {"num_labels": 5}, names)
    return {"architectures": [prefix + ending], **classes}


def _encoder(draw: st.DrawFn, model_type: str, **rest: Any) -> Config:
    heads = _one(draw, 2, 4)
    return {
        "model_type": model_type,
        "vocab_size": VOCAB,
        "pad_token_id": 0,
        "hidden_size": heads * 12,
        "num_attention_heads": heads,
        "num_hidden_layers": _one(draw, 1, 3),
        "intermediate_size": _one(draw, 32, 50),
        "max_position_embeddings": 514,
        "type_vocab_size": _one(draw, 1, 2),
        **rest,
    }


@st.composite
def bert(draw: st.DrawFn) -> Config:
    kind, prefix, endings = _one(
        draw,
        ("bert", "Bert", ("ForPreTraining", "ForMaskedLM", "Model")),
        ("roberta", "Roberta", ("ForMaskedLM", "Model")),
        ("xlm-roberta", "XLMRoberta", ("ForMaskedLM", "Model")),
    )
    return _encoder(draw, kind, **_headed(draw, prefix, *endings))


@st.composite
def electra(draw: st.DrawFn) -> Config:
    head = _headed(draw, "Electra", "ForPreTraining", "ForMaskedLM", "Model")
    return _encoder(draw, "electra", embedding_size=_one(draw, 10, 24, 48), **head)


@st.composite
def albert(draw: st.DrawFn) -> Config:
    return _encoder(
        draw,
        "albert",
        embedding_size=_one(draw, 10, 24),
        num_hidden_layers=_one(draw, 3, 5),
        num_hidden_groups=_one(draw, 1, 2),
        inner_group_num=_one(draw, 1, 2),
        **_headed(draw, "Albert", "ForPreTraining", "ForMaskedLM", "Model"),
    )


@st.composite
def distilbert(draw: st.DrawFn) -> Config:
    heads = _one(draw, 2, 4)
    return {
        "model_type": "distilbert",
        "vocab_size": VOCAB,
        "dim": heads * 12,
        "n_heads": heads,
        "n_layers": _one(draw, 1, 3),
        "hidden_dim": _one(draw, 32, 50),
        "max_position_embeddings": 512,
        **_headed(draw, "DistilBert", "ForMaskedLM", "Model"),
    }


@st.composite
def deberta_v2(draw: st.DrawFn) -> Config:
    """Where positions share projections and go one way only, the class computes the other for nothing, and a trace
    drops it: torch counts it, fvcore does not."""
    alone = {"pos_att_type": _one(draw, ["c2p"], "p2c", "p2c|c2p", None)}
    ways = _one(draw, {"pos_att_type": "p2c|c2p", "share_att_key": True}, alone)
    return _encoder(
        draw,
        "deberta-v2",
        type_vocab_size=_one(draw, 0, 2),
        max_relative_positions=_one(draw, -1, 40),
        position_buckets=_one(draw, -1, 8, 16),
        norm_rel_ebd=_one(draw, "none", "layer_norm"),
        **ways,
        conv_kernel_size=_one(draw, 0, 3),
        conv_groups=_one(draw, 1, 2),
        **_flags(draw, "relative_attention", "position_biased_input"),
        **_headed(draw, "DebertaV2", "ForMaskedLM", "Model"),
    )


@st.composite
def nomic_bert(draw: st.DrawFn) -> Config:
    endings = ("ForMaskedLM", "Model", "ForSequenceClassification", "ForTokenClassification")
    return _encoder(draw, "nomic_bert", architectures=["NomicBert" + _one(draw, *endings)], num_labels=4)


@st.composite
def modernbert(draw: st.DrawFn) -> Config:
    return {
        "model_type": "modernbert",
        "vocab_size": VOCAB,
        "pad_token_id": 0,
        "hidden_size": 24,
        "num_attention_heads": 2,
        "num_hidden_layers": _one(draw, 1, 4, 6),
        "intermediate_size": _one(draw, 32, 50),
        "local_attention": _one(draw, 8, 16),
        "global_attn_every_n_layers": _one(draw, 2, 3),
        "classifier_pooling": _one(draw, "cls", "mean"),
        **_flags(draw, "classifier_bias", "decoder_bias"),
        **_headed(draw, "ModernBert", "ForMaskedLM", "Model"),
    }


def _t5(draw: st.DrawFn, model_type: str, **rest: Any) -> Config:
    return {
        "model_type": model_type,
        "vocab_size": VOCAB,
        "d_model": _one(draw, 24, 40),
        "d_kv": _one(draw, 8, 14),
        "num_heads": _one(draw, 2, 3),
        "d_ff": _one(draw, 32, 50),
        "num_layers": _one(draw, 1, 3),
        "num_decoder_layers": _one(draw, 1, 2),
        "relative_attention_num_buckets": _one(draw, 8, 32),
        **rest,
    }


def _t5_block(draw: st.DrawFn) -> Config:
    return {"feed_forward_proj": _one(draw, "relu", "gated-gelu"), **_flags(draw, "tie_word_embeddings")}


@st.composite
def t5(draw: st.DrawFn) -> Config:
    return _t5(draw, "t5", **_t5_block(draw))


@st.composite
def mt5(draw: st.DrawFn) -> Config:
    return _t5(draw, "mt5", **_t5_block(draw))


@st.composite
def umt5(draw: st.DrawFn) -> Config:
    return _t5(draw, "umt5", **_t5_block(draw))


@st.composite
def switch_transformers(draw: st.DrawFn) -> Config:
    sparse = {
        "num_layers": _one(draw, 2, 4),
        "num_decoder_layers": _one(draw, 2, 3),
        "num_sparse_encoder_layers": _one(draw, 0, 1, 2),
        "num_sparse_decoder_layers": _one(draw, 0, 1, 2),
        "num_experts": _one(draw, 2, 5),
    }
    return _t5(draw, "switch_transformers", **sparse, **_flags(draw, "router_bias"))


def _bart(draw: st.DrawFn, model_type: str, **rest: Any) -> Config:
    return {
        "model_type": model_type,
        "vocab_size": VOCAB,
        "pad_token_id": 0,
        "d_model": 24,
        "encoder_attention_heads": _one(draw, 2, 4),
        "decoder_attention_heads": _one(draw, 2, 3),
        "encoder_layers": _one(draw, 1, 3),
        "decoder_layers": _one(draw, 1, 2),
        "encoder_ffn_dim": _one(draw, 32, 50),
        "decoder_ffn_dim": _one(draw, 20, 60),
        "max_position_embeddings": 512,
        **rest,
    }


@st.composite
def bart(draw: st.DrawFn) -> Config:
    return _bart(draw, "bart")


@st.composite
def mbart(draw: st.DrawFn) -> Config:
    return _bart(draw, "mbart")


@st.composite
def pegasus(draw: st.DrawFn) -> Config:
    return _bart(draw, "pegasus")


@st.composite
def m2m_100(draw: st.DrawFn) -> Config:
    return _bart(draw, "m2m_100")


@st.composite
def marian(draw: st.DrawFn) -> Config:
    own = {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 61}
    return _bart(draw, "marian", **_one(draw, {}, own))


@st.composite
def nllb_moe(draw: st.DrawFn) -> Config:
    return _bart(
        draw,
        "nllb-moe",
        num_experts=_one(draw, 2, 5),
        encoder_sparse_step=_one(draw, 0, 1, 2),
        decoder_sparse_step=_one(draw, 0, 1, 2),
        **_flags(draw, "router_bias"),
    )


TEXT_TYPES: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build()
    for build in (
        albert, bart, bert, deberta_v2, distilbert, electra, m2m_100, marian, mbart, modernbert, mt5, nllb_moe,
        nomic_bert, pegasus, switch_transformers, t5, umt5,
    )
}  # fmt: skip
"""One strategy per type, some for several."""
