"""Convolutional networks: stages of blocks over a grid that shrinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.channels import Dense
from catalog.convolutions import Branches, Convolution, Convolutions, Grid, Norm, Pool, Squeeze, Step, after
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.pyramids import USUAL_SIDE, finish, labelled, ratio, sizes, stage
from catalog.importers.vit import square
from catalog.spec import Architecture, Group, Layer, Stack


def block(*steps: Step, **rest: Any) -> Layer:
    """A residual layer that is nothing but steps, with the norms among them."""
    return Layer(channel=Convolutions(steps=steps), norms="none", **rest)


def blocks(count: int, layer: Layer) -> list[Group]:
    """Equal layers, perhaps none."""
    return [Group(repeat=count, layers=(layer,))] if count else []


def convnext(f: Fields, classes: int, *, second: bool = False) -> Architecture:
    """ConvNeXt: depthwise 7 by 7, a norm, two linear layers; the second version norms in between (2201.03545)."""
    depths = sizes(f, "depths")
    widths = sizes(f, "hidden_sizes", len(depths))
    f.read.add("num_stages")
    scaled = not second and f.value("layer_scale_init_value", default=0.0) > 0
    stacks: list[Stack] = []
    for index, (depth, hidden) in enumerate(zip(depths, widths, strict=True), 1):
        entry: dict[str, Any] = {}
        if index == 1:
            patch = f.size("patch_size")
            steps: list[Step] = [Convolution(out=hidden, kernel=patch, stride=patch, bias=True, norm=True)]
            entry = {"side": square(f, "image_size"), "channels": f.size("num_channels")}
        else:
            steps = [Norm(), Convolution(out=hidden, kernel=2, stride=2, bias=True)]
        inner: tuple[Step, ...] = (
            Convolution(out=hidden, kernel=7, groups=hidden, bias=True, norm=True),
            Convolution(out=4 * hidden, bias=True, activation="gelu"),
            *((Norm(),) if second else ()),
            Convolution(out=hidden, bias=True),
        )
        stacks.append(stage(index, hidden, steps, blocks(depth, block(*inner, layer_scale=scaled)), entry))
    return finish(stacks, classes)


def resnet(f: Fields, classes: int) -> Architecture:
    """ResNet: bottlenecks of 1 by 1, 3 by 3, 1 by 1, or two 3 by 3, each added to its input (arXiv:1512.03385)."""
    depths = sizes(f, "depths")
    widths = sizes(f, "hidden_sizes", len(depths))
    kind = f.value("layer_type")
    if kind not in ("bottleneck", "basic"):
        raise BadInput(f"{f.where}: layer_type={kind!r} is not modelled; known: bottleneck, basic")
    early = f.flag("downsample_in_bottleneck")
    stacks: list[Stack] = []
    before = f.size("embedding_size")
    for index, (depth, hidden) in enumerate(zip(depths, widths, strict=True), 1):
        stride = 2 if index > 1 or f.flag("downsample_in_first_stage") else 1

        def inner(stride: int, hidden: int = hidden) -> tuple[Step, ...]:
            if kind == "basic":
                return (
                    Convolution(out=hidden, kernel=3, stride=stride, norm=True, activation="relu"),
                    Convolution(out=hidden, kernel=3, norm=True),
                )
            narrow = hidden // 4
            return (
                Convolution(out=narrow, stride=stride if early else 1, norm=True, activation="relu"),
                Convolution(out=narrow, kernel=3, stride=1 if early else stride, norm=True, activation="relu"),
                Convolution(out=hidden, norm=True),
            )

        shortcut = (Convolution(out=hidden, stride=stride, norm=True),)
        changes = before != hidden or stride != 1
        first = Branches(branches=(inner(stride), shortcut if changes else ()), activation="relu")
        steps: list[Step] = [first]
        entry: dict[str, Any] = {}
        if index == 1:
            stem = Convolution(out=before, kernel=7, stride=2, norm=True, activation="relu")
            steps = [stem, Pool(kernel=3, stride=2), first]
            entry = {"side": USUAL_SIDE, "channels": f.size("num_channels")}
        stacks.append(stage(index, hidden, steps, blocks(depth - 1, block(*inner(1))), entry))
        before = hidden
    return finish(stacks, classes, False)


def divisible(value: float, divisor: int = 8, least: int | None = None) -> int:
    """The nearest multiple of ``divisor``, at most a tenth below (arXiv:1801.04381's reference code)."""
    near = max(divisor if least is None else least, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


def regnet(f: Fields, classes: int) -> Architecture:
    """RegNet: bottlenecks of full width in groups, with squeeze and excitation in the y family (arXiv:2003.13678)."""
    depths = sizes(f, "depths")
    widths = sizes(f, "hidden_sizes", len(depths))
    kind, group = f.value("layer_type"), f.size("groups_width")
    if kind not in ("x", "y"):
        raise BadInput(f"{f.where}: layer_type={kind!r} is not modelled; known: x, y")
    before = f.size("embedding_size")
    stacks: list[Stack] = []
    for index, (depth, hidden) in enumerate(zip(depths, widths, strict=True), 1):
        stride = 2 if index > 1 or f.flag("downsample_in_first_stage") else 1

        def inner(inputs: int, stride: int, hidden: int = hidden) -> tuple[Step, ...]:
            return (
                Convolution(out=hidden, norm=True, activation="relu"),
                Convolution(
                    out=hidden, kernel=3, stride=stride, groups=max(1, hidden // group), norm=True, activation="relu"
                ),
                *((Squeeze(width=round(inputs / 4)),) if kind == "y" else ()),
                Convolution(out=hidden, norm=True),
            )

        changes = before != hidden or stride != 1
        shortcut = (Convolution(out=hidden, stride=stride, norm=True),) if changes else ()
        steps: list[Step] = [Branches(branches=(inner(before, stride), shortcut), activation="relu")]
        entry: dict[str, Any] = {}
        if index == 1:
            steps.insert(0, Convolution(out=before, kernel=3, stride=2, norm=True, activation="relu"))
            entry = {"side": USUAL_SIDE, "channels": f.size("num_channels")}
        stacks.append(stage(index, hidden, steps, blocks(depth - 1, block(*inner(hidden, 1))), entry))
        before = hidden
    return finish(stacks, classes, False)


def bit(f: Fields, classes: int) -> Architecture:
    """Big Transfer: a ResNet with group norms before, or behind, standardised convolutions (arXiv:1912.11370)."""
    depths = sizes(f, "depths")
    widths = sizes(f, "hidden_sizes", len(depths))
    kind = f.value("layer_type")
    if kind not in ("preactivation", "bottleneck"):
        raise BadInput(f"{f.where}: layer_type={kind!r} is not modelled; known: preactivation, bottleneck")
    if (
        f.value("global_padding") is not None
        or f.flag("embedding_dynamic_padding")
        or f.size("output_stride", default=32) < 32
    ):
        raise BadInput(
            f"{f.where}: global_padding, dynamic padding and output_stride below 32 are not modelled for BiT"
        )
    f.read.add("num_groups")
    first, times = kind == "preactivation", f.size("width_factor")
    if first and times > 1:
        raise BadInput(
            f"{f.where}: width_factor={times} with preactivation is not modelled; the class's last norm is "
            "narrower than what it reads"
        )
    before = f.size("embedding_size")
    stacks: list[Stack] = []
    for index, (depth, width) in enumerate(zip(depths, widths, strict=True), 1):
        hidden, stride = divisible(width * times), 1 if index == 1 else 2
        narrow = divisible(hidden * 0.25)

        def inner(stride: int, hidden: int = hidden, narrow: int = narrow) -> tuple[Step, ...]:
            three = Convolution(out=narrow, kernel=3, stride=stride, norm=True, activation="relu")
            if first:
                return Convolution(out=narrow, norm=True, activation="relu"), three, Convolution(out=hidden)
            return Convolution(out=narrow, norm=True, activation="relu"), three, Convolution(out=hidden, norm=True)

        shortcut = Convolution(out=hidden, stride=stride, norm=not first)
        norm: tuple[Step, ...] = (Norm(),) if first else ()
        steps: list[Step] = [*norm, Branches(branches=(inner(stride), (shortcut,)))]
        entry: dict[str, Any] = {}
        if index == 1:
            stem = Convolution(out=before, kernel=7, stride=2, norm=not first)
            steps = [stem, Pool(kernel=3, stride=2), *steps]
            entry = {"side": USUAL_SIDE, "channels": f.size("num_channels")}
        stacks.append(stage(index, hidden, steps, blocks(depth - 1, block(*norm, *inner(1))), entry))
        before = hidden
    return finish(stacks, classes, first)


def chained(
    side: int, channels: int, cut: Sequence[Sequence[Step]], classes: int, tail: Sequence[Step] = ()
) -> Architecture:
    """A network that is one chain, a stack for each part of it; ``tail`` runs on the mean of all cells."""
    grid, stacks = Grid(side, channels), list[Stack]()
    for index, steps in enumerate(cut, 1):
        entry: dict[str, Any] = {"side": side, "channels": channels} if index == 1 else {}
        grid = after(grid, steps)
        stacks.append(stage(index, grid.channels, steps, (), entry))
    if tail:
        mean = Pool(kernel=grid.side, stride=grid.side)
        grid = after(grid, (mean, *tail))
        stacks.append(stage(len(stacks) + 1, grid.channels, (mean, *tail), ()))
    return finish(stacks, classes, False)


def mobilenet_v1(f: Fields, classes: int) -> Architecture:
    """MobileNet: depthwise 3 by 3 and a linear layer, thirteen times (arXiv:1704.04861, table 1)."""
    scale, least = factor(f, "depth_multiplier"), f.size("min_depth")
    f.read.update(("tf_padding", "image_size"))
    depth, out = 32, max(int(32 * scale), least)
    steps: list[Step] = [Convolution(out=out, kernel=3, stride=2, norm=True, activation="relu6")]
    for index, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)):
        inputs = out
        if stride == 2 or index == 0:
            depth *= 2
            out = max(int(depth * scale), least)
        steps += [
            Convolution(out=inputs, kernel=3, stride=stride, groups=inputs, norm=True, activation="relu6"),
            Convolution(out=out, norm=True, activation="relu6"),
        ]
    return chained(square(f, "image_size"), f.size("num_channels"), [steps], classes)


def inverted(inputs: int, wide: int, out: int, stride: int, kernel: int = 3, dilation: int = 1) -> list[Step]:
    """Widen, depthwise, narrow; added to the input where neither width nor grid changes (arXiv:1801.04381, 3.3)."""
    inner: tuple[Step, ...] = (
        Convolution(out=wide, norm=True, activation="relu6"),
        Convolution(
            out=wide, kernel=kernel, stride=stride, groups=wide, dilation=dilation, norm=True, activation="relu6"
        ),
        Convolution(out=out, norm=True),
    )
    return [Branches(branches=(inner, ()))] if stride == 1 and inputs == out else list(inner)


def mobilenet_v2(f: Fields, classes: int) -> Architecture:
    """MobileNet v2: inverted residuals (arXiv:1801.04381, table 2)."""
    scale, by, least = factor(f, "depth_multiplier"), f.size("depth_divisible_by"), f.size("min_depth")
    expand = factor(f, "expand_ratio")
    f.read.update(("tf_padding", "semantic_loss_ignore_index"))
    if f.size("output_stride", default=32) != 32:
        raise BadInput(f"{f.where}: output_stride={f.size('output_stride')} is not modelled; expected 32")

    def width(channels: int) -> int:
        return divisible(round(channels * scale), by, least)

    widths = [width(c) for c in (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)]
    wide = width(32)
    steps: list[Step] = [Convolution(out=wide, kernel=3, stride=2, norm=True, activation="relu6")]
    if not f.flag("first_layer_is_expansion"):
        steps.append(Convolution(out=wide, norm=True, activation="relu6"))
    steps += [
        Convolution(out=wide, kernel=3, groups=wide, norm=True, activation="relu6"),
        Convolution(out=widths[0], norm=True),
    ]
    for index, stride in enumerate((2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)):
        inputs = widths[index]
        steps += inverted(inputs, divisible(round(inputs * expand), by, least), widths[index + 1], stride)
    last = 1280 if f.flag("finegrained_output") and scale < 1.0 else width(1280)
    steps.append(Convolution(out=last, norm=True, activation="relu6"))
    return chained(square(f, "image_size"), f.size("num_channels"), [steps], classes)


def pp_lcnet(f: Fields, classes: int) -> Architecture:
    """PP-LCNet: depthwise convolutions, with squeeze and excitation in the last blocks (arXiv:2109.15099)."""
    scale, by, reduction = factor(f, "scale"), f.size("divisor"), f.size("reduction")
    f.read.update(("depths", "hidden_dropout_prob"))
    steps: list[Step] = [
        Convolution(
            out=divisible(f.size("stem_channels") * scale, by), kernel=3, stride=f.size("stem_stride"), norm=True,
            activation="hardswish",
        )
    ]  # fmt: skip
    for blocks_of_stage in f.value("block_configs"):
        for kernel, inputs, outputs, stride, squeezed in blocks_of_stage:
            wide = divisible(inputs * scale, by)
            steps.append(
                Convolution(out=wide, kernel=kernel, stride=stride, groups=wide, norm=True, activation="hardswish")
            )
            if squeezed:
                steps.append(Squeeze(width=wide // reduction))
            steps.append(Convolution(out=divisible(outputs * scale, by), norm=True, activation="hardswish"))
    tail = (Convolution(out=f.size("class_expand"), activation="hardswish"),)
    return chained(USUAL_SIDE, 3, [steps], classes, tail)


def textnet(f: Fields, classes: int) -> Architecture:
    """TextNet: square, tall and wide kernels side by side, and the input normed where nothing changes (2111.02394)."""
    widths, strides, kernels = (
        sizes(f, "hidden_sizes"),
        f.value("conv_layer_strides"),
        f.value("conv_layer_kernel_sizes"),
    )
    f.read.add("depths")
    inputs = f.size("stem_out_channels")
    stem = Convolution(
        out=inputs, kernel=f.size("stem_kernel_size"), stride=f.size("stem_stride"), norm=True, activation="relu"
    )
    cut: list[list[Step]] = [[stem]]
    for out, shapes, steps_of_stage in zip(widths[1:], kernels, strides, strict=True):
        chain: list[Step] = []
        for (tall, wide), stride in zip(shapes, steps_of_stage, strict=True):
            sides = [(tall, wide)] + [(tall, 1)] * (wide != 1) + [(1, wide)] * (tall != 1)
            ways: list[tuple[Step, ...]] = [
                (Convolution(out=out, kernel=side, stride=stride, norm=True),) for side in sides
            ]
            if inputs == out and stride == 1:
                ways.append((Norm(),))
            chain.append(Branches(branches=tuple(ways), activation="relu"))
            inputs = out
        cut.append(chain)
    cut = [cut[0] + cut[1], *cut[2:]]
    return chained(square(f, "image_size"), f.size("stem_num_channels"), cut, classes)


def poolformer(f: Fields, classes: int) -> Architecture:
    """PoolFormer: the mean of neighbours in place of attention (arXiv:2111.11418)."""
    depths = sizes(f, "depths", f.size("num_encoder_blocks"))
    count = len(depths)
    widths, kernels, strides = sizes(f, "hidden_sizes", count), sizes(f, "patch_sizes"), sizes(f, "strides")
    pads, scaled = f.value("padding"), f.flag("use_layer_scale", True)
    f.read.update(("patch_size", "stride"))
    stacks: list[Stack] = []
    for index, hidden in enumerate(widths):
        cut = Convolution(
            out=hidden, kernel=kernels[index], stride=strides[index], padding=2 * pads[index], bias=True
        )  # fmt: skip
        entry: dict[str, Any] = {"side": USUAL_SIDE, "channels": f.size("num_channels")} if index == 0 else {}
        pool = Layer(channel=Convolutions(steps=(Pool(kernel=f.size("pool_size")),)), layer_scale=scaled)
        wide = ratio(f, "mlp_ratio", hidden)
        feed = Layer(channel=Dense(width=wide, gated=False, bias=True, activation="gelu"), layer_scale=scaled)
        groups = [Group(repeat=depths[index], layers=(pool, feed))]
        stacks.append(stage(index + 1, hidden, [cut], groups, entry))
    return finish(stacks, classes, bool(classes))


def factor(f: Fields, key: str) -> float:
    """A positive number.

    Raises:
        BadInput: If it is something else.
    """
    value = f.value(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise BadInput(f"{f.where}: field {key!r} is {value!r}; expected a positive number")
    return float(value)


TYPES: dict[str, kinds.Type] = {
    "bit": labelled("Bit", bit),
    "convnext": labelled("ConvNext", convnext),
    "convnextv2": labelled("ConvNextV2", convnext, second=True),
    "mobilenet_v1": labelled("MobileNetV1", mobilenet_v1),
    "mobilenet_v2": labelled("MobileNetV2", mobilenet_v2),
    "poolformer": labelled("PoolFormer", poolformer),
    "pp_lcnet": labelled("PPLCNet", pp_lcnet),
    "regnet": labelled("RegNet", regnet),
    "resnet": labelled("ResNet", resnet),
    "textnet": labelled("TextNet", textnet),
}
