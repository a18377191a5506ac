"""Tokens that an image becomes in a language model, by its width and height."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, sqrt

from calculators.params import architecture_of
from catalog.connectors import Connector
from catalog.errors import BadInput
from catalog.sizing import Canvas, Grid, Native, Pinpoints, Resized, Rows
from catalog.spec import Architecture, ModelSpec, PatchEmbedding, QueryEmbedding, Stack


def seeing(architecture: Architecture) -> Stack | None:
    """The stack whose output the language model reads: the last one that learned queries or a connector end."""
    found = [
        stack
        for stack in architecture.stacks
        if stack.role == "vision"
        and (isinstance(stack.embedding, QueryEmbedding) or any(isinstance(head, Connector) for head in stack.heads))
    ]
    return found[-1] if found else None


def takes_images(architecture: Architecture) -> bool:
    """Whether a language model reads images."""
    return seeing(architecture) is not None and any(stack.role == "decoder" for stack in architecture.stacks)


def reads_by_cross_attention(architecture: Architecture) -> bool:
    """Whether the language model attends to the image, which then takes no place in the context (Llama 3.2)."""
    decoders = [stack for stack in architecture.stacks if stack.role == "decoder"]
    sees = seeing(architecture)
    return sees is not None and any(
        layer.cross is not None and layer.cross.source == sees.name
        for stack in decoders
        for group in stack.groups
        for layer in group.layers
    )


@lru_cache(maxsize=2048)
def tokens_per_image(architecture: Architecture) -> int:
    """Tokens in the context of one image, of the size (or the tile) that the counts are for; 0 where there are none."""
    stack = seeing(architecture)
    if stack is None or reads_by_cross_attention(architecture):
        return 0
    embedding = stack.embedding
    assert isinstance(embedding, PatchEmbedding | QueryEmbedding)
    last = next((head for head in reversed(stack.heads) if isinstance(head, Connector)), None)
    return embedding.tokens if last is None else last.shape(embedding.tokens, stack.hidden)[0]


def image_tokens(spec: ModelSpec, width: int, height: int) -> int:
    """Tokens in the context of an image of ``width`` by ``height`` pixels, without markers before and behind it.

    Raises:
        BadInput: If the model takes no images, or the size is none, or it is not recorded how its images are cut.
    """
    architecture = architecture_of(spec)
    if not takes_images(architecture):
        raise BadInput(f"{spec.id} does not take images")
    if width < 1 or height < 1:
        raise BadInput(f"an image of {width} by {height} pixels has no size")
    patches = next(s.embedding for s in architecture.stacks if isinstance(s.embedding, PatchEmbedding))
    tile = tokens_per_image(architecture)
    match patches.sizing:
        case None if reads_by_cross_attention(architecture) or width == height == patches.size:
            return tile
        case None:
            raise BadInput(
                f"{spec.id}: how images of other sizes are cut is not recorded; one of {patches.size} by "
                f"{patches.size} pixels is {tile:,} tokens"
            )
        case Resized():
            return tile
        case Canvas(most=most):
            across, down = _canvas(width, height, patches.size, most)
            return tile * (across * down + (1 if across * down > 1 else 0))
        case Native(unit=unit):
            across, down = _native(patches.sizing, width, height)
            return (across // unit) * (down // unit)
        case Rows(unit=unit, longest=longest):
            ratio = max(1.0, max(width, height) / longest)
            across, down = (ceil(floor(side / ratio) / unit) for side in (width, height))
            return down * (across + 1)
        case Grid(most=most, copy_of_whole=copy):
            across, down = grid(width, height, patches.size, most)
            tiles = across * down
            return tile * (tiles + (1 if copy and tiles > 1 else 0))
        case Pinpoints(sizes=sizes):
            return tile + _unpadded(width, height, _best(width, height, sizes), patches.size // patches.patch, patches)


def _native(sizing: Native, width: int, height: int) -> tuple[int, int]:
    """Width and height in whole tokens, within limits (transformers, ``smart_resize`` of Qwen2-VL)."""
    unit = sizing.unit
    across, down = (round(side / unit) * unit for side in (width, height))
    if across * down > sizing.most:
        shrink = sqrt(width * height / sizing.most)
        return max(unit, floor(width / shrink / unit) * unit), max(unit, floor(height / shrink / unit) * unit)
    if across * down < sizing.least:
        grow = sqrt(sizing.least / (width * height))
        return ceil(width * grow / unit) * unit, ceil(height * grow / unit) * unit
    return across, down


def grid(width: int, height: int, tile: int, most: int) -> tuple[int, int]:
    """Tiles across and down whose shape is nearest the image's; of equal ones the larger, unless it is far too large.

    Source: arXiv:2404.16821, section 3.3; github.com/OpenGVLab/InternVL, ``find_closest_aspect_ratio``.
    """
    shapes = sorted(
        {(i, j) for i in range(1, most + 1) for j in range(1, most + 1) if i * j <= most}, key=lambda s: s[0] * s[1]
    )
    best, nearest = (1, 1), float("inf")
    for across, down in shapes:
        off = abs(width / height - across / down)
        if off < nearest or (off == nearest and width * height > tile**2 * across * down / 2):
            best, nearest = (across, down), off
    return best


def _canvas(width: int, height: int, tile: int, most: int) -> tuple[int, int]:
    """Tiles across and down that hold the image with the least enlargement, or the least shrinking where none does."""
    shapes = [(i, j) for i in range(1, most + 1) for j in range(1, most // i + 1)]
    scales = {shape: min(Fraction(tile * shape[0], width), Fraction(tile * shape[1], height)) for shape in shapes}
    enlarging = [scale for scale in scales.values() if scale >= 1]
    chosen = min(enlarging) if enlarging else max(scales.values())
    return min((shape for shape in shapes if scales[shape] == chosen), key=lambda shape: shape[0] * shape[1])


def _best(width: int, height: int, sizes: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """The size (height, width) that shows most of the image, and of such the one that wastes least."""

    def quality(size: tuple[int, int]) -> tuple[int, int]:
        scale = min(size[1] / width, size[0] / height)
        shown = min(int(width * scale) * int(height * scale), width * height)
        return shown, shown - size[0] * size[1]

    return max(sizes, key=quality)


def _unpadded(width: int, height: int, size: tuple[int, int], side: int, patches: PatchEmbedding) -> int:
    """Tokens of the tiles without padding, and one for each row."""
    down, across = (edge // patches.size * side for edge in size)
    if width / height > across / down:
        down -= (down - int(round(height * across / width, 7))) // 2 * 2
    else:
        across -= (across - int(round(width * down / height, 7))) // 2 * 2
    return down * across + down
