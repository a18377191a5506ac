"""``whicharch accuracy``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import click

from advisor.accuracy.comparison import Given
from advisor.accuracy.errors import Errors
from advisor.accuracy.report import Accuracy, Table, accuracy
from advisor.cli.options import COUNT, FiniteRange, print_csv, print_json, print_markdown, print_table, table_options
from catalog.errors import BadInput

HEAD = ("rows", "pairs", "median", "p90", "bias", "in band")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--by", default="", metavar="NAMES", help="Group errors by these, as machine,engine,model.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write predictions beside measurements.")
@click.option(
    "--fail-above", type=FiniteRange(min=0), metavar="SHARE", help="Exit with 1 above this median error, as 0.15."
)
@click.option("--quantity", default="", metavar="NAME", help="Only this quantity, as tpot.")
@click.option("--model", default="", metavar="ID", help="The model, where the file does not say.")
@click.option("--machine", default="", metavar="ID", help="The machine, where the file does not say.")
@click.option("--engine", default="", metavar="ID", help="The engine, where the file does not say.")
@click.option("--weights", default="", metavar="FORMAT", help="Weight format, where the file does not say.")
@click.option("--kv", "cache", default="", metavar="FORMAT", help="Cache format, where the file does not say.")
@click.option("--tp", "--gpus", "gpus", type=COUNT, help="Devices, where the file does not say.")
@table_options
def command(
    path: Path,
    by: str,
    out: Path | None,
    fail_above: float | None,
    quantity: str,
    as_json: bool,
    as_csv: bool,
    as_md: bool,
    **given: Any,
) -> None:
    """How far predictions are from the measurements in a table, or in every table of a folder.

    The layout is recognised by its columns. Errors are predicted over measured minus one; every pair of model (or
    kernel) and machine weighs the same. Rows that cannot be compared are counted with the reason. Exits with 1 if the
    median absolute error is above --fail-above or nothing could be compared.

    Example: whicharch accuracy measured/serving_end_to_end.csv --quantity tpot --by machine,engine --fail-above 0.15
    """
    names = [name.strip() for name in by.split(",") if name.strip()]
    found = accuracy(path, by=names, quantity=quantity, given=Given(**given | {"gpus": given["gpus"] or 0}))
    if out is not None:
        _write(found, out)
    if as_json:
        print_json(found.to_dict())
    elif as_csv or as_md:
        head = ("file", "layout", "group", *HEAD)
        rows = [
            [str(table.path), table.layout, " ".join(filter(None, key)), *_plain(errors)]
            for table in found.tables
            for key, errors in table.groups.items()
        ]
        (print_csv if as_csv else print_markdown)(head, rows)
    else:
        _print(found)
    for name, reason in found.unread.items():
        click.echo(f"not read: {name}: {reason}", err=True)
    error = found.overall.median_absolute_error
    sys.exit(1 if error is None or (fail_above is not None and error > fail_above) else 0)


def _print(found: Accuracy) -> None:
    for table in found.tables:
        click.echo(f"{table.path} ({table.layout})")
        if table.compared:
            head = [*table.by, *HEAD]
            rows = [[*key, *_cells(errors)] for key, errors in table.groups.items()]
            if len(table.quantities) > 1:
                rows += [_padded(table, f"all {name}", errors) for name, errors in table.quantities.items()]
            rows.append(_padded(table, "all", table.overall))
            print_table(head, rows, left=len(table.by))
        if table.compared and table.fitted:
            click.echo(f"fitted on such rows: {table.fitted}")
        for reason, count in table.reasons.items():
            click.echo(f"skipped {count:,}: {reason}")
        click.echo()
    if len(found.tables) > 1:
        print_table(["", *HEAD], [["all tables", *_cells(found.overall)]])


def _padded(table: Table, label: str, errors: Errors) -> list[str]:
    return [label, *[""] * (len(table.by) - 1), *_cells(errors)]


def _cells(errors: Errors) -> list[str]:
    return [
        f"{errors.n:,}",
        f"{errors.pairs:,}",
        _percent(errors.median_absolute_error),
        _percent(errors.p90_absolute_error),
        _percent(errors.bias, "+"),
        _percent(errors.coverage),
    ]


def _plain(errors: Errors) -> list[object]:
    return [
        errors.n, errors.pairs, errors.median_absolute_error, errors.p90_absolute_error, errors.bias, errors.coverage,
    ]  # fmt: skip


def _percent(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{100 * value:{sign}.1f} %"


def _write(found: Accuracy, path: Path) -> None:
    head, rows = found.rows()
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head)
            writer.writerows(rows)
    except OSError as error:
        raise BadInput(f"--out {path}: {error.strerror}") from error
    click.echo(f"wrote {len(rows):,} rows to {path}", err=True)
