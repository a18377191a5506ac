"""Class defaults of transformers 5.23: what a ``config.json`` means where it leaves a field out."""

from __future__ import annotations

from typing import Any

DEFAULTS: dict[str, dict[str, Any]] = {
    "bamba": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 14336, "mamba_chunk_size": 256,
        "mamba_conv_bias": True, "mamba_d_conv": 4, "mamba_d_state": 256, "mamba_expand": 2,
        "mamba_n_groups": 1, "mamba_n_heads": 128, "mamba_proj_bias": False, "max_position_embeddings":
        262144, "mlp_bias": False, "num_attention_heads": 32, "num_hidden_layers": 32,
        "num_key_value_heads": 8, "tie_word_embeddings": False, "vocab_size": 128000,
    },
    "bart": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers": 12, "init_std": 0.02,
        "max_position_embeddings": 1024, "tie_word_embeddings": True, "vocab_size": 50265,
    },
    "bert": {
        "add_cross_attention": False, "hidden_size": 768, "intermediate_size": 3072,
        "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
        "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 30522,
    },
    "deepseek_v2": {
        "attention_bias": False, "first_k_dense_replace": 0, "hidden_size": 4096, "intermediate_size":
        11008, "kv_lora_rank": 512, "max_position_embeddings": 2048, "mlp_bias": False,
        "moe_intermediate_size": 1407, "n_routed_experts": 64, "n_shared_experts": 2, "num_attention_heads":
        32, "num_hidden_layers": 32, "q_lora_rank": 1536, "qk_head_dim": 192, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "tie_word_embeddings": False, "v_head_dim": 128, "vocab_size": 102400,
    },
    "deepseek_v3": {
        "attention_bias": False, "first_k_dense_replace": 3, "head_dim": 64, "hidden_size": 7168,
        "intermediate_size": 18432, "kv_lora_rank": 512, "max_position_embeddings": 4096,
        "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
        "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61,
        "num_key_value_heads": 128, "q_lora_rank": 1536, "qk_head_dim": 192, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "tie_word_embeddings": False, "v_head_dim": 128, "vocab_size": 129280,
    },
    "dinov2": {
        "hidden_size": 768, "image_size": 224, "mlp_ratio": 4, "num_attention_heads": 12, "num_channels": 3,
        "num_hidden_layers": 12, "patch_size": 14, "qkv_bias": True, "use_mask_token": True,
        "use_swiglu_ffn": False,
    },
    "falcon_mamba": {
        "conv_kernel": 4, "expand": 2, "hidden_size": 768, "intermediate_size": 1536, "num_hidden_layers":
        32, "state_size": 16, "tie_word_embeddings": True, "use_bias": False, "use_conv_bias": True,
        "vocab_size": 50280,
    },
    "gemma2": {
        "attention_bias": False, "head_dim": 256, "hidden_size": 2304, "intermediate_size": 9216,
        "max_position_embeddings": 8192, "num_attention_heads": 8, "num_hidden_layers": 26,
        "num_key_value_heads": 4, "sliding_window": 4096, "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "gpt2": {
        "add_cross_attention": False, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
        "tie_word_embeddings": True, "vocab_size": 50257,
    },
    "gpt_oss": {
        "attention_bias": True, "head_dim": 64, "hidden_size": 2880, "intermediate_size": 2880,
        "max_position_embeddings": 131072, "num_attention_heads": 64, "num_experts_per_tok": 4,
        "num_hidden_layers": 36, "num_key_value_heads": 8, "num_local_experts": 128, "sliding_window": 128,
        "swiglu_alpha": 1.702, "tie_word_embeddings": False, "vocab_size": 201088,
    },
    "jamba": {
        "attn_layer_offset": 4, "attn_layer_period": 8, "expert_layer_offset": 1, "expert_layer_period": 2,
        "hidden_size": 4096, "intermediate_size": 14336, "mamba_conv_bias": True, "mamba_d_conv": 4,
        "mamba_d_state": 16, "mamba_expand": 2, "mamba_proj_bias": False, "max_position_embeddings": 262144,
        "num_attention_heads": 32, "num_experts": 16, "num_experts_per_tok": 2, "num_hidden_layers": 32,
        "num_key_value_heads": 8, "tie_word_embeddings": False, "vocab_size": 65536,
    },
    "llama": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "mlp_bias": False, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings":
        False, "vocab_size": 32000,
    },
    "llava": {
        "image_seq_length": 576, "multimodal_projector_bias": True, "tie_word_embeddings": False,
    },
    "mamba": {
        "conv_kernel": 4, "expand": 2, "hidden_size": 768, "intermediate_size": 1536, "num_hidden_layers":
        32, "state_size": 16, "tie_word_embeddings": True, "use_bias": False, "use_conv_bias": True,
        "vocab_size": 50280,
    },
    "mamba2": {
        "chunk_size": 256, "conv_kernel": 4, "expand": 2, "head_dim": 64, "hidden_size": 4096, "n_groups":
        8, "num_heads": 128, "num_hidden_layers": 64, "state_size": 128, "tie_word_embeddings": False,
        "use_bias": False, "use_conv_bias": True, "vocab_size": 32768,
    },
    "mistral": {
        "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "sliding_window":
        4096, "tie_word_embeddings": False, "vocab_size": 32000,
    },
    "mixtral": {
        "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads":
        8, "num_local_experts": 8, "tie_word_embeddings": False, "vocab_size": 32000,
    },
    "modernbert": {
        "attention_bias": False, "classifier_activation": "gelu", "decoder_bias": True, "hidden_size": 768,
        "initializer_cutoff_factor": 2.0, "intermediate_size": 1152, "local_attention": 128,
        "max_position_embeddings": 8192, "mlp_bias": False, "norm_bias": False, "num_attention_heads": 12,
        "num_hidden_layers": 22, "tie_word_embeddings": True, "vocab_size": 50368,
    },
    "nemotron_h": {
        "attention_bias": False, "chunk_size": 128, "conv_kernel": 4, "expand": 2, "head_dim": 128,
        "hidden_size": 4096, "intermediate_size": 21504, "mamba_head_dim": 64, "mamba_num_heads": 128,
        "mamba_proj_bias": False, "mamba_ssm_cache_dtype": "float32", "max_position_embeddings": 4096,
        "mlp_bias": False, "moe_intermediate_size": 7688, "moe_shared_expert_intermediate_size": 7688,
        "moe_shared_expert_overlap": True, "n_groups": 8, "n_routed_experts": 8, "n_shared_experts": 1,
        "num_attention_heads": 32, "num_experts_per_tok": 2, "num_key_value_heads": 8, "ssm_state_size":
        128, "tie_word_embeddings": False, "use_bias": False, "use_conv_bias": True, "vocab_size": 131072,
    },
    "olmo2": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False,
        "vocab_size": 50304,
    },
    "olmoe": {
        "attention_bias": False, "hidden_size": 2048, "intermediate_size": 2048, "max_position_embeddings":
        4096, "num_attention_heads": 16, "num_experts": 64, "num_experts_per_tok": 8, "num_hidden_layers":
        16, "tie_word_embeddings": False, "vocab_size": 50304,
    },
    "phi3": {
        "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 4096,
        "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False, "vocab_size":
        32064,
    },
    "qwen2": {
        "hidden_size": 4096, "intermediate_size": 22016, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
        "tie_word_embeddings": False, "use_sliding_window": False, "vocab_size": 151936,
    },
    "qwen2_vl": {
        "tie_word_embeddings": False,
    },
    "qwen3": {
        "attention_bias": False, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 22016,
        "max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 32,
        "num_key_value_heads": 32, "tie_word_embeddings": False, "use_sliding_window": False, "vocab_size":
        151936,
    },
    "qwen3_moe": {
        "attention_bias": False, "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 6144,
        "max_position_embeddings": 32768, "moe_intermediate_size": 768, "num_attention_heads": 32,
        "num_experts_per_tok": 8, "num_hidden_layers": 24, "num_key_value_heads": 4, "num_local_experts":
        128, "tie_word_embeddings": False, "use_sliding_window": False, "vocab_size": 151936,
    },
    "roberta": {
        "add_cross_attention": False, "hidden_size": 768, "intermediate_size": 3072,
        "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
        "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 50265,
    },
    "smollm3": {
        "attention_bias": False, "hidden_size": 2048, "intermediate_size": 11008, "max_position_embeddings":
        32768, "mlp_bias": False, "no_rope_layer_interval": 4, "num_attention_heads": 16,
        "num_hidden_layers": 36, "num_key_value_heads": 4, "tie_word_embeddings": True,
        "use_sliding_window": False, "vocab_size": 128256,
    },
    "t5": {
        "d_ff": 2048, "d_kv": 64, "d_model": 512, "dense_act_fn": "relu", "feed_forward_proj": "relu",
        "is_gated_act": False, "num_heads": 8, "num_layers": 6, "relative_attention_num_buckets": 32,
        "scale_decoder_outputs": True, "tie_word_embeddings": True, "vocab_size": 32128,
    },
    "vit": {
        "hidden_size": 768, "image_size": 224, "intermediate_size": 3072, "num_attention_heads": 12,
        "num_channels": 3, "num_hidden_layers": 12, "patch_size": 16, "qkv_bias": True,
    },
    "xlm-roberta": {
        "add_cross_attention": False, "hidden_size": 768, "intermediate_size": 3072,
        "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
        "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 30522,
    },
}  # fmt: skip
