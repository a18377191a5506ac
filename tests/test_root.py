"""Nothing that a test, an export or pip left behind is kept in the repository's root."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KEPT = {".gitignore", ".pre-commit-config.yaml", "LICENSE", "constraints.txt", "pyproject.toml"}


def test_the_root_holds_what_a_reader_expects():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no checkout")
    files = {name for name in listed.stdout.splitlines() if "/" not in name and not name.endswith(".md")}
    assert files == KEPT
