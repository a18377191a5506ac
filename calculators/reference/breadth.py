"""How much of transformers the ``config.json`` importer reads exactly: every type's default model, on the meta device.

``python -P -m calculators.reference.breadth`` prints each miss and the totals.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from calculators.params import count_params
from calculators.reference.models import hurrying, parameters
from calculators.reference.observation import Setting, excess
from catalog.errors import BadInput
from catalog.importers.huggingface import from_hf_config

TEXT = ("AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModelForSeq2SeqLM")
OTHER = ("AutoModelForImageTextToText", "AutoModelForImageClassification", "AutoModelForSpeechSeq2Seq")
MAPPINGS = {
    "AutoModelForCausalLM": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "AutoModelForMaskedLM": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "AutoModelForSeq2SeqLM": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "AutoModelForImageTextToText": "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "AutoModelForImageClassification": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "AutoModelForSpeechSeq2Seq": "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
}

Outcome = Literal["exact", "wrong", "refused", "not built"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One (auto-class, model type) pair."""

    auto: str
    model_type: str
    outcome: Outcome
    note: str
    """The difference, the importer's refusal, or why transformers itself cannot build it from its own defaults.

    Where the class is known to depart from what is published, its excess is no difference, and is told."""


def readings(auto: str, types: list[str] | None = None) -> Iterator[Reading]:
    """Import the default configuration of every type that an auto-class knows and compare parameter counts.

    The configuration is imported twice: complete, and with only what differs from the defaults, as files have it.
    """
    import transformers
    from transformers.models.auto import modeling_auto

    transformers.logging.set_verbosity_error()
    for model_type in types or list(getattr(modeling_auto, MAPPINGS[auto])):
        yield _reading(transformers, auto, model_type)


def _reading(transformers: Any, auto: str, model_type: str) -> Reading:
    import torch

    try:
        config = transformers.CONFIG_MAPPING[model_type]()
        with torch.device("meta"), hurrying():
            model = getattr(transformers, auto).from_config(config)
    except Exception as error:
        return Reading(auto, model_type, "not built", f"{type(error).__name__}: {str(error)[:100]}")
    real = parameters(model)
    for difference in (False, True):
        fields = json.loads(config.to_json_string(use_diff=difference)) | {"architectures": [type(model).__name__]}
        try:
            spec = from_hf_config(fields)
            ours = count_params(spec).total + excess(spec, "parameters", Setting())
        except BadInput as refusal:
            return Reading(auto, model_type, "refused", str(refusal)[:100])
        if ours != real:
            return Reading(auto, model_type, "wrong", f"{ours - real:+,} of {real:,}")
    return Reading(auto, model_type, "exact", f"{real:,}")


def main() -> None:
    """Print every miss, and how many of each auto-class are exact."""
    everything = [reading for auto in sys.argv[1:] or MAPPINGS for reading in readings(auto)]
    for reading in everything:
        if reading.outcome != "exact":
            print(f"{reading.outcome:<10} {reading.auto:<32} {reading.model_type:<24} {reading.note}")
    for name, autos in (("text", TEXT), ("all", (*TEXT, *OTHER))):
        counts = Counter(reading.outcome for reading in everything if reading.auto in autos)
        built = counts.total() - counts["not built"]
        print(f"{name}: {counts['exact']} of {built} exact, {counts['wrong']} wrong, {counts['refused']} refused")


if __name__ == "__main__":
    main()
