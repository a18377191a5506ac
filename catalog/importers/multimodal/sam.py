"""Segment Anything's tower (arXiv:2304.02643, section 3), which readers of documents build on."""

from __future__ import annotations

from catalog.connectors import Convolve, Normalise, Step
from catalog.extras import Learned
from catalog.importers.fields import Fields
from catalog.importers.multimodal.towers import block, patches, square, tower
from catalog.spec import Stack


def sam(v: Fields) -> Stack:
    """Windows in most layers, relative positions along both axes in each.

    Windows are read as whole attention: of this tower parameters are proven, not FLOPs.
    """
    hidden, heads, n = v.size("hidden_size"), v.size("num_attention_heads"), v.size("num_hidden_layers")
    side = square(v, "image_size") // square(v, "patch_size")
    whole, window = v.value("global_attn_indexes", default=[]), v.size("window_size", zero=True)
    bias = ("q", "k", "v", "o") if v.flag("qkv_bias", True) else ("o",)
    v.read.update(("mlp_ratio", "num_pos_feats", "scale"))

    def relative(i: int) -> tuple[Learned, ...]:
        if not v.flag("use_rel_pos", True):
            return ()
        reach = side if i in whole or not window else window
        return (Learned(name="relative_positions", elements=2 * (2 * reach - 1) * (hidden // heads)),)

    layers = [block(v, hidden, heads, v.size("mlp_dim"), bias=bias, extras=relative(i)) for i in range(n)]
    embedding = patches(v, positions=v.flag("use_abs_pos", True))
    return tower(hidden, embedding, layers, final_norm=False)


def neck(channels: int) -> tuple[Step, ...]:
    """Two convolutions without biases, each behind which stands a norm."""
    return (
        Convolve(outputs=channels, kernel=1, bias=False), Normalise(),
        Convolve(outputs=channels, bias=False), Normalise(),
    )  # fmt: skip


def narrowing(channels: int, times: int = 2) -> tuple[Step, ...]:
    """Strided convolutions that double the channels each time."""
    return tuple(Convolve(outputs=channels << i, stride=2, bias=False) for i in range(1, times + 1))
