from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, TabbedContent
from tui_world import SPECS, World, library, settle

from tui.app import WhicharchApp
from tui.library import Model
from tui.screens.models import ModelsScreen
from tui.search import matcher
from tui.widgets.detail import Detail
from tui.widgets.growth import GrowthPane
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable


def table(app: WhicharchApp) -> RowTable[Any]:
    return app.screen.query_one("#models", RowTable)


def shown(app: WhicharchApp) -> list[str]:
    return [table(app).rows[i].id for i in table(app).order]


async def models(pilot: Any) -> None:
    await settle(pilot)
    await pilot.press("m")
    await settle(pilot)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["tiny-2l", "mixed-4l", "tiny-32l", "evil", "secret-1"]),
        ("tiny 32", ["tiny-32l"]),
        ("DECODER 2l", ["tiny-2l", "tiny-32l"]),
        ("moe", ["mixed-4l"]),
        ("ctx>100k", ["tiny-32l", "secret-1"]),
        ("ctx<8k <300k", ["tiny-2l", "evil"]),
        (">1m", ["tiny-32l"]),
        ("licence:apache", ["tiny-2l", "tiny-32l"]),
        ("family:api", ["secret-1"]),
        ("<", ["tiny-2l", "mixed-4l", "tiny-32l", "evil", "secret-1"]),
        ("ctx>", ["tiny-2l", "mixed-4l", "tiny-32l", "evil", "secret-1"]),
        ("no-such-model", []),
    ],
)
def test_all_words_and_facets_must_hold(query: str, ids: list[str]):
    test = matcher(query)
    sizes = {m.id: m.params and m.params.total for m in library().models}
    assert [m.id for m in library().models if test(m)] == ids, sizes


