from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from tui_world import World, field, library, machine, settle

from advisor.breakdown import Breakdown, Part, Pass, Roof
from advisor.detect import Detection, Device, Found, Match, Reading
from advisor.machine_choice import Placed, best
from advisor.machine_sheet import facts
from tui import machine_findings
from tui.app import WhicharchApp
from tui.machine_cells import listed, matcher, with_detected
from tui.screens import machines as page
from tui.screens.machines import MachinesScreen
from tui.widgets.calibrating import CalibratePane
from tui.widgets.machine_detail import Found as Told
from tui.widgets.machine_detail import MachineDetail
from tui.widgets.reader import Reader
from tui.widgets.roofline import RooflinePane
from tui.widgets.row_table import RowTable

CPU = Device("amd", "cpu", "Some [/cpu]", memory_bytes=8 * 2**30, bandwidth_gb_per_s=Reading(20.0, "probe"),
             fp32_tflops=Reading(0.5, "probe"))  # fmt: skip
GPU = Device("nvidia", "consumer gpu", "RTX 4090", memory_bytes=24 * 2**30)
HERE = Detection((Found(GPU, 2, (Match("rtx-4090", True, "name"),)), Found(CPU, 1, ())), ("AMD: nothing.",))


def part(name: str, seconds: float, intensity: float | None = 10.0) -> Part:
    rate = None if intensity is None else 1e13
    return Part(name, "gemm", 2, seconds, seconds, "memory", {}, 1e9, 1e8, intensity, rate, 0.8)


