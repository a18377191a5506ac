"""Docstrings of fields as descriptions of a JSON Schema: read from the source, and only when a schema is printed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from textwrap import dedent
from typing import Any, get_args

from pydantic import BaseModel


def described(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a kind of file, fields described as in the code."""
    schema = kind.model_json_schema()
    names = {k.__name__: k for k in _kinds(kind, set())}
    for name, part in [(kind.__name__, schema), *schema.get("$defs", {}).items()]:
        if name in names:
            told = texts(names[name])
            for field, entry in part.get("properties", {}).items():
                if field in told:
                    entry.setdefault("description", told[field])
    return schema


def texts(kind: type[BaseModel]) -> dict[str, str]:
    """What stands below each field in the source, its own or inherited."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= dict(_below(base))
    return {name: text for name, text in found.items() if name in kind.model_fields}


def _below(kind: type) -> Iterator[tuple[str, str]]:
    tree = ast.parse(dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, inspect.cleandoc(words).replace("``", "`").replace("\n", " ")


def _kinds(annotation: Any, seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """All kinds inside an annotation and inside their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for field in annotation.model_fields.values():
            _kinds(field.annotation, seen)
    for inner in get_args(annotation):
        _kinds(inner, seen)
    return seen
