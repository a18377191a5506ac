"""Which model type has which connector; towers and decoders are told by the types of the nested configurations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from catalog.errors import unknown
from catalog.extras import Extra, Learned
from catalog.importers import kinds, linear
from catalog.importers.fields import Fields
from catalog.importers.multimodal import native, projectors, towers
from catalog.importers.multimodal.projectors import Place, Project
from catalog.importers.multimodal.text import language
from catalog.spec import Architecture, Stack

TOWERS: dict[str, Callable[[Fields], Stack]] = {
    "blip_2_vision_model": towers.blip,
    "clip_vision_model": towers.clip,
    "cosmos3_edge_vision": native.siglip2,
    "ernie4_5_vl_moe_vision": native.ernie,
    "exaone4_5_vision": native.qwen2_5,
    "glm4v_moe_vision": native.glm4v,
    "glm4v_vision": native.glm4v,
    "glm5_next_vision": native.glm_ocr,
    "glm_ocr_vision": native.glm_ocr,
    "idefics2_vision": towers.plain,
    "idefics3_vision": towers.plain,
    "internvl_vision": towers.internvit,
    "janus_vision_model": towers.janus,
    "kimi_k25_vision": native.moonvit,
    "llama4_vision_model": towers.llama4,
    "minimax_m3_vl_vision": native.minimax,
    "muse_glimmer_vision": native.muse,
    "ovis2_vision": towers.ovis,
    "paddleocr_vl_vision": towers.plain,
    "pixtral": native.pixtral,
    "qianfan_ocr_vision": towers.internvit,
    "qwen2_5_vl_vision": native.qwen2_5,
    "qwen2_vl_vision": native.qwen2,
    "qwen3_5_moe_vision": native.qwen3,
    "qwen3_5_vision": native.qwen3,
    "qwen3_vl_moe_vision": native.qwen3,
    "qwen3_vl_vision": native.qwen3,
    "radio": native.radio,
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
    text: str = "text_config"
    """Name of the nested configuration of the decoder."""
    flat: bool = False
    """Whether older files have the decoder's fields outside."""
    newline: bool = False
    """A learned vector that ends each row of an image (LLaVA-NeXT)."""
    tied: Literal["outer", "inner"] = "outer"
    """Which configuration says whether logits are tied."""
    proof: Literal["full", "parameters"] = "parameters"

    @property
    def type(self) -> kinds.Type:
        """How the importer reads it."""
        return kinds.only(self.class_name, "vision-language", self.read, self.proof)

    def read(self, f: Fields) -> Architecture:
        """Tower, connector and decoder."""
        text = f.child_or_flat(self.text) if self.flat else f.child(self.text)
        decoder = language(f, text, (f if self.tied == "outer" else text).flag("tie_word_embeddings"))
        if self.newline:
            extras: tuple[Extra, ...] = (Learned(name="image_newline", elements=decoder.hidden),)
            decoder = decoder.model_copy(update={"extras": (*decoder.extras, *extras)})
        return Architecture(stacks=(looking(f, decoder.hidden, self.project), decoder))


def looking(f: Fields, width: int, project: Project, key: str = "vision_config", name: str = "vision") -> Stack:
    """A tower with its connector.

    Raises:
        BadInput: If nobody reads the tower's type.
    """
    v = f.child(key)
    if v.kind not in TOWERS:
        raise unknown(f"model_type in {v.where}:", v.kind, TOWERS)
    stack = TOWERS[v.kind](v)
    heads = (*stack.heads, *project(Place(f, v, stack, width)))
    return stack.model_copy(update={"heads": heads, "name": name})


def video_llava(f: Fields) -> Architecture:
    """Video-LLaVA (arXiv:2311.10122): one tower for pictures, one for frames, and a connector that both use."""
    decoder = language(f, f.child("text_config"), f.flag("tie_word_embeddings"))
    image = looking(f, decoder.hidden, projectors.llava)
    video = looking(f, decoder.hidden, lambda p: (), name="video")
    return Architecture(stacks=(image, video, decoder))


