"""Text to checked specs: sizes limited before parsing, aliases refused, errors with file, line and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from catalog.errors import BadInput, not_fields
from catalog.near import nearest

MAX_BYTES = 4 * 2**20
"""Longer specs and configurations are refused unread."""
MAX_DEPTH = 60

T = TypeVar("T", bound=BaseModel)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(path: Path, limit_bytes: int = MAX_BYTES) -> str:
    """The text of a small UTF-8 file.

    Raises:
        BadInput: If it is missing, a folder, too large or no text.
    """
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder; give a file")
        size = path.stat().st_size
        if size > limit_bytes:
            raise BadInput(
                f"{path}: is {size / 1e6:.0f} MB; a spec or configuration has at most {limit_bytes / 2**20:.0f} MiB"
            )
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is no UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise BadInput(f"{path}: {(error.strerror or str(error)).lower()}") from error


def parse_yaml(text: str, where: str, *, trusted: bool = False) -> Any:
    """Parse YAML without aliases; the shipped catalog is ``trusted`` and parsed once instead of twice.

    Raises:
        BadInput: With line and column, if it is malformed, nested too deeply or uses aliases.
    """
    depth = 0
    try:
        for event in () if trusted else yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.AliasEvent):
                raise BadInput(f"{where}, line {line}: aliases (*{event.anchor}) are not allowed; write the value out")
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise BadInput(f"{where}, line {line}: nested more than {MAX_DEPTH} deep")
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                depth -= 1
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        start = error.context_mark
        began = f"; it began in line {start.line + 1}" if start and mark and start.line != mark.line else ""
        raise BadInput(f"{where}{place}: not valid YAML: {error.problem or error.context}{began}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not valid YAML: {' '.join(str(error).split())[:120]}") from error


def parse_json(text: str, where: str) -> Any:
    """Parse JSON.

    Raises:
        BadInput: With line and column, if it is malformed, truncated or nested too deeply.
    """
    if not text.strip():
        raise BadInput(f"{where}: is empty; expected a JSON object")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise BadInput(f"{where}: nested too deeply for a configuration") from error
    except json.JSONDecodeError as error:
        end = " (the file ends too early)" if error.pos >= len(text.rstrip()) else ""
        raise BadInput(
            f"{where}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}{end}"
        ) from error


def parse_object(text: str, where: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        BadInput: As ``parse_json``, or if it is something else.
    """
    data = parse_json(text, where)
    if not isinstance(data, dict):
        raise BadInput(f"{where}: is {type(data).__name__}; expected a JSON object")
    return data


def line_of(text: str, loc: tuple[int | str, ...]) -> int | None:
    """The line on which a field stands in a YAML text, or its nearest parent that exists."""
    try:
        node: Any = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None
    line = None
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            names = (step, "layer") if step == "layers" else (step,)
            found = next(((k, v) for k, v in node.value if k.value in names), None)
            if found is None:
                continue  # a discriminator's tag, or a missing field
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def validated(kind: type[T], data: Any, where: str, text: str | None = None) -> T:
    """Check data against a schema.

    Raises:
        BadInput: With file, line and field, and the known names where one is misspelt.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise BadInput(sentence(error, where, text, kind.__name__, kind)) from error


_MESSAGES = {
    "tuple_type": "should be a list, [a, b] or lines that begin with a dash",
    "list_type": "should be a list, [a, b] or lines that begin with a dash",
    "dict_type": "should be fields with names, name: value",
    "model_type": "should be fields with names, name: value",
    "model_attributes_type": "should be fields with names, name: value",
    "string_type": "should be text",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "too_short": "should not be empty",
}
"""Of kinds of errors for which pydantic speaks of Python's types."""
_RANK = {"extra_forbidden": 0, "missing": 2, "literal_error": 3}
"""What to report first: a misspelt field explains the one that is missing; alternatives of a union come last."""


def fields_at(kind: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Names of the fields that a schema knows at a place in it; empty where no schema stands there."""
    here = _schema(kind)
    for step in loc:
        field = here.model_fields.get(step) if here and isinstance(step, str) else None
        here = _schema(field.annotation) if field else here  # else an index, or a key of a mapping
    return list(here.model_fields) if here else []


def _schema(annotation: Any) -> type[BaseModel] | None:
    """The first schema inside an annotation: of ``Link | None``, ``Link``; of ``dict[str, Roofline]``, ``Roofline``."""
    waiting = [annotation]
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, type) and issubclass(here, BaseModel):
            return here
        waiting += get_args(here)
    return None


def sentence(
    error: ValidationError, where: str, text: str | None, kind: str, schema: type[BaseModel] | None = None
) -> str:
    """What is wrong, in one sentence: place, field, message and the likeliest remedy."""
    errors = error.errors()
    first = min(errors, key=lambda e: (_RANK.get(e["type"], 1), -len(e["loc"])))
    loc = tuple(part for part in first["loc"] if "[" not in str(part))
    line = line_of(text, loc) if text is not None else None
    place = f"{where}, line {line}" if line else where
    field = ".".join(str(part) for part in loc) or kind
    message = _MESSAGES.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    if first["type"] == "extra_forbidden":
        siblings = [str(e["loc"][-1]) for e in errors if e["type"] == "missing" and e["loc"][:-1] == first["loc"][:-1]]
        known = fields_at(schema, loc[:-1]) if schema else []
        also: dict[str, str] = getattr(schema, "ALSO", {}) if len(loc) == 1 else {}
        near = [also[str(loc[-1])]] if loc[-1] in also else []
        near = near or nearest(str(loc[-1]), siblings, 1) or nearest(str(loc[-1]), known, 1) or siblings[:1]
        message = f"unknown field {loc[-1]!r}" + (f"; did you mean {near[0]}?" if near else "")
    elif first["type"] == "missing":
        message = "is missing"
    elif given is not None and not isinstance(given, dict | list | tuple):
        message += f" (got {str(given)[:40]!r})"
    return f"{place}: {field}: {message}"


def read_entry(kind: type[T], path: Path, *, trusted: bool = False) -> T:
    """A YAML file as a checked spec.

    Raises:
        BadInput: With file, line and field.
    """
    text = read_text(path)
    data = parse_yaml(text, str(path), trusted=trusted)
    if not isinstance(data, dict):
        raise not_fields(path, data)
    return validated(kind, data, str(path), text)
