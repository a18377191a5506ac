"""How FLOPs grow with length: exponents measured on real models against the calculators'."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import pytest

from calculators import count_flops
from calculators.reference.counting import torch_flops
from calculators.reference.subject import Subject
from catalog import from_hf_config

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 97}
GROUPED = SIZES | {"num_key_value_heads": 2, "max_position_embeddings": 8192}
MODELS: dict[str, tuple[dict[str, Any], float]] = {
    "attention": ({"model_type": "llama"} | GROUPED, 1.9),
    "state space": (
        {
            "model_type": "mamba2", "vocab_size": 97, "hidden_size": 64, "num_heads": 16, "head_dim": 8,
            "state_size": 8, "n_groups": 1, "num_hidden_layers": 2, "chunk_size": 16,
        },
        1.0,
    ),
    "encoder": ({"model_type": "bert", "architectures": ["BertModel"], "max_position_embeddings": 8192} | SIZES, 1.9),
    "mixture": ({"model_type": "mixtral", "num_local_experts": 4} | GROUPED, 1.9),
}  # fmt: skip
LENGTHS = (16, 256, 4096)


@pytest.mark.parametrize("kind", MODELS)
def test_measured_exponents_are_the_calculators(kind: str) -> None:
    config, late = MODELS[kind]
    spec = from_hf_config(config)
    subject = Subject.of(spec)
    found = []
    for n in LENGTHS:
        measured, ours = [], []
        for length in (n, 2 * n):
            setting = replace(subject.setting(), batch=1, new=length)
            measured.append(torch_flops(lambda s=setting: subject.run(s))[0])
            ours.append(count_flops(spec, length))
        assert measured == ours
        found.append(log(measured[1] / measured[0], 2))
    assert found == sorted(found)
    assert found[0] == pytest.approx(1, abs=0.35)
    if late > 1:
        assert found[-1] > late
