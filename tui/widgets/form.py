"""A form of compact fields that parse themselves, mark what is wrong, and say so in one line below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from catalog.errors import BadInput
from tui.widgets.choice import Select

WRONG = "✗"


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


class Field(Widget):
    """One field: its label is drawn at the left, its control lies over the rest."""

    @dataclass
    class Edited(Message):
        """The field holds something else."""

        field: Field

    def __init__(self, name: str, label: str, help: str) -> None:
        super().__init__(id=f"field-{name.replace('_', '-')}")
        self.key = name
        self.label = label
        self.problem = ""
        self.tooltip = Content(help) if help else None

    def value(self) -> Any:
        """What the field means.

        Raises:
            BadInput: If it means nothing.
        """
        raise NotImplementedError

    def put(self, value: Any) -> None:
        """Show a value without telling that it was edited."""
        raise NotImplementedError

    def written(self) -> Any:
        """What ``put`` takes to show this again."""
        raise NotImplementedError

    def mark(self, problem: str) -> None:
        """Show or clear that the field is wrong."""
        if problem != self.problem:
            self.problem = problem
            self.set_class(bool(problem), "-wrong")
            self.refresh()

    def render(self) -> Content:
        """The label."""
        return Content(f"{WRONG} {self.label}" if self.problem else self.label)


class EntryInput(Input):
    """An input whose arrows up and down step through usual values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", "Larger", id="field.larger"),
        Binding("down", "step(-1)", "Smaller", id="field.smaller"),
    ]

    def __init__(self, field: EntryField) -> None:
        super().__init__(field.entry.text, placeholder=field.entry.blank, max_length=40)
        self._field = field

    def action_step(self, direction: int) -> None:
        """Go to the next larger or smaller usual value."""
        self._field.step(direction)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only fields with usual values step."""
        return action != "step" or bool(self._field.entry.ladder)


class EntryField(Field):
    """Text that is parsed; two arrows at its end step through usual values."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, entry.label, entry.help)
        self.entry = entry
        self.set_class(bool(entry.ladder), "-steps", update=False)

    def compose(self) -> ComposeResult:
        """The input."""
        yield EntryInput(self)

    def render(self) -> Content:
        """The label, and the two arrows."""
        label = super().render()
        return label.pad_right(self.size.width - len(label) - 2) + "▾▴" if self.entry.ladder else label

    def value(self) -> Any:
        """The parsed text; ``None`` where it is empty and may be."""
        text = self.query_one(Input).value.strip()
        if not text and self.entry.blank:
            return None
        return self.entry.parse(text, self.label)

    def written(self) -> str:
        """The text, right or wrong."""
        return self.query_one(Input).value

    def put(self, value: Any) -> None:
        """Show a text."""
        field = self.query_one(Input)
        with self.prevent(Input.Changed):
            field.value = str(value)

    def step(self, direction: int) -> None:
        """Go to the next larger or smaller usual value."""
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
            self.query_one(Input).value = chosen

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self))

    def on_click(self, event: events.Click) -> None:
        """An arrow steps; the label goes to the input."""
        if event.widget is self:
            arrow = event.x - self.size.width
            if self.entry.ladder and arrow >= -2:
                self.step(1 if arrow == -1 else -1)
            else:
                self.query_one(Input).focus()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Step up, if the field is being edited."""
        self._scrolled(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Step down, if the field is being edited."""
        self._scrolled(event, -1)

    def _scrolled(self, event: events.MouseEvent, direction: int) -> None:
        if self.entry.ladder and self.query_one(Input).has_focus:
            event.stop()
            self.step(direction)


class ChoiceField(Field):
    """One of a list."""

    def __init__(self, choice: Choice) -> None:
        super().__init__(choice.name, choice.label, choice.help)
        self.choice = choice

    def compose(self) -> ComposeResult:
        """The list."""
        yield Select(self.choice.options, self.choice.value)

    def value(self) -> Any:
        """The chosen value."""
        return self.query_one(Select).value

    def written(self) -> Any:
        """The chosen value."""
        return self.query_one(Select).value

    def put(self, value: Any) -> None:
        """Choose a value, if the list has it."""
        if value in [known for _, known in self.choice.options]:
            with self.prevent(Select.Changed):
                self.query_one(Select).value = value

    def offer(self, options: Sequence[tuple[str, Any]]) -> None:
        """Replace the list; the choice stays if it is still there."""
        chosen, self.choice = self.value(), Choice(
            self.choice.name, self.choice.label, tuple(options), self.choice.value, self.choice.help
        )  # fmt: skip
        with self.prevent(Select.Changed):
            self.query_one(Select).set_options(options)
        self.put(chosen)

    def step(self, direction: int) -> None:
        """Choose the next entry of the list, or the one before."""
        values = [value for _, value in self.choice.options]
        place = values.index(self.value()) + direction if self.value() in values else 0
        if 0 <= place < len(values):
            self.query_one(Select).value = values[place]

    @on(Select.Changed)
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self))


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

        @property
        def control(self) -> Form:
            """The form, for selectors."""
            return self.form

    def __init__(self, fields: Sequence[Entry | Choice], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fields = tuple(fields)
        self._remark = ""
        self._refused = ""
        self._refused_of: dict[str, Any] = {}
        """What the fields held that was refused."""
        self._said = ""

    def compose(self) -> ComposeResult:
        """The fields, then the line."""
        with Grid():
            for field in self._fields:
                yield EntryField(field) if isinstance(field, Entry) else ChoiceField(field)
        yield Static(classes="remark")

    def field(self, name: str) -> Field:
        """The field of that name."""
        return self.query_one(f"#field-{name.replace('_', '-')}", Field)

    def holds(self, name: str) -> bool:
        """Whether it has a field of that name."""
        return any(field.name == name for field in self._fields)

    def read(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Values of the right fields and problems of the wrong ones; wrong ones are marked."""
        values, problems = {}, {}
        for field in self.query(Field):
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
        return {field.key: field.written() for field in self.query(Field)}

    def step(self, name: str, direction: int) -> None:
        """Take the next larger or smaller usual value of a field, or the next entry of its list."""
        field = self.field(name)
        assert isinstance(field, EntryField | ChoiceField)
        field.step(direction)

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

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        values, problems = self.read()
        self._show_line()
        self.post_message(self.Changed(self, values, problems))

    def _show_line(self) -> None:
        line = self.query_one(".remark", Static)
        problems = [field.problem for field in self.query(Field) if field.problem]
        refused = self._refused if self._refused and self.written() == self._refused_of else ""
        wrong = "; ".join(problems) or refused
        self.set_class(bool(wrong), "-refused")
        said = f"{WRONG} {wrong}" if wrong else self._remark
        if said != self._said:
            self._said = said
            line.update(Content.styled(said, "$text-error" if wrong else "dim"))
            line.tooltip = Content(said) if said else None
