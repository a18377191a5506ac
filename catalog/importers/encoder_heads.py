"""What stands on encoders: heads by the end of the class name, as each type's classes build them."""

from __future__ import annotations

from typing import Any

from catalog.ends import Classifier, LmHead, Pooler
from catalog.extras import Learned
from catalog.importers.fields import Fields
from catalog.importers.kinds import Heads, labels

POOLED: Heads = (Pooler(),)


def masked_lm(f: Fields, *, twin: bool = True, **rest: Any) -> Heads:
    """Logits behind a dense layer and a norm, on the embedding's table unless untied.

    Untied, classes that name their bias twice (``twin``) hold both, of which one is idle.
    """
    tied = f.flag("tie_word_embeddings", True)
    details = {"bias": True, "transform": "dense", "every_token": not f.flag("is_decoder"), **rest}
    head = LmHead(tied=tied, **details)
    return (head,) if tied or not twin else (head, Learned(name="head.idle_bias", elements=f.size("vocab_size")))


def usual(f: Fields, *, model: Heads = POOLED, twin: bool = True) -> dict[str, Heads]:
    """The endings that nearly all encoders have; a dense layer stands before the classes of a whole sequence.

    Args:
        f: The configuration.
        model: What the bare model ends in.
        twin: As for ``masked_lm``.
    """
    classes = labels(f)
    each = (Classifier(classes=classes, every_token=True),)
    return {
        "Model": model,
        "ForMaskedLM": masked_lm(f, twin=twin),
        "ForSequenceClassification": (Pooler(), Classifier(classes=classes)),
        "ForTokenClassification": each,
        "ForQuestionAnswering": each,
        "ForMultipleChoice": (Pooler(), Classifier(classes=1)),
    }


def bert_heads(f: Fields) -> dict[str, Heads]:
    """BERT and Megatron-BERT: also pairs of sentences told apart, and a decoder's head."""
    pair: Heads = (Pooler(), Classifier(classes=2))
    return usual(f) | {
        "ForPreTraining": (*masked_lm(f), *pair),
        "ForNextSentencePrediction": pair,
        "LMHeadModel": masked_lm(f),
        "ForCausalLM": masked_lm(f),
    }


def roc_bert_heads(f: Fields) -> dict[str, Heads]:
    """RoCBert: pre-training tells no pairs of sentences apart."""
    heads = bert_heads(f) | {"ForPreTraining": (*POOLED, *masked_lm(f))}
    return _without(heads, "ForNextSentencePrediction")


def roberta_heads(f: Fields) -> dict[str, Heads]:
    """RoBERTa and its kin."""
    return usual(f) | {"ForCausalLM": masked_lm(f)}


def pooled_heads(f: Fields) -> dict[str, Heads]:
    """FNet, LayoutLM, SqueezeBERT: the pooler is part of the model whatever stands behind it."""
    pooler, classes = (Pooler(),), labels(f)
    each = (*pooler, Classifier(classes=classes, every_token=True))
    pair: Heads = (*pooler, Classifier(classes=2))
    return usual(f) | {
        "ForMaskedLM": (*pooler, *masked_lm(f)),
        "ForTokenClassification": each,
        "ForQuestionAnswering": each,
        "ForPreTraining": (*masked_lm(f), *pair),
        "ForNextSentencePrediction": pair,
    }


def bare_heads(f: Fields) -> dict[str, Heads]:
    """DeBERTa and others: the model itself ends without a pooler."""
    return usual(f, model=())


def deberta_v2_heads(f: Fields) -> dict[str, Heads]:
    """DeBERTa: heads that are not of the legacy kind always take the table of the embedding."""
    heads = bare_heads(f)
    if f.flag("legacy", True):
        return heads
    return heads | {"ForMaskedLM": (LmHead(tied=True, bias=True, transform="dense", every_token=True),)}


def deberta_heads(f: Fields) -> dict[str, Heads]:
    """DeBERTa 1: no class for choices."""
    return _without(deberta_v2_heads(f), "ForMultipleChoice")


