"""Which machines are picked, how many of each, and by what calculators find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.machine_cells import Listed

MOST = 64
"""Devices of one machine that can be picked."""
RISING = (1, 2, 4, 8)
"""Numbers of devices that are compared where nothing is picked."""


class Picks(dict[str, int]):
    """Devices by the id of their machine."""

    def toggle(self, name: str) -> None:
        """Pick one of a machine, or put it back."""
        if self.pop(name, None) is None:
            self[name] = 1

    def count(self, name: str, change: int) -> None:
        """More or fewer devices; none puts the machine back."""
        devices = min(MOST, self.devices(name) + change)
        if devices > 0:
            self[name] = devices
        else:
            self.pop(name, None)

    def devices(self, name: str) -> int:
        """How many; one of what is not picked."""
        return self.get(name, 1)

    def put(self, picks: Mapping[Any, Any]) -> None:
        """Pick these and no others."""
        self.clear()
        self.update({str(name): min(MOST, max(1, int(count))) for name, count in picks.items()})

    def compared(self, row: Listed) -> list[tuple[str, int]]:
        """What is compared: the picked machines, else this one with more and more devices."""
        if self:
            return list(self.items())
        return [(row.id, n) for n in RISING if n <= row.machine.link.max_gpus]

    def __str__(self) -> str:
        return ", ".join(f"{count} × {name}" for name, count in self.items())


class Places:
    """By what calculators find a machine: its id, or a file of what was only detected and stands in no catalog."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="whicharch-")
        self._files: dict[str, str] = {}

    def write(self, rows: Sequence[Listed]) -> None:
        """Give what was only detected a file."""
        from catalog.overlay import write_entry

        for row in rows:
            if not row.catalogued:
                path = Path(self._folder.name) / f"{row.id}.yaml"
                write_entry(row.machine, path)
                self._files[row.id] = str(path)

    def of(self, name: str) -> str:
        """Path or id."""
        return self._files.get(name, name)

    def __contains__(self, name: str) -> bool:
        """Whether the machine has a file here, for no catalog knows it."""
        return name in self._files

    def clear(self) -> None:
        """The catalog is read anew."""
        self._files.clear()

    def remove(self) -> None:
        """Leave no files behind."""
        self._folder.cleanup()
