"""The Lab page: change an architecture, and watch what it costs against the model it came from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Static, Tab, Tabs
from textual.worker import get_current_worker

from advisor import quantities
from advisor.report import count_text, tokens_text
from catalog.errors import BadInput
from tui.lab_cells import DIFFERENCES, LEFT_OUT, shapes
from tui.off_loop import off_loop
from tui.screens.page import Explanation, Page, State
from tui.widgets.curves import Curves
from tui.widgets.form import Choice, Entry, EntryField, Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.reader import Reader, listed
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.design.depths import Depths
    from advisor.design.design import Design
    from advisor.design.shape import Shape
    from advisor.scaling import Curve
    from catalog.spec import ModelSpec
    from tui.library import Library

PAUSE_S = 0.1
"""How long a person must pause in stepping before the design is computed."""
FIRST = "llama-3.1-8b"
PUBLISHED = ""
OUTPUT = 500
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "1m")
VIEWS = ("compare", "curves", "depths", "why")
SETTING = ("machine", "devices", "weights", "cache", "input_tokens", "batch")


def _number(text: str, label: str) -> int:
    return quantities.tokens(text, label, zero=True)


def _numbers(*entries: tuple[str, str, str]) -> list[Entry]:
    return [Entry(name, label, _number, "", "auto", ("1",), help=help) for name, label, help in entries]


FIELDS: tuple[Entry | Choice, ...] = (
    Choice("base", "base", ((FIRST, FIRST),), FIRST, help="The model to start from; type to find one."),
    *_numbers(
        ("layers", "layers", "Depth; patterns of layers are kept."),
        ("hidden", "width", "Width of the stream between layers."),
    ),
    Choice(
        "proportional", "with width", (("nothing", False), ("heads, ff", True)), False,
        help="Whether heads and feed-forwards follow the width.",
    ),
    *_numbers(
        ("heads", "heads", "Query heads of each attention layer."),
        ("kv_heads", "kv heads", "Key-value heads: what the cache holds. They divide the heads."),
        ("head_dim", "head width", "Width of one head."),
        ("kv_rank", "latent rank", "Rank of a latent cache (MLA)."),
        ("state", "state", "Numbers that each channel of a state-space layer keeps."),
        ("ff_width", "ff width", "Inner width of dense feed-forwards."),
        ("experts", "experts", "Routed experts per layer; 0 is a dense model."),
        ("top_k", "per token", "Experts that each token visits."),
        ("expert_width", "expert width", "Inner width of one expert."),
        ("shared_width", "shared", "Inner width of the expert that every token visits; 0: none."),
    ),
    Choice(
        "pattern", "pattern",
        (("as it is", ""), ("all full", "full"), ("window", "window"), ("mamba2", "mamba2"),
         ("delta net", "gated-delta-net")), "",
        help="What layers between full attention do: attend within a window, or keep a state instead of a cache.",
    ),
    *_numbers(
        ("full_every", "1 full in", "Every so many layers one attends to everything; 0: none does."),
        ("window", "window", "Tokens that a windowed layer sees."),
        ("vocab", "vocabulary", "Rows of the table of tokens."),
    ),
    Choice("tied", "head", (("own", False), ("tied", True)), False, help="Whether the head uses the input's table."),
    Choice("machine", "machine", (("h100-sxm", "h100-sxm"),), "h100-sxm", help="Where both run."),
    Entry("devices", "devices", quantities.count, "1", "", ("1", "2", "4", "8"), help="They share each layer."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights of both."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the cache."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt: 2048, 16k."),
    Entry("batch", "batch", quantities.count, "1", "", ("1", "2", "4", "8", "16", "32", "64", "128", "256"),
          help="Requests at the same time."),
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A design beside its base."""

    design: Design
    curves: tuple[Curve, ...]
    no_curves: str
    """Why there are none."""


def setting_of(values: Mapping[str, Any]) -> Any:
    """Where both run."""
    from advisor.design.changes import Setting

    return Setting(**{name: values[name] for name in SETTING}, output_tokens=OUTPUT)


def work_out(base: ModelSpec, now: Shape, values: Mapping[str, Any]) -> Answer:
    """Compute what the page shows; some tens of milliseconds.

    Raises:
        BadInput: If the shape is impossible.
    """
    from advisor.design.design import beside
    from advisor.design.fields import changes
    from advisor.scaling import scale

    found = beside(base, changes(now, values), setting_of(values))
    low, high = (64, 16384) if (base.context_tokens or 2**17) < 8192 else (1024, 262144)
    try:
        curves = scale(
            [base, found.spec], context=(low, high), machine=values["machine"], weights=found.weights,
            cache=values["cache"], tp=values["devices"], per_octave=2,
        ).curves  # fmt: skip
    except BadInput as error:
        return Answer(found, (), str(error))
    return Answer(found, curves, "")


