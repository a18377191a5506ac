"""Files written whole or not at all: readers see the old content or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path

OTHERS_READ = 0o644


def write_whole(target: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Write a file, and the folders it stands in; text as UTF-8.

    Args:
        target: Where to.
        content: All of it.
        mode: Who may read it; the owner alone unless said.

    Raises:
        OSError: If the folder or file cannot be written; what was there before stays.
    """
    import tempfile

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(part, mode)
        os.replace(part, target)
    except BaseException:
        os.unlink(part)
        raise