GLUES: dict[str, Glue] = {
    "cohere2_vision": Glue("Cohere2VisionForConditionalGeneration", projectors.cohere),
    "cosmos3_edge": Glue("Cosmos3EdgeForConditionalGeneration", projectors.wide("projector_hidden_size")),
    "cosmos3_omni": Glue("Cosmos3OmniForConditionalGeneration", projectors.qwen3),
    "deepseek_vl": Glue("DeepseekVLForConditionalGeneration", projectors.two_layers),
    "ernie4_5_vl_moe": Glue("Ernie4_5_VLMoeForConditionalGeneration", projectors.ernie),
    "exaone4_5": Glue("Exaone4_5_ForConditionalGeneration", projectors.qwen2_5),
    "gemma3": Glue("Gemma3ForConditionalGeneration", projectors.gemma3),
    "glm46v": Glue("Glm46VForConditionalGeneration", projectors.glm("intermediate_size")),
    "glm4v": Glue("Glm4vForConditionalGeneration", projectors.glm("intermediate_size")),
    "glm4v_moe": Glue("Glm4vMoeForConditionalGeneration", projectors.glm("intermediate_size")),
    "glm5_next": Glue("Glm5NextForConditionalGeneration", projectors.glm("projection_intermediate_size")),
    "glm_ocr": Glue("GlmOcrForConditionalGeneration", projectors.glm("thrice")),
    "glmga": Glue("Glm46VForConditionalGeneration", projectors.glm("intermediate_size")),
    "hyperclovax_vision_v2": Glue("HyperCLOVAXVisionV2ForConditionalGeneration", projectors.hyperclova),
    "idefics3": Glue("Idefics3ForConditionalGeneration", projectors.shuffle),
    "internvl": Glue("InternVLForConditionalGeneration", projectors.internvl),
    "kimi_k25": Glue("Kimi_K25ForConditionalGeneration", projectors.kimi),
    "lfm2_vl": Glue("Lfm2VlForConditionalGeneration", projectors.lfm2),
    "lighton_ocr": Glue("LightOnOcrForConditionalGeneration", projectors.mistral3),
    "llama4": Glue("Llama4ForConditionalGeneration", projectors.llama4, tied="inner"),
    "llava": Glue("LlavaForConditionalGeneration", projectors.llava, proof="full"),
    "llava_next": Glue("LlavaNextForConditionalGeneration", projectors.llava, newline=True),
    "llava_next_video": Glue("LlavaNextVideoForConditionalGeneration", projectors.llava, newline=True),
    "llava_onevision": Glue("LlavaOnevisionForConditionalGeneration", projectors.llava, newline=True),
    "minimax_m3_vl": Glue("MiniMaxM3SparseForConditionalGeneration", projectors.minimax),
    "mistral3": Glue("Mistral3ForConditionalGeneration", projectors.mistral3),
    "mistral_large4": Glue("MistralLarge4ForConditionalGeneration", projectors.mistral3),
    "muse_glimmer": Glue("MuseGlimmerForConditionalGeneration", projectors.muse),
    "nemotron_h_omni": Glue("NemotronH_Omni_Reasoning_V3", projectors.nemotron, tied="inner"),
    "ovis2": Glue("Ovis2ForConditionalGeneration", projectors.ovis),
    "paddleocr_vl": Glue("PaddleOCRVLForConditionalGeneration", projectors.merged),
    "paligemma": Glue("PaliGemmaForConditionalGeneration", projectors.one_layer),
    "qianfan_ocr": Glue("QianfanOCRForConditionalGeneration", projectors.internvl),
    "qwen2_5_vl": Glue("Qwen2_5_VLForConditionalGeneration", projectors.qwen2_5, flat=True),
    "qwen2_vl": Glue("Qwen2VLForConditionalGeneration", projectors.qwen2, flat=True, proof="full"),
    "qwen3_5": Glue("Qwen3_5ForConditionalGeneration", projectors.qwen3),
    "qwen3_5_moe": Glue("Qwen3_5MoeForConditionalGeneration", projectors.qwen3),
    "qwen3_vl": Glue("Qwen3VLForConditionalGeneration", projectors.qwen3),
    "qwen3_vl_moe": Glue("Qwen3VLMoeForConditionalGeneration", projectors.qwen3),
    "shieldgemma2": Glue("Gemma3ForConditionalGeneration", projectors.gemma3),
    "smolvlm": Glue("SmolVLMForConditionalGeneration", projectors.shuffle),
    "step3p7": Glue("Step3p7ForConditionalGeneration", projectors.step),
    "video_llama_3": Glue("VideoLlama3ForConditionalGeneration", projectors.two_layers),
    "vipllava": Glue("VipLlavaForConditionalGeneration", projectors.vipllava),
}

TYPES: dict[str, kinds.Type] = {
    **{name: glue.type for name, glue in GLUES.items()},
    **{name: kinds.or_text(GLUES[name].type, linear.TYPES[name]) for name in ("qwen3_5", "qwen3_5_moe")},
    "video_llava": kinds.only("VideoLlavaForConditionalGeneration", "vision-language", video_llava, "parameters"),
}
