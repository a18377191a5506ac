"""``whicharch plan`` and ``whicharch schema``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

import click

from advisor.cli.options import bold_on_terminals, json_option, print_json


def narrator() -> Callable[[str], None]:
    """Progress on stderr: one line that is overwritten on a terminal, else nothing but a line now and then."""
    if sys.stderr.isatty():
        return lambda text: click.echo(f"\r\033[2K{text[:110]}", nl=False, err=True)
    return lambda text: None


@click.command()
@click.argument("file", type=click.Path())
@click.option("--md", "as_md", is_flag=True, help="Print it as Markdown.")
@json_option
def command(file: str, as_json: bool, as_md: bool) -> None:
    """The cheapest machines that keep the promises of FILE (see examples/*.yaml; fields: whicharch schema plan).

    Exits with 1 if nothing keeps them, with the nearest miss.

    Examples:

    \b
      whicharch plan examples/chat.yaml
      whicharch plan examples/rag.yaml --json
    """
    from advisor.planning.plan import plan
    from advisor.planning.text import WIDE, plan_lines

    answer = plan(file, progress=narrator())
    if sys.stderr.isatty():
        click.echo("\r\033[2K", nl=False, err=True)
    if as_json:
        print_json(answer.to_dict())
    else:
        width = shutil.get_terminal_size((WIDE, 24)).columns
        click.echo("\n".join(plan_lines(answer, markdown=as_md, emphasis=bold_on_terminals, width=width)))
    sys.exit(0 if answer.kept else 1)
