"""Typed access to a configuration: every key read is remembered, so that the unread ones can be reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.errors import BadInput
from catalog.importers.defaults import defaults_of

HARMLESS = frozenset(
    """
    _name_or_path _attn_implementation_autoset architectures attention_dropout attention_probs_dropout_prob auto_map
    attn_logit_softcapping attn_pdrop bad_words_ids begin_suppress_tokens bos_token_id cache_implementation
    chunk_size_feed_forward
    classifier_dropout decoder_start_token_id diversity_penalty do_sample dropout dtype early_stopping embd_pdrop
    encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty final_logit_softcapping finetuning_task
    forced_bos_token_id forced_eos_token_id gradient_checkpointing hidden_dropout_prob id2label initializer_factor
    initializer_range is_decoder is_encoder_decoder label2id label_smoothing layer_norm_eps layer_norm_epsilon
    length_penalty max_length min_length model_type no_repeat_ngram_size norm_eps num_beam_groups num_beams
    num_return_sequences output_attentions output_hidden_states output_router_logits output_scores pad_token_id prefix
    problem_type pruned_heads quantization_config query_pre_attn_scalar remove_invalid_values repetition_penalty
    resid_pdrop residual_in_fp32 return_dict return_dict_in_generate rms_norm_eps rope_scaling rope_theta
    rope_parameters router_aux_loss_coef router_jitter_noise sep_token_id suppress_tokens task_specific_params
    temperature tf_legacy_loss tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p
    use_bfloat16 use_cache embedding_dropout mlp_dropout classifier_bias classifier_pooling reference_compile
    repad_logits_with_grad sparse_prediction sparse_pred_ignore_index deterministic_flash_attn global_rope_theta
    local_rope_theta max_window_layers pretraining_tp norm_topk_prob scoring_func routed_scaling_factor topk_method
    topk_group n_group time_step_floor time_step_init_scheme time_step_limit time_step_max time_step_min
    time_step_scale rescale_prenorm_residual hidden_act hidden_activation activation_function feed_forward_proj
    position_embedding_type layer_norm_type summary_type summary_use_proj summary_activation summary_first_dropout
    summary_proj_to_labels scale_attn_weights scale_attn_by_inverse_layer_idx reorder_and_upcast_attn n_ctx
    swiglu_limit initial_context_length experts_per_token z_loss_coefficient ep_size seq_aux aux_loss_alpha
    num_hidden_layers_total layerscale_value drop_path_rate hidden_dropout encoder_stride pooler_act pooler_output_size
    relative_attention_max_distance dropout_rate d_inner scale_embedding encoder_layerdrop decoder_layerdrop
    activation_dropout normalize_before normalize_embedding add_bias_logits add_final_layer_norm
    static_position_embeddings extra_pos_embeddings gate_act mamba_hidden_act mlp_hidden_act
    use_mamba_kernels num_logits_to_keep calc_logits_for_entire_prompt projector_hidden_act vision_feature_layer
    vision_feature_select_strategy ignore_index image_token_index image_token_id video_token_id vision_token_id
    vision_start_token_id vision_end_token_id num_nextn_predict_layers original_max_position_embeddings
    partial_rotary_factor sliding_window_pattern apply_layernorm reshape_hidden_states out_features out_indices
    stage_names norm_before_gate mamba_dt_rank_auto clip_qkv time_step_rank_auto max_position_embeddings rope_interleave
    output_past vocab_size_per_layer_input layer_norm_elementwise_affine seq_length use_mambapy
    use_associative_scan mixer_rms_eps time_step_rank_min num_labels cls_token_id mask_token_id
    activation add_router_probs batch_prioritized_routing classifier_activation classifier_dropout_prob conv_act
    dense_act_fn down_scale_factor expert_capacity gap_size init_std initializer_cutoff_factor is_gated_act
    moe_eval_capacity_token_fraction moe_token_dropout n_positions net_structure_type num_memory_blocks
    normalize_router_prob_before_dropping pooler_dropout pooler_hidden_act pooler_num_attention_heads
    pooler_num_fc_layers pooler_size_per_head pooler_type qa_dropout router_dtype router_ignore_padding_tokens
    router_z_loss_coef scale_decoder_outputs second_expert_policy seq_classif_dropout sinusoidal_pos_embds
    summary_last_dropout tie_weights_
    rotary_dim rotary_pct rotary_emb_base rope_local_base_freq logit_scale embedding_multiplier logits_scaling
    residual_multiplier attention_multiplier norm_epsilon residual_dropout input_jitter_noise moe_norm_min eod_token_id
    predict_special_tokens is_llama_config model_max_length full_attn_mod interpolate_factor moe_capacity
    attention_softmax_in_fp32 scale_attention_softmax_in_fp32
    """.split()
)
"""Keys that cannot change a parameter, a FLOP or a cached byte in the types we read."""

HARMLESS_ENDINGS = (
    "_act",
    "_activation",
    "_eps",
    "_init_value",
    "_loss_weight",
    "_token_id",
    "_token_ids",
    "_token_index",
)
"""The same by the ends of names: special tokens, small constants, kinds of activation."""


class Fields(Mapping[str, Any]):
    """A configuration's keys with checks; ``where`` names the file for error messages."""

    def __init__(
        self, config: Mapping[str, Any], where: str, defaults: Mapping[str, Any] | None = None, kind: str = ""
    ) -> None:
        self._config, self._defaults, self.where = config, defaults or {}, where
        self.kind = kind
        """The type whose defaults stand behind; empty where none is known."""
        self.read: set[str] = set()
        self.children: list[tuple[str, Fields]] = []
        """Nested configurations that were asked for."""

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return self._config[key] if key in self._config else self._defaults[key]

    def __contains__(self, key: object) -> bool:
        """Whether the file itself says it; a default is not enough."""
        return key in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def value(self, *keys: str, default: Any = None) -> Any:
        """The first key that is present, else the type's default for one of them, else ``default``.

        A key that is present and null means ``default``: null is how a configuration switches something off.
        """
        self.read.update(keys)
        for table in (self._config, self._defaults):
            for key in keys:
                if key in table:
                    return default if table[key] is None else table[key]
        return default

    def size(self, *keys: str, default: int | None = None, zero: bool = False) -> int:
        """A positive integer.

        Raises:
            BadInput: If it is missing, not an integer, not positive (``zero`` allows 0) or absurdly large.
        """
        value = self.value(*keys, default=default)
        if value is None:
            raise BadInput(f"{self.where}: field {keys[0]!r} is missing; expected a positive integer")
        if isinstance(value, bool) or not isinstance(value, int) or value < (0 if zero else 1) or value > 2**40:
            raise BadInput(f"{self.where}: field {keys[0]!r} is {_short(value)}; expected a positive integer")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean.

        Raises:
            BadInput: If it is something else.
        """
        value = self.value(key, default=default)
        if not isinstance(value, bool):
            raise BadInput(f"{self.where}: field {key!r} is {_short(value)}; expected true or false")
        return value

    def names(self, key: str, length: int | None = None) -> list[str] | None:
        """A list of strings, such as ``layer_types``; ``None`` where absent.

        Raises:
            BadInput: If it is no list of strings, or not ``length`` long.
        """
        value = self.value(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadInput(f"{self.where}: field {key!r} is {_short(value)}; expected a list of names")
        if length is not None and len(value) != length:
            raise BadInput(
                f"{self.where}: field {key!r} has {len(value)} entries; expected one for each of {length} layers"
            )
        return value

    def child(self, key: str, model_type: str | None = None, *, derived: tuple[str, ...] | None = None) -> Fields:
        """A nested configuration, with the defaults of its own type behind it.

        Args:
            key: Its name.
            model_type: Its type where it does not say; by default that of the nested one which this type has.
            derived: Given where the class puts its own usual values behind those of the file (Voxtral): which of them
                it does not, because it derives them.

        Raises:
            BadInput: If it is not a mapping.
        """
        usual = self._defaults.get(key) or {}
        value = self.value(key, default=usual)
        if not isinstance(value, Mapping):
            raise BadInput(f"{self.where}: field {key!r} is {_short(value)}; expected an object")
        if derived is not None:
            value = {**{name: own for name, own in usual.items() if name not in derived}, **value}
        fixed = self._defaults.get("_nested", {}).get(key)
        named = fixed or value.get("model_type") or model_type or usual.get("model_type")
        kind = named if isinstance(named, str) else ""
        made = Fields(value, f"{self.where}, {key}", defaults_of(kind) if kind else None, kind)
        if key in self:
            self.children.append((key, made))
        return made

    def child_or_flat(self, key: str, field: str = "hidden_size") -> Fields:
        """A nested configuration, or the same fields without nesting where ``field`` stands outside (older files)."""
        if key in self or field not in self:
            return self.child(key)
        kind = self._defaults.get("_nested", {}).get(key, "")
        flat = Fields(self._config, self.where, defaults_of(kind), kind)
        flat.read, flat.children = self.read, self.children
        return flat

    def changed(self, values: Mapping[str, Any]) -> Fields:
        """The same with other values for some keys."""
        other = Fields({**self._config, **values}, self.where, self._defaults)
        other.read, other.children = self.read, self.children
        return other

    @property
    def model_type(self) -> str:
        """The type that the configuration names, or nothing."""
        value = self._config.get("model_type")
        return value if isinstance(value, str) else ""

    def unread(self) -> list[str]:
        """Keys that nobody asked for and that might change a count."""
        nested = (f"{key}.{name}" for key, child in self.children for name in child.unread())
        return sorted({*self._unread(), *nested})

    def _unread(self) -> list[str]:
        return sorted(
            key
            for key, value in self._config.items()
            if key not in self.read
            and key not in HARMLESS
            and not key.endswith(HARMLESS_ENDINGS)
            and value not in (None, False, [], {})
            and not key.startswith("_")
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
