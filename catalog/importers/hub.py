"""Models of the Hugging Face hub: the configuration and the headers of the weights, without downloading them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from catalog.errors import BadInput
from catalog.importers.huggingface import from_hf_config
from catalog.importers.tensors import Tensor, spec_with_tensors
from catalog.parsing import parse_object, read_text
from catalog.spec import ModelSpec


def is_repository(name: str) -> bool:
    """Whether a text has the form ``organisation/model``."""
    owner, slash, model = name.partition("/")
    return bool(slash and owner and model) and "/" not in model and not name.startswith((".", "~"))


def configuration(name: str, revision: str | None = None) -> dict[str, Any]:
    """The ``config.json`` of a repository.

    Raises:
        BadInput: If the hub cannot be reached, or has no such repository or configuration.
    """
    hub = _hub()
    from huggingface_hub.errors import HfHubHTTPError

    try:
        path = hub.hf_hub_download(name, "config.json", revision=revision)
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{name}: no configuration from the hub ({reason})") from error
    return parse_object(read_text(Path(path)), f"{name}, config.json")


def from_hub(name: str, revision: str | None = None) -> ModelSpec:
    """A model by its repository; code in the repository is not run.

    Raises:
        BadInput: As ``configuration``, or if the configuration cannot be read.
    """
    config, where = configuration(name, revision), f"{name}, config.json"
    from huggingface_hub.errors import HfHubHTTPError, NotASafetensorsRepoError, SafetensorsParsingError

    try:
        tensors = _tensors(_hub().get_safetensors_metadata(name, revision=revision))
    except (NotASafetensorsRepoError, SafetensorsParsingError, HfHubHTTPError, OSError):
        return from_hf_config(config, name=name, where=where)
    return spec_with_tensors(config, tensors, name=name, where=where)


def _hub() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise BadInput("asking the hub needs the package huggingface_hub: pip install 'whicharch[files]'") from error
    return huggingface_hub


def _tensors(metadata: Any) -> list[Tensor]:
    return [
        Tensor(name, tuple(info.shape), info.dtype, info.data_offsets[1] - info.data_offsets[0])
        for file in metadata.files_metadata.values()
        for name, info in file.tensors.items()
    ]
