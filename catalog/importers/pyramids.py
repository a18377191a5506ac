"""Vision transformers in stages: each halves the image's sides and widens the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.channels import Dense
from catalog.convolutions import Convolution, Convolutions, ConvolvedEmbedding, Fold, Norm, Step
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.vit import labels, square
from catalog.mixers import ReducedAttention, WindowAttention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Classifier, Group, Layer, Stack

USUAL_SIDE = 224
"""Side in pixels of the image that counts are for where a configuration names none."""


def sizes(f: Fields, key: str, length: int | None = None) -> list[int]:
    """A list of positive integers, one for each stage.

    Raises:
        BadInput: If it is something else.
    """
    value = f.value(key)
    if (
        not isinstance(value, list | tuple)
        or not all(isinstance(item, int) and not isinstance(item, bool) and item > 0 for item in value)
        or (length is not None and len(value) != length)
    ):
        raise BadInput(f"{f.where}: field {key!r} is {value!r}; expected a list of positive integers, one a stage")
    return list(value)


def stage(
    index: int, hidden: int, steps: Sequence[Step], layers: Sequence[Group], entry: dict[str, Any] | None = None,
    **rest: Any,
) -> Stack:  # fmt: skip
    """A stage that reads the one before it, or the image."""
    more = entry or {}
    read = more if "side" in more else {"source": f"stage{index - 1}"} | more
    return Stack(
        **({"norm": "layer", "final_norm": False} | rest), name=f"stage{index}", role="vision", hidden=hidden,
        embedding=ConvolvedEmbedding(steps=tuple(steps), **read), groups=tuple(layers),
    )  # fmt: skip


def ratio(f: Fields, key: str, times: int) -> int:
    """``times`` a factor that may be no integer, rounded down.

    Raises:
        BadInput: If it is no positive number.
    """
    value = f.value(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise BadInput(f"{f.where}: field {key!r} is {value!r}; expected a positive number")
    return int(times * value)


def swin(f: Fields, classes: int, *, second: bool = False, final_norm: bool = True) -> Architecture:
    """Swin: attention in windows, four cells merged into one between stages (arXiv:2103.14030, 2111.09883)."""
    depths = sizes(f, "depths")
    heads = sizes(f, "num_heads", len(depths))
    side, patch, channels = square(f, "image_size"), square(f, "patch_size"), f.size("num_channels")
    if side % patch:
        raise BadInput(f"{f.where}: image_size={side} is no multiple of patch_size={patch}, which is not modelled")
    f.read.update(("num_layers", "hidden_size", "encoder_stride", "pretrained_window_sizes"))
    window, placed = f.size("window_size"), f.flag("use_absolute_embeddings")
    if placed and (second or not final_norm):
        raise BadInput(f"{f.where}: use_absolute_embeddings=true is not modelled; the class adds one position too many")
    qkv: tuple[Projection, ...] = (("q", "v") if second else ("q", "k", "v")) if f.flag("qkv_bias", True) else ()
    bias: tuple[Projection, ...] = (*qkv, "o")
    stacks: list[Stack] = []
    grid = side // patch
    for index, (depth, count) in enumerate(zip(depths, heads, strict=True), 1):
        hidden = f.size("embed_dim") * 2 ** (index - 1)
        if hidden % count:
            raise BadInput(f"{f.where}: width {hidden} of stage {index} is not a multiple of its {count} heads")
        entry: dict[str, Any] = {}
        if index == 1:
            steps: list[Step] = [Convolution(out=hidden, kernel=patch, stride=patch, bias=True, norm=True)]
            entry = {"side": side, "channels": channels, "positions": placed}
        else:
            merge = Convolution(out=hidden, norm=second)
            steps = [Fold(ratio=2), merge] if second else [Fold(ratio=2), Norm(), merge]
            grid = -(-grid // 2)
        if window > grid and not second:
            raise BadInput(
                f"{f.where}: window_size={window} exceeds the {grid} cells of stage {index}, where the class fails"
            )
        inside = min(window, grid)
        mixer = WindowAttention(
            heads=count, head_dim=hidden // count, window=window, bias=bias, table=inside,
            network=512 if second else 0, scale=second,
        )  # fmt: skip
        channel = Dense(width=ratio(f, "mlp_ratio", hidden), gated=False, bias=True, activation="gelu")
        layer = Layer(mixer=mixer, channel=channel, norms="branch" if second else "pre")
        stacks.append(stage(index, hidden, steps, [Group(repeat=depth, layers=(layer,))], entry))
    return finish(stacks, classes, final_norm)


def reduced(
    f: Fields,
    classes: int,
    *,
    heads: str,
    ratios: str,
    second: bool = False,
    mixing: bool = True,
    stage_norms: bool = True,
) -> Architecture:
    """PVT and Segformer: keys and values from a smaller grid (arXiv:2102.12122, 2106.13797, 2105.15203).

    Args:
        f: The configuration.
        classes: How many there are, 0 for none.
        heads: Name of the field of heads.
        ratios: Name of the field of reductions.
        second: Whether keys may be pooled instead (PVT v2).
        mixing: Whether a depthwise convolution stands inside the feed-forward.
        stage_norms: Whether each stage ends in a norm, rather than the last only; PVT, which places tokens.
    """
    depths = sizes(f, "depths", f.size("num_encoder_blocks"))
    count = len(depths)
    widths, many, smaller = sizes(f, "hidden_sizes", count), sizes(f, heads, count), sizes(f, ratios, count)
    kernels, strides, wider = sizes(f, "patch_sizes", count), sizes(f, "strides", count), sizes(f, "mlp_ratios", count)
    f.read.update(("decoder_hidden_size", "reshape_last_stage", "semantic_loss_ignore_index", "downsampling_rates"))
    side = square(f, "image_size") if f.value("image_size") else USUAL_SIDE
    bias: tuple[Projection, ...] = ("q", "k", "v", "o") if f.flag("qkv_bias", True) else ("o",)
    stacks: list[Stack] = []
    for index, hidden in enumerate(widths):
        kernel, stride = kernels[index], strides[index]
        if not stage_norms and kernel != stride:
            raise BadInput(f"{f.where}: patch_sizes that differ from strides are not modelled for PVT")
        cut = Convolution(
            out=hidden, kernel=kernel, stride=stride, bias=True, norm=True,
            padding=None if not stage_norms else 2 * (kernel // 2),
        )  # fmt: skip
        entry: dict[str, Any] = {"side": side, "channels": f.size("num_channels")} if index == 0 else {}
        extra = 1 if not stage_norms and index == count - 1 else 0
        if not stage_norms:
            entry |= {"positions": True, "extra_tokens": extra}
        if hidden % many[index]:
            raise BadInput(f"{f.where}: width {hidden} of stage {index + 1} is no multiple of {many[index]} heads")
        mixer = ReducedAttention(
            heads=many[index], head_dim=hidden // many[index], ratio=smaller[index], bias=bias, extra_tokens=extra,
            pool=7 if second and f.flag("linear_attention") else 0,
        )  # fmt: skip
        wide = wider[index] * hidden
        channel: Any = Dense(width=wide, gated=False, bias=True, activation="gelu")
        if mixing:
            channel = Convolutions(
                steps=(
                    Convolution(out=wide, bias=True),
                    Convolution(out=wide, kernel=3, groups=wide, bias=True, activation="gelu"),
                    Convolution(out=hidden, bias=True),
                )
            )
        layer = Layer(mixer=mixer, channel=channel)
        stacks.append(
            stage(
                index + 1, hidden, [cut], [Group(repeat=depths[index], layers=(layer,))], entry, final_norm=stage_norms
            )
        )
    return finish(stacks, classes)


def cvt(f: Fields, classes: int) -> Architecture:
    """CvT: depthwise convolutions before the projections, a class token in the last stage (arXiv:2103.15808)."""
    depths = sizes(f, "depth")
    count = len(depths)
    widths, heads = sizes(f, "embed_dim", count), sizes(f, "num_heads", count)
    kernels, strides, pads = sizes(f, "patch_sizes"), sizes(f, "patch_stride"), f.value("patch_padding")
    steps, keys = sizes(f, "kernel_qkv", count), sizes(f, "stride_kv", count)
    tokens, biases, ratios = f.value("cls_token"), f.value("qkv_bias"), f.value("mlp_ratio")
    f.read.update(("attention_drop_rate", "drop_rate", "drop_path_rate"))
    same = {"qkv_projection_method": "dw_bn", "stride_q": 1}
    for key, expected in same.items():
        if set(f.value(key)) != {expected}:
            raise BadInput(
                f"{f.where}: {key}={f.value(key)!r} is not modelled for CvT; expected {expected!r} everywhere"
            )
    for key in ("padding_q", "padding_kv"):
        if [2 * pad + 1 for pad in f.value(key)] != steps:
            raise BadInput(f"{f.where}: {key} that changes the grid is not modelled for CvT")
    stacks: list[Stack] = []
    for index, hidden in enumerate(widths):
        cut = Convolution(
            out=hidden, kernel=kernels[index], stride=strides[index], padding=2 * pads[index], bias=True, norm=True
        )
        entry: dict[str, Any] = {"side": USUAL_SIDE, "channels": f.size("num_channels")} if index == 0 else {}
        extra = 1 if tokens[index] else 0
        mixer = ReducedAttention(
            heads=heads[index], head_dim=hidden // heads[index], ratio=keys[index], depthwise=steps[index],
            bias=("q", "k", "v", "o") if biases[index] else ("o",), extra_tokens=extra,
        )  # fmt: skip
        channel = Dense(width=int(hidden * ratios[index]), gated=False, bias=True, activation="gelu")
        layer = Layer(mixer=mixer, channel=channel)
        entry |= {"extra_tokens": extra}
        stacks.append(stage(index + 1, hidden, [cut], [Group(repeat=depths[index], layers=(layer,))], entry))
    return finish(stacks, classes, bool(classes))


def finish(stacks: list[Stack], classes: int, final_norm: bool = True, **head: Any) -> Architecture:
    """The last stage gets the norm behind all layers and the class scores."""
    last = stacks[-1].model_copy(
        update={"final_norm": final_norm, "heads": (Classifier(classes=classes, **head),) if classes else ()}
    )
    return Architecture(stacks=(*stacks[:-1], last))


def labelled(prefix: str, read: Any, *, proof: Any = "full", **fixed: Any) -> kinds.Type:
    """A bare model and one with class scores; ``read`` gets the number of classes, 0 for none."""

    def by_class(f: Fields, class_name: str) -> Architecture:
        end = kinds.ending(f, class_name, prefix, ("Model", "ForImageClassification"))
        architecture: Architecture = read(f, labels(f) if end != "Model" else 0, **fixed)
        return architecture

    return kinds.Type("vision", prefix + "ForImageClassification", by_class, proof=proof)


TYPES: dict[str, kinds.Type] = {
    "cvt": labelled("Cvt", cvt),
    "donut-swin": labelled("DonutSwin", swin, final_norm=False),
    "pvt": labelled(
        "Pvt", reduced, heads="num_attention_heads", ratios="sequence_reduction_ratios", mixing=False, stage_norms=False
    ),
    "pvt_v2": labelled("PvtV2", reduced, heads="num_attention_heads", ratios="sr_ratios", second=True),
    "segformer": labelled("Segformer", reduced, heads="num_attention_heads", ratios="sr_ratios"),
    "swin": labelled("Swin", swin),
    "swinv2": labelled("Swinv2", swin, second=True),
}
