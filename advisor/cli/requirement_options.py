"""Flags for every requirement, and a file of them; a flag goes before the file's value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from advisor.cli.options import FiniteRange, Quantity
from advisor.decision.fields import WISHES, Wish
from advisor.requirements import Requirements


def requirement_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all of them; what is not given is absent from the command's arguments' values (``None`` or empty)."""
    command = click.option(
        "--requirements", "file", type=click.Path(), metavar="FILE",
        help="YAML with requirements (see 'whicharch schema requirements'); flags go before it.",
    )(command)  # fmt: skip
    for wish in reversed(WISHES):
        command = _option(wish)(command)
    return command


def _option(wish: Wish) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    default = Requirements.model_fields[wish.field].default
    text = wish.help
    if (wish.kind in ("choice", "text") and default) or wish.field == "users":
        text += f"  [default: {default}]"
    name = f"--{wish.flag}"
    more: dict[str, Any] = {"help": text, "default": None}
    if wish.kind == "flag":
        return click.option(name, wish.field, is_flag=True, **more)
    if wish.kind == "names":
        kind = click.Choice(wish.choices, case_sensitive=False) if wish.choices else None
        return click.option(name, wish.field, multiple=True, type=kind, metavar=wish.metavar or None, help=text)
    if wish.kind == "choice":
        return click.option(name, wish.field, type=click.Choice(wish.choices, case_sensitive=False), **more)
    if wish.kind == "number":
        return click.option(name, wish.field, type=FiniteRange(min=0), **more)
    if wish.read is None:
        return click.option(name, wish.field, metavar=wish.metavar, **more)
    return click.option(name, wish.field, type=Quantity(wish.metavar, wish.read), metavar=wish.metavar, **more)


def given(file: str | None, fields: dict[str, Any]) -> dict[str, Any]:
    """Requirements that were given: those of the file, and over them those of flags.

    Raises:
        BadInput: If the file is wrong.
    """
    flags = {name: value for name, value in fields.items() if value is not None and value != () and value is not False}
    if file is None:
        return flags
    from advisor.decision.file import read_requirements

    return read_requirements(file) | flags
