"""Models of every family at random weights, and the passes of them that ``benchmarks/measure.py`` times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from calculators.reference.passes import Pass

Scale = Literal["processor", "accelerator"]


def configurations(scale: Scale) -> dict[str, dict[str, Any]]:
    """Configurations by name: of one width, so that families can be compared."""
    big = scale == "accelerator"
    width, layers, vocabulary = (2048, 16, 32000) if big else (512, 4, 8192)
    heads, inner = width // 64, width * 11 // 4
    text = {
        "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "vocab_size": vocabulary,
    }  # fmt: skip
    decoder = text | {"num_key_value_heads": heads // 4, "max_position_embeddings": 131072}
    state = {"mamba_d_state": 128 if big else 64, "mamba_n_heads": 2 * heads, "mamba_d_head": 64, "mamba_n_groups": 1}
    chunk = 256 if big else 64
    return {
        "bert": {"model_type": "bert", "architectures": ["BertModel"], **text, "hidden_size": width // 2,
                 "num_attention_heads": heads // 2, "intermediate_size": 2 * width, "max_position_embeddings": 4096},
        "t5": {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "d_model": width // 2, "d_kv": 64,
               "d_ff": 2 * width, "num_layers": layers, "num_decoder_layers": layers, "num_heads": heads // 2,
               "vocab_size": vocabulary},
        "vit": {"model_type": "vit", "architectures": ["ViTModel"], "hidden_size": 768, "num_hidden_layers": 12,
                "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16},
        "resnet-50": {"model_type": "resnet", "architectures": ["ResNetModel"], "embedding_size": 64,
                      "hidden_sizes": [256, 512, 1024, 2048], "depths": [3, 4, 6, 3], "layer_type": "bottleneck",
                      "hidden_act": "relu"},
        "convnext-tiny": {"model_type": "convnext", "architectures": ["ConvNextModel"],
                          "hidden_sizes": [96, 192, 384, 768], "depths": [3, 3, 9, 3], "image_size": 224},
        "dit": {"_class_name": "DiTTransformer2DModel", "architectures": ["DiTTransformer2DModel"],
                "num_attention_heads": 16 if big else 6, "attention_head_dim": 72 if big else 64, "in_channels": 4,
                "out_channels": 8, "num_layers": 28 if big else 6, "patch_size": 2, "sample_size": 32,
                "num_embeds_ada_norm": 1000},
        "llama": {"model_type": "llama", "architectures": ["LlamaForCausalLM"], **decoder, "intermediate_size": inner},
        "mixtral": {"model_type": "mixtral", "architectures": ["MixtralForCausalLM"], **decoder,
                    "intermediate_size": inner // 2, "num_local_experts": 8, "num_experts_per_tok": 2,
                    "sliding_window": None},
        "mamba": {"model_type": "mamba", "architectures": ["MambaForCausalLM"], "hidden_size": width,
                  "num_hidden_layers": layers, "vocab_size": vocabulary, "state_size": 16, "expand": 2},
        "mamba2": {"model_type": "mamba2", "architectures": ["Mamba2ForCausalLM"], "hidden_size": width,
                   "num_hidden_layers": layers, "vocab_size": vocabulary, "state_size": state["mamba_d_state"],
                   "expand": 2, "head_dim": 64, "num_heads": 2 * heads, "n_groups": 1, "chunk_size": chunk},
        "bamba": {"model_type": "bamba", "architectures": ["BambaForCausalLM"], **decoder, **state,
                  "intermediate_size": inner, "mamba_chunk_size": chunk,
                  "attn_layer_indices": list(range(1, layers, 4))},
    }  # fmt: skip


def passes(scale: Scale, dtype: str) -> Iterator[Pass]:
    """Passes of all models, short ones first; each later one costs more, so that a budget cuts the long tail."""
    big = scale == "accelerator"
    known = configurations(scale)
    for name in ("vit", "resnet-50", "convnext-tiny", "dit"):
        for batch in (1, 8, 64) if big else (1, 4):
            yield Pass(name, known[name], dtype, batch, 0, 0, 32 if name == "dit" else 224)
    for name in ("bert", "t5"):
        for batch, tokens in ((1, 128), (1, 512), (64, 128), (64, 512)) if big else ((1, 64), (1, 256), (4, 128)):
            yield Pass(name, known[name], dtype, batch, tokens)
    lengths = (512, 2048, 8192, 32768, 131072) if big else (128, 256, 512, 1024, 2048, 4096)
    for name in ("llama", "mixtral", "mamba2", "bamba", "mamba"):
        for tokens in lengths if name != "mamba" else lengths[: 2 if big else 4]:
            yield Pass(name, known[name], dtype, 1, tokens)
        for batch, past in ((1, 512), (16, 2048), (64, 2048), (1, 32768)) if big else ((1, 128), (4, 512), (1, 2048)):
            if name != "mamba" or past <= 2048:
                yield Pass(name, known[name], dtype, batch, 1, past)
