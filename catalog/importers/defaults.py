"""Class defaults of transformers 5.23: what a ``config.json`` means where it leaves a field out."""

from __future__ import annotations

from typing import Any

DEFAULTS: dict[str, dict[str, Any]] = {
    "albert": {
        "embedding_size": 128, "hidden_size": 4096, "inner_group_num": 1, "intermediate_size": 16384,
        "max_position_embeddings": 512, "num_attention_heads": 64, "num_hidden_groups": 1,
        "num_hidden_layers": 12, "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 30000,
    },
    "apertus": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings":
        65536, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False,
        "vocab_size": 131072,
    },
    "arcee": {
        "attention_bias": False, "hidden_size": 2560, "intermediate_size": 18432, "max_position_embeddings":
        4096, "mlp_bias": False, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings":
        False, "vocab_size": 32000,
    },
    "bamba": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 14336, "mamba_chunk_size": 256,
        "mamba_conv_bias": True, "mamba_d_conv": 4, "mamba_d_state": 256, "mamba_expand": 2,
        "mamba_n_groups": 1, "mamba_n_heads": 128, "mamba_proj_bias": False, "max_position_embeddings":
        262144, "mlp_bias": False, "num_attention_heads": 32, "num_hidden_layers": 32,
        "num_key_value_heads": 8, "tie_word_embeddings": False, "vocab_size": 128000,
    },
    "bart": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers": 12,
        "max_position_embeddings": 1024, "tie_word_embeddings": True, "vocab_size": 50265,
    },
    "bert": {
        "add_cross_attention": False, "hidden_size": 768, "intermediate_size": 3072,
        "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
        "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 30522,
    },
    "biogpt": {
        "hidden_size": 1024, "intermediate_size": 4096, "layerdrop": 0.0, "max_position_embeddings": 1024,
        "num_attention_heads": 16, "num_hidden_layers": 24, "tie_word_embeddings": True, "vocab_size": 42384,
    },
    "bloom": {
        "apply_residual_connection_post_layernorm": False, "hidden_size": 64, "n_head": 8, "n_layer": 2,
        "slow_but_exact": False, "tie_word_embeddings": True, "vocab_size": 250880,
    },
    "codegen": {
        "n_embd": 4096, "n_head": 16, "n_layer": 28, "tie_word_embeddings": False, "vocab_size": 50400,
    },
    "cohere": {
        "attention_bias": False, "hidden_size": 8192, "intermediate_size": 22528, "max_position_embeddings":
        8192, "num_attention_heads": 64, "num_hidden_layers": 40, "tie_word_embeddings": True,
        "use_qk_norm": False, "vocab_size": 256000,
    },
    "cohere2": {
        "attention_bias": False, "head_dim": 128, "hidden_size": 8192, "intermediate_size": 22528,
        "max_position_embeddings": 8192, "num_attention_heads": 64, "num_hidden_layers": 40,
        "sliding_window": 4096, "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "ctrl": {
        "dff": 8192, "n_embd": 1280, "n_head": 16, "n_layer": 48, "tie_word_embeddings": True, "vocab_size":
        246534,
    },
    "cwm": {
        "head_dim": 128, "hidden_size": 6144, "intermediate_size": 21504, "max_position_embeddings": 131072,
        "mlp_bias": False, "num_attention_heads": 48, "num_hidden_layers": 64, "num_key_value_heads": 8,
        "sliding_window": 8192, "tie_word_embeddings": False, "vocab_size": 128256,
    },
    "deberta-v2": {
        "hidden_size": 1536, "intermediate_size": 6144, "max_position_embeddings": 512,
        "max_relative_positions": -1, "num_attention_heads": 24, "num_hidden_layers": 24,
        "pooler_hidden_size": 1536, "position_biased_input": True, "relative_attention": False,
        "tie_word_embeddings": True, "type_vocab_size": 0, "vocab_size": 128100,
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
    "distilbert": {
        "dim": 768, "hidden_dim": 3072, "max_position_embeddings": 512, "n_heads": 12, "n_layers": 6,
        "tie_word_embeddings": True, "vocab_size": 30522,
    },
    "dots1": {
        "attention_bias": False, "first_k_dense_replace": 0, "hidden_size": 4608, "intermediate_size":
        10944, "max_position_embeddings": 2048, "moe_intermediate_size": 1408, "num_attention_heads": 32,
        "num_hidden_layers": 62, "num_key_value_heads": 32, "sliding_window": 4096, "tie_word_embeddings":
        False, "vocab_size": 152064,
    },
    "electra": {
        "add_cross_attention": False, "embedding_size": 128, "hidden_size": 256, "intermediate_size": 1024,
        "max_position_embeddings": 512, "num_attention_heads": 4, "num_hidden_layers": 12,
        "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 30522,
    },
    "ernie4_5": {
        "head_dim": 128, "hidden_size": 1024, "intermediate_size": 3072, "max_position_embeddings": 131072,
        "num_attention_heads": 16, "num_hidden_layers": 18, "num_key_value_heads": 2, "tie_word_embeddings":
        True, "use_bias": False, "vocab_size": 103424,
    },
    "ernie4_5_moe": {
        "hidden_size": 2560, "intermediate_size": 12288, "max_position_embeddings": 131072,
        "moe_intermediate_size": 1536, "moe_k": 6, "moe_layer_interval": 1, "moe_layer_start_index": 1,
        "moe_num_experts": 64, "moe_num_shared_experts": 2, "num_attention_heads": 20, "num_hidden_layers":
        28, "num_key_value_heads": 4, "tie_word_embeddings": True, "use_bias": False, "vocab_size": 103424,
    },
    "exaone4": {
        "hidden_size": 4096, "intermediate_size": 16384, "max_position_embeddings": 2048,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "sliding_window":
        4096, "tie_word_embeddings": False, "vocab_size": 102400,
    },
    "falcon": {
        "alibi": False, "bias": False, "hidden_size": 4544, "max_position_embeddings": 2048, "multi_query":
        True, "new_decoder_architecture": False, "num_attention_heads": 71, "num_hidden_layers": 32,
        "parallel_attn": True, "tie_word_embeddings": True, "vocab_size": 65024,
    },
    "falcon_mamba": {
        "conv_kernel": 4, "expand": 2, "hidden_size": 768, "intermediate_size": 1536, "num_hidden_layers":
        32, "state_size": 16, "tie_word_embeddings": True, "use_bias": False, "use_conv_bias": True,
        "vocab_size": 50280,
    },
    "gemma": {
        "attention_bias": False, "head_dim": 256, "hidden_size": 3072, "intermediate_size": 24576,
        "max_position_embeddings": 8192, "num_attention_heads": 16, "num_hidden_layers": 28,
        "num_key_value_heads": 16, "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "gemma2": {
        "attention_bias": False, "head_dim": 256, "hidden_size": 2304, "intermediate_size": 9216,
        "max_position_embeddings": 8192, "num_attention_heads": 8, "num_hidden_layers": 26,
        "num_key_value_heads": 4, "sliding_window": 4096, "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "gemma3_text": {
        "_sliding_window_pattern": 6, "attention_bias": False, "head_dim": 256, "hidden_size": 2304,
        "intermediate_size": 9216, "max_position_embeddings": 131072, "num_attention_heads": 8,
        "num_hidden_layers": 26, "num_key_value_heads": 4, "sliding_window": 4096, "tie_word_embeddings":
        True, "use_bidirectional_attention": False, "vocab_size": 262208,
    },
    "glm": {
        "attention_bias": True, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 13696,
        "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 40,
        "num_key_value_heads": 2, "tie_word_embeddings": False, "vocab_size": 151552,
    },
    "glm4": {
        "attention_bias": True, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 13696,
        "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 40,
        "num_key_value_heads": 2, "tie_word_embeddings": False, "vocab_size": 151552,
    },
    "glm4_moe": {
        "attention_bias": False, "first_k_dense_replace": 1, "hidden_size": 4096, "intermediate_size":
        10944, "max_position_embeddings": 131072, "moe_intermediate_size": 1408, "n_routed_experts": 128,
        "n_shared_experts": 1, "num_attention_heads": 96, "num_experts_per_tok": 8, "num_hidden_layers": 46,
        "num_key_value_heads": 8, "tie_word_embeddings": False, "use_qk_norm": False, "vocab_size": 151552,
    },
    "gpt2": {
        "add_cross_attention": False, "n_embd": 768, "n_head": 12, "n_layer": 12, "tie_word_embeddings":
        True, "vocab_size": 50257,
    },
    "gpt_bigcode": {
        "add_cross_attention": False, "multi_query": True, "n_embd": 768, "n_head": 12, "n_layer": 12,
        "num_key_value_heads": 1, "tie_word_embeddings": True, "vocab_size": 50257,
    },
    "gpt_neox": {
        "attention_bias": True, "hidden_size": 6144, "intermediate_size": 24576, "max_position_embeddings":
        2048, "num_attention_heads": 64, "num_hidden_layers": 44, "tie_word_embeddings": False,
        "use_parallel_residual": True, "vocab_size": 50432,
    },
    "gpt_oss": {
        "attention_bias": True, "head_dim": 64, "hidden_size": 2880, "intermediate_size": 2880,
        "max_position_embeddings": 131072, "num_attention_heads": 64, "num_experts_per_tok": 4,
        "num_hidden_layers": 36, "num_key_value_heads": 8, "num_local_experts": 128, "sliding_window": 128,
        "swiglu_alpha": 1.702, "tie_word_embeddings": False, "vocab_size": 201088,
    },
    "gptj": {
        "n_embd": 4096, "n_head": 16, "n_layer": 28, "tie_word_embeddings": False, "vocab_size": 50400,
    },
    "granite": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "mlp_bias": False, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings":
        False, "vocab_size": 32000,
    },
    "granitemoe": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_experts_per_tok": 2, "num_hidden_layers": 32,
        "num_local_experts": 8, "tie_word_embeddings": False, "vocab_size": 32000,
    },
    "granitemoeshared": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_experts_per_tok": 2, "num_hidden_layers": 32,
        "num_local_experts": 8, "shared_intermediate_size": 0, "tie_word_embeddings": False, "vocab_size":
        32000,
    },
    "helium": {
        "attention_bias": False, "head_dim": 128, "hidden_size": 2560, "intermediate_size": 7040,
        "max_position_embeddings": 4096, "mlp_bias": False, "num_attention_heads": 20, "num_hidden_layers":
        24, "num_key_value_heads": 20, "tie_word_embeddings": False, "vocab_size": 48000,
    },
    "hunyuan_v1_dense": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False,
        "vocab_size": 290943,
    },
    "hunyuan_v1_moe": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "moe_topk": 1, "num_attention_heads": 32, "num_experts": 1, "num_hidden_layers": 32,
        "tie_word_embeddings": False, "vocab_size": 290943,
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
    "m2m_100": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers": 12,
        "max_position_embeddings": 1024, "tie_word_embeddings": True, "vocab_size": 128112,
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
    "marian": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers": 12,
        "max_position_embeddings": 1024, "share_encoder_decoder_embeddings": True, "tie_word_embeddings":
        True, "vocab_size": 58101,
    },
    "mbart": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers": 12,
        "max_position_embeddings": 1024, "tie_word_embeddings": True, "vocab_size": 50265,
    },
    "minimax_m2": {
        "head_dim": 128, "hidden_size": 3072, "intermediate_size": 1536, "max_position_embeddings": 196608,
        "num_attention_heads": 48, "num_experts_per_tok": 8, "num_hidden_layers": 62, "num_key_value_heads":
        8, "num_local_experts": 256, "tie_word_embeddings": False, "vocab_size": 200064,
    },
    "ministral": {
        "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "sliding_window":
        4096, "tie_word_embeddings": False, "vocab_size": 32000,
    },
    "ministral3": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 262144,
        "num_attention_heads": 32, "num_hidden_layers": 34, "num_key_value_heads": 8, "tie_word_embeddings":
        False, "vocab_size": 131072,
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
        "attention_bias": False, "decoder_bias": True, "hidden_size": 768, "intermediate_size": 1152,
        "local_attention": 128, "max_position_embeddings": 8192, "mlp_bias": False, "norm_bias": False,
        "num_attention_heads": 12, "num_hidden_layers": 22, "tie_word_embeddings": True, "vocab_size": 50368,
    },
    "mpt": {
        "d_model": 2048, "emb_pdrop": 0.0, "embedding_fraction": 1.0, "expansion_ratio": 4, "init_device":
        "cpu", "learned_pos_emb": True, "max_seq_len": 2048, "n_heads": 16, "n_layers": 24, "no_bias": True,
        "norm_type": "low_precision_layernorm", "tie_word_embeddings": True, "vocab_size": 50368,
    },
    "mt5": {
        "d_ff": 1024, "d_kv": 64, "d_model": 512, "feed_forward_proj": "gated-gelu", "num_heads": 6,
        "num_layers": 8, "relative_attention_num_buckets": 32, "tie_word_embeddings": True, "vocab_size":
        250112,
    },
    "nemotron": {
        "attention_bias": False, "hidden_size": 6144, "intermediate_size": 24576, "max_position_embeddings":
        4096, "mlp_bias": False, "num_attention_heads": 48, "num_hidden_layers": 32, "tie_word_embeddings":
        False, "vocab_size": 256000,
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
    "nllb-moe": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "decoder_sparse_step": 4, "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers":
        12, "encoder_sparse_step": 4, "max_position_embeddings": 1024, "num_experts": 128, "router_bias":
        False, "tie_word_embeddings": True, "vocab_size": 128112,
    },
    "nomic_bert": {
        "hidden_size": 768, "intermediate_size": 3072, "max_position_embeddings": 2048,
        "num_attention_heads": 12, "num_hidden_layers": 12, "type_vocab_size": 2, "vocab_size": 30528,
    },
    "olmo": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False,
        "vocab_size": 50304,
    },
    "olmo2": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False,
        "vocab_size": 50304,
    },
    "olmo3": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings":
        2048, "num_attention_heads": 32, "num_hidden_layers": 32, "sliding_window": 4096,
        "tie_word_embeddings": False, "vocab_size": 50304,
    },
    "olmoe": {
        "attention_bias": False, "hidden_size": 2048, "intermediate_size": 2048, "max_position_embeddings":
        4096, "num_attention_heads": 16, "num_experts": 64, "num_experts_per_tok": 8, "num_hidden_layers":
        16, "tie_word_embeddings": False, "vocab_size": 50304,
    },
    "opt": {
        "_remove_final_layer_norm": False, "do_layer_norm_before": True, "enable_bias": True, "ffn_dim":
        3072, "hidden_size": 768, "layerdrop": 0.0, "max_position_embeddings": 2048, "num_attention_heads":
        12, "num_hidden_layers": 12, "tie_word_embeddings": True, "vocab_size": 50272,
    },
    "pegasus": {
        "d_model": 1024, "decoder_attention_heads": 16, "decoder_ffn_dim": 4096, "decoder_layers": 12,
        "encoder_attention_heads": 16, "encoder_ffn_dim": 4096, "encoder_layers": 12,
        "max_position_embeddings": 1024, "tie_word_embeddings": True, "vocab_size": 50265,
    },
    "persimmon": {
        "hidden_size": 4096, "intermediate_size": 16384, "max_position_embeddings": 16384,
        "num_attention_heads": 64, "num_hidden_layers": 36, "qk_layernorm": True, "tie_word_embeddings":
        False, "vocab_size": 262144,
    },
    "phi": {
        "hidden_size": 2048, "intermediate_size": 8192, "max_position_embeddings": 2048,
        "num_attention_heads": 32, "num_hidden_layers": 24, "qk_layernorm": False, "tie_word_embeddings":
        False, "vocab_size": 51200,
    },
    "phi3": {
        "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 4096,
        "num_attention_heads": 32, "num_hidden_layers": 32, "tie_word_embeddings": False, "vocab_size":
        32064,
    },
    "phimoe": {
        "attention_bias": False, "hidden_size": 4096, "intermediate_size": 6400, "lm_head_bias": False,
        "max_position_embeddings": 131072, "num_attention_heads": 32, "num_experts_per_tok": 2,
        "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 16, "tie_word_embeddings":
        False, "vocab_size": 32064,
    },
    "qwen2": {
        "hidden_size": 4096, "intermediate_size": 22016, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
        "tie_word_embeddings": False, "use_sliding_window": False, "vocab_size": 151936,
    },
    "qwen2_moe": {
        "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 5632, "max_position_embeddings":
        32768, "moe_intermediate_size": 1408, "num_attention_heads": 16, "num_experts": 60,
        "num_experts_per_tok": 4, "num_hidden_layers": 24, "num_key_value_heads": 16, "qkv_bias": True,
        "shared_expert_intermediate_size": 5632, "tie_word_embeddings": False, "use_sliding_window": False,
        "vocab_size": 151936,
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
    "seed_oss": {
        "attention_bias": True, "attention_out_bias": False, "head_dim": 128, "hidden_size": 4096,
        "intermediate_size": 27648, "max_position_embeddings": 524288, "mlp_bias": False,
        "num_attention_heads": 80, "num_hidden_layers": 64, "num_key_value_heads": 8, "tie_word_embeddings":
        False, "vocab_size": 155136,
    },
    "smollm3": {
        "attention_bias": False, "hidden_size": 2048, "intermediate_size": 11008, "max_position_embeddings":
        32768, "mlp_bias": False, "no_rope_layer_interval": 4, "num_attention_heads": 16,
        "num_hidden_layers": 36, "num_key_value_heads": 4, "tie_word_embeddings": True,
        "use_sliding_window": False, "vocab_size": 128256,
    },
    "stablelm": {
        "hidden_size": 2560, "intermediate_size": 6912, "max_position_embeddings": 4096,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "qk_layernorm":
        False, "tie_word_embeddings": False, "use_parallel_residual": False, "use_qkv_bias": False,
        "vocab_size": 50304,
    },
    "starcoder2": {
        "hidden_size": 3072, "intermediate_size": 12288, "max_position_embeddings": 4096,
        "num_attention_heads": 24, "num_hidden_layers": 30, "num_key_value_heads": 2, "tie_word_embeddings":
        True, "use_bias": True, "vocab_size": 49152,
    },
    "switch_transformers": {
        "add_cross_attention": False, "d_ff": 2048, "d_kv": 64, "d_model": 768, "decoder_sparse_step": 4,
        "encoder_sparse_step": 4, "num_decoder_layers": 12, "num_experts": 8, "num_heads": 12, "num_layers":
        12, "num_sparse_decoder_layers": 3, "num_sparse_encoder_layers": 3,
        "relative_attention_num_buckets": 32, "router_bias": False, "tie_word_embeddings": True,
        "vocab_size": 32128,
    },
    "t5": {
        "d_ff": 2048, "d_kv": 64, "d_model": 512, "feed_forward_proj": "relu", "num_heads": 8, "num_layers":
        6, "relative_attention_num_buckets": 32, "tie_word_embeddings": True, "vocab_size": 32128,
    },
    "umt5": {
        "d_ff": 1024, "d_kv": 64, "d_model": 512, "feed_forward_proj": "gated-gelu", "num_heads": 6,
        "num_layers": 8, "relative_attention_num_buckets": 32, "tie_word_embeddings": True, "vocab_size":
        250112,
    },
    "vit": {
        "hidden_size": 768, "image_size": 224, "intermediate_size": 3072, "num_attention_heads": 12,
        "num_channels": 3, "num_hidden_layers": 12, "patch_size": 16, "qkv_bias": True,
    },
    "xglm": {
        "add_cross_attention": False, "attention_heads": 16, "d_model": 1024, "ffn_dim": 4096, "layerdrop":
        0.0, "max_position_embeddings": 2048, "num_layers": 24, "tie_word_embeddings": True, "vocab_size":
        256008,
    },
    "xlm-roberta": {
        "add_cross_attention": False, "hidden_size": 768, "intermediate_size": 3072,
        "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
        "tie_word_embeddings": True, "type_vocab_size": 2, "vocab_size": 30522,
    },
}  # fmt: skip
