"""Requirements from a YAML file: keys are the flags of ``recommend`` or names as in ``--json``, values have units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import model_validator

from advisor.decision.fields import BY_KEY, WISHES
from advisor.requirements import Requirements
from catalog.errors import BadInput
from catalog.parsing import read_entry


class RequirementsFile(Requirements):
    """What ``whicharch recommend --requirements FILE`` reads."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        found: dict[str, Any] = {}
        for key, value in data.items():
            wish = BY_KEY.get(key) if isinstance(key, str) else None
            field = wish.field if wish else key
            if field in found:
                raise ValueError(f"{key}: {field} is given twice")
            found[field] = value
            if wish is None or value is None:
                continue
            if wish.kind == "names" and isinstance(value, str):
                found[field] = (value,)
            if wish.read and isinstance(value, str):
                found[field] = _read(wish.read, value, key)
        return found


def _read(read: Any, text: str, key: str) -> Any:
    try:
        return read(text, key)
    except BadInput as error:
        raise ValueError(str(error)) from None


def read_requirements(path: str | Path) -> dict[str, Any]:
    """The fields of ``Requirements`` that a file gives.

    Raises:
        BadInput: With file, line and field.
    """
    wanted = read_entry(RequirementsFile, Path(path))
    return {name: getattr(wanted, name) for name in wanted.model_fields_set}


def schema() -> dict[str, Any]:
    """JSON Schema of such a file: quantities may be text with a unit, and flags' names stand for the fields."""
    found = RequirementsFile.model_json_schema()
    properties = found["properties"]
    for wish in WISHES:
        entry = properties[wish.field]
        entry.setdefault("description", wish.help)
        if wish.read:
            kinds = [kind for kind in entry.pop("anyOf", [_type_of(entry)]) if kind.get("type") != "string"]
            entry["anyOf"] = [*kinds, {"type": "string"}]
        if wish.flag != wish.field:
            properties[wish.flag] = {**entry, "title": wish.flag}
    return found


def _type_of(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry.pop(key) for key in list(entry) if key not in ("description", "title", "default")}
