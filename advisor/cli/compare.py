"""``whicharch compare``."""

from __future__ import annotations

import textwrap
from itertools import groupby

import click

from advisor.cli.options import COUNT, TOKENS, print_csv, print_json, print_markdown, table_options
from advisor.comparing import Comparison, Row, compare
from advisor.report import tokens_text

WIDE = 80
PER_BLOCK = 3
"""Models beside one another; more stand below."""
BEST = "*"


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL MODEL...")
@click.option("--machine", default="h100-sxm", show_default=True, metavar="ID", help="Where they run.")
@click.option("--input", "input_tokens", type=TOKENS, help="Prompt; default: 2k, less where one's context ends.")
@click.option("--output", "output_tokens", type=TOKENS, help="Answer; default: 500, or less.")
@click.option("--batch", type=COUNT, default="1", show_default=True, help="Concurrent requests.")
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="FORMAT", help="Cache format.")
@click.option("--tp", "--gpus", "tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer.")
@click.option("--task", default="chat", show_default=True, metavar="ID", help="Whose benchmarks tell quality.")
@table_options
def command(
    models: tuple[str, ...], machine: str, input_tokens: int | None, output_tokens: int | None, batch: int,
    weights: str, cache: str, tp: int, task: str, as_json: bool, as_csv: bool, as_md: bool,
) -> None:  # fmt: skip
    """Two to six models side by side: architecture, memory, time, cost, energy, quality; and why they differ.

    The best of a row is marked with *. Brackets hold the band in which four cases in five fall.

    Example: whicharch compare llama-2-7b llama-3.1-8b qwen3-30b-a3b --machine h100-sxm --batch 8
    """
    found = compare(
        models, machine=machine, input_tokens=input_tokens, output_tokens=output_tokens, batch=batch, weights=weights,
        cache=cache, tp=tp, task=task,
    )  # fmt: skip
    if as_json:
        print_json(found.to_dict())
    elif as_csv:
        rows = [
            [r.section, r.name, r.unit, *("" if v is None else v for v in r.values), _who(found, r)] for r in found.rows
        ]
        print_csv(["section", "quantity", "unit", *found.models, "best"], rows)
    elif as_md:
        print_markdown(["", *found.models], [[r.name, *_marked(r)] for r in found.rows])
    else:
        _print(found)


def _who(found: Comparison, row: Row) -> str:
    return " ".join(found.models[place] for place in row.best)


def _marked(row: Row) -> list[str]:
    return [f"{text} {BEST}" if place in row.best else text for place, text in enumerate(row.texts)]


def _print(found: Comparison) -> None:
    w = found.workload
    many = f"{w['tp']} × " if w["tp"] > 1 else ""
    click.echo(
        f"{many}{w['machine']}: prompt {tokens_text(w['input_tokens'])}, answer {tokens_text(w['output_tokens'])}, "
        f"{w['batch']} at a time; {BEST} best of the row"
    )
    for start in range(0, len(found.models), PER_BLOCK):
        click.echo()
        _block(found, range(start, min(start + PER_BLOCK, len(found.models))))
    if found.differences:
        click.echo("\nWhy they differ")
    for text in found.differences:
        click.echo(textwrap.fill(text, WIDE, initial_indent="  ", subsequent_indent="    "))
    if found.crossings:
        click.echo("\nWhere growth with context crosses, one request at a time (1k to 256k)")
    for c in found.crossings:
        text = f"{c.quantity}: below {c.context:,} tokens {c.below} needs less, above it {c.above}."
        click.echo(textwrap.fill(text, WIDE, initial_indent="  ", subsequent_indent="    "))
    for note in found.notes:
        click.echo(textwrap.fill(f"Note: {note}.", WIDE, subsequent_indent="  "))


def _block(found: Comparison, places: range) -> None:
    """Up to three models; long cells go on in the next line, so that nothing is cut and 80 columns suffice."""
    label = max(len(row.name) for row in found.rows)
    column = (WIDE - label) // len(places) - 2
    for line in _lines("", [found.models[place] for place in places], label, column):
        click.echo(line)
    for section, rows in groupby(found.rows, key=lambda row: row.section):
        click.echo(f"-- {section}")
        for row in rows:
            marked = _marked(row)
            for line in _lines(row.name, [marked[place] for place in places], label, column):
                click.echo(line)


def _lines(name: str, cells: list[str], label: int, column: int) -> list[str]:
    wrapped = [textwrap.wrap(cell, column) or [""] for cell in cells]
    lines = []
    for number in range(max(len(cell) for cell in wrapped)):
        pieces = [cell[number] if number < len(cell) else "" for cell in wrapped]
        head = (name if number == 0 else "").ljust(label)
        lines.append("  ".join([head, *(piece.ljust(column) for piece in pieces)]).rstrip())
    return lines
