"""The wheel carries everything: built, installed in a fresh environment, and asked away from the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_answers_from_a_fresh_environment(tmp_path: Path):
    source = tmp_path / "source"  # building leaves files behind, and takes up those that an earlier build left
    skipped = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=skipped)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, source, cwd=tmp_path)
    (wheel,) = tmp_path.glob("whicharch-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    patterns = ("**/*.py", "**/*.json", "**/*.yaml", "**/*.tcss", "**/py.typed")
    packages = [ROOT / name for name in ("catalog", "calculators", "advisor", "tui")]
    on_disk = {str(p.relative_to(ROOT)) for folder in packages for pattern in patterns for p in folder.glob(pattern)}
    assert on_disk <= names, sorted(on_disk - names)[:5]
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    install = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile")
    run(*install, "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    whicharch = tmp_path / "venv" / "bin" / "whicharch"
    answer = run(whicharch, "estimate", "llama-3.1-8b", "--machine", "l4", "--json", cwd=tmp_path)
    assert '"total": 8030261248' in answer
    assert "0.1.0" in run(whicharch, "--version", cwd=tmp_path)
    loaded = run(python, "-c", "import importlib.util as u; print(u.find_spec('torch'))", cwd=tmp_path)
    assert loaded.strip() == "None"  # the core install has no torch
