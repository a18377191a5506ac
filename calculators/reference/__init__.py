"""Real PyTorch models as the truth: the one place that imports torch, transformers, diffusers and fvcore.

Nothing here is imported at start-up; ``observe`` is the door, and ``missing`` says whether the extra is installed.
"""

from __future__ import annotations

from importlib.util import find_spec

REQUIRED = ("torch", "transformers", "diffusers", "fvcore")
"""What the extra ``validate`` installs."""


def missing() -> list[str]:
    """Packages of the extra that are not installed, without importing any."""
    return [name for name in REQUIRED if find_spec(name) is None]
