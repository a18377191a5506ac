"""A form that is drawn as one widget is used like one of many."""

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from advisor import quantities
from tui.screens.page import Page
from tui.widgets.choice import ListScreen
from tui.widgets.form import Choice, Entry, Form

FIELDS = (
    Entry("users", "users", quantities.count, "8", "", ("4", "8", "16"), help="At the same time."),
    Choice("task", "task", (("chat", "chat"), ("code", "code")), "chat"),
    Entry("name", "name", lambda text, label: text, "", "no name"),
)


class OnePage(Page):
    AUTO_FOCUS = "#before"

    def compose(self) -> ComposeResult:
        yield Input(id="before")
        yield Form(FIELDS)
        yield Input(id="after")


class OneForm(App[None]):
    CSS = "Input { height: 1; border: none; } Fields { grid-size: 2; grid-gutter: 0 2; } Form { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Form.Changed] = []

    def on_mount(self) -> None:
        self.push_screen(OnePage())

    def on_form_changed(self, event: Form.Changed) -> None:
        self.told.append(event)


@pytest.fixture
def app() -> OneForm:
    return OneForm()


async def test_tab_goes_from_field_to_field_and_beyond_both_ways(app: OneForm):
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(Form)
        seen = []
        for key in ("tab",) * 4 + ("shift+tab",) * 4:
            await pilot.press(key)
            focused = app.focused
            assert focused is not None
            name = next((n for n, f in form.fields.all.items() if f.has_focus), focused.id)
            seen.append(name)
        assert seen == ["users", "task", "name", "after", "name", "task", "users", "before"]


async def test_what_is_typed_at_once_reaches_the_field(app: OneForm):
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(Form)
        await pilot.press("tab", "1", "2")  # all of the old text is selected, so typing replaces it
        assert form.read() == ({"users": 12, "task": "chat", "name": None}, {})
        await pilot.press("x")
        assert "users" in form.read()[1]
        assert form.field("users").problem
        assert app.told[-1].problems.keys() == {"users"}
        form.put({"users": "4"})
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.value == "4"  # type: ignore[attr-defined]
        await pilot.press("up", "tab", "tab", "h", "i")
        assert form.read()[0] == {"users": 8, "task": "chat", "name": "hi"}
        drawn = form.fields.render().plain
        assert "users       8" in drawn
        assert "name        hi" in drawn


async def test_a_choice_opens_its_list_by_key_and_by_mouse(app: OneForm):
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(Form)
        await pilot.press("tab", "tab", "enter")
        assert isinstance(app.screen, ListScreen)
        await pilot.press("down", "enter")
        assert form.field("task").value() == "code"
        place = form.fields.place(form.field("task"))
        assert place is not None
        await pilot.press("shift+tab")
        await pilot.click(form.fields, offset=(place.control.x + 2, place.control.y))
        await pilot.pause()
        assert isinstance(app.screen, ListScreen)
        await pilot.press("up", "enter")
        assert form.field("task").value() == "chat"


async def test_a_click_puts_the_cursor_where_it_falls_and_arrows_step(app: OneForm):
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(Form)
        place = form.fields.place(form.field("users"))
        assert place is not None
        await pilot.click(form.fields, offset=(place.region.right - 1, place.region.y))
        assert form.field("users").value() == 16
        assert app.focused is not None
        assert app.focused.id == "before"
        await pilot.click(form.fields, offset=(place.control.x + 1, place.control.y))
        await pilot.press("0")
        assert form.field("users").value() == 106


async def test_what_is_hidden_is_passed_over_and_drawn_nowhere(app: OneForm):
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(Form)
        form.field("task").display = False
        await pilot.pause()
        assert "task" not in form.fields.render().plain
        await pilot.press("tab", "tab")
        assert form.field("name").has_focus
        assert form.fields.size.height == 1
        assert app.screen.query_one(".remark", Static).region.y == form.fields.region.bottom
