"""Specs to YAML that a person can read and maintain: defaults left out, small mappings on one line."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from catalog.spec import Group


class _Flow(dict[str, Any]):
    """A mapping written on one line."""


class _FlowList(list[Any]):
    """A list written on one line."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)
_Dumper.add_representer(
    _FlowList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def plain(value: Any) -> Any:
    """A spec as plain mappings and lists, without fields that have their default."""
    if isinstance(value, BaseModel):
        return _plain_model(value)
    if isinstance(value, dict):
        if any(isinstance(item, BaseModel) for item in value.values()):
            return {key: plain(item) for key, item in value.items()}
        return _Flow(value) if all(not isinstance(item, dict) for item in value.values()) else dict(value)
    if isinstance(value, list | tuple):
        items = [plain(item) for item in value]
        scalars = all(isinstance(item, str | int | float | bool) for item in items)
        return _FlowList(items) if scalars and sum(len(str(item)) for item in items) < 80 else items
    return value


def _plain_model(value: BaseModel) -> Any:
    if type(value).__name__ == "Source" and getattr(value, "as_of", None) is None:
        return getattr(value, "where")  # noqa: B009 - narrowed by name to keep the writer generic
    fields: dict[str, Any] = {}
    for name, info in type(value).model_fields.items():
        item = getattr(value, name)
        if _is_tag(name, info) or info.is_required() or item != info.default:
            fields[name] = plain(item)
    if "sources" in fields:
        fields["sources"] = fields.pop("sources")  # what it is first, how we know last
    if isinstance(value, Group) and len(value.layers) == 1:
        fields["layer"] = fields.pop("layers")[0]
    small = all(not isinstance(item, dict | list) or isinstance(item, _FlowList) for item in fields.values())
    return _Flow(fields) if small and sum(len(f"{k}: {v}, ") for k, v in fields.items()) < 240 else fields


def _is_tag(name: str, info: FieldInfo) -> bool:
    """Whether a field only tells which member of a union this is: always written."""
    return name == "kind" and get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1


def to_yaml(spec: BaseModel) -> str:
    """YAML that loads back to an equal spec."""
    return yaml.dump(plain(spec), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
