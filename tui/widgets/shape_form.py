"""The form of the Lab page: only the fields that mean something are there, and what differs from the base is marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tui.lab_fields import FIELDS, SETTING
from tui.widgets.form import Entry, EntryField, Form

if TYPE_CHECKING:
    from advisor.design.shape import Shape
    from catalog.spec import ModelSpec


class ShapeForm(Form):
    """Fields of a shape, and of where it runs."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(FIELDS, id=id, label=14, short=("base", "machine"), short_label=8)

    def setting(self) -> dict[str, Any]:
        """Where the design runs; wrong fields are left out."""
        fields = {name: self.field(name) for name in SETTING}
        return {name: field.value() for name, field in fields.items() if not field.problem}

    def show(self, base: ModelSpec, now: Shape, values: Mapping[str, Any]) -> None:
        """Show a base with values, and tell of them once."""
        texts: dict[str, Any] = {"base": base.id}
        for entry in FIELDS[1:]:
            value = values.get(entry.name)
            if isinstance(entry, Entry):
                texts[entry.name] = "" if value is None else str(value)
            else:
                texts[entry.name] = bool(value) if entry.name == "tied" else value
        self.adapt(base, now, values)
        self.put(texts)

    def adapt(self, base: ModelSpec, now: Shape, values: Mapping[str, Any]) -> None:
        """Show the fields that mean something, mark the changed ones, and let arrows step through what fits."""
        from advisor.design.fields import shown, usual
        from advisor.design.widths import width_step

        seen, changed = shown(now, values), _changed(now, values)
        step = width_step(base, None) if values.get("proportional") else 1
        ladders = usual(now, values, step)
        for entry in FIELDS:
            field = self.field(entry.name)
            if entry.name not in (*SETTING, "base") and field.display != (entry.name in seen):
                field.display = entry.name in seen
            if isinstance(field, EntryField) and entry.name in ladders:
                field.entry = replace(field.entry, ladder=tuple(map(str, ladders[entry.name])))
            label = f"{entry.label} ●" if entry.name in changed else entry.label
            field.label, field.changed = label, entry.name in changed


def _changed(now: Shape, values: Mapping[str, Any]) -> set[str]:
    """Names of the fields that differ from the base."""
    from advisor.design.fields import changes

    try:
        changed = set(changes(now, values).given())
    except ValueError:
        return set()
    return changed | {"full_every"} if "pattern" in changed and values.get("pattern") != "full" else changed
