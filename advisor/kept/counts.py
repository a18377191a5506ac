"""Parameters of the whole catalog, kept on disk: counting lays every model out as operators, which fills memory."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.kept.key import code_and_catalog
from calculators.lowering import forget
from calculators.params import Params, count_params
from catalog.compiled import derived
from catalog.loader import is_shipped, load, shipped_files
from catalog.spec import ModelSpec


def counts_of(models: Iterable[ModelSpec]) -> list[Params | None]:
    """As ``count_params``, of many; ``None`` where the publisher does not disclose the architecture."""
    known = derived("counts", code_and_catalog(), _shipped)
    found: list[Params | None] = []
    for spec in models:
        if not spec.is_disclosed:
            found.append(None)
        elif is_shipped(spec.id):
            found.append(Params(*known[spec.id]))
        else:
            found.append(count_params(spec))
    return found


def _shipped() -> dict[str, tuple[int, int, int]]:
    specs = [load(name) for name in shipped_files("models")]
    found = {s.id: (p.total, p.active, p.embedding) for s in specs if s.is_disclosed and (p := count_params(s))}
    forget()
    return found
