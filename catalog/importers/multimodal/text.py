"""The language model inside: read by the importer of its own type, or here where it only stands inside others."""

from __future__ import annotations

from collections.abc import Callable

from catalog.channels import Dense, Experts
from catalog.errors import BadInput, unknown
from catalog.extras import Learned
from catalog.importers import audio_decoders, decoders, mixtures
from catalog.importers.decoders import QKV, QKVO, attention, decoder, gated, plain, windows
from catalog.importers.fields import Fields
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, LmHead, Stack

Read = Callable[[Fields, bool], Architecture | Stack]


def glm4v(f: Fields, lm: bool = True) -> Architecture:
    """GLM-4.1V: GLM 4's sandwich of norms; biases on queries, keys and values always."""
    return decoder(f, lm, plain(f, attention(f, bias=QKV), gated(f, bias=False), norms="sandwich"))


def glm_ocr(f: Fields, lm: bool = True) -> Architecture:
    """GLM-OCR: the same without biases."""
    return decoder(f, lm, plain(f, attention(f, bias=()), gated(f, bias=False), norms="sandwich"))


def glm4v_moe(f: Fields, lm: bool = True) -> Architecture:
    """GLM-4.5V: GLM 4.5 without norms on queries and keys."""
    return mixtures.glm4_moe(f, lm)


def cosmos3_edge(f: Fields, lm: bool = True) -> Architecture:
    """Cosmos 3 Edge: LLaMA's layer with two matrices and a squared ReLU."""
    return decoder(f, lm, plain(f, attention(f), gated(f, gated=False, activation="relu2")))


def muse_glimmer(f: Fields, lm: bool = True) -> Architecture:
    """Muse: norms before and after each block and, without weights, on queries and keys; gates on attention."""
    bias = ("q", "k", "v", "o") if f.flag("attention_bias") else ()
    layers = [
        Layer(
            mixer=attention(f, window=w, bias=bias, qk_norm="plain", gate="full"),
            channel=gated(f, bias=False),
            norms="sandwich",
        )
        for w in windows(f, lambda i: (i + 1) % 4 != 0)
    ]
    return decoder(f, lm, layers)


