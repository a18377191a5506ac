"""Keys that the settings give to actions: which actions there are, and what is wrong with a choice."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key
from textual.screen import ModalScreen, Screen

from catalog.errors import unknown
from tui.screens.page import Page

MODIFIERS = ("ctrl", "shift", "alt", "super", "hyper", "meta")
MOST = 5
"""Sentences at a time."""
NAMED = frozenset(key.value for key in Keys)


@dataclass(frozen=True)
class Action:
    """Something that has a key."""

    id: str
    keys: tuple[str, ...]
    title: str
    owner: type[DOMNode]
    """What must have the focus, or hold it."""

    @property
    def everywhere(self) -> bool:
        """Whether it is meant on every page."""
        return self.owner is Page or issubclass(self.owner, App)


def actions() -> dict[str, Action]:
    """By id, of all modules that are imported."""
    found = {}
    for owner in _ours(DOMNode):
        for binding in owner.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                keys = tuple(_named(key) for key in binding.key.split(","))
                found[binding.id] = Action(binding.id, keys, binding.description, owner)
    return found


def problems(wanted: Mapping[str, str]) -> list[str]:
    """A sentence for each choice that names no action or no key, and for each key that two actions would share."""
    known, said = actions(), []
    for name in wanted:
        if name not in known:
            said.append(f"keys: {unknown('action', name, known)}")
    given = {name: tuple(_named(key) for key in keys.split(",")) for name, keys in wanted.items() if name in known}
    said += [f"keys: {name}: {key!r} is no key" for name, keys in given.items() for key in keys if not _is_key(key)]
    for name, keys in given.items():
        for other in known.values():
            if other.id != name and not (other.id in given and other.id < name) and _meet(known[name], other):
                shared = set(keys) & set(given.get(other.id, other.keys))
                said += [
                    f"keys: {key} is both {known[name].title} ({name}) and {other.title} ({other.id})"
                    for key in sorted(shared)
                ]
    return said[:MOST]


def _meet(one: Action, other: Action) -> bool:
    """Whether both can be meant at one place: a dialog leaves its page no keys, and a page other pages none."""
    if issubclass(one.owner, other.owner) or issubclass(other.owner, one.owner):
        return True
    screens = [action.owner for action in (one, other) if issubclass(action.owner, Screen) and not action.everywhere]
    return len(screens) < 2 and not any(issubclass(owner, ModalScreen) for owner in screens)


def _ours(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for below in base.__subclasses__():
        if below.__module__.startswith("tui."):
            yield below
        yield from _ours(below)


def _named(key: str) -> str:
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+")
    if not name or any(modifier not in MODIFIERS for modifier in modifiers):
        return False
    if len(name) == 1 or name in NAMED:
        return True
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return name in ("minus", "plus", "slash", "comma", "full_stop", "underscore")
    return True