def single_heads(f: Fields) -> dict[str, Heads]:
    """DistilBERT: no pooler, and one bias of the logits."""
    return usual(f, model=(), twin=False)


def summary_heads(f: Fields) -> dict[str, Heads]:
    """RoFormer: choices are told apart without a dense layer."""
    return usual(f, model=()) | {"ForMultipleChoice": (Classifier(classes=1),), "ForCausalLM": masked_lm(f)}


def convbert_heads(f: Fields) -> dict[str, Heads]:
    """ConvBERT: as RoFormer, with one bias of the logits."""
    return usual(f, model=(), twin=False) | {"ForMultipleChoice": (Classifier(classes=1),)}


def albert_heads(f: Fields) -> dict[str, Heads]:
    """ALBERT: the order of two sentences is told by as many classes as the configuration has labels."""
    return usual(f) | {"ForPreTraining": (*masked_lm(f), Pooler(), Classifier(classes=labels(f)))}


def electra_heads(f: Fields) -> dict[str, Heads]:
    """ELECTRA: pre-training tells for each token whether it was replaced."""
    detector = (Pooler(every_token=True), Classifier(classes=1, every_token=True))
    first = (Pooler(),) if f.flag("summary_use_proj", True) else ()
    return single_heads(f) | {
        "ForPreTraining": detector,
        "ForCausalLM": masked_lm(f, twin=False),
        "ForMultipleChoice": (*first, Classifier(classes=1)),
    }


def nomic_heads(f: Fields) -> dict[str, Heads]:
    """Nomic: neither questions nor choices."""
    return _without(bare_heads(f), "ForQuestionAnswering", "ForMultipleChoice")


def gte_heads(f: Fields) -> dict[str, Heads]:
    """GTE: as Nomic, with one bias of the logits."""
    return _without(single_heads(f), "ForQuestionAnswering", "ForMultipleChoice")


def jina_heads(f: Fields) -> dict[str, Heads]:
    """Jina: no choices."""
    return _without(usual(f), "ForMultipleChoice")


def modernbert_heads(f: Fields) -> dict[str, Heads]:
    """ModernBERT: a dense layer and a norm before every head, on what the head reads."""
    bias, classes = f.flag("classifier_bias"), labels(f)
    head = masked_lm(f, twin=False, bias=f.flag("decoder_bias", True), transform_bias=bias)
    first = Pooler(bias=bias, norm=True)
    each = (Pooler(every_token=True, bias=bias, norm=True), Classifier(classes=classes, every_token=True))
    return {
        "Model": (),
        "ForMaskedLM": head,
        "ForSequenceClassification": (first, Classifier(classes=classes)),
        "ForTokenClassification": each,
        "ForQuestionAnswering": each,
        "ForMultipleChoice": (first, Classifier(classes=1)),
    }


def eurobert_heads(f: Fields) -> dict[str, Heads]:
    """EuroBERT: plain logits; sequences are told apart behind a dense layer, late by default: by the mean of what each
    token scores; tokens without that layer."""
    head = LmHead(tied=f.flag("tie_word_embeddings"), bias=f.flag("mlp_bias"), every_token=True)
    late = f.value("classifier_pooling", default="late") == "late"
    whole = (Pooler(every_token=late), Classifier(classes=labels(f), every_token=late))
    own = {"ForMaskedLM": (head,), "ForSequenceClassification": whole}
    return _without(usual(f, model=()) | own, "ForQuestionAnswering", "ForMultipleChoice")


def esmc_heads(f: Fields) -> dict[str, Heads]:
    """ESM C: logits never tied; the norm before them has a bias, unlike the model's last."""
    head = LmHead(tied=False, bias=True, transform="dense", every_token=True)
    bias = Learned(name="head.norm.bias", elements=f.size("hidden_size"))
    return _without(usual(f, model=()) | {"ForMaskedLM": (head, bias)}, "ForQuestionAnswering", "ForMultipleChoice")


def _without(heads: dict[str, Heads], *endings: str) -> dict[str, Heads]:
    return {name: value for name, value in heads.items() if name not in endings}
