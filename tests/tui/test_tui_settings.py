from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input
from tui_world import World, field, settle

from advisor.report import DISPLAY, bytes_text, usd_text
from tui.app import WhicharchApp
from tui.past import Past
from tui.settings import Place, Settings, Store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHICHARCH_HOME", str(tmp_path))
    monkeypatch.setattr(DISPLAY, "units", "GiB")
    monkeypatch.setattr(DISPLAY, "currency", "$")
    monkeypatch.setattr(DISPLAY, "per_usd", 1.0)
    return tmp_path


def test_settings_return_after_a_restart_and_unknown_keys_stay(tmp_path: Path):
    path = tmp_path / "settings.json"
    path.write_text('{"from_a_newer_version": 7, "theme": "nord"}')
    store = Store(path)
    assert store.read() == []
    place = Place("chat", "ask", {"task": "chat"})
    assert store.put(bookmarks=(place,)) is None
    again = Store(path)
    again.read()
    assert (again.now.theme, again.now.bookmarks) == ("nord", (place,))
    assert json.loads(path.read_text())["from_a_newer_version"] == 7


def test_what_another_window_wrote_is_not_lost(tmp_path: Path):
    one, other = Store(tmp_path / "s.json"), Store(tmp_path / "s.json")
    one.put(theme="nord")
    other.put(units="GB")
    one.read()
    assert (one.now.theme, one.now.units) == ("nord", "GB")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"units": "GO"}', "units must be GiB or GB"),
        ('{"per_usd": -1}', "per_usd must be a positive number"),
        ('{"per_usd": true}', "per_usd must be a positive number"),
        ('{"keys": ["u"]}', "keys must map"),
        ('{"history": [3]}', "history has an entry without a state"),
        ("[]", "must be a JSON object"),
        ('{"theme": ', "cannot be read"),
    ],
)
def test_a_wrong_value_costs_that_value_only(tmp_path: Path, text: str, said: str):
    path = tmp_path / "settings.json"
    path.write_text(text)
    store = Store(path)
    problems = store.read()
    assert len(problems) == 1
    assert said in problems[0]
    assert store.now == Settings()


def test_an_unreadable_file_is_set_aside_before_anything_is_written(tmp_path: Path):
    path = tmp_path / "settings.json"
    path.write_text("my notes")
    store = Store(path)
    store.read()
    store.put(theme="nord")
    assert path.with_suffix(".json.unreadable").read_text() == "my notes"
    assert json.loads(path.read_text()) == {"theme": "nord"}


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    said = Store(tmp_path / "file" / "settings.json").put(theme="nord")
    assert said is not None
    assert "cannot be written" in said


def test_undo_goes_back_and_forth_and_a_new_state_ends_the_way_forth():
    past: Past[int] = Past()
    for state in (1, 2, 2, 3):
        past.went(state)
    assert [past.back(), past.back(), past.back()] == [2, 1, None]
    assert past.forth() == 2
    past.went(9)
    assert past.forth() is None
    assert past.back() == 2


async def test_an_unreadable_settings_file_is_a_toast(world: World, home: Path):
    (home / "settings.json").write_text("{")
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert any("cannot be read" in note.message for note in app._notifications)


async def test_theme_units_and_money_are_changed_in_the_dialog_and_kept(world: World, home: Path):
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("comma")
        await settle(pilot)
        field(app.screen, "units").enter("GB")
        field(app.screen, "theme").enter("contrast-dark")
        field(app.screen, "per_usd").enter("0.5")
        field(app.screen, "currency").enter("€")
        await settle(pilot)
        assert app.theme == "contrast-dark"
        assert bytes_text(16e9) == "16.0 GB"
        assert usd_text(3.0) == "€1.50"
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is app.page
    kept = json.loads((home / "settings.json").read_text())
    assert kept == {"units": "GB", "theme": "contrast-dark", "per_usd": 0.5, "currency": "€"}


async def test_keys_are_remapped(world: World, home: Path):
    (home / "settings.json").write_text('{"keys": {"app.models": "f12"}}')
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        assert app.current_mode == "ask"
        await pilot.press("f12")
        await settle(pilot)
        assert app.current_mode == "models"


async def test_a_picture_is_exported_and_an_existing_file_is_only_overwritten_when_asked_twice(
    world: World, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(home)
    target = home / "shot.svg"
    target.write_text("mine")
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        app.screen.query_one("#format").value = "svg"  # type: ignore[attr-defined]
        app.screen.query_one("#path").value = "shot.svg"  # type: ignore[attr-defined]
        app.screen.query_one("#path").focus()
        await settle(pilot)
        app.screen.query_one("#path").value = "shot.svg"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await settle(pilot)
        assert target.read_text() == "mine"
        await pilot.press("enter")
        await settle(pilot)
        assert "<svg" in target.read_text()
        assert app.screen is app.page


async def test_a_path_that_cannot_be_is_refused_in_a_sentence(world: World, home: Path):
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        path = app.screen.query_one("#path", Input)
        path.value = "/"
        app.screen.query_one("#format").value = "svg"  # type: ignore[attr-defined]
        await settle(pilot)
        assert path.value == "whicharch-ask.svg"
        path.value = "m" * 300
        path.focus()
        await pilot.press("enter")
        await settle(pilot)
        assert "cannot be written" in str(app.screen.query_one("#problem").render())


async def test_the_palette_offers_every_action_of_the_page(world: World):
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"settings")
        await settle(pilot)
        await pilot.pause(0.3)
        await pilot.press("enter")
        await settle(pilot)
        assert type(app.screen).__name__ == "PreferencesScreen"
