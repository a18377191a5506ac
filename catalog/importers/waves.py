"""Models that read the wave itself through wav2vec 2.0's convolutions (arXiv:2006.11477, section 2)."""

from __future__ import annotations

from typing import Any

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.connectors import Connector, Map
from catalog.distances import TableDistances
from catalog.errors import BadInput, unknown
from catalog.extras import Extra, Learned
from catalog.importers import kinds
from catalog.importers.audio import bart_layers
from catalog.importers.defaults import defaults_of
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, LmHead, Stack, TokenEmbedding

QKVO = ("q", "k", "v", "o")
TRAINING = (
    "mask_time_length mask_time_min_masks mask_feature_length mask_feature_min_masks apply_spec_augment "
    "feat_proj_dropout feat_quantizer_dropout final_dropout num_negatives num_codevectors_per_group "
    "num_codevector_groups codevector_dim proj_codevector_dim diversity_loss_weight ctc_loss_reduction "
    "ctc_zero_infinity classifier_proj_size tdnn_dim tdnn_kernel tdnn_dilation xvector_output_dim "
    "contrastive_logits_temperature adapter_kernel_size adapter_stride num_adapter_layers output_hidden_size "
    "use_weighted_layer_sum layerdrop positional_dropout feat_extract_activation num_feat_extract_layers"
).split()
"""Fields of training, and of heads and adapters that the classes read here do not have."""


def ears(f: Fields, *, norm: bool) -> AudioEmbedding:
    """Convolutions without padding over samples, a norm and a projection, and a convolution for positions."""
    dims, kernels, strides = (f.value(key) for key in ("conv_dim", "conv_kernel", "conv_stride"))
    lists = (dims, kernels, strides)
    if not all(isinstance(x, list) and x for x in lists) or len({len(x) for x in lists}) != 1:
        raise BadInput(f"{f.where}: fields 'conv_dim', 'conv_kernel' and 'conv_stride' must be lists of one length")
    kind, bias = f.value("feat_extract_norm"), f.flag("conv_bias")
    if kind not in ("group", "layer"):
        raise unknown(f"feat_extract_norm in {f.where}:", str(kind), ("group", "layer"))
    f.read.update(TRAINING)
    reach = f.size("num_conv_pos_embeddings")
    hidden = f.size("hidden_size")
    return AudioEmbedding(
        features=1,
        rate=16000,
        convolutions=tuple(
            Convolution(
                outputs=dim, kernel=kernel, stride=stride, bias=bias,
                norm="channel" if kind == "layer" or i == 0 else None,
            )
            for i, (dim, kernel, stride) in enumerate(zip(dims, kernels, strides, strict=True))
        ),
        input_norm=True,
        projection=True,
        positional=Convolution(
            outputs=hidden, kernel=reach, padding=reach // 2 * 2, groups=f.size("num_conv_pos_embedding_groups")
        ),
        norm=norm,
    )  # fmt: skip


def _mask(f: Fields) -> tuple[Extra, ...]:
    """The vector that stands for what is masked in training."""
    usual = {"mask_time_prob": 0.05, "mask_feature_prob": 0.0}  # class defaults
    masks = any(f.value(key, default=value) > 0 for key, value in usual.items())
    return (Learned(name="mask", elements=f.size("hidden_size")),) if masks else ()


def wav2vec2(f: Fields, **ends: Any) -> Stack:
    """wav2vec 2.0: BERT's layers on the wave, norms in front where the configuration says they are stable."""
    hidden, heads = f.size("hidden_size"), f.size("num_attention_heads")
    f.read.add("vocab_size")
    if f.flag("add_adapter") or f.value("adapter_attn_dim") is not None:
        raise BadInput(f"{f.where}: adapters (add_adapter, adapter_attn_dim) are not modelled for wav2vec2")
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    stable = f.flag("do_stable_layer_norm")
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="absolute"
    )
    channel = Dense(width=f.size("intermediate_size"), gated=False, bias=True, activation=str(f.value("hidden_act")))
    layer = Layer(mixer=mixer, channel=channel, norms="pre" if stable else "post")
    return Stack(
        name="encoder", role="encoder", hidden=hidden, norm="layer", embedding=ears(f, norm=not stable),
        groups=fold([layer] * f.size("num_hidden_layers")), final_norm=stable, extras=_mask(f), **ends,
    )  # fmt: skip


