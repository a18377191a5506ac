"""Shared fixtures: no test touches the user's own files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))  # for `benchmarks`, behind what is installed


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    import os

    os.environ["WHICHARCH_HOME"] = str(tmp_path_factory.mktemp("whicharch-home"))


@pytest.fixture
def overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty user catalog; entries are looked up anew before and after."""
    from catalog import loader

    monkeypatch.setenv("WHICHARCH_HOME", str(tmp_path))
    loader.refresh()
    yield tmp_path / "catalog"
    monkeypatch.undo()
    loader.refresh()
