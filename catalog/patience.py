"""One line for whoever waits while what a process needs is compiled for the first time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG_S = 1.0
"""What compiling may take before anything is said."""
TEXT = "compiling what this needs of the catalog, once for this version ..."

tell: Callable[[str], None] | None = None
"""Where the line goes; nothing is said until a command line sets it."""
_spent_s = 0.0
_under_way = False


@contextmanager
def patience() -> Iterator[None]:
    """Around what compiles: when all of it has taken a second, ``tell`` is called once."""
    global _spent_s, _under_way
    if tell is None or _under_way:
        yield
        return
    start, _under_way = time.monotonic(), True
    timer = threading.Timer(max(LONG_S - _spent_s, 0.0), _say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _spent_s, _under_way = _spent_s + time.monotonic() - start, False


def _say() -> None:
    global tell
    told, tell = tell, None
    if told is not None:
        told(TEXT)
