"""What all pages share: size classes, Escape, zoom, the catalog that arrives after the first paint, and the hooks by
which the application undoes, copies, exports, explains and bookmarks what a page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from tui.off_loop import Failed
from tui.past import Past
from tui.styling import STYLES
from tui.widgets.fields import Fields

if TYPE_CHECKING:
    from tui.library import Library

State = dict[str, Any]
"""What a page asks, as plain data that JSON can hold: what undo, history and bookmarks return to."""


@dataclass
class OpenModel(Message):
    """Show a model on the Models page, under a load."""

    model: str
    load: Mapping[str, Any]
    """Fields of that page's form: machine, weights, batch ..."""


@dataclass
class OpenPage(Message):
    """Go to a page and bring it into a state, as ``Page.restore`` takes it."""

    mode: str
    state: State


@dataclass(frozen=True)
class Explanation:
    """What ``e`` shows of the focused figure."""

    title: str
    text: Callable[[], str]
    """The formula with its values and source; called off the event loop, may raise ``BadInput``."""


class Page(Screen[None]):
    """A page of the application."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (140, "-wide")]  # noqa: RUF012  # Textual declares an instance variable
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012  # Textual declares an instance variable
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="page.back"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="Give the focused pane the whole window", id="page.zoom"),
        Binding("u", "undo", "Undo", show=False, tooltip="Take the last change back", id="page.undo"),
        Binding("U", "redo", "Redo", show=False, tooltip="Make the change again", id="page.redo"),
    ]

    def __init_subclass__(cls, **more: Any) -> None:
        """A page's styles are those of its module's name, read when it is first opened."""
        styles = STYLES / f"{cls.__module__.rpartition('.')[2]}.tcss"
        if styles.exists():
            cls.CSS_PATH = [styles]
        super().__init_subclass__(**more)

    def __init__(self) -> None:
        super().__init__()
        self.library: Library | None = None
        self.past: Past[State] = Past()
        self._styled_for: tuple[str, bool] | None = None

    def on_compose(self) -> None:
        """Name the size class before anything is styled, so that the first layout styles nothing twice."""
        for breakpoints, size in (
            (self.HORIZONTAL_BREAKPOINTS, self.app.size.width),
            (self.VERTICAL_BREAKPOINTS, self.app.size.height),
        ):
            name = next(name for least, name in reversed(breakpoints) if size >= least)
            self.set_class(True, name, update=False)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Coming back styles nothing anew unless colours changed meanwhile: it is half of what a switch costs."""
        colours = self.app.theme, self.app.native_ansi_color
        event.refresh_styles = self._styled_for not in (None, colours)
        self._styled_for = colours

    def _compositor_refresh(self) -> None:
        """Draw nothing that would not be shown: Textual draws a page that is opened once more than it shows it."""
        if self.app._batch_count:
            self._repaint_required = True
        else:
            super()._compositor_refresh()

    def receive(self, library: Library) -> None:
        """Take the catalog; called by the app once it is read, or read anew, and the page is mounted."""
        if self.library is not library:
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

    def focus_next(self, selector: str | type[Widget] = "*") -> Widget | None:
        """The first field of a form comes first."""
        return self._into_form(super().focus_next(selector), 1)

    def focus_previous(self, selector: str | type[Widget] = "*") -> Widget | None:
        """Backwards, the last field of a form comes first."""
        return self._into_form(super().focus_previous(selector), -1)

    def _into_form(self, widget: Widget | None, direction: int) -> Widget | None:
        fields = next((w for w in (widget, widget.parent) if isinstance(w, Fields)), None) if widget else None
        if fields is not None:
            fields.enter(direction)
        return self.focused

    def action_zoom(self) -> None:
        """Give the focused pane the window, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None and self.focused.allow_maximize:
            self.maximize(self.focused)

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        if not event.worker.is_cancelled:
            title = "whicharch failed; this is our fault" if event.ours else "not possible"
            self.notify(event.sentence, title=title, severity="error", markup=False)

    # What pages fill in

    def restore(self, state: State) -> None:
        """Ask what was asked then; a page that keeps ``past`` calls ``past.went(state)`` whenever it asks anew."""

    def display_changed(self) -> None:
        """Units or currency changed: write every figure anew."""

    def bookmark(self) -> str | None:
        """A title for what the page asks now (``past.now``); ``None`` where there is nothing to return to."""
        return None

    def equivalent(self) -> str:
        """The command line that gives what is shown; empty where there is none."""
        return ""

    def copied(self) -> str:
        """What ``y`` copies; the command line where a page says nothing else."""
        return self.equivalent()

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """What ``x`` can write, by file suffix: md, csv, json, yaml. A picture of the screen is always offered."""
        return {}

    def explained(self) -> Explanation | None:
        """The formula of the focused figure."""
        return None

    # Undo

    def action_undo(self) -> None:
        """Return to the state before."""
        self._return(self.past.back(), "There is nothing to undo.")

    def action_redo(self) -> None:
        """Take the last undo back."""
        self._return(self.past.forth(), "There is nothing to do again.")

    def _return(self, state: State | None, otherwise: str) -> None:
        if state is None:
            self.notify(otherwise, timeout=2)
        else:
            self.restore(state)
