"""What all pages share: size classes, Escape, zoom, and the catalog that arrives after the first paint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

if TYPE_CHECKING:
    from tui.library import Library


@dataclass
class OpenModel(Message):
    """Show a model on the Models page, under a load."""

    model: str
    load: Mapping[str, Any]
    """Fields of that page's form: machine, weights, batch ..."""


class Page(Screen[None]):
    """A page of the application."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (140, "-wide")]  # noqa: RUF012  # Textual declares an instance variable
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012  # Textual declares an instance variable
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="page.back"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="Give the focused pane the whole window", id="page.zoom"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.library: Library | None = None

    def receive(self, library: Library) -> None:
        """Take the catalog; called by the app once it is read and the page is mounted."""
        if self.library is None:
            self.library = library
            self.library_read(library)

    def library_read(self, library: Library) -> None:
        """Fill what depends on the catalog."""

    def home(self) -> str:
        """Selector of the widget to which Escape returns."""
        return str(self.AUTO_FOCUS)

    def action_back(self) -> None:
        """Return to the page's list."""
        self.query_one(self.home()).focus()

    def action_zoom(self) -> None:
        """Give the focused pane the window, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None and self.focused.allow_maximize:
            self.maximize(self.focused)
