"""The Lab page: change an architecture, and watch what it costs against the model it came from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input
from textual.worker import get_current_worker

from catalog.errors import BadInput
from tui.lab_answer import Answer, first_line, work_out, work_out_depths
from tui.lab_fields import FIRST, PUBLISHED, SETTING
from tui.off_loop import off_loop
from tui.screens.page import Explanation, Page, State
from tui.widgets.curves import Curves
from tui.widgets.form import Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.lab_result import LabResult
from tui.widgets.page_bar import PageBar
from tui.widgets.row_table import RowTable
from tui.widgets.shape_form import ShapeForm

if TYPE_CHECKING:
    from advisor.design.depths import Depths
    from advisor.design.design import Design
    from advisor.design.shape import Shape
    from catalog.spec import ModelSpec
    from tui.library import Library

PAUSE_S = 0.1
"""How long a person must pause in stepping before the design is computed."""


class LabScreen(Page):
    """Fields at the left, what they do at the right."""

    AUTO_FOCUS = "#differences"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,i", "edit", "Edit", tooltip="Go to the first number; arrows step", id="lab.edit"),
        Binding("s", "save", "Save", tooltip="Add the design to your own catalog", id="lab.save"),
        Binding("v", "view", "Curve", tooltip="Another curve: cache, FLOPs, prefill, decode", id="lab.view"),
        Binding("d", "reset", "As base", tooltip="Take every change back; u brings them again", id="lab.reset"),
        Binding("1", "tab('compare')", "Compare", show=False, id="lab.compare"),
        Binding("2", "tab('curves')", "Curves", show=False, id="lab.curves"),
        Binding("3", "tab('depths')", "Depth", show=False, id="lab.depths"),
        Binding("4", "tab('why')", "Why", show=False, id="lab.why"),
    ]
    HELP = """
    # Lab

    Take a model of the catalog, change its shape, and watch what that costs. Nothing here speaks of quality: the
    design is untrained.

    - Fields at the left hold what the base has; a changed one is marked with **●**. Arrows up and down step through
      values that the other fields allow; any other number may be typed.
    - A field changes what it names and nothing else, unless **with width** says that heads and feed-forwards follow.
    - An impossible shape says in one sentence what would be right; the last good answer stays.
    - **Compare**: both columns, the change, and a bar that is full at four times or a quarter. *better* and *worse*
      are about cost alone.
    - **Depth** keeps the parameters and trades layers for width: the width keeps head width and queries per kv head,
      the feed-forward makes up the rest. *off* is what remains. Enter takes a shape over.
    - **Why** says which part makes the difference, what was assumed, and holds the design as YAML.

    `s` saves the design to your own catalog, where it is a model like any other; `x` writes it as a file for
    `whicharch design`. `u` undoes.
    """

    @dataclass
    class Answered(Message):
        """A design was computed."""

        asked: State
        answer: Answer

    @dataclass
    class Refused(Message):
        """A shape is impossible."""

        asked: State
        sentence: str

    @dataclass
    class Sized(Message):
        """Shapes of one size were computed."""

        asked: State
        found: Depths | None
        sentence: str = ""

    @dataclass
    class Saved(Message):
        """The design is in the user's catalog."""

        name: str
        path: str

    def __init__(self) -> None:
        super().__init__()
        self.base: ModelSpec | None = None
        self.now: Shape | None = None
        """The base's own numbers."""
        self.asked: State = {}
        self.answer: Answer | None = None
        self.answered: State = {}
        """What ``answer`` answers; the fields may hold an impossible shape meanwhile."""
        self._unreadable = False
        """Whether the fields hold what cannot be read."""
        self._known_for: State = {}
        self._wanted: State = {}

    def compose(self) -> ComposeResult:
        """Form at the left, what it does at the right."""
        yield PageBar("lab")
        with Horizontal(id="lab"):
            yield ShapeForm(id="shape")
            yield LabResult(id="results")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the form."""
        self.form.border_title = "Shape \\[i]"

    @property
    def form(self) -> ShapeForm:
        """The shape."""
        return self.query_one(ShapeForm)

    @property
    def result(self) -> LabResult:
        """What it costs."""
        return self.query_one(LabResult)

    # The catalog

    def library_read(self, library: Library) -> None:
        """Offer every model, machine and format, and start with the first."""
        form = self.form
        known = [model for model in library.models if model.spec.is_disclosed]
        form.offer("base", [(model.id, model.id) for model in known])
        form.offer("machine", [(machine.id, machine.id) for machine in library.machines])
        form.offer("weights", [("published", PUBLISHED), *((name, name) for name in library.formats)])
        form.offer("cache", [(name, name) for name in library.caches])
        if self.base is not None and library.model(self.base.id) is not None:
            return  # the catalog was read again
        ids = [model.id for model in known]
        first = FIRST if FIRST in ids else ids[0] if ids else ""
        if self._wanted:
            self.restore(self._wanted)
        elif first:
            self.restore({"base": first, "values": {}})

    def _take_base(self, name: str) -> bool:
        """Start from a model: its numbers fill the fields."""
        from advisor.design.shape import shape

        model = self.library.model(name) if self.library else None
        if model is None:
            return False
        try:
            self.now = shape(model.spec)
        except BadInput as error:
            self._say(str(error), wrong=True)
            return False
        self.base = model.spec
        return True

    # From edits to answers

    @on(Form.Changed, "#shape")
    def _edited(self, event: Form.Changed) -> None:
        if self.library is None or self.now is None or self.base is None:
            return
        values = event.values
        if "base" in values and values["base"] != self.base.id:
            self.restore({"base": values["base"], "values": {name: values[name] for name in SETTING if name in values}})
            return
        self.form.adapt(self.base, self.now, values)
        if event.problems:
            self._unreadable = True
            self._say("; ".join(event.problems.values()), wrong=True)
            return
        asked = {"base": self.base.id, "values": {k: v for k, v in values.items() if k != "base"}}
        if asked != self.asked or self._unreadable:
            self.asked, self._unreadable = asked, False
            self.settle()

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait for a pause in stepping."""
        await asyncio.sleep(PAUSE_S)
        if self.base is not None and self.now is not None:
            self.past.went(self.asked)
            self.compute(self.base, self.now, self.asked)

    @off_loop("compute", alone=True)
    def compute(self, base: ModelSpec, now: Shape, asked: State) -> Answered | Refused:
        """Compute off the event loop."""
        try:
            return self.Answered(asked, work_out(base, now, asked["values"]))
        except BadInput as error:
            return self.Refused(asked, str(error))
        except ValueError as error:
            return self.Refused(asked, first_line(error))

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        if event.asked != self.asked or self._unreadable:
            return
        self.answer, self.answered, design = event.answer, event.asked, event.answer.design
        with self.app.batch_update():
            self._say("; ".join(design.changed) or f"{design.base} as it is: change a field at the left", wrong=False)
            self.result.show(event.answer)
        self._look_up_depths()

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        if event.asked == self.asked and not self._unreadable:
            self._say(event.sentence, wrong=True)

    def _say(self, sentence: str, *, wrong: bool) -> None:
        kept = " (below: the last shape that works)" if wrong and self.answer else ""
        said = Content.styled(f"✗ {sentence}{kept}", "$text-error") if wrong else Content.styled(sentence, "bold")
        self.result.say(said)
        self.set_class(wrong, "-impossible")

    # Depth against width

    def _look_up_depths(self) -> None:
        """Compute shapes of the design's size, if they are looked at and not known yet."""
        if self.result.view == "depths" and self.answer is not None and self._known_for != self.answered:
            self.result.await_depths()
            self.compute_depths(self.answer.design, self.answered)

    @off_loop("depths")
    def compute_depths(self, design: Design, asked: State) -> Sized:
        """Compute off the event loop, and stop when another design is asked for."""
        worker = get_current_worker()
        try:
            return self.Sized(asked, work_out_depths(design, lambda: worker.is_cancelled))
        except BadInput as error:
            return self.Sized(asked, None, str(error))

    @on(Sized)
    def _sized(self, event: Sized) -> None:
        if event.asked == self.answered:
            self._known_for = event.asked
            self.result.show_depths(event.found, event.sentence)

    @on(RowTable.Selected, "#depths")
    def _chosen(self, event: RowTable.Selected) -> None:
        """Take a shape over into the fields."""
        shape, base, now = event.row, self.base, self.now
        if base is None or now is None:
            return
        ff = "expert_width" if now.expert_width is not None or self._value("experts") else "ff_width"
        taken = {"layers": shape.layers, "hidden": shape.hidden, "heads": shape.heads, "kv_heads": shape.kv_heads}
        taken |= {ff: shape.ff_width, "proportional": False}
        self.form.show(base, now, {**self.asked["values"], **{k: v for k, v in taken.items() if v is not None}})

    def _value(self, name: str) -> Any:
        return self.asked.get("values", {}).get(name)

    # States

    def restore(self, state: State) -> None:
        """Show a base with values; fields that are not named hold what the base has."""
        if self.library is None:
            self._wanted = state
            return
        self._wanted = {}
        if not self._take_base(str(state.get("base", FIRST))):
            return
        from advisor.design.fields import start

        assert self.now is not None
        assert self.base is not None
        values = start(self.now) | self.form.setting() | dict(state.get("values", {}))
        self.form.show(self.base, self.now, values)

    def action_reset(self) -> None:
        """Take every change back."""
        if self.base is not None:
            self.restore({"base": self.base.id, "values": {}})

    # Views

    @on(LabResult.Turned)
    def _turned(self) -> None:
        self._look_up_depths()

    def action_tab(self, view: str) -> None:
        """Show a pane and go to it."""
        self.result.view = view
        self.call_after_refresh(self.action_back)

    def action_view(self) -> None:
        """Another curve."""
        self.result.next_curve()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_back()

    def action_edit(self) -> None:
        """Go to the first number."""
        self.form.field("layers").focus()

    def home(self) -> str:
        """Where Escape goes."""
        return self.result.home

    # Saving

    def action_save(self) -> None:
        """Ask for a name and write the design to the user's catalog."""
        from tui.screens.save import SaveScreen

        if self.answer is None or self.library is None:
            return
        if self.has_class("-impossible"):
            self.notify("The shape in the fields is impossible; mend it first.", timeout=4)
            return
        known = frozenset(model.id for model in self.library.models)
        design = self.answer.design

        def named(name: str | None) -> None:
            if name is not None:
                self.write(design, name)

        self.app.push_screen(SaveScreen(design.spec.id, known), named)

    @off_loop("save", overtakes=False)
    def write(self, design: Design, name: str) -> Saved:
        """Write off the event loop; the dialog has asked whether something may be replaced."""
        from advisor.design.design import renamed
        from catalog.overlay import add_model

        return self.Saved(name, str(add_model(renamed(design.spec, name), replace=True)))

    @on(Saved)
    def _saved(self, event: Saved) -> None:
        self.notify(f"Saved: {event.name} ({event.path}). It is in the catalog; m shows it.", timeout=6, markup=False)
        read = getattr(self.app, "read_library", None)
        if read is not None:
            read()
        if title := self.bookmark():
            visited = getattr(self.app, "visited", None)
            if visited is not None:
                visited(title, "lab", self.asked)

    # What the application asks

    def bookmark(self) -> str | None:
        """The base and its changes."""
        if self.answer is None:
            return None
        return f"{self.answer.design.base}: {'; '.join(self.answer.design.changed) or 'as it is'}"

    def equivalent(self) -> str:
        """The command that reads the exported file."""
        return "whicharch design whicharch-lab.yaml" if self.answer else ""

    def copied(self) -> str:
        """The design as a file."""
        texts = self.exports()
        return texts["yaml"]() if texts else ""

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The design as a file for the command line, or the table."""
        base = self.library.model(self.answered["base"]) if self.library and self.answer else None
        if self.answer is None or base is None:
            return {}
        from tui.lab_export import texts

        return texts(self.answer.design, base.spec, self.answered["values"])

    def explained(self) -> Explanation | None:
        """Both formulas of the row under the cursor, of the curve, or what all shapes of one size have in common."""
        if self.base is None or self.answer is None:
            return None
        from tui.lab_formulas import formula

        table = {"compare": "#differences", "depths": "#depths"}.get(self.result.view)
        row = None if table is None else self.query_one(table, RowTable).row
        return formula(self.result.view, row, self.query_one(Curves).shown.title, self.base, self.answer.design)

    def display_changed(self) -> None:
        """Units changed."""
        if self.base is not None and self.now is not None and self.asked:
            self._known_for = {}
            self.compute(self.base, self.now, self.asked)
