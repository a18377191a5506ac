"""``design``: change a model, and put the result beside the model it came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from advisor.design.changes import DesignFile, Setting, read_design
from advisor.design.depths import Depths, depths
from advisor.design.differences import Difference, differences, workload_of
from advisor.design.edit import edit
from advisor.design.shape import Shape
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


def design(what: DesignFile | str | Path) -> Design:
    """Change a model of the catalog and compare it with what it was.

    Args:
        what: A design, or the path of a ``design.yaml``.

    Raises:
        BadInput: If a name is unknown or the shape impossible; the message says what would be right.
    """
    asked = what if isinstance(what, DesignFile) else read_design(what)
    base = load(asked.base)
    made = edit(base, asked.changes, stack=asked.stack, name=asked.id)
    rows, why, notes = differences(base, made.spec, asked.setting)
    wanted = None if isinstance(asked.depths, bool) else asked.depths
    shapes = depths(made.spec, asked.setting, wanted, stack=asked.stack) if asked.depths else None
    return Design(
        base.id, made.spec, asked.setting, str(workload_of(base, asked.setting)["weights"]), made.before, made.after,
        made.changed, made.assumed, rows, why, notes, shapes,
    )  # fmt: skip
