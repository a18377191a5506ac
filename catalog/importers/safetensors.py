"""Safetensors checkpoints: ``config.json`` beside one file or an index of several; headers only, exact bytes."""

from __future__ import annotations

from pathlib import Path

from catalog.errors import BadInput
from catalog.importers.tensors import Tensor, spec_with_tensors
from catalog.parsing import parse_json, parse_object, read_text
from catalog.spec import ModelSpec

BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
"""Bits per element of the format's types (its README lists them)."""
MAX_INDEX_BYTES = 64 * 2**20
"""An index of some hundred experts in sixty layers takes 10 MB."""


def read_checkpoint(folder: Path, name: str | None = None) -> ModelSpec:
    """A model from a folder of weights, or from one weight file or index inside it.

    Raises:
        BadInput: If ``config.json``, the index or a part of it is missing or damaged.
    """
    folder = folder if folder.is_dir() else folder.parent
    settings = folder / "config.json"
    if not settings.is_file():
        raise BadInput(f"{settings}: no such file; safetensors hold shapes, the configuration says what they are for")
    config = parse_object(read_text(settings), str(settings))
    tensors = [tensor for part in parts(folder) for tensor in table(part)]
    return spec_with_tensors(config, tensors, name=name or folder.resolve().name, where=str(settings))


def parts(folder: Path) -> list[Path]:
    """The weight files of a checkpoint: those that its index names, else all.

    Raises:
        BadInput: If the index is damaged, names a file outside the folder, or one that is missing.
    """
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if not indexes:
        return sorted(folder.glob("*.safetensors"))
    index = parse_json(read_text(indexes[0], MAX_INDEX_BYTES), str(indexes[0]))
    names = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise BadInput(f"{indexes[0]}: field 'weight_map' is missing; it names the file of each tensor")
    files = [folder / name for name in sorted(set(names.values()))]
    for file in files:
        if file.parent != folder:
            raise BadInput(f"{indexes[0]}: names {file.name!r} outside its own folder")
        if not file.is_file():
            raise BadInput(f"{indexes[0]}: names {file.name}, which is missing; was the download complete?")
    return files


def table(path: Path) -> list[Tensor]:
    """Names, shapes, types and bytes of the tensors in a file, from its header alone.

    Raises:
        BadInput: If it is no whole safetensors file.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise BadInput("reading safetensors needs the package safetensors: pip install 'whicharch[files]'") from error
    try:
        with safe_open(path, framework="numpy") as file:
            slices = [(name, file.get_slice(name)) for name in file.keys()]  # noqa: SIM118 - not a mapping
            found = [(name, tuple(piece.get_shape()), piece.get_dtype()) for name, piece in slices]
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path}: not a whole safetensors file ({' '.join(str(error).split())[:100]})") from error
    tensors = []
    for name, shape, kind in found:
        if kind not in BITS:
            raise BadInput(f"{path}: tensor {name}: unknown type {kind}; known are {', '.join(BITS)}")
        elements = Tensor(name, shape, kind, 0).elements
        tensors.append(Tensor(name, shape, kind, -(-elements * BITS[kind] // 8)))
    return tensors
