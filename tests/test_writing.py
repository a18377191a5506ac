"""A file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.writing import OTHERS_READ, write_whole


def test_text_and_bytes_arrive_as_they_are_in_folders_that_were_not_there(tmp_path: Path):
    target = tmp_path / "new" / "folder" / "file.yaml"
    write_whole(target, "é\n")
    assert target.read_bytes() == "é\n".encode()
    assert target.stat().st_mode & 0o777 == 0o600
    write_whole(target, b"\0\r\n", mode=OTHERS_READ)
    assert target.read_bytes() == b"\0\r\n"
    assert target.stat().st_mode & 0o777 == 0o644


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "file"
    write_whole(target, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
