"""Small random configurations of denoisers and autoencoders."""

from __future__ import annotations

from configs import Config, Draw, _flags, _one
from hypothesis import strategies as st


@st.composite
def unet(draw: Draw) -> Config:
    levels = _one(draw, 2, 3)
    down = [_one(draw, "CrossAttnDownBlock2D", "DownBlock2D") for _ in range(levels)]
    up = [_one(draw, "CrossAttnUpBlock2D", "UpBlock2D") for _ in range(levels)]
    added = (
        {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 20,
        }
        if _one(draw, False, True)
        else {}
    )
    return {
        "_class_name": "UNet2DConditionModel",
        "sample_size": 2 ** (levels - 1) * _one(draw, 2, 4),
        "in_channels": _one(draw, 3, 4),
        "out_channels": _one(draw, 4, 5),
        "block_out_channels": [_one(draw, 16, 32) for _ in range(levels)],
        "down_block_types": down,
        "up_block_types": up,
        "layers_per_block": _one(draw, 1, 2),
        "transformer_layers_per_block": _one(draw, 1, [2] * levels),
        "attention_head_dim": _one(draw, 2, [4] * levels),
        "cross_attention_dim": _one(draw, 20, 28),
        "norm_num_groups": 8,
        **_flags(draw, "use_linear_projection"),
        **added,
    }


@st.composite
def autoencoder(draw: Draw) -> Config:
    levels = _one(draw, 1, 2, 3)
    return {
        "_class_name": "AutoencoderKL",
        "sample_size": 2 ** (levels - 1) * _one(draw, 4, 6),
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "block_out_channels": [_one(draw, 8, 16) for _ in range(levels)],
        "layers_per_block": _one(draw, 1, 2),
        "latent_channels": _one(draw, 2, 4),
        "norm_num_groups": 4,
        **_flags(draw, "use_quant_conv", "use_post_quant_conv", "mid_block_add_attention"),
    }


@st.composite
def sd3(draw: Draw) -> Config:
    heads, d = _one(draw, 2, 3), _one(draw, 8, 12)
    patch, layers = _one(draw, 1, 2), _one(draw, 1, 3)
    return {
        "_class_name": "SD3Transformer2DModel",
        "sample_size": patch * _one(draw, 4, 6),
        "patch_size": patch,
        "in_channels": _one(draw, 4, 6),
        "out_channels": _one(draw, 4, 5),
        "num_layers": layers,
        "attention_head_dim": d,
        "num_attention_heads": heads,
        "joint_attention_dim": _one(draw, 20, 28),
        "caption_projection_dim": heads * d,
        "pooled_projection_dim": _one(draw, 16, 36),
        "pos_embed_max_size": 12,
        "qk_norm": _one(draw, None, "rms_norm"),
        "dual_attention_layers": _one(draw, [], [0], list(range(layers))),
    }


@st.composite
def flux(draw: Draw) -> Config:
    return {
        "_class_name": "FluxTransformer2DModel",
        "in_channels": _one(draw, 4, 8),
        "num_layers": _one(draw, 1, 2),
        "num_single_layers": _one(draw, 1, 3),
        "attention_head_dim": 16,
        "num_attention_heads": _one(draw, 1, 2),
        "joint_attention_dim": _one(draw, 20, 28),
        "pooled_projection_dim": _one(draw, 12, 36),
        "axes_dims_rope": [4, 6, 6],
        **_flags(draw, "guidance_embeds"),
    }


DENOISERS: dict[str, st.SearchStrategy[Config]] = {
    "AutoencoderKL": autoencoder(),
    "FluxTransformer2DModel": flux(),
    "SD3Transformer2DModel": sd3(),
    "UNet2DConditionModel": unet(),
}
