"""Shapes on the meta device from torch's compiled kernels, where it has them.

For its compiler's sake torch lays Python functions over them, ten times as slow, and a pass of a small model is a
thousand operators. The compiled kernels are those of real devices, up to where they would touch data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch

PLACE, NAME = "torch._meta_registrations", "_meta_lib_dont_use_me_use_register_meta"
_entered = 0


@contextmanager
def compiled_shapes() -> Iterator[None]:
    """Without the Python functions, for the whole process, where a compiled kernel knows the shape as well.

    Afterwards they are back. They lie where torch 2.13 has them; in a torch that has them elsewhere nothing changes.
    """
    global _entered
    functions = _functions()
    if _entered or not functions:
        yield
        return
    _entered += 1
    try:
        _lay(functions, over=False)
        yield
    finally:
        _lay(functions, over=True)
        _entered -= 1


@lru_cache(maxsize=1)
def _functions() -> dict[Any, Callable[..., Any]]:
    """What torch has laid over the operators of its core."""
    from torch._decomp import global_decomposition_table as tables

    laid = getattr(_place(), NAME, None)
    if not hasattr(laid, "_destroy"):
        return {}
    names: set[str] = getattr(laid, "_op_impls", set())
    found: dict[Any, Callable[..., Any]] = {}
    for table in ("pre_autograd", "post_autograd", "meta"):  # the last is the most specific
        for operator, function in tables[table].items():
            if isinstance(operator, torch._ops.OpOverload) and f"{operator.name().replace('::', '/')}/Meta" in names:
                found[operator] = function
    return found if len(found) == len(names) else {}


def _place() -> Any:
    from importlib import import_module

    return import_module(PLACE)


def _lay(functions: dict[Any, Callable[..., Any]], *, over: bool) -> None:
    """Lay functions anew: over all of their operators, or only where there is no compiled kernel."""
    from torch.library import Library

    place = _place()
    getattr(place, NAME)._destroy()
    laid = Library("aten", "IMPL", "Meta")
    setattr(place, NAME, laid)
    for operator, function in functions.items():
        if over or not torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), "Meta"):
            laid.impl(operator, function)
