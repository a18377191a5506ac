"""The files that were opened on the Plan page, and what they held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.widgets.plan_form import same

Data = Mapping[str, Any]


class Opened:
    """Files that were opened, and what they held."""

    def __init__(self) -> None:
        self._files: dict[str, Data] = {}

    def add(self, path: str, data: Data) -> None:
        """A file was read."""
        self._files.pop(path, None)
        self._files[path] = data

    def of(self, data: Data | None) -> str:
        """The file that holds these data, the newest first; empty where none does."""
        if data is None:
            return ""
        return next((path for path, held in reversed(self._files.items()) if same(held, data)), "")
