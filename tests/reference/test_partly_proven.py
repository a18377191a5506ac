"""Types whose FLOPs depend on data, or whose class cannot run here: parameters of small models, other than defaults."""

from __future__ import annotations

from typing import Any

import pytest

from calculators import count_flops, count_params
from calculators.reference.counting import torch_flops
from calculators.reference.models import build, parameters
from calculators.reference.subject import Subject
from catalog import from_hf_config

Config = dict[str, Any]

BLT: Config = {
    "model_type": "blt",
    "architectures": ["BltForCausalLM"],
    "pad_token_id": 0,
    "encoder_hash_byte_group_vocab": 50,
    "encoder_config": {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "hidden_size_global": 64},
    "decoder_config": {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3, "hidden_size_global": 64,
                       "intermediate_size": 40, "num_key_value_heads": 2},
    "global_config": {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 52,
                      "num_key_value_heads": 4},
    "patcher_config": {"hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 36,
                       "num_key_value_heads": 2},
}  # fmt: skip
WIDER: Config = {"encoder_config": {**BLT["encoder_config"], "hidden_size": 48, "cross_attn_all_layers": True}}

CPMANT: Config = {
    "model_type": "cpmant", "vocab_size": 97, "hidden_size": 48, "num_attention_heads": 3, "dim_head": 12,
    "dim_ff": 40, "num_hidden_layers": 2, "prompt_types": 5, "prompt_length": 7, "segment_types": 6,
    "position_bias_num_buckets": 16,
}  # fmt: skip

PHI4: Config = {
    "model_type": "phi4_multimodal", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 97, "intermediate_size": 40, "pad_token_id": 0, "eos_token_id": 0,
    "bos_token_id": 0,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
    "vision_config": {"hidden_size": 48, "intermediate_size": 52, "num_hidden_layers": 3, "num_attention_heads": 4,
                      "image_size": 56, "patch_size": 14, "image_token_id": 1},
    "audio_config": {"hidden_size": 32, "intermediate_size": 36, "num_blocks": 3, "num_attention_heads": 2,
                     "ext_pw_out_channel": 32, "depthwise_separable_out_channel": 32, "nemo_conv_channels": 24,
                     "input_size": 40, "bias_max_distance": 50, "audio_token_id": 2},
}  # fmt: skip
SLOWER: Config = {**PHI4["audio_config"], "bias_symmetric": True, "time_reduction": 4, "kernel_size": 5}

PARAMETERS: dict[str, Config] = {
    "blt": BLT,
    "blt without a model to cut by": BLT | {"patch_in_forward": False, "encoder_hash_byte_group_size": [3, 4]},
    "blt that meets patches in all layers": BLT | WIDER,
    "cpmant": CPMANT,
    "cpmant bare": CPMANT | {"architectures": ["CpmAntModel"]},
    "phi4_multimodal": PHI4,
    "phi4_multimodal with another front end": PHI4 | {"audio_config": SLOWER},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_of_the_class(name: str) -> None:
    spec = from_hf_config(PARAMETERS[name])
    assert spec.reference is not None
    assert count_params(spec).total == parameters(build(spec.reference))


def test_phi_4_multimodal_is_exact_on_text() -> None:
    spec = from_hf_config(PHI4)
    subject = Subject.of(spec)
    setting = subject.setting()
    assert count_flops(spec, setting.new, 0, setting.batch) == torch_flops(lambda: subject.run(setting))[0]
