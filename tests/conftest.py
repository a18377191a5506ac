"""Shared fixtures: no test touches the user's own files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))  # for `benchmarks`, behind what is installed


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of the shipped catalog for all workers: compiling it takes longer than most tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "whicharch-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> None:
    home = tmp_path_factory.mktemp("whicharch-home")
    (home / "cache").symlink_to(compiled)
    os.environ["WHICHARCH_HOME"] = str(home)


@pytest.fixture
def overlay(tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty user catalog; entries are looked up anew before and after."""
    from catalog import loader

    (tmp_path / "cache").symlink_to(compiled)
    monkeypatch.setenv("WHICHARCH_HOME", str(tmp_path))
    loader.refresh()
    yield tmp_path / "catalog"
    monkeypatch.undo()
    loader.refresh()
