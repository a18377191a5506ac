"""Masked language models that also see: a tower for images before an encoder of text."""

from __future__ import annotations

from typing import Any

from catalog.connectors import Connector, Map, Merge, Normalise, Step
from catalog.ends import Classifier, LmHead, Pooler
from catalog.extras import Linear
from catalog.importers import kinds
from catalog.importers.bert_like import ultrabert
from catalog.importers.dual import siglip_vision
from catalog.importers.encoders import modernbert
from catalog.importers.fields import Fields
from catalog.importers.kinds import Heads, labels
from catalog.spec import Architecture


def _seeing(f: Fields, text: Architecture, *last: Step) -> Architecture:
    """The tower, neighbouring tokens joined and mapped to the text's width, and the encoder."""
    factor, stack = f.size("pixel_shuffle_factor"), text.stacks[0]
    steps = (Merge(factor=factor**2), Map(outputs=stack.hidden, bias=False), *last)
    tower = siglip_vision(f.child("vision_config"))
    tower = tower.model_copy(update={"heads": (*tower.heads, Connector(steps=steps))})
    return Architecture(stacks=(tower, stack))


def modernvbert(f: Fields, class_name: str) -> Architecture:
    """ModernVBERT: SigLIP before ModernBERT (arXiv:2510.01149); logits of its own unless tied."""
    text, classes = f.child("text_config"), labels(f)
    bias = text.flag("classifier_bias")
    details: dict[str, Any] = {"bias": True, "transform": "dense", "transform_bias": bias, "every_token": True}
    each: dict[str, Any] = {"bias": bias, "norm": True}
    known: dict[str, Heads] = {
        "Model": (),
        "ForMaskedLM": (LmHead(tied=f.flag("tie_word_embeddings"), **details),),
        "ForSequenceClassification": (Pooler(**each), Classifier(classes=classes)),
        "ForTokenClassification": (
            Pooler(every_token=True, **each),
            Classifier(classes=classes, every_token=True),
        ),
    }
    return _seeing(f, modernbert(text, known[kinds.ending(f, class_name, "ModernVBert", known)]))


def ultravbert(f: Fields, class_name: str) -> Architecture:
    """UltraVBERT: SigLIP before Ultrabert, with a norm between."""
    text, classes = f.child("text_config"), labels(f)
    hidden, narrow = text.size("hidden_size"), text.size("prediction_head_size")
    known: dict[str, Heads] = {
        "Model": (),
        "ForMaskedLM": (
            Linear(name="head.down", inputs=hidden, outputs=narrow),
            Linear(name="head.up", inputs=narrow, outputs=hidden),
            LmHead(tied=f.flag("tie_word_embeddings"), every_token=True),
        ),
        "ForSequenceClassification": (Classifier(classes=classes),),
        "ForTokenClassification": (Classifier(classes=classes, every_token=True),),
    }
    heads = known[kinds.ending(f, class_name, "UltraVBert", known)]
    return _seeing(f, ultrabert(text, heads), Normalise(norm="rms"))


TYPES: dict[str, kinds.Type] = {
    "modernvbert": kinds.Type("vision-language", "ModernVBertForMaskedLM", modernvbert, "parameters"),
    "ultravbert": kinds.Type("vision-language", "UltraVBertForMaskedLM", ultravbert, "parameters"),
}
