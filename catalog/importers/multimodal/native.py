"""Vision towers that take images at their own size; counts are for one usual size, named with each."""

from __future__ import annotations

from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers.fields import Fields
from catalog.importers.multimodal.towers import QKVO, block, square, tower
from catalog.spec import PatchEmbedding, Stack

QWEN_SIDE = 448
"""Pixels: 16 by 16 tokens of 28 pixels with Qwen2-VL and Qwen2.5-VL."""

QWEN3_SIDE = 512
"""Pixels: 16 by 16 tokens of 32 pixels with Qwen3-VL and Qwen3.5."""


def _video(v: Fields, side: int, **rest: object) -> PatchEmbedding:
    """Patches of ``temporal_patch_size`` frames; one picture is doubled."""
    return PatchEmbedding(
        size=side, patch=v.size("patch_size"), channels=v.size("in_channels", "num_channels", default=3),
        frames=v.size("temporal_patch_size", "patch_temporal", default=1), positions=False, **rest,  # type: ignore[arg-type]
    )  # fmt: skip


def _table(name: str, elements: int) -> tuple[Learned, ...]:
    """A table of positions that is interpolated to the image's own grid."""
    return (Learned(name=name, elements=elements, table=True),)


def pixtral(v: Fields) -> Stack:
    """Pixtral (arXiv:2410.07073): LLaMA's layers with rotary positions in two axes; counted for the largest image."""
    hidden, heads = v.size("hidden_size"), v.size("num_attention_heads")
    v.read.update(("head_dim", "vocab_size"))
    patch = square(v, "patch_size")
    embedding = PatchEmbedding(
        size=v.size("image_size") // patch * patch, patch=patch, channels=v.size("num_channels", default=3), bias=False,
        positions=False, norm=True,
    )  # fmt: skip
    layer = block(
        v,
        hidden,
        heads,
        v.size("intermediate_size"),
        bias=(),
        position="rotary",
        gated=True,
        mlp_bias=False,
        packed=True,
    )
    return tower(hidden, embedding, [layer] * v.size("num_hidden_layers"), "rms", final_norm=False)


def qwen2(v: Fields) -> Stack:
    """Qwen2-VL (arXiv:2409.12191): a ViT with rotary positions and doubled frames."""
    v.read.update(("in_chans", "spatial_patch_size", "model_type"))
    hidden = v.size("embed_dim")
    layer = block(v, hidden, v.size("num_heads"), int(v.value("mlp_ratio") * hidden), position="rotary")
    return tower(hidden, _video(v, QWEN_SIDE, bias=False), [layer] * v.size("depth"), final_norm=False)


def qwen2_5(v: Fields) -> Stack:
    """Qwen2.5-VL (arXiv:2502.13923): full attention in few layers, windows of ``window_size`` pixels in the others."""
    v.read.update(("in_chans", "spatial_patch_size", "tokens_per_second"))
    hidden, heads, n = v.size("hidden_size"), v.size("num_heads"), v.size("depth")
    full = v.value("fullatt_block_indexes", default=[])
    merged = v.size("spatial_merge_size")
    side = v.size("window_size") // merged // v.size("patch_size") * merged
    kv = v.size("num_key_value_heads", default=heads)
    layers = [
        block(
            v, hidden, heads, v.size("intermediate_size"), position="rotary", gated=True, kv_heads=kv,
            blocks=None if i in full else side**2,
        )
        for i in range(n)
    ]  # fmt: skip
    return tower(hidden, _video(v, QWEN_SIDE, bias=False), layers, "rms", final_norm=False)


def qwen3(v: Fields) -> Stack:
    """Qwen3-VL (arXiv:2511.21631): SigLIP 2's layers with rotary and interpolated learned positions."""
    hidden = v.size("hidden_size")
    layer = block(v, hidden, v.size("num_heads"), v.size("intermediate_size"), position="rotary")
    extras = _table("positions", v.size("num_position_embeddings") * hidden)
    return tower(hidden, _video(v, QWEN3_SIDE), [layer] * v.size("depth"), final_norm=False, extras=extras)


