"""What persists between runs: looks, units, the default machine, keys, bookmarks and history.

One JSON file, ``$WHICHARCH_HOME/settings.json`` or in the platform's configuration folder. It is read with nothing but
the standard library, before the first paint. A wrong value costs that value only; keys that are not known stay in the
file; a file that is no JSON at all is set aside under another name before anything is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

MOST = 200
"""Entries of history."""


@dataclass(frozen=True)
class Place:
    """A page in a state that can be returned to."""

    title: str
    mode: str
    state: dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """Everything that persists."""

    theme: str = "textual-dark"
    units: str = "GiB"
    """Sizes of memory: in GiB (2³⁰) or in GB (10⁹)."""
    currency: str = "$"
    """What stands before amounts of money."""
    per_usd: float = 1.0
    """How many of that currency a US dollar is; catalogs and formulas stay in dollars."""
    machine: str = ""
    """The machine that pages start with; empty for their own choice."""
    keys: dict[str, str] = field(default_factory=dict)
    """Other keys by the id of a binding, as the help shows it: ``{"page.undo": "ctrl+u"}``."""
    bookmarks: tuple[Place, ...] = ()
    history: tuple[Place, ...] = ()
    """Newest first."""


def home() -> Path:
    """The folder of the settings."""
    if given := os.environ.get("WHICHARCH_HOME"):
        return Path(given)
    from platformdirs import user_config_path

    return user_config_path("whicharch")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _units(value: Any) -> str:
    if value not in ("GiB", "GB"):
        raise ValueError("must be GiB or GB")
    return str(value)


def _currency(value: Any) -> str:
    if not _text(value).strip() or len(value) > 5:
        raise ValueError("must be one to five characters")
    return str(value)


def _rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise ValueError("must be a positive number")
    return float(value)


def _keys(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError('must map ids of bindings to keys, as in {"page.undo": "ctrl+u"}')
    return {str(k): v for k, v in value.items()}


def _places(value: Any) -> tuple[Place, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    found = []
    for entry in value:
        if not isinstance(entry, dict) or not isinstance(entry.get("state"), dict):
            raise ValueError("has an entry without a state")
        found.append(Place(str(entry.get("title", "")), str(entry.get("mode", "")), entry["state"]))
    return tuple(found[:MOST])


READERS: dict[str, Callable[[Any], Any]] = {
    "theme": _text,
    "units": _units,
    "currency": _currency,
    "per_usd": _rate,
    "machine": _text,
    "keys": _keys,
    "bookmarks": _places,
    "history": _places,
}


class Store:
    """The settings file."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home() / "settings.json"
        self.now = Settings()

    def read(self) -> list[str]:
        """Read the file into ``now``; a sentence for everything that is wrong with it."""
        raw, problem = self._raw()
        values, problems = {}, [problem] if problem else []
        for entry in fields(Settings):
            if entry.name not in raw:
                continue
            try:
                values[entry.name] = READERS[entry.name](raw[entry.name])
            except ValueError as error:
                problems.append(f"{self.path}: {entry.name} {error}; the usual one is taken")
        self.now = Settings(**values)
        return problems

    def put(self, **changes: Any) -> str | None:
        """Change some settings, here and in the file; a sentence if the file cannot be written.

        What another window wrote meanwhile stays.
        """
        from dataclasses import asdict, replace

        from catalog.writing import write_whole

        self.now = replace(self.now, **changes)
        raw, problem = self._raw()
        whole = asdict(self.now)
        raw |= {name: whole[name] for name in changes}
        try:
            if problem and self.path.exists():
                os.replace(self.path, self.path.with_suffix(".json.unreadable"))
            write_whole(self.path, json.dumps(raw, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            return f"{self.path}: cannot be written ({(error.strerror or str(error)).lower()}); kept until you quit"
        return None

    def _raw(self) -> tuple[dict[str, Any], str | None]:
        try:
            raw = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}, None
        except (OSError, ValueError) as error:
            return {}, f"{self.path}: cannot be read ({error}); the usual settings are taken"
        if not isinstance(raw, dict):
            return {}, f"{self.path}: must be a JSON object; the usual settings are taken"
        return raw, None
