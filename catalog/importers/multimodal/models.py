"""Which model type has which connector; towers and decoders are told by the types of the nested configurations."""

from __future__ import annotations

from collections.abc import Callable

from catalog.importers import kinds, linear
from catalog.importers.fields import Fields
from catalog.importers.multimodal import projectors, queries, sizings, whole
from catalog.importers.multimodal.assembly import Glue
from catalog.spec import Architecture

GLUES: dict[str, Glue] = {
    "cohere2_vision": Glue("Cohere2VisionForConditionalGeneration", projectors.cohere, proof="full"),
    "cosmos3_edge": Glue("Cosmos3EdgeForConditionalGeneration", projectors.wide("projector_hidden_size")),
    "cosmos3_omni": Glue("Cosmos3OmniForConditionalGeneration", projectors.qwen3),
    "deepseek_vl": Glue("DeepseekVLForConditionalGeneration", projectors.two_layers, proof="full"),
    "ernie4_5_vl_moe": Glue("Ernie4_5_VLMoeForConditionalGeneration", projectors.ernie),
    "exaone4_5": Glue("Exaone4_5_ForConditionalGeneration", projectors.qwen2_5),
    "gemma3": Glue("Gemma3ForConditionalGeneration", projectors.gemma3, sizing=sizings.RESIZED, proof="full"),
    "glm46v": Glue("Glm46VForConditionalGeneration", projectors.glm("intermediate_size")),
    "glm4v": Glue("Glm4vForConditionalGeneration", projectors.glm("intermediate_size")),
    "glm4v_moe": Glue("Glm4vMoeForConditionalGeneration", projectors.glm("intermediate_size")),
    "glm5_next": Glue("Glm5NextForConditionalGeneration", projectors.glm("projection_intermediate_size")),
    "glm_ocr": Glue("GlmOcrForConditionalGeneration", projectors.glm("thrice")),
    "glmga": Glue("Glm46VForConditionalGeneration", projectors.glm("intermediate_size")),
    "got_ocr2": Glue("GotOcr2ForConditionalGeneration", projectors.got_ocr),
    "granite_docling": Glue("GraniteDoclingForConditionalGeneration", projectors.docling),
    "hyperclovax_vision_v2": Glue("HyperCLOVAXVisionV2ForConditionalGeneration", projectors.hyperclova),
    "idefics3": Glue("Idefics3ForConditionalGeneration", projectors.shuffle, proof="full"),
    "internvl": Glue("InternVLForConditionalGeneration", projectors.internvl, sizing=sizings.INTERNVL, proof="full"),
    "kimi_k25": Glue("Kimi_K25ForConditionalGeneration", projectors.kimi, proof="full"),
    "lfm2_vl": Glue("Lfm2VlForConditionalGeneration", projectors.lfm2),
    "lighton_ocr": Glue("LightOnOcrForConditionalGeneration", projectors.mistral3, sizing=sizings.mistral3),
    "llama4": Glue(
        "Llama4ForConditionalGeneration",
        projectors.llama4,
        "Llama4ForCausalLM",
        tied="inner",
        sizing=sizings.LLAMA4,
        proof="full",
    ),
    "llava": Glue("LlavaForConditionalGeneration", projectors.llava, proof="full", sizing=sizings.llava),
    "llava_next": Glue("LlavaNextForConditionalGeneration", projectors.llava, newline=True, sizing=sizings.llava_next),
    "llava_next_video": Glue("LlavaNextVideoForConditionalGeneration", projectors.llava, newline=True),
    "llava_onevision": Glue("LlavaOnevisionForConditionalGeneration", projectors.llava, newline=True),
    "minimax_m3_vl": Glue("MiniMaxM3SparseForConditionalGeneration", projectors.minimax),
    "mistral3": Glue("Mistral3ForConditionalGeneration", projectors.mistral3, sizing=sizings.mistral3, proof="full"),
    "mistral_large4": Glue("MistralLarge4ForConditionalGeneration", projectors.mistral3),
    "mllama": Glue("MllamaForConditionalGeneration", projectors.mllama, "MllamaForCausalLM", proof="full"),
    "muse_glimmer": Glue("MuseGlimmerForConditionalGeneration", projectors.muse),
    "nemotron_h_omni": Glue("NemotronH_Omni_Reasoning_V3", projectors.nemotron, tied="inner"),
    "ovis2": Glue("Ovis2ForConditionalGeneration", projectors.ovis),
    "paddleocr_vl": Glue("PaddleOCRVLForConditionalGeneration", projectors.merged),
    "paligemma": Glue("PaliGemmaForConditionalGeneration", projectors.one_layer, sizing=sizings.RESIZED, proof="full"),
    "pp_chart2table": Glue("GotOcr2ForConditionalGeneration", projectors.got_ocr),
    "qianfan_ocr": Glue("QianfanOCRForConditionalGeneration", projectors.internvl),
    "qwen2_5_vl": Glue(
        "Qwen2_5_VLForConditionalGeneration", projectors.qwen2_5, flat=True, sizing=sizings.QWEN2, proof="full"
    ),
    "qwen2_vl": Glue(
        "Qwen2VLForConditionalGeneration", projectors.qwen2, flat=True, proof="full", sizing=sizings.QWEN2
    ),
    "qwen3_5": Glue("Qwen3_5ForConditionalGeneration", projectors.qwen3, sizing=sizings.QWEN3, proof="full"),
    "qwen3_5_moe": Glue("Qwen3_5MoeForConditionalGeneration", projectors.qwen3, sizing=sizings.QWEN3, proof="full"),
    "qwen3_vl": Glue("Qwen3VLForConditionalGeneration", projectors.qwen3, sizing=sizings.QWEN3, proof="full"),
    "qwen3_vl_moe": Glue("Qwen3VLMoeForConditionalGeneration", projectors.qwen3, sizing=sizings.QWEN3, proof="full"),
    "shieldgemma2": Glue(
        "Gemma3ForConditionalGeneration", projectors.gemma3, also=("ShieldGemma2ForImageClassification",)
    ),
    "smolvlm": Glue("SmolVLMForConditionalGeneration", projectors.shuffle, proof="full"),
    "step3p7": Glue("Step3p7ForConditionalGeneration", projectors.step),
    "video_llama_3": Glue("VideoLlama3ForConditionalGeneration", projectors.two_layers),
    "vipllava": Glue("VipLlavaForConditionalGeneration", projectors.vipllava, sizing=sizings.RESIZED, proof="full"),
}