def glm4v(v: Fields) -> Stack:
    """GLM-4.1V (arXiv:2507.01006): AIMv2's layers; learned positions are interpolated bicubically."""
    hidden = v.size("hidden_size")
    layer = block(
        v, hidden, v.size("num_heads"), v.size("out_hidden_size"), position="rotary", gated=True, mlp_bias=False,
        bias=QKVO if v.flag("attention_bias") else (),
    )  # fmt: skip
    extras = _table("positions", (v.size("image_size") // v.size("patch_size")) ** 2 * hidden)
    embedding = _video(v, QWEN_SIDE, norm=True)
    return tower(hidden, embedding, [layer] * v.size("depth"), "rms", extras=extras)


def glm_ocr(v: Fields) -> Stack:
    """GLM-OCR: norms on each head's queries and keys, no learned positions."""
    hidden = v.size("hidden_size")
    bias = v.flag("attention_bias", True)
    layer = block(
        v, hidden, v.size("num_heads"), v.size("intermediate_size"), position="rotary", gated=True, mlp_bias=bias,
        bias=QKVO if bias else (), qk_norm="head",
    )  # fmt: skip
    return tower(hidden, _video(v, QWEN_SIDE), [layer] * v.size("depth"), "rms")


def ernie(v: Fields) -> Stack:
    """ERNIE 4.5 VL: Qwen2-VL's tower on single frames, with a norm behind it."""
    hidden = v.size("hidden_size")
    v.read.add("temporal_merge_size")
    layer = block(v, hidden, v.size("num_heads"), v.size("intermediate_size"), position="rotary")
    return tower(hidden, _video(v, QWEN_SIDE, bias=False), [layer] * v.size("depth"))


def siglip2(v: Fields) -> Stack:
    """SigLIP 2 with its NaFlex patches (arXiv:2502.14786): as many as positions were learned."""
    hidden, heads, width = v.size("hidden_size"), v.size("num_attention_heads"), v.size("intermediate_size")
    rows = v.size("num_patches")
    side = int(rows**0.5)
    if side**2 != rows:
        raise BadInput(f"{v.where}: num_patches={rows} is no square grid")
    embedding = PatchEmbedding(
        size=side * v.size("patch_size"), patch=v.size("patch_size"), channels=v.size("num_channels", default=3)
    )
    from catalog.image_heads import AttentionPooler

    pool = (AttentionPooler(heads=heads, width=width),) if v.flag("vision_use_head") else ()
    layers = [block(v, hidden, heads, width)] * v.size("num_hidden_layers")
    return tower(hidden, embedding, layers, heads=pool)


def video_llama(v: Fields) -> Stack:
    """VideoLLaMA 3 (arXiv:2501.13106): SigLIP with rotary positions instead of learned ones."""
    hidden = v.size("hidden_size")
    layer = block(v, hidden, v.size("num_attention_heads"), v.size("intermediate_size"), position="rotary")
    return tower(hidden, _video(v, QWEN_SIDE), [layer] * v.size("num_hidden_layers"))


def moonvit(v: Fields) -> Stack:
    """MoonViT (arXiv:2504.07491): SigLIP's layers with rotary and interpolated learned positions."""
    hidden = v.size("hidden_size")
    v.read.add("pos_emb_time")
    layer = block(v, hidden, v.size("num_attention_heads"), v.size("intermediate_size"), position="rotary")
    extras = _table("positions", v.size("pos_emb_height") * v.size("pos_emb_width") * hidden)
    return tower(hidden, _video(v, QWEN_SIDE), [layer] * v.size("num_hidden_layers"), extras=extras)


def muse(v: Fields) -> Stack:
    """Muse: a ViT with doubled frames, rotary and interpolated learned positions."""
    hidden = v.size("hidden_size")
    layer = block(v, hidden, v.size("num_attention_heads"), v.size("intermediate_size"), position="rotary")
    extras = _table("positions", v.size("pos_emb_height") * v.size("pos_emb_width") * hidden)
    embedding = _video(v, QWEN_SIDE, bias=False, norm=True)
    return tower(hidden, embedding, [layer] * v.size("num_hidden_layers"), extras=extras)


def minimax(v: Fields) -> Stack:
    """MiniMax M3 VL: CLIP's layers with doubled frames and rotary positions, no norm behind the last."""
    hidden = v.size("hidden_size")
    v.read.add("image_size")
    layer = block(v, hidden, v.size("num_attention_heads"), v.size("intermediate_size"), position="rotary")
    embedding = _video(v, QWEN_SIDE, bias=False, norm=True)
    return tower(hidden, embedding, [layer] * v.size("num_hidden_layers"), final_norm=False)


def radio(v: Fields) -> Stack:
    """RADIO (arXiv:2312.06709): class and register tokens, and a projection of its own for video patches."""
    hidden, heads = v.size("hidden_size"), v.size("num_attention_heads")
    tokens = v.size("num_cls_tokens") + v.size("num_registers", zero=True)
    patch = v.size("patch_size")
    frames = v.size("video_temporal_patch_size", default=1)
    extras = (
        *_table("positions", (v.size("max_img_size") // patch) ** 2 * hidden),
        Learned(name="video_patches", elements=hidden * 3 * frames * patch**2, table=True),
    )
    bias = QKVO if v.flag("qkv_bias", True) else ("o",)
    layer = block(v, hidden, heads, int(v.value("mlp_ratio") * hidden), layer_scale=True, bias=bias)
    embedding = PatchEmbedding(
        size=v.size("image_size"), patch=patch, channels=v.size("num_channels", default=3), bias=False,
        extra_tokens=tokens, positions=False,
    )  # fmt: skip
    layers = [layer] * v.size("num_hidden_layers")
    return tower(hidden, embedding, layers, final_norm=False, extras=extras)


def pix2struct(v: Fields) -> Stack:
    """Kosmos-2.5's tower: Pix2Struct's, with heads of a width of its own."""
    return _pix2struct(v, v.size("head_dim"))


def pix2struct_vision(v: Fields) -> Stack:
    """Pix2Struct's own tower."""
    return _pix2struct(v, v.size("d_kv"))


def _pix2struct(v: Fields, d: int) -> Stack:
    """Pix2Struct (arXiv:2210.03347, section 2.1): patches of any aspect ratio, tables of rows and columns, T5's norms.

    Counted for a square of the most patches that fit ``max_num_patches``.
    """
    hidden, heads = v.size("hidden_size"), v.size("num_attention_heads")
    rows = v.size("max_num_patches", "seq_len")
    patch = int((v.size("patch_embed_hidden_size") // 3) ** 0.5)
    if 3 * patch**2 != v.size("patch_embed_hidden_size"):
        raise BadInput(f"{v.where}: patch_embed_hidden_size is no square patch of three channels")
    embedding = PatchEmbedding(size=int(rows**0.5) * patch, patch=patch, positions=False)
    layer = block(
        v, hidden, heads, v.size("intermediate_size", "d_ff"), head_dim=d, bias=(), gated=True, mlp_bias=False
    )  # fmt: skip
    extras = _table("rows_and_columns", 2 * rows * hidden)
    return tower(hidden, embedding, [layer] * v.size("num_hidden_layers"), "rms", extras=extras)
