"""Models from elsewhere: files, folders, the hub, and the real model where nothing else knows a type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calculators.params import count_params
from calculators.stored import stored_elements
from catalog.errors import BadInput
from catalog.importers.hub import configuration, from_hub, is_repository
from catalog.loader import load_file
from catalog.parsing import parse_object, read_text
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
    on_hub = not path.exists() and is_repository(source)
    if trace:
        spec = _traced(*_configuration(path, source if on_hub else None)[:2])
    elif mtp:
        config, where, title = _configuration(path, source if on_hub else None)
        from catalog.importers.huggingface import from_hf_config

        spec = from_hf_config(config, name=title, where=where, mtp=True)
    else:
        spec = _witnessed(from_hub(source) if on_hub else load_file(path))
    if name is None:
        return spec
    try:
        return ModelSpec.model_validate(spec.model_dump() | {"id": name})
    except ValueError as error:
        raise BadInput(f"id {name!r}: lower case letters, digits, dots and dashes, at most 80") from error


def _traced(config: dict[str, Any], where: str) -> ModelSpec:
    from calculators.reference import missing

    if missing():
        raise BadInput(f"--trace needs {', '.join(missing())}: pip install 'whicharch[validate]'")
    from calculators.reference.tracing import trace

    return trace(config, where)


def _configuration(path: Path, repository: str | None) -> tuple[dict[str, Any], str, str]:
    """A configuration, how messages call it, and what its model is called."""
    if repository is not None:
        return configuration(repository), f"{repository}, config.json", repository
    settings = path / "config.json" if path.is_dir() else path
    return parse_object(read_text(settings), str(settings)), str(settings), settings.absolute().parent.name


def _witnessed(spec: ModelSpec) -> ModelSpec:
    """The same, saying by how much its file's tensors differ from the parameters that its configuration describes."""
    held = stored_elements(spec)
    if held is None or not spec.is_disclosed:
        return spec
    difference = held - count_params(spec).total
    if not difference:
        return spec
    found = (
        f"Its file holds {abs(difference):,} elements {'more' if difference > 0 else 'fewer'} than its configuration"
    )
    found += " describes (multi-token prediction, a head of its own, or buffers)." if difference > 0 else " describes."
    return spec.model_copy(update={"notes": f"{spec.notes} {found}" if spec.notes else found})