WHOLE: dict[str, tuple[str, Callable[[Fields], Architecture]]] = {
    "aria": ("AriaForConditionalGeneration", queries.aria),
    "blip": ("BlipForConditionalGeneration", whole.blip),
    "blip-2": ("Blip2ForConditionalGeneration", lambda f: queries.qformer(f, False)),
    "deepseek_vl_hybrid": ("DeepseekVLHybridForConditionalGeneration", whole.deepseek_vl_hybrid),
    "fuyu": ("FuyuForCausalLM", whole.fuyu),
    "git": ("GitForCausalLM", whole.git),
    "idefics": ("IdeficsForVisionText2Text", whole.idefics),
    "idefics2": ("Idefics2ForConditionalGeneration", queries.idefics2),
    "instructblip": ("InstructBlipForConditionalGeneration", lambda f: queries.qformer(f, True)),
    "instructblipvideo": ("InstructBlipVideoForConditionalGeneration", lambda f: queries.qformer(f, True)),
    "janus": ("JanusForConditionalGeneration", whole.janus),
    "kosmos-2": ("Kosmos2ForConditionalGeneration", queries.kosmos),
    "kosmos-2.5": ("Kosmos2_5ForConditionalGeneration", queries.kosmos),
    "minicpm_ocr": ("MiniCPMOcrForConditionalGeneration", whole.minicpm),
    "minicpmv4_6": ("MiniCPMV4_6ForConditionalGeneration", whole.minicpm),
    "minicpmv4_7": ("MiniCPMV4_7ForConditionalGeneration", whole.minicpm),
    "molmo2": ("Molmo2ForConditionalGeneration", whole.molmo2),
    "phi3_v": ("Phi3VForCausalLM", whole.phi3_v),
    "lfm3_vl": ("Lfm3VlForConditionalGeneration", whole.lfm3_vl),
    "pix2struct": ("Pix2StructForConditionalGeneration", whole.pix2struct),
    "qwen2_5_omni_thinker": ("Qwen2_5OmniThinkerForConditionalGeneration", whole.qwen2_5_omni),
    "qwen3_omni_moe_thinker": ("Qwen3OmniMoeThinkerForConditionalGeneration", whole.qwen3_omni),
    "video_llava": ("VideoLlavaForConditionalGeneration", whole.video_llava),
    "vision-encoder-decoder": ("VisionEncoderDecoderModel", whole.vision_encoder_decoder),
}
"""Types that are more than a tower, a connector and a decoder."""

TYPES: dict[str, kinds.Type] = {
    **{name: glue.type for name, glue in GLUES.items()},
    **{name: kinds.or_text(GLUES[name].type, linear.TYPES[name]) for name in ("qwen3_5", "qwen3_5_moe")},
    **{
        name: kinds.only(class_name, "vision-language", read, "full" if name == "idefics2" else "parameters")
        for name, (class_name, read) in WHOLE.items()
    },
}
