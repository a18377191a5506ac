"""Vision towers of a fixed image size: CLIP, SigLIP and those made like them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.channels import Dense
from catalog.connectors import Connector, Map, Merge, Normalise
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.image_heads import AttentionPooler
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention
from catalog.spec import Layer, NormKind, PatchEmbedding, Stack

QKV = ("q", "k", "v")
QKVO = ("q", "k", "v", "o")


def block(f: Fields, hidden: int, heads: int, width: int, **rest: Any) -> Layer:
    """A pre-norm layer of a tower: bidirectional attention and a dense block, biases in both unless told otherwise.

    Keywords go where they belong: ``gated`` and ``mlp_bias`` to the dense block, ``layer_scale``, ``norms``,
    ``extras`` and ``modulation`` to the layer, everything else to attention.
    """
    if "head_dim" not in rest and hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    gated, mlp_bias = rest.pop("gated", False), rest.pop("mlp_bias", True)
    layer = {key: rest.pop(key) for key in ("layer_scale", "norms", "extras") if key in rest}
    attention: dict[str, Any] = {
        "kv_heads": heads, "head_dim": hidden // heads, "bias": QKVO, "position": "absolute", **rest,
    }  # fmt: skip
    return Layer(
        mixer=Attention(heads=heads, causal=False, **attention),
        channel=Dense(width=width, gated=gated, bias=mlp_bias, activation="silu" if gated else "gelu"),
        **layer,
    )


def tower(
    hidden: int, embedding: PatchEmbedding, layers: Sequence[Layer], norm: NormKind = "layer", **rest: Any
) -> Stack:
    """A stack that looks at images."""
    return Stack(
        name=rest.pop("name", "vision"), role="vision", hidden=hidden, norm=norm, embedding=embedding,
        groups=fold(layers), **rest,
    )  # fmt: skip


def square(f: Fields, key: str) -> int:
    """A side in pixels, written as one number or as a pair of equal ones.

    Raises:
        BadInput: If the sides differ.
    """
    value = f.value(key)
    if isinstance(value, list | tuple):
        if len(set(value)) != 1 or not isinstance(value[0], int):
            raise BadInput(f"{f.where}: {key}={value} is not square")
        return int(value[0])
    return f.size(key)


def _sizes(v: Fields, heads: str = "num_attention_heads") -> tuple[int, int, int, int]:
    """Hidden width, heads, inner width and number of layers under their usual names."""
    return v.size("hidden_size"), v.size(heads), v.size("intermediate_size"), v.size("num_hidden_layers")


def patches(v: Fields, **rest: Any) -> PatchEmbedding:
    """Patches of a square image under the usual names."""
    fields = {
        "size": square(v, "image_size"),
        "patch": square(v, "patch_size"),
        "channels": v.size("num_channels", default=3),
    }
    return PatchEmbedding(**{**fields, **rest})


def whole(v: Fields, size: int) -> int:
    """The largest side up to ``size`` that patches fill: positions beyond are left over."""
    patch = square(v, "patch_size")
    return size // patch * patch


def clip(v: Fields) -> Stack:
    """CLIP (arXiv:2103.00020): a class token, a norm before the first layer and behind the last."""
    v.read.update(("vocab_size", "projection_dim"))
    hidden, heads, width, n = _sizes(v)
    embedding = patches(v, bias=False, extra_tokens=1, norm=True, size=whole(v, square(v, "image_size")))
    return tower(hidden, embedding, [block(v, hidden, heads, width)] * n)


def siglip(v: Fields) -> Stack:
    """SigLIP (arXiv:2303.15343): no class token; its pooling head, which language models leave unused, is counted."""
    hidden, heads, width, n = _sizes(v)
    layer = block(v, hidden, heads, width)
    embedding = patches(v, size=whole(v, square(v, "image_size")))
    pool = (AttentionPooler(heads=heads, width=width),) if v.flag("vision_use_head", True) else ()
    return tower(hidden, embedding, [layer] * n, heads=pool)


def plain(v: Fields) -> Stack:
    """SigLIP's layers without its head (Idefics, SmolVLM, PaddleOCR)."""
    hidden, heads, width, n = _sizes(v)
    embedding = patches(v, size=whole(v, square(v, "image_size")))
    return tower(hidden, embedding, [block(v, hidden, heads, width)] * n)


def janus(v: Fields) -> Stack:
    """Janus (arXiv:2501.17811): SigLIP's layers; biases and inner width under other names."""
    hidden, heads, n = v.size("hidden_size"), v.size("num_attention_heads"), v.size("num_hidden_layers")
    if v.flag("use_qk_norm"):
        raise BadInput(f"{v.where}: use_qk_norm=true is not modelled")
    bias = QKVO if v.flag("attention_bias", True) else ("o",)
    width = int(hidden * v.value("mlp_ratio"))
    return tower(hidden, patches(v), [block(v, hidden, heads, width, bias=bias)] * n)


