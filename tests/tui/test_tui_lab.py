from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input
from tui_world import World, click_end, click_tab, field, settle

from advisor.design.explaining import explained
from catalog.loader import load
from tui.app import WhicharchApp
from tui.screens.lab import LabScreen
from tui.screens.save import SaveScreen
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable


@pytest.fixture
def app(world: World, monkeypatch: pytest.MonkeyPatch) -> WhicharchApp:
    """An application that opens with the Lab."""
    monkeypatch.setattr(WhicharchApp, "DEFAULT_MODE", "lab")
    return WhicharchApp()


async def opened(pilot: Any) -> LabScreen:
    await settle(pilot)
    assert isinstance(pilot.app.screen, LabScreen)
    return pilot.app.screen


def row(page: LabScreen, name: str) -> Any:
    return next(r for r in page.query_one("#differences", RowTable).rows if r.name == name)


def typed(page: LabScreen, name: str) -> str:
    return str(field(page, name).written())


def said(page: LabScreen) -> str:
    return str(page.query_one("#said").render())


async def test_a_step_by_key_changes_the_design_and_undo_takes_it_back(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        assert not any(r.change for r in page.query_one("#differences", RowTable).rows)
        await pilot.press("slash", "up")
        await settle(pilot)
        assert typed(page, "layers") == "3"
        assert row(page, "layers").change == pytest.approx(0.5)
        one_layer = 2 * 64 + 64 * 16 * (4 + 2 + 2 + 4) + 3 * 64 * 256
        assert row(page, "parameters").design - row(page, "parameters").base == one_layer
        assert "layers 2 → 3" in said(page)
        assert field(page, "layers").label == "layers ●"
        formulas = explained(page.base, page.answer.design, "cache per token")  # type: ignore[arg-type, union-attr]
        assert "tiny-2l-design" in formulas
        assert "source" in formulas
        await pilot.press("escape", "u")
        await settle(pilot)
        assert typed(page, "layers") == "2"
        assert not row(page, "layers").change
        await pilot.press("U")
        await settle(pilot)
        assert typed(page, "layers") == "3"
        await pilot.press("d")
        await settle(pilot)
        assert typed(page, "layers") == "2"


async def test_arrows_and_tabs_work_by_mouse(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(pilot)
        await click_end(pilot, page, "layers", 1)
        await settle(pilot)
        assert typed(page, "layers") == "3"
        await click_tab(pilot, page, "why")
        await settle(pilot)
        assert page.result.view == "why"
        assert "repeat: 3" in page.query_one("#why", Reader).text


async def test_an_impossible_shape_says_what_would_be_right_and_the_last_good_answer_stays(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        field(page, "heads").enter("6")
        await settle(pilot)
        assert row(page, "heads").design == 6
        field(page, "heads").enter("7")
        await settle(pilot)
        assert "heads=6 or 8" in said(page)
        assert row(page, "heads").design == 6
        await pilot.press("s")
        assert not isinstance(app.screen, SaveScreen)
        field(page, "heads").enter("many")
        await settle(pilot)
        assert "many" in said(page)
        field(page, "heads").enter("6")
        await settle(pilot)
        assert "heads 4 → 6" in said(page)
        field(page, "heads").enter("many")
        field(page, "heads").enter("6")
        await settle(pilot)
        assert "heads 4 → 6" in said(page)
        assert not page.has_class("-impossible")


async def test_fields_are_those_of_the_base_and_arrows_step_through_what_fits(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        assert not field(page, "top_k").display
        field(page, "base").enter("mixed-4l")
        await settle(pilot)
        assert field(page, "top_k").display
        assert (typed(page, "experts"), typed(page, "layers")) == ("4", "4")
        field(page, "kv_heads").focus()
        await pilot.press("up")
        await settle(pilot)
        assert typed(page, "kv_heads") == "4"
        field(page, "pattern").enter("window")
        await settle(pilot)
        assert field(page, "full_every").display
        assert "pattern full 4 → window 3, full 1" in said(page)
        assert any("4,096" in text for text in page.answer.design.assumed)  # type: ignore[union-attr]


async def test_a_saved_design_is_in_the_catalog_and_a_taken_id_is_asked_about(
    app: WhicharchApp, overlay: Path, monkeypatch: pytest.MonkeyPatch
):
    read: list[int] = []
    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        monkeypatch.setattr(app, "read_library", lambda: read.append(1))
        field(page, "layers").enter("5")
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert isinstance(app.screen, SaveScreen)
        app.screen.query_one("#id", Input).value = "tiny-2l"
        await pilot.press("enter")
        await settle(pilot)
        assert "already" in str(app.screen.query_one("#problem").render())
        app.screen.query_one("#id", Input).value = "Five Layers"
        await pilot.press("enter")
        await settle(pilot)
        assert "no id" in str(app.screen.query_one("#problem").render())
        app.screen.query_one("#id", Input).value = "five"
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is page
        assert load("five").architecture.stacks[0].n_layers == 5  # type: ignore[union-attr]
        assert read == [1]


async def test_shapes_of_one_size_are_listed_and_enter_takes_one(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        page = await opened(pilot)
        field(page, "base").enter("tiny-32l")
        await settle(pilot)
        await pilot.press("3")
        await settle(pilot)
        table = page.query_one("#depths", RowTable)
        assert [s.layers for s in table.rows][4] == 32
        assert table.row.is_own
        shape = table.rows[3]
        await pilot.press("up", "enter")
        await settle(pilot)
        assert typed(page, "layers") == str(shape.layers) == "24"
        assert row(page, "width").design == shape.hidden
        assert row(page, "parameters").design == shape.params_total


async def test_overtaken_answers_are_dropped_and_what_is_exported_is_a_file_for_the_command_line(
    app: WhicharchApp, tmp_path: Path
):
    from advisor.design.changes import read_design

    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        old, answer = page.asked, page.answer
        field(page, "layers").enter("7")
        await settle(pilot)
        assert answer is not None
        page.post_message(LabScreen.Answered(old, answer))
        await settle(pilot)
        assert row(page, "layers").design == 7
        path = tmp_path / "d.yaml"
        path.write_text(page.exports()["yaml"]())
        assert read_design(path).changes.given() == {"layers": 7}
        assert "| layers | 2 | 7 | ×3.50 |" in page.exports()["md"]()
        assert page.bookmark() == "tiny-2l: layers 2 → 7"


async def test_what_is_copied_is_the_last_shape_that_works(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(pilot)
        field(page, "layers").enter("3")
        await settle(pilot)
        works = page.copied()
        assert "layers: 3" in works
        field(page, "layers").enter("0")
        await settle(pilot)
        assert page.has_class("-impossible")
        assert page.copied() == works


def test_a_typing_mistake_in_the_number_of_heads_lists_no_million_of_steps():
    from advisor.design.fields import MOST_HEADS, start, usual
    from advisor.design.shape import shape

    now = shape(load("llama-3.1-8b"))
    assert max(usual(now, {**start(now), "heads": 10**9}, 1)["kv_heads"]) <= MOST_HEADS
