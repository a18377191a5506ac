"""Models from elsewhere: files, folders, the hub, and the real model where nothing else knows a type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalog.errors import BadInput
from catalog.importers.hub import from_hub, is_repository
from catalog.loader import load_file
from catalog.spec import ModelSpec


def import_model(source: str, *, trace: bool = False, mtp: bool = False, name: str | None = None) -> ModelSpec:
    """A model from a file or folder (YAML, ``config.json``, GGUF, safetensors) or a repository of the hub.

    Args:
        source: A path, or ``organisation/model``.
        trace: Build the PyTorch class that a configuration names on the meta device and count on it, instead of
            reading its fields; needs the extra ``validate``.
        mtp: Add the multi-token-prediction layers that a ``config.json`` names.
        name: Id of the result; by default from the source.

    Raises:
        BadInput: If nothing is there, or it cannot be read; the message names file, line and field.
    """
    path = Path(source).expanduser()
    if trace:
        spec = _traced(path)
    elif mtp:
        settings, config = _configuration(path)
        from catalog.importers.huggingface import from_hf_config

        spec = from_hf_config(config, name=settings.parent.name, where=str(settings), mtp=True)
    elif not path.exists() and is_repository(source):
        spec = from_hub(source)
    else:
        spec = load_file(path)
    if name is None:
        return spec
    try:
        return ModelSpec.model_validate(spec.model_dump() | {"id": name})
    except ValueError as error:
        raise BadInput(f"id {name!r}: lower case letters, digits, dots and dashes, at most 80") from error


def _traced(path: Path) -> ModelSpec:
    from calculators.reference import missing

    if missing():
        raise BadInput(f"--trace needs {', '.join(missing())}: pip install 'whicharch[validate]'")
    settings, config = _configuration(path)
    from calculators.reference.tracing import trace

    return trace(config, str(settings))


def _configuration(path: Path) -> tuple[Path, dict[str, Any]]:
    from catalog.parsing import parse_json, read_text

    settings = path / "config.json" if path.is_dir() else path
    config = parse_json(read_text(settings), str(settings))
    if not isinstance(config, dict):
        raise BadInput(f"{settings}: is {type(config).__name__}; expected a JSON object")
    return settings, config
