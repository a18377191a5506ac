from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input, Static
from tui_world import SPECS, click_tab, field, library, settle

from advisor.proving import Proven
from catalog.errors import BadInput
from catalog.terms import terms_of
from tui.app import WhicharchApp
from tui.findings import Evidence
from tui.library import Model
from tui.screens.compare import CompareScreen
from tui.screens.explain import ExplainScreen
from tui.screens.models import ModelsScreen
from tui.widgets.bars import error_bar, stack_cells
from tui.widgets.detail import Detail
from tui.widgets.log_plot import LogPlot
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable


def table(app: WhicharchApp, name: str = "models") -> RowTable[Any]:
    return app.screen.query_one(f"#{name}", RowTable)


def shown(app: WhicharchApp) -> list[str]:
    return [table(app).rows[i].id for i in table(app).order]


def said(app: WhicharchApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def models_page(app: WhicharchApp) -> ModelsScreen:
    assert isinstance(app.screen, ModelsScreen)
    return app.screen


@pytest.fixture(autouse=True)
def _first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WhicharchApp, "DEFAULT_MODE", "models")


async def until(pilot: Any, test: Any) -> None:
    for _ in range(200):
        await settle(pilot)
        if test():
            return
    raise AssertionError("it did not happen")


# Search


async def test_search_filters_as_typed_and_escape_clears_then_leaves(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert shown(app) == [spec.id for spec in SPECS]
        await pilot.press("slash", *"tiny")
        assert app.screen.query_one("#search", Input).value == "tiny"
        assert shown(app) == ["tiny-2l", "tiny-32l"]
        await pilot.press("space", *"32l")
        assert shown(app) == ["tiny-32l"]
        await settle(pilot)
        assert models_page(app).model.id == "tiny-32l"  # type: ignore[union-attr]
        await pilot.press("escape")
        assert app.screen.query_one("#search", Input).value == ""
        assert len(shown(app)) == 5
        assert table(app).row.id == "tiny-32l"
        await pilot.press("escape")
        assert app.focused is table(app)


async def test_a_facet_that_nobody_knows_says_so_and_leaves_nothing_out(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        app.screen.query_one("#search", Input).value = "tiny licens:apache"
        await settle(pilot)
        assert "✗ unknown facet 'licens'; did you mean license: or licence:?" in said(app, "#understood")
        assert shown(app) == ["tiny-2l", "tiny-32l"]
        app.screen.query_one("#search", Input).value = "tyni-2l"
        await settle(pilot)
        assert shown(app) == []
        assert "did you mean tiny-2l" in table(app).empty


async def test_fits_is_computed_on_the_side_and_then_filters(app: WhicharchApp, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def fitting(specs: Any, machine: str, stop: Any) -> frozenset[str]:
        asked.append(machine)
        return frozenset({"tiny-2l"})

    monkeypatch.setattr("advisor.room.fitting", fitting)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"fits", "colon", *"rtx", "minus", *"4090")
        await settle(pilot)
        assert shown(app) == ["tiny-2l"]
        await pilot.press("backspace", "0")
        await settle(pilot)
        assert asked == ["rtx-4090"]


async def test_a_search_among_twenty_thousand_models_is_quick(app: WhicharchApp, monkeypatch: pytest.MonkeyPatch):
    few = library()
    many = tuple(
        Model(few.models[i % 5].spec.model_copy(update={"id": f"m{i}"}), few.models[i % 5].params, f"number {i}")
        for i in range(20_000)
    )
    monkeypatch.setattr("tui.library.read_library", lambda: replace(few, models=many))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        page = models_page(app)
        _ = page.library.index  # type: ignore[union-attr]
        start = time.process_time()
        page.models.search("number 77 licence:apache")
        table(app).sort_by(2)
        page.models.search("number 778 licence:apache")
        assert time.process_time() - start < 0.3
        assert len(table(app).order) == sum("778" in str(i) and i % 5 in (0, 2) for i in range(20_000))


async def test_headers_sort_by_mouse_and_by_key(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        header = table(app).render_line(0).text
        await pilot.click("#models", offset=(header.index("params") + 3, 1))
        assert shown(app)[0] == "tiny-32l"
        assert shown(app)[-1] == "secret-1"
        await pilot.press("O")
        assert shown(app)[-1] == "secret-1"
        assert shown(app)[-2] == "tiny-32l"
        await pilot.press("o")
        assert "▾" in table(app).render_line(0).text


# The tabs


async def test_the_architecture_is_drawn_with_its_repeats_and_what_a_token_sees(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        text = app.screen.query_one("#about", Reader).text
        for part in ("attention, 4 heads, 2 kv × 16", "× 2", "2 layers of the decoder see", "██· · ·", "75 %"):
            assert part in text
        assert {row.name: row.text for row in table(app, "sizes").rows}["weights"] == "14.0 GiB"


async def test_growth_says_where_attention_leads_and_where_memory_ends(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        text = said(app, "#grows")
        assert "O(n²)" in text
        assert "attention leads from 10,000 tokens" in text
        assert "✗ Beyond 153,000 tokens one request no longer fits" in text
        points = table(app, "points")
        assert [row.point.context for row in points.rows][:2] == [1024, 2048]
        drawn = [points.render_line(y).text for y in range(1, 10)]
        assert "✗ 156 %" in drawn[-1]
        assert "███" in drawn[0]
        plot = app.screen.query_one("#plot", LogPlot)
        assert plot.plot is not None
        for title in ("memory", "time", "FLOPs"):
            await pilot.press("v")
            assert str(plot.border_title).startswith(title)
        await pilot.click("#plot")
        assert str(plot.border_title).startswith("memory")


async def test_time_shows_bands_and_the_operators_of_either_pass(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await settle(pilot)
        first = table(app, "figures").render_line(1).text
        assert "50.0 ms" in first
        assert "├─●─┤" in first
        assert "40.0–60.0 ms" in first
        operators = table(app, "operators-table")
        assert [row.kind for row in operators.rows] == ["gemm", "gemm", "attention"]
        line = operators.render_line(1).text
        for part in ("channel.up", "67 %", "800 µs", "memory", "75 %"):
            assert part in line
        assert "decoder" not in line
        await pilot.press("t")
        assert "8.00 ms" in operators.render_line(1).text
        assert str(operators.border_title).startswith("prefill")


async def test_an_undisclosed_model_shows_prices_and_says_so(app: WhicharchApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tui.findings.weigh", lambda model: Evidence((), (), terms_of(model.spec), None))
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await pilot.press("end")
        await settle(pilot)
        about = app.screen.query_one("#about", Reader).text
        assert "architecture undisclosed" in about
        assert "does not disclose" in about
        await pilot.press("4")
        await settle(pilot)
        assert "$3.00 in, $15.00 out" in app.screen.query_one("#proof", Reader).text
        await pilot.press("3")
        await settle(pilot)
        assert table(app, "operators-table").rows == ()
        await pilot.press("2")
        await settle(pilot)
        assert not app.screen.query_one("#plot").display


async def test_numbers_and_clicks_choose_tabs(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for key, name in zip("1234", (name for name, _ in Detail.TABS), strict=True):
            await pilot.press(key)
            assert app.screen.query_one(Detail).active == name
        await click_tab(pilot, app.screen, "growth")
        assert app.screen.query_one(Detail).active == "growth"


# The load


async def test_keys_step_the_load_from_the_list_and_undo_takes_it_back(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        page = models_page(app)
        await pilot.press("plus", "plus", "D", "w", "W", "right_parenthesis")
        await settle(pilot)
        before = {"machine": "h100-sxm", "weights": "bf16", "cache": "fp8", "input_tokens": 2048, "batch": 4, "tp": 2}
        assert page.load == before
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert page.load == before | {"input_tokens": 4096}
        assert app.focused is table(app)
        await pilot.press("u")
        await settle(pilot)
        assert page.load == before
        await pilot.press("U")
        await settle(pilot)
        assert page.load == before | {"input_tokens": 4096}


async def test_real_numbers_refusals_and_formulas_reach_the_detail():
    app = WhicharchApp()
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await app.open_model("llama-3.1-8b", {"machine": "l4", "batch": "8", "weights": "awq-int4"})
        await until(pilot, lambda: table(app, "sizes").rows)
        page = models_page(app)
        assert table(app, "sizes").rows[0].text == "8,030,261,248"
        await pilot.press("3")
        await settle(pilot)
        assert "1 × l4, weights awq-int4" in str(table(app, "figures").border_title)
        field(page, "tp").focus()
        await pilot.press("escape", "tab")
        app.screen.query_one("TabBar").focus()
        await pilot.press("e")
        await until(pilot, lambda: "queue" in app.screen.query_one("#explanation", Reader).text)
        assert isinstance(app.screen, ExplainScreen)
        await pilot.press("escape")
        for pane in ("operators-table", "figures"):
            table(app, pane).focus()
            await pilot.press("down")
            explanation = page.explained()
            assert explanation is not None
            assert "formula" in explanation.text()
        await pilot.press("2")
        await settle(pilot)
        assert "53,248" in said(app, "#grows")
        table(app, "points").focus()
        assert "kv-cache" not in page.equivalent()
        assert (
            page.equivalent()
            == "whicharch scale llama-3.1-8b --machine l4 --batch 8 --weights awq-int4 --kv bf16 --tp 1"
        )
        explanation = page.explained()
        assert explanation is not None
        assert "KV cache (needed) of llama-3.1-8b" in explanation.text()
        assert page.exports()["csv"]().startswith("context_tokens,flops,linear_flops")
        field(page, "tp").enter("3")
        await settle(pilot)
        assert "do not divide by 3" in said(app, "#load .remark")
        field(page, "tp").enter("1")
        await settle(pilot)
        assert not page.query_one("#load").has_class("-refused")
        await app.open_model("vit-b16")
        await until(pilot, lambda: "fixed number of tokens" in said(app, "#grows"))
        assert "torch" not in sys.modules or "torch" in _before


_before = set(sys.modules)


# Evidence and the proof


async def test_a_proof_shows_its_progress_and_its_verdict(app: WhicharchApp, monkeypatch: pytest.MonkeyPatch):
    go_on = asyncio.Event()
    check = {
        "model": "tiny-2l", "quantity": "prefill_flops", "setting": "batch 1", "witness": "torch 9", "ours": 1234,
        "reference": 1234, "difference": 0, "status": "equal", "note": "",
    }  # fmt: skip

    async def prove(models: tuple[str, ...]) -> AsyncIterator[Proven]:
        assert models == ("tiny-2l",)
        yield Proven(0, 1, "")
        await go_on.wait()
        yield Proven(1, 1, "", (check,))

    monkeypatch.setattr("advisor.proving.prove", prove)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("P")
        await pilot.pause(0.2)
        assert models_page(app).query_one(Detail).active == "evidence"
        assert "0 of 1" in said(app, "#proving")
        go_on.set()
        await settle(pilot)
        assert "✓ 1 counts equal, 0 not" in said(app, "#proving")
        assert "✓ equal" in table(app, "checks").render_line(1).text


async def test_escape_ends_a_proof_and_a_missing_extra_is_a_sentence(
    app: WhicharchApp, monkeypatch: pytest.MonkeyPatch
):
    ended = []

    async def endless(models: tuple[str, ...]) -> AsyncIterator[Proven]:
        try:
            yield Proven(0, 1, "")
            await asyncio.sleep(60)
        finally:
            ended.append(models)

    async def missing(models: tuple[str, ...]) -> AsyncIterator[Proven]:
        raise BadInput("the proof needs torch: pip install 'whicharch[validate]'")
        yield

    monkeypatch.setattr("advisor.proving.prove", endless)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("P")
        await pilot.pause(0.2)
        await pilot.press("escape")
        await settle(pilot)
        assert said(app, "#proving") == "ended"
        monkeypatch.setattr("advisor.proving.prove", missing)
        await pilot.press("P")
        await settle(pilot)
        assert "pip install 'whicharch[validate]'" in said(app, "#proving")


# Side by side


async def test_marks_by_key_and_by_mouse_and_c_compares(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await pilot.press("c")
        assert "Mark 2 to 6 models" in [note.message for note in app._notifications][-1]
        await pilot.press("space")
        await pilot.click("#models", offset=(2, 3))
        assert models_page(app).marked == ("tiny-2l", "mixed-4l")
        assert "1 tiny-2l" in table(app).render_line(1).text
        assert "2 marked" in str(table(app).border_subtitle)
        await pilot.press("space")
        assert models_page(app).marked == ("tiny-2l",)


async def test_real_models_side_by_side_with_the_best_marked_and_crossings_named():
    app = WhicharchApp()
    async with app.run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        await app.open_model("llama-3.1-8b")
        await until(pilot, lambda: table(app).rows)
        models_page(app).restore({"marked": ["llama-3.1-8b", "mamba2-2.7b", "no-such-model"]})
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and table(app, "sides").rows)
        page = app.screen
        assert isinstance(page, CompareScreen)
        sides = table(app, "sides")
        lines = [sides.render_line(y).text for y in range(1, len(sides.rows))]
        assert any("active" in line and "★ 2.70 B" in line for line in lines)
        plot = page.query_one("#curves", LogPlot)
        await pilot.press("v")
        await settle(pilot)
        assert plot.picture is not None
        assert [line.label for line in plot.picture.lines] == ["llama-3.1-8b", "mamba2-2.7b"]
        assert [mark.label for mark in plot.picture.marks] == ["1,301"]
        assert "below 1,301 tokens llama-3.1-8b needs less" in page.query_one("#reasons", Reader).text
        row = next(i for i, side in enumerate(sides.rows) if side.name == "first token")
        sides.cursor = row
        explanation = page.explained()
        assert explanation is not None
        assert explanation.text().count("Time to the first token of") == 2
        assert page.equivalent().startswith("whicharch compare llama-3.1-8b mamba2-2.7b --machine h100-sxm")
        assert "| first token |" in page.exports()["md"]()
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "best of the row" in str(sides.border_title)
        for key, name in (("3", "reasons"), ("2", "curves"), ("1", "sides")):
            await pilot.press(key)
            await settle(pilot)
            assert [n for n in ("sides", "curves", "reasons") if page.query_one(f"#{n}").is_on_screen] == [name]
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, ModelsScreen)


# Windows


async def test_in_a_small_window_the_model_takes_the_lists_place(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.screen.query_one("#list").display
        assert "tiny-2l" in said(app, "#brief")
        assert "first token 50.0 ms" in said(app, "#brief")
        await pilot.press("enter")
        await settle(pilot)
        assert app.focused is app.screen.query_one("#about")
        assert not app.screen.query_one("#list").display
        await pilot.press("3")
        await settle(pilot)
        assert app.focused is table(app, "figures")
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen.query_one("#list").display
        assert app.focused is table(app)


async def test_a_click_highlights_and_a_second_one_opens(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        await pilot.click("#models", offset=(6, 4))
        assert table(app).row.id == "tiny-32l"
        assert app.focused is table(app)
        await pilot.click("#models", offset=(6, 4))
        await settle(pilot)
        assert app.focused is app.screen.query_one("#about")


async def test_the_palette_opens_a_model(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"32l tiny")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await settle(pilot)
        assert models_page(app).model.id == "tiny-32l"  # type: ignore[union-attr]


def test_bars_keep_their_width_and_error_bars_their_ends():
    assert sum(stack_cells([50, 30, 1, 19], 100, 20)) == 20
    assert stack_cells([50, 0, 1], 1000, 20) == [1, 0, 1]
    assert sum(stack_cells([500, 400], 100, 20)) == 20
    assert error_bar(0.5, 1, 2, 21) == "├─────────●─────────┤"
    assert error_bar(0.1, 1, 1.41421356, 21) == "◂─────────●────┤     "
    assert error_bar(0, 1, 2, 5) == "     "


async def test_a_small_window_says_how_many_models_are_shown_and_the_search_is_ready_before_it_is_typed(
    app: WhicharchApp,
):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("m")
        await settle(pilot)
        page = models_page(app)
        assert page.library is not None
        assert "index" in vars(page.library)
        await pilot.press("slash", *"tiny")
        await settle(pilot)
        assert "2 of 5" in str(page.models.table.border_title)
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert "2 of 5" not in str(page.models.table.border_title)
        assert "2 of 5" in str(page.models.table.border_subtitle)