def speecht5(f: Fields) -> Architecture:
    """SpeechT5 as transcriber (arXiv:2110.07205): wav2vec 2.0's front end, one table of distances for all layers."""
    hidden, heads = f.size("hidden_size"), f.size("encoder_attention_heads")
    rows = 2 * f.size("encoder_max_relative_position")
    f.read.update(key for key in f if key.startswith(("speech_decoder_", "guided_attention_", "use_guided", "max_")))
    f.read.update(("num_mel_bins", "reduction_factor", "speaker_embedding_dim"))
    layers = []
    for layer in bart_layers(f, "encoder", norms="post"):
        assert isinstance(layer.mixer, Attention)
        mixer = layer.mixer.model_copy(update={"distances": TableDistances(rows=rows, own=False)})
        layers.append(layer.model_copy(update={"mixer": mixer}))
    table = Learned(name="distances", elements=rows * (hidden // heads), table=True)
    common: dict[str, Any] = {"hidden": hidden, "norm": "layer", "final_norm": False}
    encoder = Stack(
        name="encoder", role="encoder", embedding=ears(f, norm=True), groups=fold(layers), extras=(*_mask(f), table),
        **common,
    )  # fmt: skip
    decoder = Stack(
        name="decoder", role="decoder", embedding=TokenEmbedding(vocab=f.size("vocab_size")),
        groups=fold(bart_layers(f, "decoder", norms="post", cross="encoder")),
        heads=(LmHead(tied=f.flag("tie_word_embeddings", True)),), **common,
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))


WRITERS = {"bert": "BertLMHeadModel", "roberta": "RobertaForCausalLM", "xlm-roberta": "XLMRobertaForCausalLM"}
"""Decoders that are known to read an encoder, and their classes."""


def composed(f: Fields) -> Architecture:
    """Any encoder of waves that is known with BERT as a decoder; a linear layer between them where widths differ."""
    from catalog.importers.huggingface import TYPES as READ

    e, d = f.child("encoder"), f.child("decoder")
    if e.kind != "wav2vec2":
        raise unknown(f"model_type in {e.where}:", e.kind, ("wav2vec2",))
    if d.kind not in WRITERS:
        raise unknown(f"model_type in {d.where}:", d.kind, WRITERS)
    told = {key: d.value(key) for key in d} | {"is_decoder": True, "add_cross_attention": False}
    (writer,) = READ[d.kind].read(Fields(told, d.where, defaults_of(d.kind), d.kind), WRITERS[d.kind]).stacks
    between = f"{d.where}: cross_attention_hidden_size is not modelled"
    if d.value("cross_attention_hidden_size") is not None:
        raise BadInput(between)

    def reading(layer: Layer) -> Layer:
        assert isinstance(layer.mixer, Attention)
        cross = CrossAttention(heads=layer.mixer.heads, head_dim=layer.mixer.head_dim, source="encoder", bias=QKVO)
        return layer.model_copy(update={"cross": cross})

    layers = [reading(layer) for group in writer.groups for layer in group.layers * group.repeat]
    heads = (
        (Connector(steps=(Map(outputs=writer.hidden, again=True),)),) if e.size("hidden_size") != writer.hidden else ()
    )
    writer = writer.model_copy(update={"groups": fold(layers)})
    return Architecture(stacks=(wav2vec2(e, heads=heads), writer))


TYPES: dict[str, kinds.Type] = {
    "speech-encoder-decoder": kinds.only("SpeechEncoderDecoderModel", "speech", composed),
    "speecht5": kinds.only("SpeechT5ForSpeechToText", "speech", speecht5),
}
