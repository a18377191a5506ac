"""Phi-4-multimodal (arXiv:2503.01743): Phi-4-mini that also reads pictures, by SigLIP, and hears, by a Conformer."""

from __future__ import annotations

from typing import Any

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.conformer import ConvolutionModule
from catalog.connectors import Connector, Map, Merge, Pool, Step
from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import decoders, kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.multimodal.towers import siglip
from catalog.mixers import Attention
from catalog.spec import Architecture, Layer, Stack

QKVO = ("q", "k", "v", "o")


def phi4_multimodal(f: Fields) -> Architecture:
    """Both towers before the decoder of Phi-3."""
    decoder = decoders.phi3(f).stacks[0]
    v, a = f.child("vision_config", "phi4_multimodal_vision"), f.child("audio_config", "phi4_multimodal_audio")
    return Architecture(stacks=(_hears(a, decoder.hidden), _sees(v, decoder.hidden), decoder))


def _sees(v: Fields, width: int) -> Stack:
    """SigLIP; averages over squares of four, and two linear layers. Two learned vectors separate crops."""
    v.read.update(("crop_size", "feature_layer", "hidden_act"))
    tower = siglip(v)
    steps: tuple[Step, ...] = (Pool(factor=4), Map(outputs=width), Map(outputs=width))
    between = Learned(name="between_crops", elements=2 * tower.hidden)
    heads = (*tower.heads, Connector(steps=steps))
    return tower.model_copy(update={"heads": heads, "extras": (*tower.extras, between)})


def _hears(a: Fields, width: int) -> Stack:
    """A Conformer with gated feed-forwards. Where others norm inside the convolution module it adds two learned
    vectors, as many numbers; a further matrix stands behind the convolution. Speech among pictures has a connector of
    its own, which is held and not counted as run."""
    hidden, heads, channels = a.size("hidden_size"), a.size("num_attention_heads"), a.size("nemo_conv_channels")
    _same_widths(a, hidden)
    layer = Layer(
        macaron=_feed_forward(a),
        mixer=Attention(
            heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="relative",
        ),
        local=ConvolutionModule(kernel=a.size("kernel_size"), bias=True, channel_bias=True),
        channel=_feed_forward(a),
        norm_out=True,
        extras=(Linear(name="local.channels", inputs=hidden, outputs=hidden, bias=True),),
    )  # fmt: skip
    rate, distance = a.size("downsample_rate", default=1), a.size("bias_max_distance")
    ways = ((Merge(factor=rate),) if rate > 1 else ()) + (Map(outputs=width), Map(outputs=width))
    second = (hidden * rate + 1) * width + (width + 1) * width
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", embedding=_front(a, channels),
        groups=fold([layer] * a.size("num_blocks")), final_norm=False,
        relative_buckets=distance if a.flag("bias_symmetric") else 2 * distance,
        extras=(Learned(name="connector_among_pictures", elements=second, table=True),),
        heads=(Connector(steps=ways),),
    )  # fmt: skip


def _feed_forward(a: Fields) -> Dense:
    return Dense(width=a.size("intermediate_size"), gated=True, bias=True)


def _same_widths(a: Fields, hidden: int) -> None:
    for key in ("ext_pw_out_channel", "depthwise_separable_out_channel"):
        if a.size(key) != hidden:
            raise BadInput(f"{a.where}: field {key!r} differs from hidden_size={hidden}; that is not modelled")
    if a.size("depthwise_multiplier", default=1) != 1:
        raise BadInput(f"{a.where}: depthwise_multiplier other than 1 is not modelled")


def _front(a: Fields, channels: int) -> AudioEmbedding:
    """Each halving but the first: a convolution per channel and one over channels."""
    a.read.update(("left_chunk", "chunk_size", "feature_layer", "nemo_final_size"))
    halvings = a.size("time_reduction").bit_length() - 1
    if 1 << halvings != a.size("time_reduction") or not halvings:
        raise BadInput(f"{a.where}: time_reduction={a.size('time_reduction')} is not a power of two")
    narrow: dict[str, Any] = {"outputs": channels, "kernel": 3, "stride": 2, "padding": 2}
    steps = [Convolution(**narrow)]
    for _ in range(halvings - 1):
        steps += [Convolution(**narrow, groups=channels), Convolution(outputs=channels, kernel=1)]
    return AudioEmbedding(features=a.size("input_size"), plane=True, convolutions=tuple(steps), projection=True)


TYPES: dict[str, kinds.Type] = {
    "phi4_multimodal": kinds.only("Phi4MultimodalForCausalLM", "vision-language", phi4_multimodal, "parameters"),
}
