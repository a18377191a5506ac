"""Pictures of Lab and Learn, of fixed data, dark and light. Look at one before accepting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_world import World, settle

from advisor.design.depths import Depths, SizedShape
from advisor.design.design import Design
from advisor.design.differences import Difference
from advisor.design.edit import edit
from advisor.design.fields import changes
from advisor.design.shape import Shape
from advisor.learn import Topic
from catalog.spec import ModelSpec
from tui.app import WhicharchApp
from tui.guide import Place
from tui.lab_answer import Answer, setting_of
from tui.learn_links import Link

TOPICS = (
    Topic("decoder", "family", "Decoder-only transformer", "It writes."),
    Topic("gqa", "innovation", "Grouped-query attention", "It shares keys and values."),
    Topic("chat", "task", "Conversation", "Answers to people."),
)
PLACE = Place(
    answers=("text",), question="What comes out?", why="A label takes one pass.",
    steps=(("What goes in?", "text", ("audio", "image")),), suits=("preferred: decoder. It writes.",),
    rows=(Link("answer", "label", "label", "One pass."), Link("answer", "text", "text", "A pass per token.")),
    takes_value=True, may_skip=True, left=3, wishes={},
)  # fmt: skip
DEPTHS = Depths(
    8_000_000_000, 2548,
    tuple(
        SizedShape(n, 131072 // n, 1024 // n, 256 // n, 14336, 8_000_000_000 + n, 8_000_000_000, n * 1e-5 - 32e-5,
                   n * 2**23, 0.04 + n / 4000, 0.005 + n / 20000, n < 64, n == 32)
        for n in (8, 16, 32, 64)
    ),
    (),
)  # fmt: skip


def answer(base: ModelSpec, now: Shape, values: Mapping[str, Any]) -> Answer:
    """A real edit with made-up costs: constants of machines do not change the picture."""
    made = edit(base, changes(now, values))
    told = (("layers", now.layers, made.after.layers, None), ("first token", 0.05, 0.1, "low"),
            ("tokens/s", 140.0, 70.0, "high"), ("parameters", 250_000, 250_000, None))  # fmt: skip
    rows = tuple(
        Difference("size", name, old, new, f"{old:,}", f"{new:,}", new / old - 1, better)  # type: ignore[arg-type]
        for name, old, new, better in told
    )
    found = Design(
        base.id, made.spec, setting_of(values), "bf16", made.before, made.after, made.changed, made.assumed, rows,
        ("The design has twice the layers.",), (), None,
    )  # fmt: skip
    return Answer(found, (), "no curves here")


@pytest.mark.parametrize(
    ("mode", "keys", "size", "theme"),
    [
        ("lab", ["slash", "up", "up"], (80, 24), "textual-dark"),
        ("lab", ["3"], (120, 40), "textual-light"),
        ("learn", ["down", "down", "enter"], (80, 24), "textual-light"),
        ("learn", [], (120, 40), "textual-dark"),
    ],
    ids=["lab-80x24", "lab-120x40", "learn-80x24", "learn-120x40"],
)
def test_page_looks_as_it_did(
    snap_compare: Any,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    keys: list[str],
    size: tuple[int, int],
    theme: str,
):
    from test_tui_learn import lesson

    monkeypatch.setattr("tui.screens.lab.work_out", answer)
    monkeypatch.setattr("tui.screens.lab.work_out_depths", lambda design, stop: DEPTHS)
    monkeypatch.setattr("tui.screens.learn.read_topics", lambda: TOPICS)
    monkeypatch.setattr("tui.screens.learn.read_place", lambda answers: PLACE)
    monkeypatch.setattr(WhicharchApp, "DEFAULT_MODE", mode)
    monkeypatch.setattr("tui.screens.learn.read_lesson", lesson)

    async def run_before(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(WhicharchApp(), terminal_size=size, run_before=run_before)
