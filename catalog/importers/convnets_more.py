"""Convolutional networks of a more intricate make: searched, densely joined, and mixed with transformers."""

from __future__ import annotations

from math import ceil
from typing import Any

from catalog.channels import Dense
from catalog.convolutions import Branches, Convolution, Grid, Pool, Skip, Squeeze, Step, after
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds
from catalog.importers.convnets import block, blocks, chained, divisible, factor, inverted
from catalog.importers.fields import Fields
from catalog.importers.pyramids import USUAL_SIDE, finish, labelled, ratio, sizes, stage
from catalog.importers.vit import square
from catalog.mixers import WindowAttention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Group, Layer, Stack


def efficientnet(f: Fields, classes: int) -> Architecture:
    """EfficientNet: inverted residuals with squeeze and excitation, scaled in depth, width and image (1905.11946)."""
    wider, deeper, by = factor(f, "width_coefficient"), factor(f, "depth_coefficient"), f.size("depth_divisor")
    names = ("in_channels", "out_channels", "kernel_sizes", "strides", "expand_ratios", "num_block_repeats")
    table = zip(*(sizes(f, name) for name in names), strict=True)
    even = set(f.value("depthwise_padding", default=()))
    f.read.update(("num_hidden_layers", "pooling_type", "drop_connect_rate", "batch_norm_momentum"))

    def width(channels: int) -> int:
        return divisible(channels * wider, by)

    steps: list[Step] = [
        Convolution(out=width(32), kernel=3, stride=2, padding=1, norm=True, activation="swish")
    ]  # fmt: skip
    number = 0
    for entry, leaving, kernel, pace, expand, repeats in table:
        inputs, out = width(entry), width(leaving)
        for index in range(ceil(deeper * repeats)):
            inputs, stride = (out, 1) if index else (inputs, pace)
            wide = inputs * expand
            narrow = max(1, int(inputs * factor(f, "squeeze_expansion_ratio")))
            pad = kernel - 1 if stride == 1 or number in even else kernel - 2
            inner: tuple[Step, ...] = (
                *((Convolution(out=wide, norm=True, activation="swish"),) if expand != 1 else ()),
                Convolution(
                    out=wide, kernel=kernel, stride=stride, groups=wide, padding=pad, norm=True, activation="swish"
                ),
                Squeeze(width=narrow),
                Convolution(out=out, norm=True),
            )
            steps += [Branches(branches=(inner, ()))] if index else inner
            number += 1
    if f.size("hidden_dim") != width(1280):
        raise BadInput(f"{f.where}: hidden_dim={f.size('hidden_dim')} is not the {width(1280)} that the widths lead to")
    steps.append(Convolution(out=width(1280), norm=True, activation="swish"))
    return chained(square(f, "image_size"), f.size("num_channels"), [steps], classes)


