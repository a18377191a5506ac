"""Every class of an encoder's module, by its default configuration, tied and untied: heads decide parameters."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from calculators import count_params
from calculators.reference.models import parameters
from catalog import from_hf_config
from catalog.errors import BadInput
from catalog.importers import bert_like, compact_encoders, encoders, long_encoders, odd_encoders

Config = dict[str, Any]

QUICK = ("deberta-v2", "fnet", "roc_bert", "xlm")
MODULES = (bert_like, compact_encoders, encoders, long_encoders, odd_encoders)
ALL = sorted(name for module in MODULES for name, entry in module.TYPES.items() if entry.family == "encoder")
SMALL = {"num_hidden_layers": 2, "n_layers": 2}
SMALLER = {"funnel": {"block_sizes": [2, 1], "num_decoder_layers": 1}}
NOT_SO = ("ReformerModelWithLMHead",)
"""Classes that insist on other settings: this one on being a decoder."""


def built(model_type: str, tied: bool) -> list[tuple[str, int]]:
    """Names and parameters of all classes that transformers exports for a type."""
    import torch
    import transformers

    settings = {
        "tie_word_embeddings": tied,
        **SMALLER.get(model_type, SMALL),
        **({"layer_types": None} if "modern" in model_type else {}),
    }
    kind = transformers.CONFIG_MAPPING[model_type]
    module = importlib.import_module(kind.__module__.replace("configuration_", "modeling_"))
    found = []
    for name, member in vars(module).items():
        exported = getattr(transformers, name, None) is member and isinstance(member, type)
        if not exported or name in NOT_SO or member.__module__ != module.__name__ or name.endswith("PreTrainedModel"):
            continue
        if issubclass(member, transformers.PreTrainedModel):
            own: Any = member
            with torch.device("meta"):
                found.append((name, parameters(own._from_config(kind(**settings)))))
    return found


def compare(model_type: str) -> None:
    for tied in (True, False):
        classes = built(model_type, tied)
        assert len(classes) > 1
        for name, counted in classes:
            config = {"model_type": model_type, "architectures": [name], "tie_word_embeddings": tied}
            config |= SMALLER.get(model_type, SMALL)
            assert count_params(from_hf_config(config)).total == counted, (name, tied)
        with pytest.raises(BadInput, match="unknown class"):
            from_hf_config({"model_type": model_type, "architectures": [classes[0][0] + "X"]})


@pytest.mark.parametrize("model_type", QUICK)
def test_all_classes_of_a_type_hold_the_parameters_that_are_counted(model_type: str) -> None:
    compare(model_type)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", [name for name in ALL if name not in QUICK])
def test_all_classes_of_other_types_hold_the_parameters_that_are_counted(model_type: str) -> None:
    compare(model_type)