def work_out_depths(design: Design, stop: Callable[[], bool]) -> Depths:
    """Shapes of the design's size; up to a second.

    Raises:
        BadInput: If there are none.
    """
    from advisor.design.depths import depths

    return depths(design.spec, design.setting, stop=stop)


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
    view: reactive[str] = reactive("compare", init=False)

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
        self.found: Depths | None = None
        self._known_for: State = {}
        self._wanted: State = {}

    def compose(self) -> ComposeResult:
        """Form; a sentence, tabs and their panes."""
        yield PageBar("lab")
        with Horizontal(id="lab"):
            yield Form(FIELDS, id="shape")
            with Vertical(id="results"):
                yield Static(id="said")
                yield Tabs(
                    Tab("1 Compare", id="tab-compare"), Tab("2 Curves", id="tab-curves"),
                    Tab("3 Depth × width", id="tab-depths"), Tab("4 Why", id="tab-why"),
                )  # fmt: skip
                with Horizontal(id="panes"):
                    with Vertical(id="left-panes"):
                        yield RowTable(DIFFERENCES, lambda r: r.name, id="differences", empty="reading the catalog …")
                        yield RowTable(shapes(None), lambda s: str(s.layers), id="depths", empty="computing …")
                        yield Reader(id="why")
                    yield Curves(id="curves")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the panes."""
        self.query_one("#shape").border_title = "Shape \\[i]"
        self.query_one("#why").border_title = "Why"
        self.query_one(Tabs).can_focus = False
        self._arrange()

    # The catalog

    def library_read(self, library: Library) -> None:
        """Offer every model, machine and format, and start with the first."""
        form = self.query_one("#shape", Form)
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
        self._adapt(values)
        if event.problems:
            self._say("; ".join(event.problems.values()), wrong=True)
            return
        asked = {"base": self.base.id, "values": {k: v for k, v in values.items() if k != "base"}}
        if asked != self.asked:
            self.asked = asked
            self.settle()

    def _adapt(self, values: Mapping[str, Any]) -> None:
        """Show the fields that mean something, mark the changed ones, and let arrows step through what fits."""
        from advisor.design.fields import changes, shown, usual
        from advisor.design.widths import width_step

        assert self.now is not None
        assert self.base is not None
        seen = shown(self.now, values)
        step = width_step(self.base, None) if values.get("proportional") else 1
        ladders = usual(self.now, values, step)
        try:
            changed = set(changes(self.now, values).given())
        except ValueError:
            changed = set()
        if "pattern" in changed and values.get("pattern") != "full":
            changed.add("full_every")
        form = self.query_one("#shape", Form)
        for entry in FIELDS:
            field = form.field(entry.name)
            if entry.name not in (*SETTING, "base") and field.display != (entry.name in seen):
                field.display = entry.name in seen
            if isinstance(field, EntryField) and entry.name in ladders:
                field.entry = replace(field.entry, ladder=tuple(map(str, ladders[entry.name])))
            label = f"{entry.label} ●" if entry.name in changed else entry.label
            if field.label != label:
                field.label = label
                field.set_class(entry.name in changed, "-changed")
                field.refresh()

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
            return self.Refused(asked, _first_line(error))

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        if event.asked != self.asked:
            return
        self.answer, self.answered, design = event.answer, event.asked, event.answer.design
        with self.app.batch_update():
            self._say("; ".join(design.changed) or f"{design.base} as it is: change a field at the left", wrong=False)
            self._show()
        self._look_up_depths()

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        if event.asked == self.asked:
            self._say(event.sentence, wrong=True)

    def _say(self, sentence: str, *, wrong: bool) -> None:
        kept = " (below: the last shape that works)" if wrong and self.answer else ""
        said = Content.styled(f"✗ {sentence}{kept}", "$text-error") if wrong else Content.styled(sentence, "bold")
        self.query_one("#said", Static).update(said)
        self.set_class(wrong, "-impossible")

    def _show(self) -> None:
        assert self.answer is not None
        design = self.answer.design
        table = self.query_one("#differences", RowTable)
        table.empty = "nothing to compare"
        table.show_rows([row for row in design.rows if row.name not in LEFT_OUT])
        setting = design.setting
        table.border_title = Content(f"{design.base} → design")
        devices = f"{setting.devices} × " if setting.devices > 1 else ""
        table.border_subtitle = Content(
            f"{devices}{setting.machine}, {design.weights}, {tokens_text(setting.input_tokens)} in"
        )
        self.query_one(Curves).compare(self.answer.curves, self.answer.no_curves)
        self._explain()

    def _explain(self) -> None:
        from catalog.writer import to_yaml

        assert self.answer is not None
        design = self.answer.design
        self.query_one("#why", Reader).read(
            Content(""),
            [
                ("Layers", f"{design.before.pattern} → {design.after.pattern}"
                 if design.before.pattern != design.after.pattern else design.after.pattern),
                ("What makes the difference", listed(design.reasons)),
                ("Assumed, because nobody said", listed(design.assumed)),
                ("Notes", listed(design.notes)),
                ("The architecture as YAML", to_yaml(design.spec.architecture)),  # type: ignore[arg-type]
            ],
            stay=True,
        )  # fmt: skip

    # Depth against width

    def _look_up_depths(self) -> None:
        """Compute shapes of the design's size, if they are looked at and not known yet."""
        if self.view == "depths" and self.answer is not None and self._known_for != self.answered:
            self.query_one("#depths", RowTable).border_subtitle = "computing …"
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
    def _shapes(self, event: Sized) -> None:
        if event.asked != self.answered:
            return
        self._known_for, self.found = event.asked, event.found
        table = self.query_one("#depths", RowTable)
        found = event.found
        table.columns = shapes(found)
        table.empty = event.sentence
        table.border_title = f"{count_text(found.aimed_at)} parameters each" if found else "Depth × width"
        table.border_subtitle = Content(f"cache at {found.tokens:,}; ● the design; enter takes" if found else "")
        table.show_rows(found.shapes if found else ())
        if found:
            own = next((s.layers for s in found.shapes if s.is_own), None)
            if own is not None:
                table.go_to(str(own))

    @on(RowTable.Selected, "#depths")
    def _chosen(self, event: RowTable.Selected) -> None:
        """Take a shape over into the fields."""
        shape, now = event.row, self.now
        if now is None:
            return
        ff = "expert_width" if now.expert_width is not None or self._value("experts") else "ff_width"
        taken = {"layers": shape.layers, "hidden": shape.hidden, "heads": shape.heads, "kv_heads": shape.kv_heads}
        taken |= {ff: shape.ff_width, "proportional": False}
        self._put({**self.asked["values"], **{k: v for k, v in taken.items() if v is not None}})

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
        form = self.query_one("#shape", Form)
        kept = {name: form.field(name).value() for name in SETTING if not form.field(name).problem}
        values = start(self.now) | kept | dict(state.get("values", {}))
        self._put(values, base=self.base.id)

    def _put(self, values: Mapping[str, Any], base: str | None = None) -> None:
        texts: dict[str, Any] = {}
        for entry in FIELDS:
            value = values.get(entry.name) if entry.name != "base" else base
            if entry.name == "base" and base is None:
                continue
            if isinstance(entry, Entry):
                texts[entry.name] = "" if value is None else str(value)
            else:
                texts[entry.name] = bool(value) if entry.name == "tied" else value
        self._adapt(values)
        self.query_one("#shape", Form).put(texts)

    def action_reset(self) -> None:
        """Take every change back."""
        if self.base is not None:
            self.restore({"base": self.base.id, "values": {}})

    # Views

    @on(Tabs.TabActivated)
    def _activated(self, event: Tabs.TabActivated) -> None:
        self.view = (event.tab.id or "").removeprefix("tab-")

    def watch_view(self) -> None:
        """Show another pane."""
        self.query_one(Tabs).active = f"tab-{self.view}"
        self._arrange()
        self._look_up_depths()

    def on_resize(self, event: events.Resize) -> None:
        """Wide windows show curves beside, tall ones the reasons below."""
        self.call_after_refresh(self._arrange)

    def _arrange(self) -> None:
        wide, tall = self.has_class("-wide"), self.has_class("-tall")
        left = "compare" if wide and self.view == "curves" else self.view
        self.query_one("#left-panes").display = wide or left != "curves"
        self.query_one("#curves").display = wide or self.view == "curves"
        self.query_one("#differences").display = left == "compare"
        self.query_one("#depths").display = left == "depths"
        self.query_one("#why").display = left == "why" or (tall and left in ("compare", "depths"))

    def action_tab(self, view: str) -> None:
        """Show a pane and go to it."""
        self.view = view
        self.call_after_refresh(self.action_back)

    def action_view(self) -> None:
        """Another curve."""
        curves = self.query_one(Curves)
        if curves.display:
            curves.action_next()
        else:
            self.view = "curves"

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_back()

    def action_edit(self) -> None:
        """Go to the first number."""
        self.query_one("#field-layers Input").focus()

    def home(self) -> str:
        """Where Escape goes."""
        return {"compare": "#differences", "curves": "#curves", "depths": "#depths", "why": "#why"}[self.view]

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
        return self._yaml() if self.answer else ""

    def _yaml(self) -> str:
        from advisor.design.fields import design_file
        from catalog.writer import to_yaml

        assert self.now is not None
        values = self.answered["values"]
        return to_yaml(design_file(self.answered["base"], self.now, values, setting_of(values)))

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The design as a file for the command line, or the table."""
        if self.answer is None:
            return {}
        from tui.lab_text import as_csv, as_json, as_markdown

        design = self.answer.design
        return {
            "yaml": self._yaml, "md": partial(as_markdown, design), "csv": partial(as_csv, design),
            "json": partial(as_json, design),
        }  # fmt: skip

    def explained(self) -> Explanation | None:
        """Both formulas of the row under the cursor."""
        row, base, answer = self.query_one("#differences", RowTable).row, self.base, self.answer
        if row is None or base is None or answer is None or self.view != "compare":
            return None
        from advisor.design.explaining import explained, quantity_of

        if quantity_of(row.name) is None:
            return None
        return Explanation(f"{row.name}: base and design", partial(explained, base, answer.design, row.name))

    def display_changed(self) -> None:
        """Units changed."""
        if self.base is not None and self.now is not None and self.asked:
            self.compute(self.base, self.now, self.asked)


def _first_line(error: ValueError) -> str:
    """What a schema complains about, in one line."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
    return str(error)
