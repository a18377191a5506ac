from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input
from tui_world import EVIL, World, advice, click_end, field, settle

from catalog.errors import BadInput
from tui.app import WhicharchApp
from tui.screens.ask import AskScreen
from tui.screens.models import ModelsScreen
from tui.widgets.form import Form
from tui.widgets.row_table import RowTable
from tui.widgets.why import WhyPane

EXAMPLE = {
    "task": "chat", "context_tokens": 16384, "users": 8, "ttft_s": 1.0, "tpot_s": 0.06, "machines": ("rtx-4090",),
}  # fmt: skip


def shortlist(app: WhicharchApp) -> RowTable[Any]:
    return app.screen.query_one("#shortlist", RowTable)


def line(app: WhicharchApp) -> str:
    return " ".join(str(form.query_one(".remark").render()) for form in app.screen.query(Form))


async def put(pilot: Any, name: str, text: str) -> None:
    asked = field(pilot.app.screen, name)
    asked.focus()
    asked.enter(text)
    await settle(pilot)


async def test_opens_with_the_example_and_an_answer(app: WhicharchApp, world: World):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert world.asked == [EXAMPLE]
        assert app.focused is shortlist(app)
        assert shortlist(app).row.model == "tiny-2l"
        text = app.screen.query_one(WhyPane).text
        for part in (
            "It writes one token",
            "57 % of the limit",
            "43 %",
            "12.5 GiB of 22.0 GiB",
            "$263 a month",
            "a note",
            "mixed-4l: saves",
            "vllm serve tiny-2l",
            "It scores 0.60",
        ):
            assert part in text
        assert "assumed: output 256 tokens" in line(app)


async def test_typing_fast_asks_once_with_the_last_value(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("i", "1", "2", "k")
        await settle(pilot)
        assert [asked["context_tokens"] for asked in world.asked] == [16384, 12 * 1024]


async def test_every_field_reaches_the_advisor(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name, text in {"input-tokens": "2k", "max-gpus": "4", "memory-bytes": "20GiB", "ttft-s": ""}.items():
            await put(pilot, name, text)
        field(app.screen, "machines").enter("")
        field(app.screen, "task").enter("code")
        await settle(pilot)
        wanted = {"input_tokens": 2048, "max_gpus": 4, "memory_bytes": 20 * 2**30, "machines": (), "task": "code"}
        assert world.asked[-1] == {k: v for k, v in EXAMPLE.items() if k != "ttft_s"} | wanted


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("context-tokens", "abc", "context: cannot read 'abc'"),
        ("users", "0", "users: '0' is not a positive whole number"),
        ("users", "9" * 5000, "users: "),
        ("context-tokens", "1e999", "context: "),
        ("ttft-s", "5 parsecs", "first token: unknown unit 'parsecs'"),
        ("memory-bytes", "[bold]", "memory: cannot read '[bold]'"),
    ],
    ids=lambda value: value[:12],
)
async def test_bad_input_is_marked_and_the_last_answer_stays(
    app: WhicharchApp, world: World, name: str, text: str, said: str
):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        good = field(app.screen, name).written()
        await put(pilot, name, text)
        assert said in line(app)
        assert field(app.screen, name).problem
        assert len(world.asked) == 1
        assert shortlist(app).row.model == "tiny-2l"
        await put(pilot, name, good)
        assert not field(app.screen, name).problem
        assert "assumed" in line(app)
        assert len(world.asked) == 1


async def test_what_the_advisor_refuses_is_said_in_place(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)

        def refuse(**asked: Any) -> Any:
            raise BadInput("budget: [/nothing] is that cheap")

        world.answer = refuse
        await put(pilot, "users", "9")
        assert "✗ budget: [/nothing] is that cheap" in line(app)
        assert shortlist(app).row.model == "tiny-2l"
        await put(pilot, "users", "9x")
        assert "users: '9x'" in line(app)
        await put(pilot, "users", "9")
        assert "✗ budget: [/nothing] is that cheap" in line(app)


async def test_a_failure_of_ours_is_a_toast(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)

        def fail(**asked: Any) -> Any:
            raise ZeroDivisionError("[/oops]")

        world.answer = fail
        await put(pilot, "users", "9")
        assert [note.message for note in app._notifications] == ["ZeroDivisionError: [/oops]"]
        assert shortlist(app).row.model == "tiny-2l"


