"""Encoders for long texts: windows, blocks, and tokens that see all."""

from __future__ import annotations

from typing import Any, Literal

from catalog.ends import Classifier, Pooler
from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import kinds
from catalog.importers.encoder_heads import POOLED, bert_heads, masked_lm, usual
from catalog.importers.encoders import QKVO, bert_embedding, bert_layer, encoder, equal
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import Heads, labels
from catalog.importers.seq2seq import BART, bart_channel, bart_like, must_tie, t5
from catalog.importers.sides import seq2seq
from catalog.mixers import Attention, LongAttention
from catalog.mixers.long import LocalBlocks, Pattern, RandomBlocks, SlidingChunks
from catalog.spec import Architecture, Group, Layer


def _long(layer: Layer, pattern: Pattern) -> Layer:
    """A layer of full attention with a pattern instead."""
    mixer = layer.mixer
    assert isinstance(mixer, Attention)
    long = LongAttention(heads=mixer.heads, head_dim=mixer.head_dim, pattern=pattern, bias=mixer.bias)
    return layer.model_copy(update={"mixer": long})


def _reaches(f: Fields, layers: int) -> list[int]:
    """Half of the window of each layer."""
    windows = f.value("attention_window", default=512)
    windows = [windows] * layers if isinstance(windows, int) else windows
    if (
        not isinstance(windows, list)
        or len(windows) != layers
        or any(not isinstance(width, int) or width < 2 or width % 2 for width in windows)
    ):
        raise BadInput(
            f"{f.where}: field 'attention_window' must be an even number, or one for each of {layers} layers"
        )
    return [width // 2 for width in windows]


def longformer(f: Fields, heads: Heads) -> Architecture:
    """Longformer: RoBERTa with windows; a class for whole texts lets the first token see all (arXiv:2004.05150)."""
    f.read.update(("sep_token_id", "onnx_export"))
    whole = bool(heads) and isinstance(heads[-1], Classifier) and not heads[-1].every_token
    layer, reaches = bert_layer(f), _reaches(f, f.size("num_hidden_layers"))
    groups = fold([_long(layer, SlidingChunks(reach=reach, globals=int(whole))) for reach in reaches])
    return encoder(f, f.size("hidden_size"), bert_embedding(f), groups, heads)


def _blocks(f: Fields) -> Pattern | None:
    """BigBird's pattern, or nothing where attention is full."""
    kind, block, random = f.value("attention_type"), f.size("block_size"), f.size("num_random_blocks")
    if kind not in ("block_sparse", "original_full"):
        raise BadInput(f"{f.where}: field 'attention_type' is {kind!r}; expected 'block_sparse' or 'original_full'")
    return RandomBlocks(block=block, random=random) if kind == "block_sparse" else None


def big_bird(f: Fields, heads: Heads) -> Architecture:
    """BigBird: BERT with a pattern of blocks (arXiv:2007.14062)."""
    decodes, pattern = f.flag("is_decoder"), _blocks(f)
    if decodes and pattern:
        raise BadInput(f"{f.where}: is_decoder=true needs attention_type 'original_full', which the class insists on")
    bias = QKVO if f.flag("use_bias", True) else ("o",)
    layer = bert_layer(f, decodes=decodes, bias=bias)
    groups = equal(f, _long(layer, pattern) if pattern else layer)
    f.read.add("rescale_embeddings")
    return encoder(f, f.size("hidden_size"), bert_embedding(f), groups, heads, decodes=decodes)


def big_bird_heads(f: Fields) -> dict[str, Heads]:
    """BigBird: every class but one holds the pooler; answers come from a feed-forward of their own."""
    hidden, width, known = f.size("hidden_size"), f.size("intermediate_size"), bert_heads(f)
    each = Classifier(classes=labels(f), every_token=True)
    answers: tuple[Any, ...] = (
        Linear(name="answers.up", inputs=hidden, outputs=width, bias=True),
        Linear(name="answers.down", inputs=width, outputs=hidden, bias=True),
        Learned(name="answers.norm", elements=2 * hidden),
        Classifier(classes=2, every_token=True),
    )
    head = (*POOLED, *masked_lm(f))
    return {
        **{name: known[name] for name in ("Model", "ForPreTraining", "ForMultipleChoice")},
        "ForMaskedLM": head,
        "ForCausalLM": head,
        "ForSequenceClassification": (*POOLED, Pooler(), Classifier(classes=labels(f))),
        "ForTokenClassification": (*POOLED, each),
        "ForQuestionAnswering": answers,
    }


def bigbird_pegasus(f: Fields) -> Architecture:
    """BigBird-PEGASUS: PEGASUS without biases in attention, its encoder with a pattern of blocks."""
    must_tie(f)
    pattern, bias = _blocks(f), QKVO if f.flag("use_bias") else ()

    def changed(side: Literal["encoder", "decoder"], i: int, layer: Layer) -> Layer:
        return _long(layer, pattern) if pattern and side == "encoder" else layer

    rows = f.size("max_position_embeddings")
    return bart_like(f, bart_channel(f), norms="pre", positions=rows, bias=bias, changed=changed)


def led(f: Fields) -> Architecture:
    """LED: BART whose encoder is Longformer's (arXiv:2004.05150, section 7)."""
    must_tie(f)
    reaches = _reaches(f, f.size("encoder_layers"))

    def changed(side: Literal["encoder", "decoder"], i: int, layer: Layer) -> Layer:
        return _long(layer, SlidingChunks(reach=reaches[i])) if side == "encoder" else layer

    rows = (f.size("max_encoder_position_embeddings"), f.size("max_decoder_position_embeddings"))
    return bart_like(f, bart_channel(f), norms="post", positions=rows, embedding_norm=True, changed=changed)


def longt5(f: Fields) -> Architecture:
    """LongT5: T5 whose encoder sees blocks, and perhaps sums over the whole text (arXiv:2112.07916)."""
    kind, stretch = f.value("encoder_attention_type", default="local"), f.size("global_block_size")
    if kind not in ("local", "transient-global"):
        raise BadInput(f"{f.where}: encoder_attention_type is {kind!r}; expected 'local' or 'transient-global'")
    whole = t5(f)
    encoder_, decoder = whole.stacks
    sums = stretch if kind == "transient-global" else None
    pattern = LocalBlocks(reach=f.size("local_radius"), stretch=sums)
    groups = tuple(
        Group(repeat=group.repeat, layers=tuple(_long(layer, pattern) for layer in group.layers))
        for group in encoder_.groups
    )
    tables = encoder_.relative_buckets * f.size("num_heads") * (2 if sums else 1)
    bias = Learned(name="relative_bias", elements=tables, table=True)
    update = {"groups": groups, "relative_buckets": 0, "extras": (bias,)}
    return Architecture(stacks=(encoder_.model_copy(update=update), decoder))


def longformer_heads(f: Fields) -> dict[str, Heads]:
    """RoBERTa's."""
    return usual(f)


TYPES: dict[str, kinds.Type] = {
    "big_bird": kinds.masked("BigBird", "ForPreTraining", big_bird, big_bird_heads),
    "bigbird_pegasus": seq2seq("BigBirdPegasus", bigbird_pegasus, *BART, own_head=True),
    "led": seq2seq("LED", led, "ForQuestionAnswering"),
    "longformer": kinds.masked("Longformer", "ForMaskedLM", longformer, longformer_heads),
    "longt5": seq2seq("LongT5", longt5, "EncoderModel"),
}
