"""Models of the Hugging Face hub: the configuration and the headers of the weights, without downloading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalog.errors import BadInput
from catalog.importers.huggingface import from_hf_config
from catalog.importers.tensors import Tensor, spec_with_tensors
from catalog.parsing import parse_json, read_text
from catalog.spec import ModelSpec


def is_repository(name: str) -> bool:
    """Whether a text has the form ``organisation/model``."""
    owner, slash, model = name.partition("/")
    return bool(slash and owner and model) and "/" not in model and not name.startswith((".", "~"))


def from_hub(name: str, revision: str | None = None) -> ModelSpec:
    """A model by its repository; code in the repository is not run.

    Raises:
        BadInput: If the hub cannot be reached, or has no such repository or configuration.
    """
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, NotASafetensorsRepoError, SafetensorsParsingError
    except ImportError as error:
        raise BadInput("asking the hub needs the package huggingface_hub: pip install 'whicharch[files]'") from error
    try:
        path = huggingface_hub.hf_hub_download(name, "config.json", revision=revision)
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{name}: no configuration from the hub ({reason})") from error
    config = parse_json(read_text(Path(path)), f"{name}, config.json")
    if not isinstance(config, dict):
        raise BadInput(f"{name}, config.json: is {type(config).__name__}; expected a JSON object")
    try:
        tensors = _tensors(huggingface_hub.get_safetensors_metadata(name, revision=revision))
    except (NotASafetensorsRepoError, SafetensorsParsingError, HfHubHTTPError, OSError):
        return from_hf_config(config, name=name, where=f"{name}, config.json")
    return spec_with_tensors(config, tensors, name=name, where=f"{name}, config.json")


def _tensors(metadata: Any) -> list[Tensor]:
    return [
        Tensor(name, tuple(info.shape), info.dtype, info.data_offsets[1] - info.data_offsets[0])
        for file in metadata.files_metadata.values()
        for name, info in file.tensors.items()
    ]