def step3p5(f: Fields, lm: bool = True) -> Architecture:
    """Step 3.5: dense layers first, then routed and shared experts; a gate per head; windowed layers may have more."""
    n = f.size("num_hidden_layers")
    channels = f.names("mlp_layer_types", n) or ["dense" if i < 3 else "sparse" for i in range(n)]
    slides = [w is not None for w in windows(f, lambda i: False)]
    heads = f.size("num_sliding_attention_heads", default=f.size("num_attention_heads"))
    if f.flag("mlp_bias"):
        raise BadInput(f"{f.where}: mlp_bias=true is not modelled for Step 3.5")
    moe = Experts(
        experts=f.size("n_routed_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("moe_intermediate_size"),
        shared_width=f.size("share_expert_dim"),
    )  # fmt: skip
    gate = "head" if f.value("gating", default=True) in (True, "per-head") else "full"
    wide, narrow = attention(f, qk_norm="head", gate=gate), None
    if any(slides):
        narrow = attention(f, qk_norm="head", gate=gate, heads=heads, window=f.size("sliding_window"))
    layers = [
        Layer(mixer=narrow if slides[i] else wide, channel=gated(f, bias=False) if channels[i] == "dense" else moe)
        for i in range(n)
    ]
    return decoder(f, lm, layers)


def ernie4_5_vl_moe(f: Fields, lm: bool = True) -> Architecture:
    """ERNIE 4.5 VL: experts of text and experts of images, each as many; shared ones for both (ERNIE 4.5 report, 2.2).

    A token visits only those of its kind. Counts are for text; images take ``top_k`` of experts as narrow as theirs.
    """
    n = f.size("num_hidden_layers")
    widths = f.value("moe_intermediate_size")
    if not isinstance(widths, list) or len(widths) != 2:
        raise BadInput(f"{f.where}: field 'moe_intermediate_size' must list the widths of text's and images' experts")
    if f.flag("use_bias"):
        raise BadInput(f"{f.where}: use_bias=true is not modelled for ERNIE 4.5 VL")
    kinds = f.names("mlp_layer_types", n) or ["dense"] + ["sparse"] * (n - 1)
    experts, hidden = f.size("moe_num_experts"), f.size("hidden_size")
    moe = Experts(
        experts=experts, top_k=f.size("moe_k"), width=widths[0], router_bias=True,
        shared_width=widths[0] * f.size("moe_num_shared_experts", default=0, zero=True),
    )  # fmt: skip
    images = Learned(name="experts_of_images", elements=experts * (3 * widths[1] * hidden + hidden + 1), table=True)
    mixer = attention(f, bias=())
    layers = [
        Layer(mixer=mixer, channel=gated(f, bias=False))
        if kind == "dense"
        else Layer(mixer=mixer, channel=moe, extras=(images,))
        for kind in kinds
    ]
    return decoder(f, lm, layers)


def mllama(f: Fields, lm: bool = True) -> Stack:
    """Llama 3.2 Vision: LLaMA 3.1's layers, and between them layers that only read the image, behind learned gates.

    Eight rows more than logits stand in the token table, for image tokens. Source: arXiv:2407.21783, section 7.
    """
    hidden, heads = f.size("hidden_size"), f.size("num_attention_heads")
    crossing = set(f.value("cross_attention_layers", default=[]))
    channel, mixer = gated(f, bias=False), attention(f, bias=(), head_dim=hidden // heads)
    cross = CrossAttention(
        heads=heads, kv_heads=f.size("num_key_value_heads"), head_dim=hidden // heads, source="vision", qk_norm=True
    )
    gates = (Learned(name="gates", elements=2),)
    layers = [
        Layer(cross=cross, channel=channel, extras=gates) if i in crossing else Layer(mixer=mixer, channel=channel)
        for i in range(f.size("num_hidden_layers"))
    ]
    rows = (Learned(name="image_rows", elements=8 * hidden, table=True),)
    return decoders.stack(f, layers, tied=False, lm=lm, extras=rows)


def kosmos(f: Fields, lm: bool = True) -> Stack:
    """Kosmos-2 and 2.5: layer norms, biases and norms inside both blocks (Magneto, arXiv:2210.06423)."""
    hidden, heads, width = f.size("embed_dim"), f.size("attention_heads"), f.size("ffn_dim")
    inside = f.kind == "kosmos_2_text_model"
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, bias=QKVO, position="absolute", out_norm=inside
    )
    norm = (Learned(name="channel.inner_norm", elements=2 * width),)
    channel = Dense(width=width, gated=False, bias=True, activation="gelu")
    segments = () if inside else (Learned(name="segments", elements=2 * hidden, table=True),)
    layers = [Layer(mixer=mixer, channel=channel, extras=norm)] * f.size("layers")
    return decoders.stack(f, layers, tied=True, lm=lm, hidden=hidden, norm="layer", extras=segments)


def molmo2(f: Fields, lm: bool = True) -> Architecture:
    """Molmo 2: Qwen 3's layer; tokens of images have rows of their own in the token table."""
    if f.flag("norm_after"):
        raise BadInput(f"{f.where}: norm_after=true is not modelled for Molmo 2")
    bias = QKV if f.flag("attention_bias") or f.flag("qkv_bias") else ()
    mixer = attention(f, bias=bias, qk_norm="head" if f.value("qk_norm_type") == "qwen3" else "full")
    rows = Learned(
        name="image_rows", elements=f.size("additional_vocab_size") * f.size("hidden_size"), table=True
    )  # fmt: skip
    return decoder(f, lm, plain(f, mixer, gated(f, bias=False)), extras=(rows,))


def unlimited_ocr(f: Fields, lm: bool = True) -> Architecture:
    """Unlimited-OCR: DeepSeek-V2's experts with plain attention over a window and a reference."""
    moe, n = mixtures._routed_and_shared(f), f.size("num_hidden_layers")
    kinds = f.names("mlp_layer_types", n) or ["dense"] + ["sparse"] * (n - 1)
    f.read.update(("sliding_window", "layer_types"))
    mixer = attention(f)
    layers = [Layer(mixer=mixer, channel=gated(f) if kind == "dense" else moe) for kind in kinds]
    return decoder(f, lm, layers)


INNER: dict[str, Read] = {
    "cosmos3_edge_text": cosmos3_edge,
    "ernie4_5_vl_moe_text": ernie4_5_vl_moe,
    "glm4v_moe_text": glm4v_moe,
    "glm4v_text": glm4v,
    "glm_ocr_text": glm_ocr,
    "granite_docling_text": decoders.llama,
    "kosmos_2_5_text_model": kosmos,
    "kosmos_2_text_model": kosmos,
    "mllama_text_model": mllama,
    "molmo2_text": molmo2,
    "muse_glimmer_text": muse_glimmer,
    "paddleocr_vl_text": decoders.ernie4_5,
    "qwen2_5_omni_text": decoders.qwen2,
    "qwen2_5_vl_text": decoders.qwen2,
    "qwen2_vl_text": decoders.qwen2,
    "qwen3_omni_moe_text": mixtures.qwen3_moe,
    "qwen3_vl_moe_text": mixtures.qwen3_moe,
    "qwen3_vl_text": decoders.qwen3,
    "step3p5": step3p5,
    "unlimited_ocr_text": unlimited_ocr,
    "voxtral_realtime_text": audio_decoders.realtime_text,
}
"""Types that only stand inside others, and how their layers are read."""


def language(f: Fields, text: Fields, tied: bool) -> Stack:
    """The decoder, with logits tied as the outer configuration says.

    Raises:
        BadInput: If nobody reads its type.
    """
    from catalog.importers.huggingface import TYPES

    if text.kind in INNER:
        found = INNER[text.kind](text, True)
    elif text.kind in TYPES:
        entry = TYPES[text.kind]
        found = entry.read(text, entry.class_name)
    else:
        raise unknown(f"model_type in {text.where}:", text.kind, sorted({*INNER, *TYPES}))
    stack = found if isinstance(found, Stack) else found.stacks[-1]
    heads = tuple(h.model_copy(update={"tied": tied}) if isinstance(h, LmHead) else h for h in stack.heads)
    return stack.model_copy(update={"heads": heads})


def alone(stack: Stack) -> Stack:
    """The same without its tower: layers that read the image read one that is not there."""

    def blind(layer: Layer) -> Layer:
        cross = layer.cross and layer.cross.model_copy(update={"source": "picture"})
        return layer.model_copy(update={"cross": cross})

    groups = (
        group.model_copy(update={"layers": tuple(blind(layer) for layer in group.layers)}) for group in stack.groups
    )
    return stack.model_copy(update={"groups": tuple(groups)})
