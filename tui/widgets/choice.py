"""One of a list, in one line: the list itself is made when it is opened.

Textual's own control mounts six widgets each, among them the whole list; a form has ten of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.screens.dialog import Dialog

MOST_LINES = 16
LEAST_WIDTH = 36
TYPED_S = 0.7
"""After so long a pause, what is typed searches anew."""


class Options(OptionList):
    """The list; typing goes to the first entry that holds what is typed, best near its beginning."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "page_down", "Page down", show=False),
        Binding("ctrl+u", "page_up", "Page up", show=False),
    ]

    def __init__(self, texts: list[str]) -> None:
        super().__init__(*(Option(Content(text)) for text in texts), compact=True)
        self._texts = [text.lower() for text in texts]
        self._typed, self._typed_at = "", 0.0

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters search."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Search by typing."""
        if event.character is None or not event.is_printable:
            return
        event.stop()
        event.prevent_default()
        self._typed = (self._typed if event.time - self._typed_at < TYPED_S else "") + event.character.lower()
        self._typed_at = event.time
        found = [(text.find(self._typed), index) for index, text in enumerate(self._texts) if self._typed in text]
        if found:
            self.highlighted = min(found)[1]


class ListScreen(Dialog[int | None]):
    """The list over the page, beside what it belongs to; dismissed with the place of the choice."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,tab", "dismiss", "Close", show=False)]
    DEFAULT_CSS = """
    ListScreen {
        background: transparent;
        Options { border: none; border-left: outer $border; background: $surface; max-height: 16; height: auto; }
    }
    """

    HELP = """
    # A list

    Typing goes to the first entry that holds what is typed; Enter or a click takes it, Escape leaves all as it was.
    """

    def __init__(self, texts: list[str], chosen: int | None, place: Region) -> None:
        super().__init__()
        self._texts, self._chosen, self._place = texts, chosen, place

    def compose(self) -> ComposeResult:
        """The list alone."""
        yield Options(self._texts)

    def on_mount(self) -> None:
        """Put it below its control, or above where there is more room."""
        listed = self.query_one(Options)
        listed.highlighted = self._chosen
        self._lay()
        self.call_after_refresh(listed.scroll_to_highlight)

    def on_resize(self) -> None:
        """The window is another: stay within it."""
        self._lay()

    def _lay(self) -> None:
        listed, size = self.query_one(Options), self.app.size
        width = min(size.width, max(self._place.width, LEAST_WIDTH))
        above = min(self._place.y, max(0, size.height - 1))  # the window may have become smaller
        below = size.height - above - 1
        lines = min(len(self._texts), MOST_LINES)
        under = below >= lines or below >= above
        lines = max(1, min(lines, below if under else above))
        listed.styles.width, listed.styles.max_height = width, lines
        x = max(0, min(self._place.x, size.width - width))
        listed.styles.offset = x, above + 1 if under else above - lines

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_index)


class Select(Widget, can_focus=True):
    """The chosen entry and an arrow; Enter or a click opens the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,down,up", "open", "Open the list", show=False, id="choice.open"),
    ]
    DEFAULT_CSS = """
    Select {
        height: 1; width: 1fr; background: $boost; color: $foreground; pointer: pointer;
        &:focus { background: $primary-muted; text-style: bold; }
    }
    """
    ALLOW_SELECT = False
    value: reactive[Any] = reactive(None, init=False)

    @dataclass
    class Changed(Message):
        """Another entry was chosen."""

        select: Select
        value: Any

        @property
        def control(self) -> Select:
            """Who says so, for selectors."""
            return self.select

    def __init__(self, options: Iterable[tuple[str, Hashable]], value: Any = None, *, id: str | None = None) -> None:
        """Offer entries.

        Args:
            options: Text and value of each; at least one.
            value: Which is chosen; the first where no entry has it.
            id: For selectors.
        """
        super().__init__(id=id)
        self.options = list(options)
        self.set_reactive(Select.value, self._known(value))

    def _known(self, value: Any) -> Any:
        values = [known for _, known in self.options]
        return value if value in values else values[0]

    def validate_value(self, value: Any) -> Any:
        """Only what is offered can be chosen.

        Raises:
            ValueError: If it is not offered.
        """
        if value not in [known for _, known in self.options]:
            raise ValueError(f"{value!r} is not offered")
        return value

    def watch_value(self, value: Any) -> None:
        """Tell."""
        self.post_message(self.Changed(self, value))

    def set_options(self, options: Iterable[tuple[str, Hashable]]) -> None:
        """Replace the list; the choice stays if it is still there, else it is the first."""
        self.options = list(options)
        if self.value != (known := self._known(self.value)):
            self.value = known
        self.refresh()

    @property
    def place(self) -> int:
        """Of the chosen entry in the list."""
        return [value for _, value in self.options].index(self.value)

    def render(self) -> Content:
        """The chosen entry, cut off where it is too long, and the arrow at the end."""
        width = max(0, self.size.width - 3)
        text = Content(self.options[self.place][0]).truncate(width, ellipsis=True, pad=True)
        return text + Content.styled(" ▼ ", "$foreground 50%")

    def action_open(self) -> None:
        """Show the list over the page."""
        options = self.options

        def chosen(place: int | None) -> None:
            if place is not None and options[place] in self.options:
                self.value = options[place][1]

        self.app.push_screen(ListScreen([text for text, _ in options], self.place, self.region), chosen)

    def on_click(self, event: events.Click) -> None:
        """Open the list."""
        event.stop()
        self.action_open()
