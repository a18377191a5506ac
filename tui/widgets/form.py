"""A form of compact fields that parse themselves, mark what is wrong, and say so in one line below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from catalog.errors import BadInput
from tui.widgets.field import Choice, ChoiceField, Entry, EntryField, Field
from tui.widgets.fields import LABEL, WRONG, Fields

__all__ = ["Choice", "ChoiceField", "Entry", "EntryField", "Field", "Form"]


class Form(Widget):
    """Fields in a grid, and a line for what is wrong with them, or else for a remark."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.back", "Back to the list", id="form.leave")]

    @dataclass
    class Changed(Message):
        """A field was edited."""

        form: Form
        values: dict[str, Any]
        """What every field means; of wrong fields, nothing."""
        problems: dict[str, str]
        """A sentence for each wrong field."""
        typed: bool = False
        """Whether more letters may follow."""

        @property
        def control(self) -> Form:
            """The form, for selectors."""
            return self.form

    def __init__(
        self,
        fields: Sequence[Entry | Choice],
        *,
        id: str | None = None,
        label: int = LABEL,
        short: Sequence[str] = (),
        short_label: int = LABEL,
    ) -> None:
        """Set a form up; for ``label``, ``short`` and ``short_label`` see ``Fields``."""
        super().__init__(id=id)
        self.fields = Fields(fields, label=label, short=short, short_label=short_label)
        self._remark = ""
        self._refused = ""
        self._refused_of: dict[str, Any] = {}
        """What the fields held that was refused."""
        self._said = ""

    def compose(self) -> ComposeResult:
        """The fields, then the line."""
        yield self.fields
        yield Static(classes="remark")

    def field(self, name: str) -> EntryField | ChoiceField:
        """The field of that name."""
        return self.fields.all[name]

    def holds(self, name: str) -> bool:
        """Whether it has a field of that name."""
        return name in self.fields.all

    def read(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Values of the right fields and problems of the wrong ones; wrong ones are marked."""
        values, problems = {}, {}
        for field in self.fields.all.values():
            try:
                values[field.key] = field.value()
                field.mark("")
            except BadInput as error:
                problems[field.key] = str(error)
                field.mark(str(error))
            except (ValueError, ArithmeticError):
                problems[field.key] = f"{field.label}: that is no number one could work with"
                field.mark(problems[field.key])
        return values, problems

    def written(self) -> dict[str, Any]:
        """What every field shows, as ``put`` takes it."""
        return {field.key: field.written() for field in self.fields.all.values()}

    def step(self, name: str, direction: int) -> None:
        """Take the next larger or smaller usual value of a field, or the next entry of its list."""
        self.field(name).step(direction)

    def offer(self, name: str, options: Sequence[tuple[str, Any]]) -> None:
        """Replace the list of a choice; the choice stays if it is still there."""
        field = self.field(name)
        assert isinstance(field, ChoiceField)
        field.offer(options)

    def put(self, values: Mapping[str, Any]) -> None:
        """Show values, and tell of them once."""
        for name, value in values.items():
            self.field(name).put(value)
        self._tell()

    def remark(self, text: str) -> None:
        """What to say while nothing is wrong."""
        self._remark, self._refused = text, ""
        self._show_line()

    def refuse(self, sentence: str) -> None:
        """Say why the values, though readable, cannot be answered; wherever the fields hold the same again."""
        self._refused, self._refused_of = sentence, self.written()
        self._show_line()

    @on(Fields.Edited)
    def _edited(self, event: Fields.Edited) -> None:
        event.stop()
        self._tell(typed=event.typed)

    def _tell(self, *, typed: bool = False) -> None:
        values, problems = self.read()
        self._show_line()
        self.post_message(self.Changed(self, values, problems, typed))

    def _show_line(self) -> None:
        line = self.query_one(".remark", Static)
        problems = [field.problem for field in self.fields.all.values() if field.problem]
        refused = self._refused if self._refused and self.written() == self._refused_of else ""
        wrong = "; ".join(problems) or refused
        self.set_class(bool(wrong), "-refused")
        said = f"{WRONG} {wrong}" if wrong else self._remark
        if said != self._said:
            self._said = said
            line.update(Content.styled(said, "$text-error" if wrong else "dim"))
            line.tooltip = Content(said) if said else None
