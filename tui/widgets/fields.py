"""Draws the fields of a form as one widget; the field that is being edited has a real control over it.

Labels stand at the left of their fields, what they hold over the rest. The columns are those of ``grid-size`` and
``grid-gutter`` in the styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets.input import Selection

from tui.widgets.choice import Select
from tui.widgets.field import Choice, ChoiceField, Entry, EntryField, Field

if TYPE_CHECKING:
    from textual.widget import Widget as Control

WRONG = "✗"
ARROWS = "▾▴"
LABEL = 12
"""Cells of a label."""


class EntryInput(Input):
    """An input whose arrows up and down step through usual values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", "Larger", id="field.larger"),
        Binding("down", "step(-1)", "Smaller", id="field.smaller"),
    ]

    def __init__(self, field: EntryField) -> None:
        super().__init__(max_length=40)
        self.field = field

    def action_step(self, direction: int) -> None:
        """Go to the next larger or smaller usual value."""
        self.field.step(direction)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only fields with usual values step."""
        return action != "step" or bool(self.field.entry.ladder)


@dataclass(frozen=True)
class Place:
    """Where a field is drawn."""

    field: Field
    region: Region
    label: int
    """Cells of its label."""

    @property
    def control(self) -> Region:
        """Where what it holds is drawn."""
        arrows = len(ARROWS) if _steps(self.field) else 0
        x, y, width, _ = self.region
        return Region(x + self.label, y, max(0, width - self.label - arrows), 1)


def _steps(field: Field) -> bool:
    return isinstance(field, EntryField) and bool(field.entry.ladder)


class Fields(Widget, can_focus=True, inherit_bindings=False):
    """Fields in a grid."""

    FOCUS_ON_CLICK = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next(1)", "Next field", show=False, id="fields.next"),
        Binding("shift+tab", "next(-1)", "Previous field", show=False, id="fields.previous"),
    ]
    DEFAULT_CSS = """
    Fields {
        height: auto; color: $foreground; text-wrap: nowrap;
        EntryInput, Select { position: absolute; }
    }
    """

    @dataclass
    class Edited(Message):
        """A field holds something else."""

        typed: bool = False
        """Whether it was typed, letter by letter, rather than chosen or stepped to."""

    def __init__(
        self, fields: Sequence[Entry | Choice], *, label: int = LABEL, short: Sequence[str] = (), short_label: int = 0
    ) -> None:
        """Set fields up.

        Args:
            fields: What is asked.
            label: Cells of a label.
            short: Names of fields with a shorter label.
            short_label: Cells of that.
        """
        super().__init__()
        self.all: dict[str, EntryField | ChoiceField] = {
            f.name: EntryField(self, f) if isinstance(f, Entry) else ChoiceField(self, f) for f in fields
        }
        self._labels = {name: short_label if name in short else label for name in self.all}
        self._now: Field | None = next(iter(self.all.values()), None)
        """The field that is, or was last, edited."""
        self._entry: EntryInput | None = None
        self._chooser: Select | None = None
        self._hover: Field | None = None

    # Places

    def places(self, width: int) -> list[Place]:
        """Where every field is that is there."""
        seen = [field for field in self.all.values() if field.display]
        columns, gap = max(1, self.styles.grid_size_columns), self.styles.grid_gutter_vertical
        room = max(0, width - gap * (columns - 1))
        starts = [room * k // columns + gap * k for k in range(columns + 1)]
        widths = [after - gap - start for start, after in pairwise(starts)]
        return [
            Place(field, Region(starts[k % columns], k // columns, widths[k % columns], 1), self._labels[field.key])
            for k, field in enumerate(seen)
        ]

    def place(self, field: Field) -> Place | None:
        """Where a field is; ``None`` where it is not there."""
        return next((place for place in self.places(self.size.width) if place.field is field), None)

    def _at(self, offset: Offset) -> Place | None:
        return next((place for place in self.places(self.size.width) if place.region.contains_point(offset)), None)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each row of the grid."""
        seen = sum(field.display for field in self.all.values())
        return -(-seen // max(1, self.styles.grid_size_columns))

    def arrange_anew(self) -> None:
        """Other fields are there, or the grid is another."""
        self.refresh(layout=True)
        self.call_after_refresh(self._lay_control)

    # Drawing

    def show(self, field: Field) -> None:
        """A field holds, or is, something else."""
        if not self.is_attached:
            return
        if (control := self._control) is not None and field is self._now:
            self._fill(control, field)
        self.refresh()

    def render(self) -> Content:
        """Every field, line by line."""
        width = self.size.width
        lines: list[list[Content]] = []
        at = 0
        for place in self.places(width):
            x, y, _, _ = place.region
            if y == len(lines):
                lines.append([])
                at = 0
            lines[y] += [Content(" " * (x - at)), self._drawn(place)]
            at = place.region.right
        return Content("\n").join(Content.assemble(*line) for line in lines)

    def _drawn(self, place: Place) -> Content:
        field = place.field
        style = self._style(field)
        text = f"{WRONG} {field.label}" if field.problem else field.label
        label = Content(text).truncate(place.label, pad=True).stylize(style)
        room = place.control.width
        bold = " bold" if field.problem or field.changed else ""
        back = "$error-muted" if field.problem and isinstance(field, EntryField) else "$boost"
        if isinstance(field, ChoiceField):
            chosen = Content(field.text).truncate(max(0, room - 3), ellipsis=True, pad=True)
            held = chosen + Content.styled(" ▼ ", "$foreground 50%")
        elif isinstance(field, EntryField) and not field.text:
            held = Content.styled(field.entry.blank, self._colour("text-muted")).truncate(room, pad=True)
        else:
            held = Content(field.written()).truncate(room, ellipsis=True, pad=True)
        held = held.stylize_before(f"$foreground on {back}{bold}")
        return label + held + (Content.styled(ARROWS, style) if _steps(field) else Content(""))

    def _style(self, field: Field) -> str:
        """Of a label."""
        ansi = self.app.native_ansi_color
        if field.problem:
            return "$text-error bold reverse" if ansi else "$text-error bold"
        if field.has_focus:
            return "$text-primary bold"
        if field is self._hover or field.changed:
            return "$text-accent bold" if field.changed else "$text-accent"
        muted = self._colour("text-muted")
        return f"{muted} dim" if ansi else muted

    def _colour(self, name: str) -> str:
        """A colour of the theme; where a style names it by a variable, Textual loses the share of ``auto 60%``."""
        return self.app.theme_variables[name]

    # Editing

    def tell(self, *, typed: bool = False) -> None:
        """Say that a field was edited."""
        self.post_message(self.Edited(typed))

    @property
    def _control(self) -> EntryInput | Select | None:
        """What lies over the field that is edited."""
        return self._entry if isinstance(self._now, EntryField) else self._chooser

    @property
    def edited(self) -> Field | None:
        """The field that has the focus."""
        control = self._control
        return self._now if control is not None and control.has_focus else None

    def _fill(self, control: EntryInput | Select, field: Field) -> None:
        """Bring a control up to date."""
        if isinstance(control, EntryInput) and isinstance(field, EntryField):
            control.field, control.suggester, control.placeholder = field, field.suggester, field.entry.blank
            control.set_class(bool(field.problem), "-wrong")
            if control.value != field.text:
                with control.prevent(Input.Changed):
                    control.value = field.text
                control.cursor_position = len(field.text)
        elif isinstance(control, Select) and isinstance(field, ChoiceField):
            with control.prevent(Select.Changed):
                control.set_options(field.options)
                control.value = field.value()
        if control.tooltip is None or str(control.tooltip) != field.help:
            control.tooltip = Content(field.help) if field.help else None

    def edit(self, field: Field, *, at: int | None = None) -> None:
        """Go to a field.

        Args:
            field: One that is there.
            at: Cell of its text for the cursor; without it all is selected.
        """
        before, self._now = self._control, field
        control = self._control
        if control is None:
            control = self._made(field)
        self._fill(control, field)
        control.display = True
        self._lay_control()
        if isinstance(control, EntryInput):
            control.select_on_focus = at is None
            control.selection = Selection(0, len(control.value)) if at is None else Selection.cursor(at)
        if not control.has_focus:
            self.screen.set_focus(control)
        elif self.is_attached:
            control.scroll_visible(animate=False)
        if before is not None and before is not control:
            before.display = False
        self.refresh()

    def _made(self, field: Field) -> EntryInput | Select:
        control: EntryInput | Select
        if isinstance(field, EntryField):
            control = self._entry = EntryInput(field)
        else:
            assert isinstance(field, ChoiceField)
            control = self._chooser = Select(field.options, field.value())
        self.mount(control)
        return control

    def _lay_control(self) -> None:
        """Put the control over its field."""
        control, field = self._control, self._now
        if control is None or field is None:
            return
        place = self.place(field)
        if place is None:
            control.display = False
            return
        x, y, width, _ = place.control
        control.styles.offset = x, y
        control.styles.width = width

    def on_resize(self) -> None:
        """The columns are others."""
        self._lay_control()

    def on_focus(self) -> None:
        """The focus belongs to a field."""
        if self._now is not None and self._now.display:
            self.edit(self._now)
        else:
            self.enter(1)

    def on_descendant_focus(self) -> None:
        """Draw whose turn it is."""
        self.refresh()

    def on_descendant_blur(self) -> None:
        """Without the focus a field is drawn like all others."""
        for control in (self._entry, self._chooser):
            if control is not None and not control.has_focus and self.app.app_focus:
                control.display = False
        self.refresh()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        field = self._now
        if isinstance(field, EntryField) and event.input is self._entry and event.input.value != field.text:
            field.text = event.input.value
            self.tell(typed=True)

    @on(Select.Changed)
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        if isinstance(self._now, ChoiceField) and event.select is self._chooser:
            self._now.enter(event.value)

    # From field to field

    def enter(self, direction: int) -> None:
        """Go to the first field, or to the last."""
        if seen := [field for field in self.all.values() if field.display]:
            self.edit(seen[0 if direction > 0 else -1])

    def action_next(self, direction: int) -> None:
        """Go to the next field or the one before, and beyond the last to what comes after the form."""
        seen = [field for field in self.all.values() if field.display]
        place = (seen.index(self._now) if self._now in seen else -1) + direction
        if 0 <= place < len(seen):
            self.edit(seen[place])
            return
        chain: list[Control] = [w for w in self.screen.focus_chain if w not in (self._entry, self._chooser)]
        other = chain[(chain.index(self) + direction) % len(chain)] if self in chain else self
        if isinstance(other, Fields):
            other.enter(direction)
        else:
            self.screen.set_focus(other)

    # The mouse

    def _inside(self, event: events.MouseEvent) -> Offset:
        """Where it happened, from the first cell of the first field."""
        return event.screen_offset - self.content_region.offset

    def on_click(self, event: events.Click) -> None:
        """An arrow steps; anything else goes to the field."""
        if event.widget is not self or (place := self._at(self._inside(event))) is None:
            return
        field, x = place.field, self._inside(event).x
        if isinstance(field, ChoiceField):
            self.edit(field)
            assert self._chooser is not None
            self.call_after_refresh(self._chooser.action_open)
        elif _steps(field) and x >= place.control.right:
            field.step(1 if x == place.region.right - 1 else -1)
        else:
            inside = x - place.control.x
            self.edit(field, at=min(inside, len(field.written())) if inside >= 0 else None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which field is under the pointer, and what it means."""
        place = self._at(self._inside(event)) if event.widget is self else None
        field = place.field if place is not None else None
        if field is not self._hover:
            self._hover = field
            self.tooltip = Content(field.help) if field is not None and field.help else None
            self.refresh()

    def on_leave(self, event: events.Leave) -> None:
        """Nothing is under the pointer."""
        if self._hover is not None:
            self._hover = None
            self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Step up, if the field is being edited."""
        self._scrolled(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Step down, if the field is being edited."""
        self._scrolled(event, -1)

    def _scrolled(self, event: events.MouseEvent, direction: int) -> None:
        field = self.edited
        if field is None or not _steps(field) or (place := self.place(field)) is None:
            return
        if place.region.contains_point(self._inside(event)):
            event.stop()
            field.step(direction)
