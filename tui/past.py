"""What can be undone: states of a page, the newest last."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 100


class Past(Generic[T]):
    """States before and after the present one."""

    def __init__(self) -> None:
        self._before: list[T] = []
        self._after: list[T] = []
        self.now: T | None = None

    def went(self, state: T) -> None:
        """A new present; the old one can be returned to, and what was undone before is forgotten."""
        if state == self.now:
            return
        if self.now is not None:
            self._before = [*self._before[1 - MOST :], self.now]
            self._after = []
        self.now = state

    def back(self) -> T | None:
        """Return to the state before, if there is one."""
        return self._step(self._before, self._after)

    def forth(self) -> T | None:
        """Take the last return back, if there is one."""
        return self._step(self._after, self._before)

    def _step(self, source: list[T], target: list[T]) -> T | None:
        if not source or self.now is None:
            return None
        target.append(self.now)
        self.now = source.pop()
        return self.now
