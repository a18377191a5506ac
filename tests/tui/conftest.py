from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from plan_world import plan
from tui_world import World, findings, library, reasons

from advisor.detect import Detection
from tui.app import WhicharchApp


@pytest.fixture(autouse=True)
def settings_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test keeps is not there for the next."""
    monkeypatch.setattr("tui.settings.home", lambda: tmp_path)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    it = World()
    monkeypatch.chdir(tmp_path)  # random keys may export
    import_module("advisor.recommend")
    monkeypatch.setattr("tui.library.read_library", library)
    monkeypatch.setattr(sys.modules["advisor.recommend"], "recommend", it.recommend)
    monkeypatch.setattr("tui.reasons.decision_of", lambda advice: SimpleNamespace(advice=advice))
    monkeypatch.setattr("tui.reasons.reasons_of", lambda decision, model: reasons(model))
    monkeypatch.setattr("tui.findings.examine", lambda model, load: findings(model.id))
    monkeypatch.setattr("tui.screens.machines.look", lambda: Detection(()))
    monkeypatch.setattr("tui.screens.plan.answer", lambda data, tell, check: plan())
    return it


@pytest.fixture
def app(world: World) -> WhicharchApp:
    return WhicharchApp()
