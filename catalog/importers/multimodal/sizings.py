"""How published processors cut images, by type of model; a ``config.json`` does not say."""

from __future__ import annotations

from catalog.errors import BadInput
from catalog.importers.multimodal.projectors import Place
from catalog.sizing import Canvas, Grid, Native, Pinpoints, Resized, Rows, Sizing

RESIZED = Resized()

QWEN2 = Native(unit=28, least=56 * 56, most=16384 * 28 * 28)
"""preprocessor_config.json of Qwen/Qwen2-VL-7B-Instruct and Qwen2.5-VL: min_pixels 3136, max_pixels 12845056."""

QWEN3 = Native(unit=32, least=65536, most=16777216)
"""preprocessor_config.json of Qwen3-VL and Qwen3.5: size.shortest_edge 65536, size.longest_edge 16777216."""

INTERNVL = Grid(most=12)
"""config.json of OpenGVLab/InternVL2: max_dynamic_patch 12, use_thumbnail true."""

LLAMA4 = Canvas(most=16)
"""transformers, ``Llama4ImageProcessor``: max_patches 16."""


def llava(p: Place) -> Sizing:
    """CLIP's images are resized; Pixtral's keep their shape up to the tower's size."""
    if p.v.kind == "pixtral":
        return Rows(unit=p.patches.patch, longest=p.v.size("image_size"))
    return RESIZED


def mistral3(p: Place) -> Sizing:
    """Pixtral's rule on merged patches (transformers, ``PixtralProcessor`` with ``spatial_merge_size``)."""
    return Rows(unit=p.patches.patch * p.f.size("spatial_merge_size"), longest=p.v.size("image_size"))


def llava_next(p: Place) -> Sizing:
    """The sizes that the configuration lists.

    Raises:
        BadInput: If the list is none of pairs.
    """
    sizes = p.f.value("image_grid_pinpoints", default=[])
    if not isinstance(sizes, list) or not all(isinstance(s, list) and len(s) == 2 for s in sizes) or not sizes:
        raise BadInput(f"{p.f.where}: field 'image_grid_pinpoints' must list heights and widths")
    return Pinpoints(sizes=tuple((height, width) for height, width in sizes))
