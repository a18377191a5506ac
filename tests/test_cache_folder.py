"""What is compiled once is kept in the cache folder, and nothing depends on that folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advisor.ranking.rows import Rejection
from catalog import compiled, contents, patience

ROOT = Path(__file__).parent.parent
ESTIMATE = ("estimate", "llama-3.1-8b", "--machine", "h100-sxm", "--input", "2k", "--json")


def _estimate(home: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", *ESTIMATE], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "WHICHARCH_HOME": str(home)},
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_cache_folder_that_cannot_be_made_or_holds_rubbish_changes_no_answer(tmp_path: Path):
    impossible = tmp_path / "file"
    impossible.mkdir()
    (impossible / "cache").write_text("no folder")
    usual = tmp_path / "usual"
    expected = _estimate(usual)
    assert _estimate(impossible) == expected
    kept = sorted((usual / "cache").glob("*.pickle"))
    assert kept
    for path in kept:
        path.write_bytes(b"rubbish")
    assert _estimate(usual) == expected


def test_what_was_made_cannot_always_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setenv("WHICHARCH_HOME", str(tmp_path))
    monkeypatch.setattr(compiled, "replace_file", refuse)
    monkeypatch.setattr(contents, "write_whole", refuse)
    assert compiled.derived("thing", b"key-of-a-test", lambda: 7) == 7
    assert compiled.load_or_compile("things", {}, lambda: {"a": 1}) == {"a": 1}
    assert not list(tmp_path.rglob("*.pickle"))


def test_a_file_is_read_again_when_it_has_changed_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, folder = tmp_path / "a.yaml", tmp_path / "cache"
    files = {"a": path}
    monkeypatch.setattr(contents, "SETTLED_NS", 0)
    path.write_text("one")
    first = contents.content_digest("things", files, folder)
    monkeypatch.setattr(contents, "_READ", {})  # as in another process
    with monkeypatch.context() as blind:
        blind.setattr(Path, "read_bytes", lambda self: b"" if self == path else self.open("rb").read())
        assert contents.content_digest("things", files, folder) == first
    path.write_text("two")
    os.utime(path, ns=(0, 0))  # an old time on new content does not hide it
    second = contents.content_digest("things", files, folder)
    assert second != first
    assert contents.content_digest("things", files, folder, b"other") != second
    path.write_text("one")
    assert contents.content_digest("things", files, folder) == first


def test_a_file_changed_a_moment_ago_is_not_trusted(tmp_path: Path):
    path, folder = tmp_path / "a.yaml", tmp_path / "cache"
    path.write_text("one")
    contents.content_digest("things", {"a": path}, folder)
    assert not folder.exists()


def test_long_compiling_is_told_once_and_short_compiling_never(monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(patience, "LONG_S", 0.05)
    monkeypatch.setattr(patience, "_spent_s", 0.0)
    monkeypatch.setattr(patience, "tell", told.append)
    with patience.patience():
        pass
    assert not told
    for _ in range(2):
        with patience.patience():
            time.sleep(0.2)
    assert told == [patience.TEXT]


def test_what_would_admit_a_rejected_model_is_found_once_and_only_when_asked_for():
    asked: list[int] = []

    def find() -> str:
        asked.append(1)
        return "2 × l4"

    later = Rejection.later("m", "decoder", "bf16 on l4", ("needs more",), 2.0, find)
    assert later.severity == 2.0
    assert not asked
    assert later == Rejection("m", "decoder", "bf16 on l4", ("needs more",), "2 × l4", 2.0)
    assert later.smallest_change == "2 × l4"
    assert asked == [1]
    with pytest.raises(AttributeError, match="nothing"):
        later.nothing  # noqa: B018
