"""The user's own catalog: files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from catalog.errors import BadInput
from catalog.loader import overlay, refresh
from catalog.machine import Machine
from catalog.parsing import parse_yaml, validated
from catalog.spec import ModelSpec
from catalog.writer import to_yaml
from catalog.writing import OTHERS_READ, write_whole


def add_model(spec: ModelSpec, *, replace: bool = False) -> Path:
    """Write a model to the user's catalog, where it is found by its id from then on.

    Raises:
        BadInput: If an entry of that id is there already and ``replace`` is not given, or the folder cannot be written.
    """
    return _add(spec, spec.id, "models", replace)


def add_machine(machine: Machine, *, replace: bool = False) -> Path:
    """Write a machine to the user's catalog, like ``add_model``.

    Raises:
        BadInput: As ``add_model``.
    """
    return _add(machine, machine.id, "machines", replace)


def _add(entry: BaseModel, name: str, folder: str, replace: bool) -> Path:
    target = overlay() / folder / f"{name}.yaml"
    if target.exists() and not replace:
        raise BadInput(f"{target}: is there already; --replace overwrites it, --as gives the new one another id")
    write_entry(entry, target)
    refresh()
    return target


def write_entry(entry: BaseModel, target: Path) -> None:
    """Write an entry as YAML, whole or not at all; what is written was read back first.

    Raises:
        BadInput: If the folder or file cannot be written.
    """
    text = to_yaml(entry)
    validated(type(entry), parse_yaml(text, str(target)), str(target), text)
    write_text(text, target)


def write_text(text: str, target: Path) -> None:
    """Write a file whole or not at all: readers see the old text or the new, never a part.

    Raises:
        BadInput: If the folder or file cannot be written.
    """
    try:
        write_whole(target, text, mode=OTHERS_READ)
    except OSError as error:
        raise BadInput(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from error
