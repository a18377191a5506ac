"""The shipped catalog, compiled: validated specs in the user's cache folder, keyed by the content of files and schemas.

Parsing and checking some hundred YAML files takes half a second; loading the compiled form a twentieth of that. The
cache holds nothing that the files do not say, is written whole or not at all, and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from catalog.contents import content_digest
from catalog.patience import patience
from catalog.writing import write_whole

T = TypeVar("T")
HERE = Path(__file__).parent


def cache_folder() -> Path:
    """Where compiled catalogs are kept: ``$WHICHARCH_HOME/cache`` or the platform's cache folder."""
    home = os.environ.get("WHICHARCH_HOME")
    if home:
        return Path(home) / "cache"
    from platformdirs import user_cache_path

    return user_cache_path("whicharch")


@lru_cache(maxsize=1)
def _schemas() -> bytes:
    return content_digest("schemas", code_of(HERE, HERE / "mixers"), cache_folder())


def code_of(*folders: Path) -> dict[str, Path]:
    """The Python files of some folders, in order."""
    return {
        f"{folder.name}/{name}": folder / name
        for folder in folders
        for name in sorted(os.listdir(folder))
        if name.endswith(".py")
    }


class _Packed(dict[str, Any]):
    """Entries that are unpacked when asked for: one model of hundreds costs one model."""

    def __getitem__(self, key: str) -> Any:
        entry = super().__getitem__(key)
        if isinstance(entry, bytes):
            entry = self[key] = pickle.loads(entry)
        return entry


def load_or_compile(name: str, files: Mapping[str, Path], compile_all: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The compiled entries of one folder, from the cache where its key fits, else compiled and cached.

    Args:
        name: The folder, for the cache file's name.
        files: What the entries are made of.
        compile_all: Makes them.
    """
    target = cache_folder() / f"{name}-{_digest(name, files).hex()}.pickle"
    with contextlib.suppress(Exception):  # whatever is wrong with the file, it can be made again
        return _Packed(pickle.loads(target.read_bytes()))
    with patience():
        entries = compile_all()
    with contextlib.suppress(OSError):
        packed = {key: pickle.dumps(entry, protocol=pickle.HIGHEST_PROTOCOL) for key, entry in entries.items()}
        replace_file(name, target, pickle.dumps(packed))
    return entries


_CONTENTS: dict[str, bytes] = {}


def _digest(name: str, files: Mapping[str, Path]) -> bytes:
    _CONTENTS[name] = content_digest(name, files, cache_folder(), _schemas())
    return _CONTENTS[name]


def content_of(name: str, files: Mapping[str, Path]) -> bytes:
    """A digest of the files of a folder and of the schemas that read them: the one it was last loaded with."""
    return _CONTENTS.get(name) or _digest(name, files)


@lru_cache(maxsize=64)
def derived(name: str, key: bytes, make: Callable[[], T]) -> T:
    """What follows from the shipped catalog, from the cache where it was made before.

    Args:
        name: Of the file.
        key: A digest of all that it follows from.
        make: Makes it; the same function for the same name.
    """
    path = cache_folder() / f"{name}-{key.hex()}.pickle"
    with contextlib.suppress(Exception):  # whatever is wrong with the file, it can be made again
        found: T = pickle.loads(path.read_bytes())
        return found
    with patience():
        made = make()
    with contextlib.suppress(OSError):
        replace_file(name, path, pickle.dumps(made, pickle.HIGHEST_PROTOCOL))
    return made


def replace_file(name: str, target: Path, data: bytes) -> None:
    """Write a file of the cache whole or not at all, and remove its predecessors of the same name.

    Raises:
        OSError: If the folder cannot be written.
    """
    write_whole(target, data)
    for old in target.parent.glob(f"{name}-*.pickle"):
        if old != target:
            old.unlink(missing_ok=True)