def internvit(v: Fields) -> Stack:
    """InternViT (arXiv:2312.14238): a class token, a factor per channel on what each block returns."""
    hidden, heads, width, n = _sizes(v)
    norm: NormKind = "rms" if v.value("norm_type", default="layer_norm") == "rms_norm" else "layer"
    if not v.flag("use_absolute_position_embeddings", True):
        raise BadInput(f"{v.where}: use_absolute_position_embeddings=false is not modelled")
    v.read.update(("use_mask_token", "drop_path_rate"))
    layer = block(
        v, hidden, heads, width, layer_scale=True, bias=QKVO if v.flag("attention_bias") else ("o",),
        qk_norm="full" if v.flag("use_qk_norm") else None,
    )  # fmt: skip
    embedding = patches(v, extra_tokens=1, mask_token=v.flag("use_mask_token"))
    final = not v.flag("use_mean_pooling", True)
    return tower(hidden, embedding, [layer] * n, norm, final_norm=final)


def blip(v: Fields) -> Stack:
    """EVA-CLIP's giant as BLIP-2 takes it (arXiv:2301.12597): a class token, a bias on patches."""
    hidden, heads, width, n = _sizes(v)
    bias = QKVO if v.flag("qkv_bias", True) else ("o",)
    return tower(hidden, patches(v, extra_tokens=1), [block(v, hidden, heads, width, bias=bias)] * n)


def ovis(v: Fields) -> Stack:
    """Ovis 2: AIMv2 (arXiv:2411.14402): RMS norms, gated blocks, no biases but the patches'."""
    hidden, heads, width, n = _sizes(v)
    bias = QKVO if v.flag("qkv_bias") else ()
    layer = block(v, hidden, heads, width, bias=bias, gated=True, mlp_bias=v.flag("mlp_bias"))
    return tower(hidden, patches(v, norm=True), [layer] * n, "rms")


def step(v: Fields) -> Stack:
    """Step 3: a perception encoder (arXiv:2504.13181) without class token or final norm."""
    hidden, heads, width, n = _sizes(v)
    layer = block(v, hidden, heads, width, layer_scale=True, position="rotary")
    return tower(hidden, patches(v, bias=False, norm=True), [layer] * n, final_norm=False)


def llama4(v: Fields) -> Stack:
    """Llama 4: rotary positions beside learned ones, the class token behind the patches."""
    hidden, heads, width, n = _sizes(v)
    layer = block(v, hidden, heads, width, position="rotary")
    return tower(hidden, patches(v, bias=False, extra_tokens=1, norm=True), [layer] * n)


def mllama(v: Fields) -> Stack:
    """Llama 3.2 Vision: an image fills ``max_num_tiles`` tiles always; layers with gates follow those without.

    Tokens of a tile are padded to a multiple of eight. Source: arXiv:2407.21783, section 7.1.
    """
    hidden, heads, width = v.size("hidden_size"), v.size("attention_heads"), v.size("intermediate_size")
    tiles = v.size("max_num_tiles")
    embedding = patches(v, bias=False, extra_tokens=1, norm=True, positions=False, tiles=tiles)
    tokens = embedding.patches // tiles + 1
    embedding = embedding.model_copy(update={"padding": -tokens % 8})
    shapes = len(v.value("supported_aspect_ratios")) + 1
    local = block(v, hidden, heads, width, bias=())
    gated = block(v, hidden, heads, width, bias=(), extras=(Learned(name="gates", elements=2),))
    extras = (
        Learned(name="position_gates", elements=3),
        Learned(name="positions", elements=tokens * hidden, table=True),
        Learned(name="tile_positions", elements=shapes * tiles * tokens * hidden, table=True),
        Learned(name="tiles", elements=2 * shapes * tiles * hidden, table=True),
    )
    layers = [local] * v.size("num_hidden_layers") + [gated] * v.size("num_global_layers")
    return tower(hidden, embedding, layers, extras=extras)


def molmo(v: Fields) -> Stack:
    """Molmo 2: SigLIP's layers without the norm behind the last."""
    hidden, heads, width, n = _sizes(v)
    if v.size("num_position_embeddings") != (square(v, "image_size") // square(v, "patch_size")) ** 2:
        raise BadInput(f"{v.where}: num_position_embeddings does not fit image_size and patch_size")
    layer = block(
        v, hidden, heads, width, kv_heads=v.size("num_key_value_heads", default=heads),
        head_dim=v.size("head_dim", default=hidden // heads), bias=QKVO if v.flag("attention_bias", True) else (),
    )  # fmt: skip
    return tower(hidden, patches(v), [layer] * n, final_norm=False)


def minicpm(v: Fields) -> Stack:
    """MiniCPM-V 4.6: SigLIP's layers; behind some of them windows of tokens attend to each other and are merged.

    The layers behind it are counted with all tokens: of this tower parameters are proven, not FLOPs.
    """
    hidden, heads, width, n = _sizes(v)
    kernel = v.value("window_kernel_size", default=[2, 2])
    wide = hidden * kernel[0] * kernel[1]
    v.read.add("insert_layer_id")
    steps = (Merge(factor=kernel[0] * kernel[1]), Normalise(), Map(outputs=4 * wide), Map(outputs=hidden))
    merging = Connector(name="merging", steps=steps)
    windows = block(v, hidden, heads, width, blocks=kernel[0] * kernel[1]).model_copy(update={"channel": None})
    layers = [block(v, hidden, heads, width)] * n
    return tower(hidden, patches(v), [*layers, windows], heads=(merging,))
