"""Option types and output shared by the commands."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import click

from advisor import quantities
from advisor.plain import finite
from advisor.tables import aligned_lines, markdown_lines


class Quantity(click.ParamType[Any]):
    """A quantity with a unit, parsed by ``advisor.quantities``."""

    def __init__(self, name: str, parse: Callable[[str, str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse text; anything else was parsed before."""
        if not isinstance(value, str):
            return value
        return self._parse(value, param.opts[0] if param and param.opts else self.name)


class FiniteRange(click.FloatRange):
    """Click's range, which lets through what is no number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse text and check it."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


TOKENS = Quantity("tokens", quantities.tokens)
TOKENS_OR_NONE = Quantity("tokens", lambda text, what: quantities.tokens(text, what, zero=True))
COUNT = Quantity("number", quantities.count)
SECONDS = Quantity("duration", quantities.seconds)
RANGE = Quantity("from..to", quantities.token_range)

json_option = click.option("--json", "as_json", is_flag=True, help="Print the same as data.")


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``, ``--csv`` and ``--md``."""
    for flag, text in (("md", "Markdown"), ("csv", "CSV")):
        command = click.option(f"--{flag}", f"as_{flag}", is_flag=True, help=f"Print the table as {text}.")(command)
    return json_option(command)


def print_json(data: Any) -> None:
    """Data to stdout; numbers that JSON cannot hold become null."""
    click.echo(json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False))


def print_csv(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    click.echo(out.getvalue(), nl=False)


def print_markdown(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for documents."""
    for line in markdown_lines(headers, rows):
        click.echo(line)


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """Aligned columns: the first ``left`` to the left, numbers to the right."""
    head, *body = aligned_lines(headers, rows, left=left)
    for line in (bold_on_terminals(head), *body):
        click.echo(line)


def bold_on_terminals(text: str) -> str:
    """Bold where a person reads it, plain where a program does."""
    return click.style(text, bold=True) if sys.stdout.isatty() else text
