"""``design``: change a model, and put the result beside the model it came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from advisor.design.changes import Changes, DesignFile, Setting, read_design
from advisor.design.depths import Depths, depths
from advisor.design.differences import Difference, differences, workload_of
from advisor.design.edit import edit
from advisor.design.parts import but
from advisor.design.shape import Shape, chosen
from catalog.loader import load
from catalog.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Design:
    """The answer to ``design``."""

    base: str
    spec: ModelSpec
    """The changed model."""
    setting: Setting
    weights: str
    """Weight format of both."""
    before: Shape
    after: Shape
    changed: tuple[str, ...]
    assumed: tuple[str, ...]
    rows: tuple[Difference, ...]
    reasons: tuple[str, ...]
    """Why the two differ, from their parts."""
    notes: tuple[str, ...]
    depths: Depths | None
    """Shapes of the design's size at several depths, where asked for."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        from catalog.writer import to_yaml

        return {
            "base": self.base,
            "id": self.spec.id,
            "family": self.spec.family,
            "setting": self.setting.model_dump() | {"weights": self.weights},
            "changed": list(self.changed),
            "assumed": list(self.assumed),
            "before": asdict(self.before),
            "after": asdict(self.after),
            "rows": [asdict(row) for row in self.rows],
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "depths": self.depths.to_dict() if self.depths else None,
            "yaml": to_yaml(self.spec),
        }


def beside(
    base: ModelSpec, changes: Changes, setting: Setting, *, stack: str | None = None, name: str | None = None
) -> Design:
    """Change a model and compare it with what it was; no changes are allowed here.

    Raises:
        BadInput: As ``design``.
    """
    made = edit(base, changes, stack=stack, name=name)
    rows, why, notes = differences(base, made.spec, setting)
    if stack is not None and chosen(base, stack) != chosen(base):
        rows = tuple(row for row in rows if row.section != "architecture")  # those are of the main stack
    return Design(
        base.id, made.spec, setting, str(workload_of(base, setting)["weights"]), made.before, made.after,
        made.changed, made.assumed, rows, why, notes, None,
    )  # fmt: skip


def design(what: DesignFile | str | Path) -> Design:
    """Change a model of the catalog and compare it with what it was.

    Args:
        what: A design, or the path of a ``design.yaml``.

    Raises:
        BadInput: If a name is unknown or the shape impossible; the message says what would be right.
    """
    asked = what if isinstance(what, DesignFile) else read_design(what)
    found = beside(load(asked.base), asked.changes, asked.setting, stack=asked.stack, name=asked.id)
    if not asked.depths:
        return found
    wanted = None if isinstance(asked.depths, bool) else asked.depths
    return replace(found, depths=depths(found.spec, asked.setting, wanted, stack=asked.stack))


def renamed(spec: ModelSpec, name: str) -> ModelSpec:
    """The same under another id.

    Raises:
        BadInput: If it is none.
    """
    return but(spec, id=name)