def hgnet(f: Fields, classes: int) -> Architecture:
    """HGNetV2: each block lays the results of all its convolutions beside each other (github.com/PaddlePaddle)."""
    fields = ("stage_in_channels", "stage_mid_channels", "stage_out_channels", "stage_num_blocks",
              "stage_numb_of_layers", "stage_kernel_size", "stage_downsample_strides")  # fmt: skip
    flags = (f.value("stage_downsample"), f.value("stage_light_block"))
    table = zip(*(sizes(f, name) for name in fields), *flags, strict=True)
    affine = (Learned(name="affine", elements=2),) if f.flag("use_learnable_affine_block") else ()
    f.read.update(("embedding_size", "hidden_sizes", "depths"))

    def convolution(
        out: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True
    ) -> tuple[Step, ...]:
        step = Convolution(
            out=out, kernel=kernel, stride=stride, groups=groups, norm=True, activation="relu" if active else None
        )
        return (step, *(affine if active else ()))

    def joined(middle: int, out: int, layers: int, kernel: int, light: bool) -> tuple[Step, ...]:
        one = (
            (*convolution(middle, active=False), *convolution(middle, kernel, groups=middle))
            if light
            else convolution(middle, kernel)
        )
        rest = one
        for _ in range(layers - 1):
            rest = (*one, Branches(branches=((), rest), join="concatenate"))
        return (Branches(branches=((), rest), join="concatenate"), *convolution(out // 2), *convolution(out))

    channels, narrow, wide = sizes(f, "stem_channels", 3)
    paces = sizes(f, "stem_strides", 5)
    side_way = (*convolution(narrow // 2, 2, paces[1]), *convolution(narrow, 2, paces[2]))
    steps: list[Step] = [
        *convolution(narrow, 3, paces[0]),
        Branches(branches=((Pool(kernel=2),), side_way), join="concatenate"),
        *convolution(narrow, 3, paces[3]),
        *convolution(wide, 1, paces[4]),
    ]
    stacks: list[Stack] = []
    for index, (inputs, middle, out, count, layers, kernel, pace, shrinks, light) in enumerate(table, 1):
        entry: dict[str, Any] = {"side": USUAL_SIDE, "channels": f.size("num_channels")} if index == 1 else {}
        if index == 1 and (inputs != wide or channels != f.size("num_channels")):
            raise BadInput(f"{f.where}: stem_channels do not meet num_channels and stage_in_channels")
        if shrinks:
            steps += convolution(inputs, 3, pace, inputs, active=False)
        steps += joined(middle, out, layers, kernel, light)
        again = block(*joined(middle, out, layers, kernel, light))
        stacks.append(stage(index, out, steps, blocks(count - 1, again), entry))
        steps = []
    return finish(stacks, classes, False)


MOBILEVIT = (2, 4, 3)
"""Transformer layers in each of the three blocks (arXiv:2110.02178, table 4)."""


def mobilevit(f: Fields, classes: int) -> Architecture:
    """MobileViT: inverted residuals, and blocks whose cells attend to those at the same place of other patches.

    Which makes as many groups as a patch has cells, of equal size: counted as windows. Source: arXiv:2110.02178, 3.1.
    """
    necks, widths = sizes(f, "neck_hidden_sizes", 7), sizes(f, "hidden_sizes", 3)
    heads, patch, kernel = f.size("num_attention_heads"), f.size("patch_size"), f.size("conv_kernel_size")
    expand = factor(f, "expand_ratio")
    f.read.update(("aspp_out_channels", "atrous_rates", "aspp_dropout_prob", "semantic_loss_ignore_index"))
    if f.size("output_stride", default=32) != 32:
        raise BadInput(f"{f.where}: output_stride={f.size('output_stride')} is not modelled; expected 32")
    bias: tuple[Projection, ...] = ("q", "k", "v", "o") if f.flag("qkv_bias", True) else ("o",)

    def residual(inputs: int, out: int, stride: int) -> list[Step]:
        return inverted(inputs, divisible(round(inputs * expand)), out, stride)

    steps: list[Step] = [Convolution(out=necks[0], kernel=3, stride=2, norm=True, activation="silu")]
    steps += residual(necks[0], necks[1], 1) + residual(necks[1], necks[2], 2) + residual(necks[2], necks[2], 1) * 2
    grid = Grid(square(f, "image_size"), f.size("num_channels"))
    entry: dict[str, Any] = {"side": grid.side, "channels": grid.channels}
    stacks: list[Stack] = []
    for place, (hidden, depth) in enumerate(zip(widths, MOBILEVIT, strict=True)):
        inputs, out = necks[2 + place], necks[3 + place]
        steps += residual(inputs, out, 2)
        grid = after(grid, steps)
        if grid.side % patch:
            raise BadInput(f"{f.where}: a grid of {grid.side} cells is no multiple of patch_size={patch}")
        stacks.append(stage(len(stacks) + 1, out, steps, (), entry))
        mixer = WindowAttention(heads=heads, head_dim=hidden // heads, window=grid.side // patch, bias=bias)
        channel = Dense(width=ratio(f, "mlp_ratio", hidden), gated=False, bias=True, activation="silu")
        local = (Convolution(out=out, kernel=kernel, norm=True, activation="silu"), Convolution(out=hidden))
        layers = [Group(repeat=depth, layers=(Layer(mixer=mixer, channel=channel),))]
        stacks.append(stage(len(stacks) + 1, hidden, local, layers, final_norm=True))
        entry, grid = {}, Grid(grid.side, hidden)
        steps = [
            Convolution(out=out, norm=True, activation="silu"),
            Skip(channels=out),
            Convolution(out=out, kernel=kernel, norm=True, activation="silu"),
        ]
    steps.append(Convolution(out=necks[6], norm=True, activation="silu"))
    stacks.append(stage(len(stacks) + 1, necks[6], steps, ()))
    return finish(stacks, classes, False)


TYPES: dict[str, kinds.Type] = {
    "efficientnet": labelled("EfficientNet", efficientnet),
    "hgnet_v2": labelled("HGNetV2", hgnet),
    "mobilevit": labelled("MobileViT", mobilevit),
}
