"""Stacks of the shipped catalog's models, kept on disk so that a new process reads arrays instead of lowering models.

One file for each layout in the cache folder, keyed by the content of models, formats and the calculators' own code. It
grows by the models that are asked for, is written whole or not at all, and may be missing, unreadable or out of date
without harm: what it lacks is compiled.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from threading import Lock

from advisor.kept.key import code_and_catalog
from calculators.imbalance import DEFAULT, Case, Skewed, remember, tables_for
from calculators.measures import Distinct
from calculators.plan import Layout
from calculators.stacked import Stack, joined, stack_of
from catalog.compiled import cache_folder, replace_file
from catalog.loader import format_ids, load, load_format
from catalog.patience import patience
from catalog.values import dataclass

_ONE_AT_A_TIME = Lock()
"""Threads that answer at once add to the same stacks; without it one would lose the models of another."""


@dataclass
class Kept:
    """What is known of one layout."""

    stack: Stack | None = None
    refused: frozenset[str] = frozenset()
    """Models that cannot be laid out so."""
    routing: dict[Case, Skewed] = field(default_factory=dict)
    """How routers of these models load experts."""

    def knows(self, name: str) -> bool:
        """Whether a model has been tried."""
        return name in self.refused or (self.stack is not None and name in self.stack.places)


@lru_cache(maxsize=64)
def _kept(layout: Layout, folder: Path) -> Kept:
    with contextlib.suppress(Exception):  # whatever is wrong with the file, its content can be made again
        found = pickle.loads(_path(layout, folder).read_bytes())
        if isinstance(found, Kept):
            remember(found.routing)
            return found
    return Kept()


def _path(layout: Layout, folder: Path) -> Path:
    return folder / f"stack-{layout}-{code_and_catalog().hex()}.pickle"


def stack_for(formats: Mapping[str, Sequence[str]], layout: Layout) -> Kept:
    """The stack of a layout, with all of some shipped models that can be laid out so.

    Args:
        formats: Of each model, by id, the weight formats that matter.
        layout: How devices share a model; without pipeline stages.
    """
    folder = cache_folder()
    with _ONE_AT_A_TIME:
        kept = _kept(layout, folder)
        missing = [name for name in formats if not kept.knows(name)]
        if not missing:
            return kept
        with patience():
            _add(kept, missing, formats, layout)
        with contextlib.suppress(OSError):
            replace_file(f"stack-{layout}", _path(layout, folder), pickle.dumps(kept, pickle.HIGHEST_PROTOCOL))
    return kept


def _add(kept: Kept, missing: Sequence[str], formats: Mapping[str, Sequence[str]], layout: Layout) -> None:
    """Compile models that are not known yet."""
    from calculators.params import architecture_of
    from calculators.plan import layout_problem
    from calculators.table import compile_table

    owns = {name: architecture_of(load(name)) for name in missing}
    refused = {name for name, own in owns.items() if layout_problem(own, layout) is not None}
    tables = [
        (name, own, compile_table(own, layout), [load_format(f) for f in formats[name]])
        for name, own in owns.items()
        if name not in refused
    ]
    if tables:
        new = stack_of(tables, format_ids())
        kept.routing |= tables_for(
            (m.experts, m.top_k, m.parts, DEFAULT.exponent) for m in new.measures if isinstance(m, Distinct)
        )
        kept.stack = new if kept.stack is None else joined(kept.stack, new)
    kept.refused |= refused
