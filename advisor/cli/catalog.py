"""``whicharch catalog``: what there is to ask about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import click

from advisor.cli.fitting import print_fitted
from advisor.cli.options import print_csv, print_json, print_markdown, table_options
from advisor.report import bytes_text, count_text, tokens_text

BREAKABLE = ("id", "name", "family", "licence", "preferred families", "sees", "use", "computes in")
"""Columns of words, which may take several lines."""


@click.group()
def command() -> None:
    """List, show, check and add models, machines, formats and tasks."""


@command.command(name="list")
@click.argument("what", type=click.Choice(["models", "machines", "formats", "tasks"]), default="models")
@click.argument("words", nargs=-1)
@table_options
def list_(what: str, words: tuple[str, ...], as_json: bool, as_csv: bool, as_md: bool) -> None:
    """List entries; WORDS filter by what appears in a row, all of them."""
    columns, rows = _TABLES[what]()
    texts = [[column.text(cell) for column, cell in zip(columns, row, strict=True)] for row in rows]
    kept = [i for i, row in enumerate(texts) if all(word.lower() in " ".join(row).lower() for word in words)]
    rows, texts = [rows[i] for i in kept], [texts[i] for i in kept]
    names, heads = [column.name for column in columns], [column.head for column in columns]
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif as_csv:
        print_csv(names, rows)
    elif as_md:
        print_markdown(heads, texts)
    else:
        print_fitted(heads, texts, left=2, words=BREAKABLE)


class _Column(NamedTuple):
    """What stands in a column, for people and for programs."""

    head: str
    name: str
    """In CSV and JSON, with the unit of the raw number."""
    shown: Callable[[Any], str] = str
    missing: str = "–"

    def text(self, cell: Any) -> str:
        """A cell for people."""
        return self.missing if cell is None else self.shown(cell)


Table = tuple[list[_Column], list[list[Any]]]


def _models() -> Table:
    from calculators.params import count_params
    from catalog.loader import all_models

    rows: list[list[Any]] = []
    for spec in all_models():
        params = count_params(spec) if spec.is_disclosed else None
        sizes = (params.total, params.active) if params else (None, None)
        rows.append([spec.id, spec.family, *sizes, spec.context_tokens, spec.licence.name if spec.licence else None])
    return [
        _Column("id", "id"), _Column("family", "family"),
        _Column("parameters", "parameters", count_text, "undisclosed"),
        _Column("active", "active_parameters", count_text), _Column("context", "context_tokens", tokens_text),
        _Column("licence", "licence"),
    ], rows  # fmt: skip


def _machines() -> Table:
    from advisor.machines import hourly_price
    from catalog.loader import all_machines

    rows: list[list[Any]] = []
    for m in all_machines():
        price = hourly_price(m)
        peak = m.peak_tflops.get("bf16") or m.peak_tflops.get("fp16") or m.peak_tflops.get("fp32")
        times = "calibrated" if any(constants.rows for constants in m.roofline.values()) else "class default"
        rows.append(
            [
                m.id, m.kind, m.memory_bytes or None, m.bandwidth_gb_per_s, peak, price.usd_per_hour if price else None,
                times,
            ]
        )  # fmt: skip
    return [
        _Column("id", "id"), _Column("kind", "kind"), _Column("memory", "memory_bytes", bytes_text),
        _Column("bandwidth", "bandwidth_gb_per_s", lambda x: f"{x:,.0f} GB/s"),
        _Column("16-bit peak", "peak_tflops", lambda x: f"{x:,.0f} TFLOP/s"),
        _Column("price", "usd_per_hour", lambda x: f"${x:.2f}/h"), _Column("times", "times"),
    ], rows  # fmt: skip


def _formats() -> Table:
    from catalog.loader import all_formats

    rows: list[list[Any]] = [[f.id, f.name, f.bits, f.compute, ", ".join(f.use)] for f in all_formats()]
    return [
        _Column("id", "id"), _Column("name", "name"), _Column("bits", "bits", lambda x: f"{x:.4g}"),
        _Column("computes in", "computes_in"), _Column("use", "use"),
    ], rows  # fmt: skip


def _tasks() -> Table:
    from catalog.loader import all_tasks

    rows: list[list[Any]] = [
        [t.id, t.name, ", ".join(f.family for f in t.families if f.grade == "preferred"), t.sees] for t in all_tasks()
    ]
    return [_Column(name, name.replace(" ", "_")) for name in ("id", "name", "preferred families", "sees")], rows


_TABLES = {"models": _models, "machines": _machines, "formats": _formats, "tasks": _tasks}


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Print an entry as YAML: a model (id, alias or file), a machine, a format or a task."""
    from catalog.errors import BadInput, unknown
    from catalog.loader import all_formats, all_machines, all_tasks, load, model_ids
    from catalog.writer import to_yaml

    others = {entry.id: entry for entry in (*all_machines(), *all_formats(), *all_tasks())}
    if name in others:
        click.echo(to_yaml(others[name]), nl=False)
        return
    try:
        click.echo(to_yaml(load(name)), nl=False)
    except BadInput as error:
        if str(error).startswith("unknown model"):
            raise unknown("entry", name, [*model_ids(), *others]) from error
        raise


@command.command()
@click.argument("source")
@click.option("--as", "name", metavar="ID", help="Id in the catalog; by default from the source.")
@click.option("--trace", is_flag=True, help="Count on the real PyTorch model (see whicharch import).")
@click.option("--replace", is_flag=True, help="Overwrite an entry of yours of the same id.")
def add(source: str, name: str | None, trace: bool, replace: bool) -> None:
    """Add a model to your own catalog: a YAML spec, or anything that `whicharch import` reads.

    From then on every command and the application know it by its id.
    """
    from advisor.importing import import_model
    from catalog.overlay import add_model

    spec = import_model(source, trace=trace, name=name)
    click.echo(f"{spec.id}: {add_model(spec, replace=replace)}" + (f". {spec.notes}" if spec.notes else ""))


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(), required=True)
def check(paths: tuple[str, ...]) -> None:
    """Check model files (YAML specs or config.json): one line each, exit 2 at the first that is wrong."""
    from pathlib import Path

    from calculators.params import count_params
    from catalog.loader import load_file

    for path in paths:
        spec = load_file(Path(path))
        size = f"{count_params(spec).total:,} parameters" if spec.is_disclosed else "undisclosed"
        click.echo(f"{path}: {spec.id}, {spec.family}, {size}" + (f". {spec.notes}" if spec.notes else ""))
