"""Networks in stages that mix cells by something cheaper than attention: scores per cell, focal modulation."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.convolutions import Attended, Branches, Convolution, Convolutions, Norm, Pool, Step, Take
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.convnets import block, divisible, factor, inverted
from catalog.importers.fields import Fields
from catalog.importers.pyramids import finish, labelled, ratio, sizes, stage
from catalog.importers.vit import square
from catalog.mixers import Attention, WindowAttention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Classifier, Group, Layer, Stack


def mobilevitv2(f: Fields, classes: int) -> Architecture:
    """MobileViTv2: one score per cell in place of attention, so that cost is linear in cells (arXiv:2206.02680)."""
    times, expand = factor(f, "width_multiplier"), factor(f, "expand_ratio")
    units, depths = sizes(f, "base_attn_unit_dims", 3), sizes(f, "n_attn_blocks", 3)
    kernel = f.size("conv_kernel_size")
    f.read.update(("aspp_out_channels", "atrous_rates", "aspp_dropout_prob", "semantic_loss_ignore_index"))
    f.read.update(("attn_dropout", "ffn_dropout", "patch_size"))
    if f.size("output_stride", default=32) != 32:
        raise BadInput(f"{f.where}: output_stride={f.size('output_stride')} is not modelled; expected 32")
    first = divisible(max(16, min(64, 32 * times)), 8, 16)
    widths = [divisible(64 * times, 16), *(divisible(base * times) for base in (128, 256, 384, 512))]

    def residual(inputs: int, out: int, stride: int) -> list[Step]:
        return inverted(inputs, divisible(round(inputs * expand)), out, stride)

    steps: list[Step] = [Convolution(out=first, kernel=3, stride=2, norm=True, activation="silu")]
    steps += residual(first, widths[0], 1) + residual(widths[0], widths[1], 2) + residual(widths[1], widths[1], 1)
    entry: dict[str, Any] = {"side": square(f, "image_size"), "channels": f.size("num_channels")}
    stacks: list[Stack] = []
    for inputs, out, base, depth in zip(widths[1:], widths[2:], units, depths, strict=False):
        hidden = divisible(base * times)
        local = Convolution(out=out, kernel=kernel, groups=out, norm=True, activation="silu")
        steps += [*residual(inputs, out, 2), local, Convolution(out=hidden)]
        mixing = (
            Convolution(out=2 * hidden + 1, bias=True), Take(channels=hidden), Convolution(out=hidden, bias=True)
        )  # fmt: skip
        wide = int(factor(f, "ffn_multiplier") * hidden // 16 * 16)
        layers = (
            Layer(channel=Convolutions(steps=mixing)),
            Layer(channel=Dense(width=wide, gated=False, bias=True, activation="silu")),
        )
        groups = [Group(repeat=depth, layers=layers)]
        stacks.append(stage(len(stacks) + 1, hidden, steps, groups, entry, final_norm=True))
        entry, steps = {}, [Convolution(out=out, norm=True)]
    stacks.append(stage(4, widths[-1], steps, ()))
    return finish(stacks, classes, False)


def swiftformer(f: Fields, classes: int) -> Architecture:
    """SwiftFormer: convolutions, and at each stage's end additive attention: one query for all (arXiv:2303.15446)."""
    depths = sizes(f, "depths")
    widths, cuts = sizes(f, "embed_dims", len(depths)), f.value("downsamples")
    kernel, stride, pad = f.size("down_patch_size"), f.size("down_stride"), f.size("down_pad", zero=True)
    scaled = f.flag("use_layer_scale", True)
    f.read.update(("drop_conv_encoder_rate", "drop_mlp_rate"))
    stacks: list[Stack] = []
    for index, (depth, hidden) in enumerate(zip(depths, widths, strict=True)):
        entry: dict[str, Any] = {}
        steps: list[Step] = []
        if index == 0:
            steps = [
                Convolution(out=out, kernel=3, stride=2, bias=True, norm=True, activation="relu")
                for out in (hidden // 2, hidden)
            ]
            entry = {"side": square(f, "image_size"), "channels": f.size("num_channels")}
        elif cuts[index - 1] or widths[index - 1] != hidden:
            steps = [Convolution(out=hidden, kernel=kernel, stride=stride, padding=2 * pad, bias=True, norm=True)]
        local = Convolution(out=hidden, kernel=3, groups=hidden, bias=True, norm=True)
        linear, wide = Convolution(out=hidden, bias=True), ratio(f, "mlp_ratio", hidden)
        feed = (Convolution(out=wide, bias=True, activation="gelu"), linear)
        taken = Take(channels=hidden)
        additive = (
            Branches(branches=((linear,), (linear,)), join="concatenate"),
            Branches(branches=((taken,), (taken, Convolution(out=1))), join="concatenate"),
            taken, linear, linear,
        )  # fmt: skip
        last = (
            block(local, linear, linear, layer_scale=True),
            block(*additive, layer_scale=scaled),
            block(Norm(), *feed, layer_scale=scaled),
        )
        before = [Group(repeat=depth - 1, layers=(block(local, *feed, layer_scale=True),))] if depth > 1 else []
        stacks.append(stage(index + 1, hidden, steps, [*before, Group(layers=last)], entry))
    architecture = finish(stacks, classes, bool(classes))
    if not classes:
        return architecture
    heads = (Classifier(classes=classes),) * 2  # as in DeiT, one learns from a teacher
    *others, tail = architecture.stacks
    return Architecture(stacks=(*others, tail.model_copy(update={"heads": heads})))


def focalnet(f: Fields, classes: int) -> Architecture:
    """FocalNet: depthwise convolutions of growing reach modulate each cell (arXiv:2203.11926, section 3.2)."""
    depths = sizes(f, "depths")
    count = len(depths)
    levels, windows = sizes(f, "focal_levels", count), sizes(f, "focal_windows", count)
    side, patch, overlaps = square(f, "image_size"), square(f, "patch_size"), f.flag("use_conv_embed")
    f.read.update(("hidden_sizes", "layerscale_value", "normalize_modulator", "encoder_stride"))
    if side % (patch * 2 ** (count - 1)) and not overlaps:
        raise BadInput(f"{f.where}: image_size={side} fills no whole patches, which is not modelled for FocalNet")
    behind, normed = f.flag("use_post_layernorm"), f.flag("use_post_layernorm_in_modulation")
    stacks: list[Stack] = []
    for index, depth in enumerate(depths):
        hidden = f.size("embed_dim") * 2**index
        entry: dict[str, Any] = {"side": side, "channels": f.size("num_channels")} if index == 0 else {}
        if overlaps:
            kernel, stride, pad = (7, 4, 4) if index == 0 else (3, 2, 2)
        else:
            kernel, stride, pad = (patch, patch, 0) if index == 0 else (2, 2, 0)
        cut = Convolution(out=hidden, kernel=kernel, stride=stride, padding=pad, bias=True, norm=True)
        reach = tuple(
            Convolution(out=hidden, kernel=windows[index] + 2 * level, groups=hidden, activation="gelu")
            for level in range(levels[index])
        )
        linear = Convolution(out=hidden, bias=True)
        modulation: tuple[Step, ...] = (
            Convolution(out=2 * hidden + levels[index] + 1, bias=True), Take(channels=hidden), *reach, linear,
            *((Norm(),) if normed else ()), linear,
        )  # fmt: skip
        common: Any = {"norms": "branch" if behind else "pre", "layer_scale": f.flag("use_layerscale")}
        channel = Dense(width=ratio(f, "mlp_ratio", hidden), gated=False, bias=True, activation="gelu")
        layers = (Layer(channel=Convolutions(steps=modulation), **common), Layer(channel=channel, **common))
        stacks.append(stage(index + 1, hidden, [cut], [Group(repeat=depth, layers=layers)], entry))
    return finish(stacks, classes)


def hiera(f: Fields, classes: int) -> Architecture:
    """Hiera: attention in units, then over all; where a stage begins, queries are pooled (arXiv:2306.00989)."""
    depths = sizes(f, "depths")
    count = len(depths)
    heads, inside = sizes(f, "num_heads", count), f.value("masked_unit_attention")
    side, patch, cut, pad = (square(f, key) for key in ("image_size", "patch_size", "patch_stride", "patch_padding"))
    stride, unit, times = square(f, "query_stride"), square(f, "masked_unit_size"), factor(f, "embed_dim_multiplier")
    f.read.update("decoder_depth decoder_hidden_size decoder_num_heads hidden_size layer_norm_init mask_ratio".split())
    f.read.add("normalize_pixel_loss")
    if f.size("num_query_pool", zero=True) != count - 1:
        raise BadInput(f"{f.where}: num_query_pool other than one less than the stages is not modelled for Hiera")
    grid = Convolution(out=1, kernel=patch, stride=cut, padding=2 * pad).out_side(side)
    if grid % unit or unit % stride ** (count - 1):
        raise BadInput(f"{f.where}: masked_unit_size={unit} does not divide the grid of {grid} in every stage")
    stacks: list[Stack] = []
    for index, depth in enumerate(depths):
        hidden = int(f.size("embed_dim") * times**index)
        wide = ratio(f, "mlp_ratio", hidden)
        entry: dict[str, Any] = {}
        if index == 0:
            steps: list[Step] = [Convolution(out=hidden, kernel=patch, stride=cut, padding=2 * pad, bias=True)]
            entry = {"side": side, "channels": f.size("num_channels"), "positions": True}
        else:
            local = inside[index] or inside[index - 1]
            keys = unit**2 if local else grid**2
            pool = Pool(kernel=stride, stride=stride)
            attended = (
                Convolution(out=3 * hidden, bias=True), Take(channels=hidden), pool,
                Attended(heads=heads[index], keys=keys), Convolution(out=hidden, bias=True),
            )  # fmt: skip
            feed = (Norm(), Convolution(out=wide, bias=True, activation="gelu"), Convolution(out=hidden, bias=True))
            steps = [
                Norm(),
                Branches(branches=((Convolution(out=hidden, bias=True), pool), attended)),
                Branches(branches=((), feed)),
            ]
            grid, unit, depth = grid // stride, unit // stride, depth - 1
        d = hidden // heads[index]
        bias: tuple[Projection, ...] = ("q", "k", "v", "o")
        mixer: WindowAttention | Attention = Attention(
            heads=heads[index], kv_heads=heads[index], head_dim=d, causal=False, bias=bias, position="absolute"
        )
        if inside[index]:
            mixer = WindowAttention(heads=heads[index], head_dim=d, window=unit, bias=bias)
        layer = Layer(mixer=mixer, channel=Dense(width=wide, gated=False, bias=True, activation="gelu"))
        groups = [Group(repeat=depth, layers=(layer,))] if depth else []
        stacks.append(stage(index + 1, hidden, steps, groups, entry))
    return finish(stacks, classes)


TYPES: dict[str, kinds.Type] = {
    "focalnet": labelled("FocalNet", focalnet),
    "hiera": labelled("Hiera", hiera),
    "mobilevitv2": labelled("MobileViTV2", mobilevitv2),
    "swiftformer": labelled("SwiftFormer", swiftformer),
}
