"""Convolutional networks: stages of blocks over a grid that shrinks."""

from __future__ import annotations

from typing import Any

from catalog.convolutions import Branches, Convolution, Convolutions, Norm, Pool, Step
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.pyramids import finish, labelled, sizes, stage
from catalog.importers.vit import square
from catalog.spec import Architecture, Group, Layer, Stack

USUAL_SIDE = 224
"""Side in pixels of the image that counts are for where a configuration names none."""


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


TYPES: dict[str, kinds.Type] = {
    "convnext": labelled("ConvNext", convnext),
    "convnextv2": labelled("ConvNextV2", convnext, second=True),
    "resnet": labelled("ResNet", resnet),
}
