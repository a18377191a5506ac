"""What a form asks: fields that hold a text or a choice, parse it, and say what is wrong with it.

Fields are no widgets. ``tui.widgets.fields`` draws all of a form at once; a widget for each costs 13 ms of CPU when a
page is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.suggester import Suggester

from catalog.errors import BadInput

if TYPE_CHECKING:
    from tui.widgets.fields import Fields


@dataclass(frozen=True)
class Entry:
    """A field to type into."""

    name: str
    """The keyword that its value has."""
    label: str
    parse: Callable[[str, str], Any]
    """From text and label to a value; raises ``BadInput`` with a sentence."""
    text: str = ""
    blank: str = ""
    """What an empty field means; empty text there is ``None``."""
    ladder: tuple[str, ...] = ()
    """Usual values, smallest first, to step through."""
    help: str = ""


@dataclass(frozen=True)
class Choice:
    """A field to choose from a list."""

    name: str
    label: str
    options: tuple[tuple[str, Any], ...]
    """Text and value; texts are plain, never markup."""
    value: Any
    help: str = ""


class Field:
    """One field of a form."""

    def __init__(self, fields: Fields, name: str, label: str, help: str) -> None:
        self.fields = fields
        self.key = name
        self.help = help
        self.problem = ""
        self._label, self._display, self._changed = label, True, False

    def value(self) -> Any:
        """What the field means.

        Raises:
            BadInput: If it means nothing.
        """
        raise NotImplementedError

    def put(self, value: Any) -> None:
        """Show a value without telling that it was edited."""
        raise NotImplementedError

    def enter(self, value: Any) -> None:
        """Show a value and tell, as if a person had entered it."""
        self.put(value)
        self.fields.tell()

    def written(self) -> Any:
        """What ``put`` takes to show this again."""
        raise NotImplementedError

    def step(self, direction: int) -> None:
        """Take the next value up or down, if there is one, and tell."""
        raise NotImplementedError

    def mark(self, problem: str) -> None:
        """Show or clear that the field is wrong."""
        if problem != self.problem:
            self.problem = problem
            self.fields.show(self)

    def focus(self) -> None:
        """Go to the field."""
        self.fields.edit(self)

    @property
    def has_focus(self) -> bool:
        """Whether it is being edited."""
        return self.fields.edited is self

    @property
    def label(self) -> str:
        """Its name."""
        return self._label

    @label.setter
    def label(self, label: str) -> None:
        if label != self._label:
            self._label = label
            self.fields.show(self)

    @property
    def changed(self) -> bool:
        """Whether it is to stand out."""
        return self._changed

    @changed.setter
    def changed(self, changed: bool) -> None:
        if changed != self._changed:
            self._changed = changed
            self.fields.show(self)

    @property
    def display(self) -> bool:
        """Whether it is there."""
        return self._display

    @display.setter
    def display(self, display: bool) -> None:
        if display != self._display:
            self._display = display
            self.fields.arrange_anew()


class EntryField(Field):
    """Text that is parsed; two arrows at its end step through usual values."""

    def __init__(self, fields: Fields, entry: Entry) -> None:
        super().__init__(fields, entry.name, entry.label, entry.help)
        self.entry = entry
        self.text = entry.text
        self.suggester: Suggester | None = None
        """Completes what is typed."""

    def value(self) -> Any:
        """The parsed text; ``None`` where it is empty and may be."""
        text = self.text.strip()
        if not text and self.entry.blank:
            return None
        return self.entry.parse(text, self.label)

    def written(self) -> str:
        """The text, right or wrong."""
        return self.text

    def put(self, value: Any) -> None:
        """Show a text."""
        if (text := str(value)) != self.text:
            self.text = text
            self.fields.show(self)

    def step(self, direction: int) -> None:
        """Go to the next larger or smaller usual value."""
        if not self.entry.ladder:
            return
        try:
            now = self.value()
        except BadInput:
            now = None
        steps = [(self.entry.parse(text, self.label), text) for text in self.entry.ladder]
        if now is None:
            chosen: str | None = steps[0][1]
        elif direction > 0:
            chosen = next((text for value, text in steps if value > now), None)
        else:
            chosen = next((text for value, text in reversed(steps) if value < now), None)
        if chosen is not None:
            self.enter(chosen)


class ChoiceField(Field):
    """One of a list."""

    def __init__(self, fields: Fields, choice: Choice) -> None:
        super().__init__(fields, choice.name, choice.label, choice.help)
        self.options = tuple(choice.options)
        self._value = choice.value
        self._fall_back()

    def _fall_back(self) -> None:
        values = [value for _, value in self.options]
        if self._value not in values:
            self._value = values[0]

    def value(self) -> Any:
        """The chosen value."""
        return self._value

    def written(self) -> Any:
        """The chosen value."""
        return self._value

    @property
    def text(self) -> str:
        """Of the chosen entry."""
        return next(text for text, value in self.options if value == self._value)

    def put(self, value: Any) -> None:
        """Choose a value, if the list has it."""
        if value != self._value and value in [known for _, known in self.options]:
            self._value = value
            self.fields.show(self)

    def offer(self, options: Sequence[tuple[str, Any]]) -> None:
        """Replace the list; the choice stays if it is still there, else it is the first."""
        self.options = tuple(options)
        self._fall_back()
        self.fields.show(self)

    def step(self, direction: int) -> None:
        """Choose the next entry of the list, or the one before."""
        values = [value for _, value in self.options]
        place = values.index(self._value) + direction
        if 0 <= place < len(values):
            self.enter(values[place])
