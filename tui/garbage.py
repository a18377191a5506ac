"""Keeps Python's cyclic garbage collector from stopping the screen.

The catalog and what is computed from it are some hundred thousand objects that live as long as the application. A
full collection walks over all of them with the interpreter locked: 200 to 600 ms on two shared cores, amid typing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def keep() -> None:
    """Take everything that exists out of later collections; what comes after is still collected."""
    gc.freeze()


@contextmanager
def building() -> Iterator[None]:
    """While much is built that will stay: no collections, and then none of it in later ones."""
    gc.disable()
    try:
        yield
    finally:
        keep()
        gc.enable()
