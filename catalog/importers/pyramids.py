"""Vision transformers in stages: each halves the image's sides and widens the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.channels import Dense
from catalog.convolutions import Convolution, ConvolvedEmbedding, Fold, Norm, Step
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.vit import labels, square
from catalog.mixers import WindowAttention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Classifier, Group, Layer, Stack


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
        inside = min(window, grid) if second else window
        mixer = WindowAttention(
            heads=count, head_dim=hidden // count, window=window, bias=bias, table=inside,
            network=512 if second else 0, scale=second,
        )  # fmt: skip
        channel = Dense(width=ratio(f, "mlp_ratio", hidden), gated=False, bias=True, activation="gelu")
        layer = Layer(mixer=mixer, channel=channel, norms="branch" if second else "pre")
        stacks.append(stage(index, hidden, steps, [Group(repeat=depth, layers=(layer,))], entry))
    return finish(stacks, classes, final_norm)


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
    "donut-swin": labelled("DonutSwin", swin, final_norm=False),
    "swin": labelled("Swin", swin),
    "swinv2": labelled("Swinv2", swin, second=True),
}
