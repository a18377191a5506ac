"""What the importer knows of one ``model_type``, and the usual ways to tell heads by the end of a class name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from catalog.ends import Classifier, Head
from catalog.errors import BadInput, unknown
from catalog.importers.fields import Fields
from catalog.spec import Architecture, Family

Heads = tuple[Head, ...]
Proof = Literal["full", "parameters"]
Read = Callable[[Fields, str], Architecture]


@dataclass(frozen=True, slots=True)
class Type:
    """How to read one ``model_type``."""

    family: Family
    class_name: str
    """The class built where the configuration names none."""
    read: Read
    """From fields and the name of the class to the architecture."""
    proof: Proof = "full"
    """What was compared with PyTorch: also FLOPs and cache, or parameters only. An import says so."""
    library: Literal["transformers", "whicharch"] = "transformers"
    """Where the class stands; ``whicharch`` where nobody else has one."""


def causal(
    prefix: str,
    read: Callable[[Fields, bool], Architecture],
    family: Family = "decoder",
    proof: Proof = "full",
    *,
    tuned: bool = True,
) -> Type:
    """A decoder: bare, with a language-model head, or, where ``tuned``, with the head of a fine-tuned one."""
    ends = ("Model", "ForCausalLM", "LMHeadModel", *(TUNED if tuned else ()))

    def by_class(f: Fields, class_name: str) -> Architecture:
        end = ending(f, class_name, prefix, ends)
        architecture = read(f, end in ("ForCausalLM", "LMHeadModel"))
        return with_heads(architecture, tuned_heads(f)[end]) if end in TUNED else architecture

    head = "LMHeadModel" if prefix in ("GPT2", "CTRL", "OpenAIGPT") else "ForCausalLM"
    return Type(family, prefix + head, by_class, proof)


def masked(
    prefix: str,
    default: str,
    read: Callable[[Fields, Heads], Architecture],
    heads: Callable[[Fields], Mapping[str, Heads]],
    *,
    proof: Literal["full", "parameters"] = "full",
) -> Type:
    """An encoder; ``heads`` tells what stands on it, by the end of the class name."""

    def by_class(f: Fields, class_name: str) -> Architecture:
        known = heads(f)
        return read(f, known[ending(f, class_name, prefix, known)])

    return Type("encoder", prefix + default, by_class, proof)


def only(class_name: str, family: Family, read: Callable[[Fields], Architecture], proof: Proof = "full") -> Type:
    """A type with one class."""

    def by_class(f: Fields, given: str) -> Architecture:
        if given != class_name:
            raise unknown(f"class in {f.where}, field 'architectures':", given, [class_name])
        return read(f)

    return Type(family, class_name, by_class, proof)


def or_text(whole: Type, text: Type) -> Type:
    """A type whose configuration also builds its text model alone, as a class for causal language modelling."""

    def by_class(f: Fields, class_name: str) -> Architecture:
        return (text if class_name.endswith("ForCausalLM") else whole).read(f, class_name)

    return replace(whole, read=by_class)


def ending(f: Fields, class_name: str, prefix: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """What a class name adds to its type's prefix.

    Raises:
        BadInput: If it is not one of ``known``.
    """
    end = class_name.removeprefix(prefix)
    if end not in known:
        raise unknown(f"class in {f.where}, field 'architectures':", class_name, [prefix + end for end in known])
    return end


TUNED = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
"""Classes of fine-tuned decoders; one score per sequence makes a reward model."""


def tuned_heads(f: Fields) -> dict[str, Heads]:
    """Heads of fine-tuned decoders: scores of the last token without a bias, or of each token with one."""
    return {
        "ForSequenceClassification": (Classifier(classes=labels(f), bias=False),),
        "ForTokenClassification": (Classifier(classes=labels(f), every_token=True),),
        "ForQuestionAnswering": (Classifier(classes=2, every_token=True),),
    }


def labels(f: Fields, default: int = 2) -> int:
    """How many classes a fine-tuned head tells apart; ``default`` where the configuration does not say.

    Raises:
        BadInput: If ``id2label`` is no mapping.
    """
    names = f.value("id2label")
    if names is None:
        return f.size("num_labels", default=default)
    if not isinstance(names, Mapping):
        raise BadInput(f"{f.where}: field 'id2label' is no mapping of numbers to names")
    return max(len(names), 1)


def with_heads(architecture: Architecture, heads: Heads) -> Architecture:
    """The same with other heads on its last stack."""
    *before, last = architecture.stacks
    return Architecture(stacks=(*before, last.model_copy(update={"heads": heads})))
