"""Towers by type, and how one is put before a decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from catalog.errors import unknown
from catalog.extras import Extra, Learned
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.multimodal import native, towers
from catalog.importers.multimodal.projectors import Place, Project
from catalog.importers.multimodal.sam import sam
from catalog.importers.multimodal.text import alone, language
from catalog.sizing import Sizing
from catalog.spec import Architecture, Stack

TOWERS: dict[str, Callable[[Fields], Stack]] = {
    "blip_2_vision_model": towers.blip,
    "blip_vision_model": towers.blip,
    "clip_vision_model": towers.clip,
    "cosmos3_edge_vision": native.siglip2,
    "ernie4_5_vl_moe_vision": native.ernie,
    "exaone4_5_vision": native.qwen2_5,
    "git_vision_model": towers.clip,
    "glm4v_moe_vision": native.glm4v,
    "glm4v_vision": native.glm4v,
    "glm5_next_vision": native.glm_ocr,
    "glm_ocr_vision": native.glm_ocr,
    "got_ocr2_vision": sam,
    "granite_docling_vision": towers.plain,
    "idefics2_vision": towers.plain,
    "idefics3_vision": towers.plain,
    "instructblip_vision_model": towers.blip,
    "instructblipvideo_vision_model": towers.blip,
    "internvl_vision": towers.internvit,
    "janus_vision_model": towers.janus,
    "kimi_k25_vision": native.moonvit,
    "kosmos_2_vision_model": towers.clip,
    "kosmos_2_5_vision_model": native.pix2struct,
    "llama4_vision_model": towers.llama4,
    "minicpm_ocr_vision": towers.minicpm,
    "minicpmv4_6_vision": towers.minicpm,
    "minicpmv4_7_vision": towers.minicpm,
    "minimax_m3_vl_vision": native.minimax,
    "mllama_vision_model": towers.mllama,
    "molmo2_vision": towers.molmo,
    "muse_glimmer_vision": native.muse,
    "ovis2_vision": towers.ovis,
    "paddleocr_vl_vision": towers.plain,
    "pix2struct_vision_model": native.pix2struct_vision,
    "pixtral": native.pixtral,
    "pp_chart2table_vision": sam,
    "qianfan_ocr_vision": towers.internvit,
    "qwen2_5_omni_vision_encoder": native.qwen2_5,
    "qwen2_5_vl_vision": native.qwen2_5,
    "qwen2_vl_vision": native.qwen2,
    "qwen3_5_moe_vision": native.qwen3,
    "qwen3_5_vision": native.qwen3,
    "qwen3_omni_moe_vision_encoder": native.qwen3,
    "qwen3_vl_moe_vision": native.qwen3,
    "qwen3_vl_vision": native.qwen3,
    "radio": native.radio,
    "sam_vision_model": sam,
    "siglip2_vision_model": native.siglip2,
    "siglip_vision_model": towers.siglip,
    "smolvlm_vision": towers.plain,
    "step3p5_vision": towers.step,
    "video_llama_3_vision": native.video_llama,
}
"""Towers by the type of their configuration."""


@dataclass(frozen=True, slots=True)
class Glue:
    """What one type adds to its tower and its decoder."""

    class_name: str
    project: Project
    text_class: str | None = None
    """The class of the decoder alone, which the same configuration may name."""
    also: tuple[str, ...] = ()
    """Further classes that hold the same weights."""
    text: str = "text_config"
    """Name of the nested configuration of the decoder."""
    flat: bool = False
    """Whether older files have the decoder's fields outside."""
    newline: bool = False
    """A learned vector that ends each row of an image (LLaVA-NeXT)."""
    sizing: Sizing | Callable[[Place], Sizing] | None = None
    """How images of other sizes are cut, by the publisher's processor."""
    tied: Literal["outer", "inner"] = "outer"
    """Which configuration says whether logits are tied."""
    proof: Literal["full", "parameters"] = "parameters"

    @property
    def type(self) -> kinds.Type:
        """How the importer reads it."""
        return kinds.Type("vision-language", self.class_name, self.by_class, self.proof)

    def by_class(self, f: Fields, class_name: str) -> Architecture:
        """The whole model, or where ``text_class`` is asked for its decoder alone."""
        if class_name in (self.class_name, *self.also):
            return self.read(f)
        if class_name != self.text_class:
            known = [self.class_name, *self.also, *([self.text_class] if self.text_class else [])]
            raise unknown(f"class in {f.where}, field 'architectures':", class_name, known)
        text = f.child(self.text)
        return Architecture(stacks=(alone(language(f, text, text.flag("tie_word_embeddings"))),))

    def read(self, f: Fields) -> Architecture:
        """Tower, connector and decoder."""
        text = f.child_or_flat(self.text) if self.flat else f.child(self.text)
        decoder = language(f, text, (f if self.tied == "outer" else text).flag("tie_word_embeddings"))
        if self.newline:
            extras: tuple[Extra, ...] = (Learned(name="image_newline", elements=decoder.hidden),)
            decoder = decoder.model_copy(update={"extras": (*decoder.extras, *extras)})
        return Architecture(stacks=(looking(f, decoder.hidden, self.project, sizing=self.sizing), decoder))


def looking(
    f: Fields,
    width: int,
    project: Project,
    key: str = "vision_config",
    name: str = "vision",
    sizing: Sizing | Callable[[Place], Sizing] | None = None,
) -> Stack:
    """A tower with its connector.

    Raises:
        BadInput: If nobody reads the tower's type.
    """
    v = f.child(key)
    if v.kind not in TOWERS:
        raise unknown(f"model_type in {v.where}:", v.kind, TOWERS)
    stack = TOWERS[v.kind](v)
    place = Place(f, v, stack, width)
    if sizing is not None:
        cut = {"sizing": sizing(place) if callable(sizing) else sizing}
        stack = stack.model_copy(update={"embedding": stack.embedding.model_copy(update=cut)})
    heads = (*stack.heads, *project(place))
    return stack.model_copy(update={"heads": heads, "name": name})