async def test_a_slow_old_answer_never_replaces_a_new_one(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)

        def answer(**asked: Any) -> Any:
            if asked["users"] == 9:
                time.sleep(0.6)
            return advice(f"for-{asked['users']}")

        world.answer = answer
        users = field(app.screen, "users")
        users.enter("9")
        await pilot.pause(0.3)
        users.enter("10")
        await pilot.pause(0.3)
        await settle(pilot)
        assert [row.model for row in shortlist(app).rows] == ["for-10"]
        app.screen.post_message(AskScreen.Answered({"task": "chat"}, advice("stale")))
        await settle(pilot)
        assert [row.model for row in shortlist(app).rows] == ["for-10"]


async def test_the_cursor_stays_on_its_model_when_the_ranking_changes(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("down")
        assert shortlist(app).row.model == "evil"
        world.answer = lambda **asked: advice("new", "tiny-2l", "tiny-32l", "evil")
        await put(pilot, "users", "9")
        assert shortlist(app).row.model == "evil"
        assert "evil" in app.screen.query_one(WhyPane).text


async def test_arrows_and_clicks_step_a_field(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        context = field(app.screen, "context_tokens")
        await pilot.press("i", "up")
        assert context.written() == "32k"
        await pilot.press("down", "down")
        assert context.written() == "8k"
        await click_end(pilot, app.screen, "context_tokens", 1)
        assert context.written() == "16k"
        await click_end(pilot, app.screen, "context_tokens", 2)
        assert context.written() == "8k"
        context.enter("9000")
        await pilot.press("up")
        assert context.written() == "16k"


async def test_rejected_models_are_explained_by_key_and_by_mouse(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        rejected = app.screen.query_one("#rejected", RowTable)
        assert not rejected.is_on_screen or not rejected.display
        await pilot.press("t")
        await settle(pilot)
        assert app.focused is rejected
        assert not shortlist(app).display
        text = app.screen.query_one(WhyPane).text
        assert "needs 30 GiB of 22 GiB" in text
        assert "users ≤ 5" in text
        await pilot.press("s")
        await settle(pilot)
        assert "57 % of the limit" in app.screen.query_one(WhyPane).text
        top = app.screen._compositor.render_strips()[shortlist(app).region.y].text
        await pilot.click("#shortlist", offset=(top.index("Rejected") + 3, 0))
        await settle(pilot)
        assert app.focused is rejected


async def test_enter_opens_the_model_under_the_same_load_and_a_returns(app: WhicharchApp, world: World):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ModelsScreen)
        assert screen.model is not None
        assert screen.model.id == "tiny-32l"
        loaded = {"machine": "rtx-4090", "weights": "fp8", "cache": "bf16", "input_tokens": 1024, "batch": 8, "tp": 1}
        assert screen.load == loaded
        await pilot.press("a")
        await settle(pilot)
        assert isinstance(app.screen, AskScreen)
        assert shortlist(app).row.model == "tiny-32l"
        assert len(world.asked) == 1


async def test_nothing_recommended_shows_what_was_rejected(app: WhicharchApp, world: World):
    world.answer = lambda **asked: advice()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.screen.query_one("#rejected", RowTable).display
        assert "users ≤ 5" in app.screen.query_one(WhyPane).text
        world.answer = lambda **asked: advice("tiny-2l")
        await put(pilot, "users", "9")
        await pilot.press("escape", "s")
        await settle(pilot)
        assert "57 % of the limit" in app.screen.query_one(WhyPane).text


async def test_names_that_look_like_markup_are_only_text(app: WhicharchApp, world: World):
    world.answer = lambda **asked: advice(EVIL, defaults=(EVIL,))
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        assert "a[/foo] [bold]x[/]" in app.screen.query_one(WhyPane).text
        assert "a[/foo] [bold]x[/]" in line(app)
        drawn = [shortlist(app).render_line(y).text for y in range(3)]
        assert "a[/foo] [bold]x" in drawn[1]
        assert not any("\x1b" in text or "\n" in text for text in drawn)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("slash", *"evil", "enter", "4")
        await settle(pilot)


async def test_escape_and_enter_leave_the_form(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("escape", "enter"):
            await pilot.press("i")
            assert isinstance(app.focused, Input)
            await pilot.press(key)
            assert app.focused is shortlist(app)


async def test_a_question_fills_the_fields_and_says_what_it_did_not_use(app: WhicharchApp, world: World):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await pilot.press(*"code completion on an h100-sxm, 20 users, apache licence, zorbly".replace(" ", "_"))
        asked_in = app.screen.query_one("#question", Input)
        asked_in.value = asked_in.value.replace("_", " ")
        await pilot.press("enter")
        await settle(pilot)
        asked = world.asked[-1]
        assert asked["users"] == 20
        assert asked["machines"] == ("h100-sxm",)
        assert asked["licences"] == ("Apache",)
        assert "ttft_s" not in asked
        assert field(app.screen, "users").written() == "20"
        said = str(app.screen.query_one("#reading").render())
        assert "not used: zorbly" in said
        assert app.focused is shortlist(app)
        assert app.store.now.history[0].title.startswith("code completion")


async def test_a_question_that_cannot_be_read_is_said_and_changes_nothing(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.screen.query_one("#question", Input).focus()
        app.screen.query_one("#question", Input).value = "Welches Modell ist das beste und wie viel kostet es"
        await pilot.press("enter")
        await settle(pilot)
        assert "only English is read" in str(app.screen.query_one("#reading").render())
        assert world.asked == [EXAMPLE]


async def test_undo_redo_bookmarks_and_history_return_to_what_was_asked(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await put(pilot, "users", "32")
        await pilot.press("escape", "f")
        await put(pilot, "users", "64")
        await pilot.press("escape", "u")
        await settle(pilot)
        assert world.asked[-1]["users"] == 32
        await pilot.press("u")
        await settle(pilot)
        assert world.asked[-1] == EXAMPLE
        await pilot.press("U", "U")
        await settle(pilot)
        assert world.asked[-1]["users"] == 64
        await pilot.press("F")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert world.asked[-1]["users"] == 32
        assert field(app.screen, "users").written() == "32"


async def test_what_is_shown_is_exported_whole(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        exports = app.screen.exports()  # type: ignore[attr-defined]
        assert "| tiny-2l |" in exports["md"]()
        assert len(exports["csv"]().splitlines()) == 4
        assert '"model": "tiny-2l"' in exports["json"]()
        assert app.screen.equivalent().startswith("whicharch recommend --task chat --context 16k --users 8")  # type: ignore[attr-defined]


async def test_the_real_advisor_answers_the_example(monkeypatch: pytest.MonkeyPatch):
    app = WhicharchApp()
    async with app.run_test(size=(120, 40)) as pilot:
        for _ in range(100):
            await settle(pilot)
            if shortlist(app).rows:
                break
        assert all(row.machine == "rtx-4090" for row in shortlist(app).rows)
        assert {"decoder"} <= {row.family for row in shortlist(app).rows}
        assert len(field(app.screen, "machines").options) > 20  # type: ignore[union-attr]
        text = app.screen.query_one(WhyPane).text
        assert "What binds" in text
        assert "Left of each promise" in text


async def test_a_catalog_read_again_leaves_what_is_asked_and_a_number_out_of_range_ends_nothing(
    app: WhicharchApp, world: World
):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.store.now = replace(app.store.now, machine="h100-sxm")
        asked = len(world.asked)
        app.read_library()
        await settle(pilot)
        assert len(world.asked) == asked
        assert len(app.screen.query("#more")) == 1
        await put(pilot, "confidence", "100%")
        page = app.screen
        assert isinstance(page, AskScreen)
        assert (page.bookmark(), page.equivalent()) == (None, "")


async def test_the_markdown_of_an_answer_holds_question_reading_reasons_and_command_and_undo_writes_milliseconds(
    app: WhicharchApp, world: World
):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, AskScreen)
        asked = "chat on one RTX 4090 for 3 users, first token under 300 ms, frobnicated"
        screen.query_one("#question", Input).value = asked
        await pilot.press("slash", "enter")
        await settle(pilot)
        text = screen.exports()["md"]()
        for part in (
            f"**Question:** {asked}",
            "from “3 users”",
            "- not understood: “frobnicated”",
            "- output 256 tokens (assumed)",
            "| tiny-2l |",
            "### Why decoder",
            "- It scores 0.60, number 1.",
            "- Binds: memory: 57 % of the limit.",
            "- memory is tight",
            "- cheaper: mixed-4l: saves",
            "vllm serve tiny-2l",
            "→ users ≤ 5",
            "whicharch recommend --task chat --users 3 --ttft 300ms --machine rtx-4090",
        ):
            assert part in text
        assert "changed after the question" not in text
        await put(pilot, "users", "5")
        assert "changed after the question" in screen.exports()["md"]()
        await pilot.press("escape", "u")
        await settle(pilot)
        assert "changed after the question" not in screen.exports()["md"]()
        await pilot.press("u")
        await settle(pilot)
        assert field(screen, "tpot_s").written() == "60ms"
        assert "--tpot 60ms" in screen.equivalent()
