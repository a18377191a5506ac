"""Classes of encoder-decoders: whole, one side alone, or with the head of a fine-tuned one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from catalog.ends import Classifier, LmHead, Pooler
from catalog.extras import Learned
from catalog.importers.fields import Fields
from catalog.importers.kinds import Heads, Type, ending, labels, with_heads
from catalog.spec import Architecture, Group, Layer, NormKind, Stack, TokenEmbedding

NORM_VECTORS = {"layer": 2, "plain": 0}


def seq2seq(
    prefix: str,
    read: Callable[[Fields], Architecture],
    *also: str,
    generates: str = "ForConditionalGeneration",
    heads: Callable[[Fields], Mapping[str, Heads]] | None = None,
    own_head: bool = False,
    proof: Literal["full", "parameters"] = "full",
) -> Type:
    """An encoder-decoder.

    Args:
        prefix: What its classes' names begin with.
        read: From fields to the whole with its language-model head.
        also: Further endings: one of ``heads``, ``EncoderModel``, ``ForTokenClassification`` (of the encoder's tokens),
            ``ForCausalLM`` (the decoder alone).
        generates: The ending of the class with a language-model head.
        heads: Heads of fine-tuned classes; by default BART's.
        own_head: Whether the decoder alone has a head of its own although the whole one's is tied.
        proof: What was compared with PyTorch.
    """

    def by_class(f: Fields, class_name: str) -> Architecture:
        end = ending(f, class_name, prefix, ("Model", generates, *also))
        whole, tuned = read(f), (heads or bart_heads)(f)
        if end in tuned:
            return with_heads(whole, tuned[end])
        match end:
            case "Model":
                return with_heads(whole, ())
            case "EncoderModel" | "Encoder":
                return encoder_alone(whole, ())
            case "ForTokenClassification":
                return encoder_alone(whole, (Classifier(classes=labels(f), every_token=True),))
            case "ForCausalLM":
                return decoder_alone(whole, own_head=own_head)
            case _:
                return whole

    return Type("encoder-decoder", prefix + generates, by_class, proof)


def bart_heads(f: Fields, classes: int = 2) -> dict[str, Heads]:
    """Classes of a text from the decoder's last token behind a dense layer; answers from each of its tokens."""
    return {
        "ForSequenceClassification": (Pooler(), Classifier(classes=labels(f, classes))),
        "ForQuestionAnswering": (Classifier(classes=2, every_token=True),),
    }


def encoder_alone(whole: Architecture, heads: Heads) -> Architecture:
    """The encoder with heads of its own."""
    return Architecture(stacks=(whole.stack("encoder").model_copy(update={"heads": heads}),))


def decoder_alone(whole: Architecture, *, own_head: bool = False) -> Architecture:
    """The decoder without anything to read: it holds what reads the encoder, and does not run it."""
    stack = whole.stack("decoder")
    groups = tuple(
        Group(
            repeat=group.repeat,
            shared=group.shared,
            layers=tuple(_without_cross(stack, layer) for layer in group.layers),
        )
        for group in stack.groups
    )
    assert isinstance(stack.embedding, TokenEmbedding)
    embedding = stack.embedding.model_copy(update={"shared_with": None})
    heads = tuple(
        head.model_copy(update={"tied": False}) if own_head and isinstance(head, LmHead) else head
        for head in stack.heads
    )
    return Architecture(stacks=(stack.model_copy(update={"groups": groups, "embedding": embedding, "heads": heads}),))


def _without_cross(stack: Stack, layer: Layer) -> Layer:
    cross = layer.cross
    if cross is None:
        return layer
    inner, h = cross.heads * cross.head_dim, stack.hidden
    matrices = 4 * inner * h + sum(h if p == "o" else inner for p in cross.bias)
    norms = _norm_vectors(stack.norm) * (2 if layer.norms == "sandwich" else 1) * h
    idle = Learned(name="cross.idle", elements=matrices + norms)
    return layer.model_copy(update={"cross": None, "extras": (*layer.extras, idle)})


def _norm_vectors(kind: NormKind) -> int:
    return NORM_VECTORS.get(kind, 1)