async def test_search_filters_as_typed_and_escape_clears_then_leaves(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await models(pilot)
        assert shown(app) == [spec.id for spec in SPECS]
        await pilot.press("slash", *"tiny")
        assert app.screen.query_one("#search", Input).value == "tiny"
        assert shown(app) == ["tiny-2l", "tiny-32l"]
        await pilot.press("space", *"32l")
        assert shown(app) == ["tiny-32l"]
        await settle(pilot)
        assert app.screen.model.id == "tiny-32l"  # type: ignore[attr-defined]
        await pilot.press("escape")
        assert app.screen.query_one("#search", Input).value == ""
        assert len(shown(app)) == 5
        assert table(app).row.id == "tiny-32l"
        await pilot.press("escape")
        assert app.focused is table(app)


async def test_the_detail_has_facts_parts_operators_growth_and_evidence(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await models(pilot)
        detail = app.screen.query_one(Detail)
        text = detail.query_one("#about", Reader).text
        for part in ("50.0 ms, 80 % between 40.0 ms and 60.0 ms", "fits", "decoder.channel", "75 %", "4,096 tokens"):
            assert part in text
        await pilot.press("2")
        await settle(pilot)
        operators = detail.query_one("#operators-table", RowTable)
        assert [row.kind for row in operators.rows] == ["gemm", "attention", "gemm"]
        assert "67 %" in operators.render_line(3).text
        await pilot.press("3")
        await settle(pilot)
        assert "10,000 tokens" in str(detail.query_one("#points", RowTable).border_title)
        assert [p.context for p in detail.query_one("#points", RowTable).rows][:2] == [1024, 2048]
        pane = detail.query_one(GrowthPane)
        assert pane._plot is not None
        for title in ("memory", "time", "FLOPs"):
            await pilot.press("v")
            assert str(detail.query_one("#plot").border_title).startswith(title)
        await pilot.press("4")
        await settle(pilot)
        assert "tests" in detail.query_one("#proof", Reader).text


async def test_an_undisclosed_model_shows_prices_and_says_undisclosed(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.setattr("tui.library.read_library", library)
    app = WhicharchApp()
    async with app.run_test(size=(160, 48)) as pilot:
        await models(pilot)
        await pilot.press("end")
        await settle(pilot)
        about = app.screen.query_one("#about", Reader).text
        assert "architecture undisclosed" in about
        assert "does not disclose" in about
        await pilot.press("4")
        await settle(pilot)
        assert "$3.00 in, $15.00 out" in app.screen.query_one("#proof", Reader).text
        assert app.screen.query_one("#operators-table", RowTable).rows == ()
        await pilot.press("3")
        await settle(pilot)
        assert not app.screen.query_one("#plot").display


async def test_real_numbers_and_refusals_reach_the_detail():
    app = WhicharchApp()
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await app.open_model("llama-3.1-8b", {"machine": "l4", "batch": "8", "weights": "awq-int4"})
        for _ in range(100):
            await settle(pilot)
            if app.screen.query_one("#operators-table", RowTable).rows:
                break
        screen = app.screen
        assert isinstance(screen, ModelsScreen)
        assert "8,030,261,248" in screen.query_one("#about", Reader).text
        assert "1 × l4, weights awq-int4" in screen.query_one("#about", Reader).text
        assert "53,248" in str(screen.query_one("#points", RowTable).border_title)
        screen.query_one("#field-tp Input", Input).value = "3"
        await settle(pilot)
        assert "do not divide by 3" in str(screen.query_one("#load .remark").render())
        screen.query_one("#field-tp Input", Input).value = "1"
        await settle(pilot)
        assert not screen.query_one("#load").has_class("-refused")
        await app.open_model("vit-b16")
        await settle(pilot)
        await pilot.press("3")
        await settle(pilot)
        assert "fixed number of tokens" in str(screen.query_one("#no-growth").render())


async def test_in_a_small_window_the_model_takes_the_lists_place(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await models(pilot)
        assert app.screen.query_one("#list").display
        await pilot.press("enter")
        await settle(pilot)
        assert app.focused is app.screen.query_one("#about")
        assert not app.screen.query_one("#list").display
        await pilot.press("2")
        await settle(pilot)
        assert app.focused is app.screen.query_one("#operators-table")
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen.query_one("#list").display
        assert app.focused is table(app)


async def test_headers_sort_by_mouse_and_by_key(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await models(pilot)
        header = table(app).render_line(0).text
        await pilot.click("#models", offset=(header.index("parameters") + 3, 1))
        assert shown(app)[0] == "tiny-32l"
        assert shown(app)[-1] == "secret-1"
        await pilot.press("O")
        assert shown(app)[-1] == "secret-1"
        assert shown(app)[-2] == "tiny-32l"
        await pilot.press("o")
        assert "▾" in table(app).render_line(0).text


async def test_a_click_highlights_and_a_second_one_opens(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await models(pilot)
        await pilot.click("#models", offset=(5, 4))
        assert table(app).row.id == "tiny-32l"
        assert app.focused is table(app)
        await pilot.click("#models", offset=(5, 4))
        await settle(pilot)
        assert app.focused is app.screen.query_one("#about")


async def test_the_palette_opens_a_model(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"32l tiny")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ModelsScreen)
        assert screen.model is not None
        assert screen.model.id == "tiny-32l"


async def test_numbers_choose_tabs(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await models(pilot)
        for key, name in zip("1234", ("overview", "operators", "growth", "evidence"), strict=True):
            await pilot.press(key)
            assert app.screen.query_one(TabbedContent).active == name


async def test_twenty_thousand_models_stay_quick(app: WhicharchApp):
    import time

    async with app.run_test(size=(120, 40)) as pilot:
        await models(pilot)
        some = library().models
        many = [Model(some[i % 4].spec, some[i % 4].params, f"model number {i} decoder") for i in range(20_000)]
        table(app).show_rows(many)
        start = time.process_time()
        table(app).keep(matcher("number 77"))
        table(app).sort_by(2)
        await pilot.pause()
        assert time.process_time() - start < 1
        assert len(table(app).order) == sum("77" in str(i) for i in range(20_000))
