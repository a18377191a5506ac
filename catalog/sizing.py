"""How an image of any size becomes pieces that a tower looks at; the numbers are those of publishers' processors."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Count, Size, Spec


class Native(Spec):
    """Images keep their size, rounded to whole tokens and held within limits (Qwen2-VL, arXiv:2409.12191, 2.1)."""

    kind: Literal["native"] = "native"
    unit: Size
    """Side in pixels of what becomes one token."""
    least: Count = 0
    """Pixels to which smaller images are enlarged."""
    most: Size
    """Pixels to which larger ones are shrunk."""


class Rows(Spec):
    """As ``Native``, limited by the longest edge, with one more token behind each row (Pixtral, arXiv:2410.07073)."""

    kind: Literal["rows"] = "rows"
    unit: Size
    longest: Size
    """Pixels of the longest edge."""


class Grid(Spec):
    """As many tiles as fit the image's shape best, up to a limit, and a small copy of the whole.

    Source: arXiv:2404.16821, section 3.3 (InternVL 1.5): dynamic aspect ratio matching.
    """

    kind: Literal["grid"] = "grid"
    most: Size
    """Tiles of one image, without the copy."""
    copy_of_whole: bool = True


class Canvas(Spec):
    """The grid of tiles that holds the image with the least enlargement, or the least shrinking where none does.

    Of grids that fit alike the smallest; beside several tiles a small copy of the whole. Source: transformers,
    ``get_best_fit`` of Llama 4.
    """

    kind: Literal["canvas"] = "canvas"
    most: Size


class Resized(Spec):
    """Every image is brought to the tower's own size (LLaVA 1.5, PaliGemma, Gemma 3)."""

    kind: Literal["resized"] = "resized"


class Pinpoints(Spec):
    """The one of some given sizes that fits best, cut into tiles, without its padding; rows end in one more token.

    Source: LLaVA-NeXT (llava-vl.github.io, January 2024) and transformers, ``LlavaNextProcessor``.
    """

    kind: Literal["pinpoints"] = "pinpoints"
    sizes: Annotated[tuple[tuple[Size, Size], ...], Field(min_length=1)]
    """Heights and widths in pixels."""


Sizing = Annotated[Native | Rows | Grid | Canvas | Resized | Pinpoints, Field(discriminator="kind")]
"""``None`` in its place: not recorded; counts hold for the tower's own size."""
