"""What the Ask page shows while answers come: the shortlist first, what changed, and how old it is."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.widgets import Input, Static
from tui_world import World, advice, field, settle

from advisor.ranking.rows import Point
from advisor.rejection import Rejection
from tui.app import WhicharchApp
from tui.ask_fields import said_of
from tui.ask_moves import moves, told
from tui.widgets.answer_lists import OUTDATED, AnswerLists
from tui.widgets.front import Dot, _named
from tui.widgets.why import WhyPane


async def test_the_shortlist_is_shown_before_it_is_known_what_would_admit_the_rejected(app: WhicharchApp, world: World):
    asked, goes_on = [], threading.Event()

    def find() -> str:
        asked.append(threading.current_thread())
        goes_on.wait(10)
        return "users ≤ 3"

    slow = Rejection.later("slow-1", "decoder", "bf16, cache bf16, rtx-4090", ("needs 30 GiB",), 1.2, find)
    world.answer = lambda **asked: replace(advice("tiny-2l"), rejected=(slow,))
    async with app.run_test(size=(160, 48)) as pilot:
        for _ in range(200):
            await pilot.pause(0.02)
            if asked:
                break
        lists = app.screen.query_one(AnswerLists)
        assert [row.model for row in lists.shortlist.rows] == ["tiny-2l"]
        await pilot.press("t")
        await pilot.pause()
        assert "being found …" in lists.rejected.render_line(1).text
        assert "being found …" in app.screen.query_one(WhyPane).text
        goes_on.set()
        await settle(pilot)
        assert "users ≤ 3" in lists.rejected.render_line(1).text
        assert "users ≤ 3" in app.screen.query_one(WhyPane).text
        assert threading.main_thread() not in asked


async def test_titles_say_what_changed_and_when_the_form_is_not_what_was_answered(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        lists = app.screen.query_one(AnswerLists)
        world.answer = lambda **asked: advice("tiny-32l", "new", "tiny-2l")
        users = field(app.screen, "users")
        users.enter("9")
        await settle(pilot)
        assert "1 new, 1 gone, tiny-32l leads, before tiny-2l" in str(lists.shortlist.border_title)
        assert [lists.shortlist.render_line(y).text[1] for y in (1, 2, 3)] == ["▲", "+", "▼"]
        users.enter("9x")
        await settle(pilot)
        assert OUTDATED in str(lists.shortlist.border_title)
        users.enter("9")
        await settle(pilot)
        assert OUTDATED not in str(lists.shortlist.border_title)


@pytest.mark.parametrize(
    ("before", "after", "signs", "words"),
    [
        ("abc", "abc", {}, ""),
        ("", "ab", {}, ""),
        ("abc", "bc", {}, "1 gone, b leads, before a"),
        ("abc", "acb", {"c": "▲", "b": "▼"}, "in another order"),
        ("abc", "axbc", {"x": "+"}, "1 new"),
        ("ab", "xy", {}, "2 new, 2 gone, x leads, before a"),
        ("ab", "", {}, "2 gone"),
    ],
)
def test_moves_are_those_among_models_that_stayed(before: str, after: str, signs: dict[str, str], words: str):
    assert moves(before, after) == signs
    assert told(before, after) == words


def test_names_in_the_plot_stay_inside_and_do_not_cover_each_other():
    def dot(name: str, x: float, quality: float) -> Dot:
        return Dot(Point(name, "decoder", name, quality, 1.0, x, 0.5, None, True), x, quality)

    dots = [dot("left", 1.0, 0.0), dot("crowded", 1.2, 0.0), dot("right", 100.0, 1.0)]
    found: dict[str, Any] = {d.point.model: right for d, right in _named(dots, dots, 60, 10)}
    assert found == {"crowded": True, "right": False}
    assert [d.point.model for d, _ in _named(dots, dots, 60, 10, must=1)] == ["left", "right"]


async def test_nonsense_changes_nothing_and_pasted_lines_are_one_question(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        line = app.screen.query_one("#question", Input)
        reading = app.screen.query_one("#reading", Static)
        line.focus()
        line.post_message(events.Paste("asdf\nqwer"))
        await pilot.press("enter")
        await settle(pilot)
        assert line.value == "asdf qwer"
        assert "nothing of this was understood" in str(reading.render())
        assert len(world.asked) == 1
        line.value = ""
        await pilot.press("slash", "enter")
        await settle(pilot)
        assert not reading.display
        line.focus()
        line.post_message(events.Paste("chat on one\nRTX 4090\nfor 3 users\n"))
        await pilot.press("enter")
        await settle(pilot)
        assert world.asked[-1]["users"] == 3


def test_wishes_without_a_field_are_said_as_they_are_typed():
    assert said_of({"min_params": 79.2e9, "not_languages": ("de", "fr")}) == [
        "min params 79.2B",
        "not languages de, fr",
    ]
