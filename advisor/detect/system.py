"""Asking the operating system."""

from __future__ import annotations

import subprocess
from pathlib import Path


def output(*command: str, timeout_s: float = 15.0) -> str | None:
    """What a program prints; ``None`` where it is missing, fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def text_of(path: Path) -> str | None:
    """A small file of ``/proc`` or ``/sys``; ``None`` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def sentence(error: BaseException) -> str:
    """An exception in a few words."""
    return (" ".join(str(error).split()) or type(error).__name__)[:100]
