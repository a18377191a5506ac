"""The pages in order: their keys, names, and how each is made once it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.screens.page import Page


@dataclass(frozen=True)
class Entry:
    """One page."""

    mode: str
    key: str
    """A letter of its title, so that the title can show it."""
    twin: str
    """A key that works while typing, too."""
    title: str
    about: str
    screen: str
    """Class in the module of the same name as the mode."""

    def loaded(self) -> type[Page]:
        """Its class, imported."""
        found: type[Page] = getattr(import_module(f"tui.screens.{self.mode}"), self.screen)
        return found

    def load(self) -> Page:
        """Import and make the page."""
        return self.loaded()()


PAGES = (
    Entry("ask", "a", "f2", "Ask", "A question, and the ranked answer with its reasons", "AskScreen"),
    Entry("models", "m", "f3", "Models", "The catalog: what each model is, costs and needs", "ModelsScreen"),
    Entry("machines", "n", "f4", "Machines", "Machines with their rooflines, this one first", "MachinesScreen"),
    Entry("plan", "p", "f5", "Plan", "What to buy for traffic and a promise", "PlanScreen"),
    Entry("lab", "b", "f6", "Lab", "Change an architecture and watch what it costs", "LabScreen"),
    Entry("learn", "r", "f7", "Learn", "Families, innovations, and the decision guide", "LearnScreen"),
)
MODES: dict[str, Callable[[], Page]] = {entry.mode: entry.load for entry in PAGES}
