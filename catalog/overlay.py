"""The user's own catalog: files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from catalog.errors import BadInput
from catalog.loader import overlay, refresh
from catalog.parsing import parse_yaml, validated
from catalog.spec import ModelSpec
from catalog.writer import to_yaml


def add_model(spec: ModelSpec, *, replace: bool = False) -> Path:
    """Write a model to the user's catalog, where it is found by its id from then on.

    Raises:
        BadInput: If an entry of that id is there already and ``replace`` is not given, or the folder cannot be written.
    """
    folder = overlay() / "models"
    target = folder / f"{spec.id}.yaml"
    if target.exists() and not replace:
        raise BadInput(f"{target}: is there already; --replace overwrites it, --as gives the new one another id")
    text = to_yaml(spec)
    validated(ModelSpec, parse_yaml(text, str(target)), str(target), text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{spec.id}-", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, target)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise BadInput(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from error
    refresh()
    return target