FOUND = Breakdown(
    (Pass("prefill", "one prompt", 1.0, {}, (part("decoder.up", 0.6, 300.0), part("decoder.down", 0.4))),
     Pass("decode", "a step", 1.0, {}, (part("decoder.down", 0.9), part("decoder.reduce", 0.1, None)))),
    (Roof("memory", None, 1e12, None), Roof("bf16 products", 1e14, None, 100.0)),
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    def examine(name: str, place: str, devices: int, picks: Any, load: Any) -> Told:
        calls.append((name, devices, [(n, k) for n, _, k in picks], dict(load)))
        choices = tuple(Placed(n, k, None, f"too [/small] for {k}") for n, _, k in picks)
        return Told(facts(machine(name, 24)), (), FOUND, "", choices, best(choices))

    monkeypatch.setattr(page, "look", lambda: HERE)
    monkeypatch.setattr(page, "examine", examine)
    return calls


async def machines(pilot: Any) -> RowTable[Any]:
    await settle(pilot)
    await pilot.press("n")
    await settle(pilot)
    table: RowTable[Any] = pilot.app.screen.query_one("#machines", RowTable)
    return table


def shown(table: RowTable[Any]) -> list[str]:
    return [table.rows[i].id for i in table.order]


async def words_and_facets_narrow_the_list(pilot: Any, app: WhicharchApp, table: RowTable[Any]) -> None:
    await pilot.press("slash", *">40gb bf16")
    await settle(pilot)
    assert shown(table) == ["h100-sxm"]
    await pilot.press("escape", "escape")
    assert len(shown(table)) == 3
    assert app.focused is table
    await pilot.press("end", "d")
    assert app.store.now.machine == "h100-sxm"
    await pilot.press("home", "down", "d")
    assert app.store.now.machine == "h100-sxm"
    app.screen.restore({"machine": "rtx-4090"})  # type: ignore[attr-defined]
    assert table.row.id == "rtx-4090"


async def test_what_is_here_stands_first_and_is_found(app: WhicharchApp, asked: list[Any]):
    async with app.run_test(size=(120, 40)) as pilot:
        table = await machines(pilot)
        assert shown(table) == ["rtx-4090", "my-some-cpu", "h100-sxm"]
        assert "⌂ rtx-4090" in table.render_line(1).text
        assert "1 accelerator here" in str(table.border_subtitle)
        assert asked[-1][:3] == ("rtx-4090", 1, [("rtx-4090", 1)])
        sheet = app.screen.query_one("#sheet", Reader).text
        for words in ("RTX 4090 × 2", "nominal memory bandwidth", "1000", "spec sheet", "tests"):
            assert words in sheet
        await words_and_facets_narrow_the_list(pilot, app, table)


def test_facets_compare_what_is_known():
    rows = with_detected(listed(library().machines), HERE)
    found = {query: [row.id for row in rows if matcher(query)(row)] for query in
             (">24gb", "<1tb/s", ">50tf", "<$3", ">", "kind:cpu", "vendor:nvidia 4090", "fp32", ">1$")}  # fmt: skip
    assert found == {
        ">24gb": ["h100-sxm"], "<1tb/s": ["my-some-cpu"], ">50tf": ["rtx-4090", "h100-sxm"],
        "<$3": ["rtx-4090"], ">": ["rtx-4090", "my-some-cpu", "h100-sxm"], "kind:cpu": ["my-some-cpu"],
        "vendor:nvidia 4090": ["rtx-4090"], "fp32": ["my-some-cpu"], ">1$": [],
    }  # fmt: skip


async def the_roofline_names_points_by_letters(pilot: Any, app: WhicharchApp) -> None:
    await pilot.press("2")
    await settle(pilot)
    pane = app.screen.query_one(RooflinePane)
    marks = {(dot.mark, dot.name, dot.stage) for dot in pane.rows}
    assert marks == {
        ("B", "up", "prefill"), ("A", "down", "prefill"), ("a", "down", "decode"), ("c", "reduce", "decode"),
    }  # fmt: skip
    drawn = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
    for words in ("memory 1,000 GB/s", "bf16 products", "100 TFLOP/s", "A down"):
        assert words in drawn
    pane.query_one("#dots").focus()
    await pilot.press("v")
    assert {dot.stage for dot in pane.rows} == {"prefill"}
    await pilot.click("#roofline-plot")
    await settle(pilot)
    assert {dot.stage for dot in pane.rows} == {"decode"}


async def test_picks_by_key_and_by_mouse_are_compared_and_planned_with(app: WhicharchApp, asked: list[Any]):
    async with app.run_test(size=(160, 48)) as pilot:
        table = await machines(pilot)
        await pilot.press("plus", "end", "space")
        await settle(pilot)
        assert asked[-1][:3] == ("h100-sxm", 1, [("rtx-4090", 2), ("h100-sxm", 1)])
        assert "✓ rtx-4090 ×2" in table.render_line(1).text
        await pilot.press("3")
        await settle(pilot)
        assert "too [/small] for 2" in app.screen.query_one("#choice", Reader).text
        assert "impossible" in app.screen.query_one("#placed", RowTable).render_line(1).text
        await pilot.press("minus")
        await settle(pilot)
        assert asked[-1][2] == [("rtx-4090", 2)]
        await pilot.press("plus", "w")
        await settle(pilot)
        assert field(app.screen, "machines").written() == "rtx-4090, h100-sxm"
        await pilot.press("n", "C")
        await pilot.click("#machines", offset=(5, 2))
        await settle(pilot)
        assert asked[-1][:3] == ("rtx-4090", 1, [("rtx-4090", 1)])
        await the_roofline_names_points_by_letters(pilot, app)


async def test_picked_machines_are_asked_and_a_model_is_opened_on_one(
    app: WhicharchApp, world: World, asked: list[Any]
):
    async with app.run_test(size=(120, 40)) as pilot:
        await machines(pilot)
        before = dict(world.asked[-1])
        await pilot.press("plus", "end", "space", "A")
        await settle(pilot)
        assert app.current_mode == "ask"
        now = world.asked[-1]
        assert (now["machines"], now["max_gpus"]) == (("rtx-4090", "h100-sxm"), 2)
        assert now["task"] == before["task"]
        assert now["users"] == before["users"]
        await pilot.press("n", "M")
        await settle(pilot)
        assert app.current_mode == "models"
        assert field(app.screen, "machine").written() == "h100-sxm"
        assert field(app.screen, "batch").written() == "8"


async def exports_hold_what_the_tab_shows(pilot: Any, screen: MachinesScreen) -> None:
    assert screen.exports()["csv"]().splitlines()[0].startswith("id,kind,memory_gib")
    assert "| rtx-4090 |" in screen.exports()["md"]()
    screen.query_one(MachineDetail).active = "roofline"
    await settle(pilot)
    assert len(json.loads(screen.exports()["json"]())["points"]) == 3
    screen.query_one(MachineDetail).active = "compare"
    await settle(pilot)
    assert json.loads(screen.exports()["json"]())[0]["refusal"] == "too [/small] for 1"


async def test_an_edit_of_the_load_is_answered_undone_and_exported(app: WhicharchApp, asked: list[Any]):
    async with app.run_test(size=(120, 40)) as pilot:
        await machines(pilot)
        await pilot.press("l")
        await settle(pilot)
        assert field(app.screen, "model").has_focus
        field(app.screen, "batch").enter("64")
        await settle(pilot)
        assert asked[-1][3]["batch"] == 64
        await pilot.press("escape", "u")
        await settle(pilot)
        assert asked[-1][3]["batch"] == 8
        screen = app.screen
        assert isinstance(screen, MachinesScreen)
        assert screen.equivalent() == (
            "whicharch estimate llama-3.1-8b --machine rtx-4090 --input 2k --output 500 --batch 8 --roofline"
        )
        await pilot.press("1")
        await exports_hold_what_the_tab_shows(pilot, screen)


async def test_a_slow_old_answer_never_replaces_a_new_one(
    app: WhicharchApp, asked: list[Any], monkeypatch: pytest.MonkeyPatch
):
    quick = page.examine

    def slow(name: str, *rest: Any) -> Told:
        if name == "my-some-cpu":
            time.sleep(0.4)
        return quick(name, *rest)

    monkeypatch.setattr(page, "examine", slow)
    async with app.run_test(size=(120, 40)) as pilot:
        await machines(pilot)
        await pilot.press("down")
        await pilot.pause(0.2)
        await pilot.press("down")
        await settle(pilot)
        assert "h100-sxm" in app.screen.query_one("#sheet", Reader).text
        stale = replace(app.screen.found, refusal="old")  # type: ignore[attr-defined]
        app.screen.post_message(MachinesScreen.Examined(("my-some-cpu", {}, {}), stale))
        await settle(pilot)
        assert app.screen.found.refusal == ""  # type: ignore[attr-defined]


async def test_without_an_accelerator_the_page_says_so(
    app: WhicharchApp, asked: list[Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page, "look", lambda: Detection(HERE.found[1:], ("NVIDIA: no driver answers.",)))
    async with app.run_test(size=(80, 24)) as pilot:
        table = await machines(pilot)
        assert "no accelerator found here" in str(table.border_subtitle)
        assert "no driver answers" in str(table.tooltip)
        await pilot.press("i")
        await settle(pilot)
        assert table.row.id == "my-some-cpu"
        assert "my-some-cpu is in your catalog" in next(iter(app._notifications)).message


CALIBRATES = """
import json, sys, time
print("    1 s  gemm: 3 timings [/x]", file=sys.stderr, flush=True)
if "--quick" not in sys.argv:
    time.sleep(60)
print(json.dumps({"machine": {"id": "my-cpu"}, "device": "cpu", "software": "torch", "seconds": 1.5, "failures": [],
  "fits": [{"block": "gemm", "rows": 3, "median_error": 0.04}],
  "checks": [{"model": "m", "stage": "decode", "batch": 1, "new": 1, "past": 9, "predicted_s": 1e-3,
              "measured_s": 2e-3, "error": -0.5}]}))
"""
REFUSES = "import sys; sys.exit('Error: calibrate needs torch: pip install whicharch[calibrate]')"


async def test_calibration_tells_its_progress_can_be_stopped_and_says_what_is_missing(
    app: WhicharchApp, asked: list[Any], monkeypatch: pytest.MonkeyPatch
):
    program = [CALIBRATES]
    monkeypatch.setattr(CalibratePane, "prefix", staticmethod(lambda *a: (sys.executable, "-c", program[0], *a)))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.keep(machine="h100-sxm")
        table = await machines(pilot)
        assert table.row.id == "h100-sxm"
        await pilot.press("5")
        await settle(pilot)
        pane, text = app.screen.query_one(CalibratePane), app.screen.query_one("#measured", Reader)
        await pilot.press("s")
        await settle(pilot)
        assert "median error 4.0 %" in text.text
        assert "gemm: 3 timings [/x]" in text.text
        assert "−50 %" in text.text
        assert app.screen.equivalent() == "whicharch calibrate --add --replace --quick"  # type: ignore[attr-defined]
        field(app.screen, "effort").put("")
        await pilot.click("#calibrating")
        for _ in range(100):
            await pilot.pause(0.05)
            if pane.said:
                break
        pane.post_message(CalibratePane._Ended(1, None, "an earlier one has ended"))
        await pilot.pause()
        assert pane.running
        await pilot.press("s")
        await settle(pilot)
        assert not pane.running
        assert "Stopped" in str(app.screen.query_one("#calibrating").render())
        program[0] = REFUSES
        await pilot.press("s")
        await settle(pilot)
        assert "calibrate needs torch" in str(app.screen.query_one("#calibrating").render())


async def test_real_numbers_reach_the_page(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page, "look", lambda: Detection((), ()))
    told = page.examine("l4", "l4", 1, [("l4", "l4", 1), ("h100-sxm", "h100-sxm", 1), ("l4", "l4", 3)],
                        {"model": "llama-3.1-8b", "batch": 8})  # fmt: skip
    assert told.breakdown is not None
    assert [p.name for p in told.breakdown.passes] == ["prefill", "decode"]
    assert told.placed[1].value("throughput") == told.best["throughput"]
    assert "divide by 3" in told.placed[2].refusal
    assert {p.pricing for p in told.prices} >= {"on-demand"}


@pytest.mark.parametrize(
    ("keys", "size", "theme"),
    [([], (80, 24), "textual-light"), (["2"], (120, 40), "textual-dark")],
    ids=["machines-80x24", "roofline-120x40"],
)
def test_machines_look_as_they_did(
    snap_compare: Any, app: WhicharchApp, asked: list[Any], keys: list[str], size: tuple[int, int], theme: str
):
    async def run_before(pilot: Any) -> None:
        app.theme = theme
        await machines(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run_before)


def test_the_computer_is_looked_at_in_a_process_of_its_own_that_may_fail(monkeypatch: pytest.MonkeyPatch):
    seen = machine_findings.look()
    assert seen.found[-1].device.kind == "cpu"
    assert seen.found[-1].device.bandwidth_gb_per_s is not None
    monkeypatch.setattr(machine_findings, "LOOK", "import os; os.abort()")
    failed = machine_findings.look()
    assert failed.found == ()
    assert "could not be looked at" in failed.notes[0]
