"""``whicharch design``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from advisor.cli.fitting import echo, print_fitted
from advisor.cli.options import print_csv, print_json, print_markdown, table_options

if TYPE_CHECKING:
    from advisor.design.depths import Depths
    from advisor.design.design import Design

DEPTHS = ("layers", "width", "heads", "feed-forward", "parameters", "off", "cache", "first token", "per token", "")


@click.command()
@click.argument("file", type=click.Path())
@click.option("--save", is_flag=True, help="Add the design to your own catalog, under its id.")
@click.option("--replace", is_flag=True, help="With --save: overwrite an entry of that id.")
@table_options
def command(file: str, save: bool, replace: bool, as_json: bool, as_csv: bool, as_md: bool) -> None:
    """Change the architecture of a model as FILE says, and put it beside what it was.

    FILE names a base, changes and where both run (see examples/design.yaml; fields: whicharch schema design). Every
    number is computed anew; the design is untrained, so nothing is said of its quality.

    Examples:

    \b
      whicharch design examples/design.yaml
      whicharch design examples/design.yaml --save
    """
    from advisor.design.design import design

    found = design(file)
    headers = ["quantity", found.base, found.spec.id, "change"]
    if as_json:
        print_json(found.to_dict())
    elif as_csv:
        rows = [[row.name, row.base, row.design, "" if row.change is None else row.change] for row in found.rows]
        print_csv(headers, rows)
    elif as_md:
        print_markdown(headers, table(found))
    else:
        _print(found, headers)
    if save:
        from catalog.overlay import add_model

        path: Path = add_model(found.spec, replace=replace)
        click.echo(f"saved as {path}", err=True)


def table(found: Design) -> list[list[str]]:
    """Rows of text."""
    from advisor.report import change_text

    return [
        [row.name, row.base_text, row.design_text, _judged(change_text(row.change), row.verdict)] for row in found.rows
    ]


def _judged(change: str, verdict: str) -> str:
    return f"{change} {verdict}".strip()


def _print(found: Design, headers: list[str]) -> None:
    setting = found.setting
    echo(f"{found.spec.id} from {found.base}: {'; '.join(found.changed) or 'the same shape'}", 2)
    echo(
        f"{setting.devices} × {setting.machine}, {found.weights} weights, {setting.cache} cache, "
        f"batch {setting.batch}, {setting.input_tokens:,} tokens in, {setting.output_tokens:,} out"
    )
    click.echo()
    print_fitted(headers, table(found), words=headers)
    for title, lines in (("Why", found.reasons), ("Assumed", found.assumed), ("Notes", found.notes)):
        if lines:
            click.echo(f"\n{title}")
            for line in lines:
                echo(f"  - {line}", 4)
    if found.depths is not None:
        _print_depths(found.depths)


def _print_depths(found: Depths) -> None:
    from advisor.report import count_text, tokens_text

    click.echo(f"\nDepth against width: {count_text(found.aimed_at)} parameters, cache at {tokens_text(found.tokens)}")
    print_fitted(DEPTHS, depth_rows(found), left=0)
    for line in found.without:
        echo(f"  - {line}", 4)


def depth_rows(found: Depths) -> list[list[str]]:
    """A line of text per shape."""
    from advisor.report import bytes_text, change_text, seconds_text

    return [
        [
            str(s.layers), f"{s.hidden:,}", _heads(s.heads, s.kv_heads), f"{s.ff_width:,}" if s.ff_width else "–",
            f"{s.params_total:,}", change_text(s.off, 2), bytes_text(s.cache_bytes) if s.cache_bytes else "–",
            seconds_text(s.first_s), "–" if s.token_s is None else seconds_text(s.token_s),
            " ".join(["this design"] * s.is_own + ["does not fit"] * (s.fits is False)),
        ]
        for s in found.shapes
    ]  # fmt: skip


def _heads(heads: int | None, kv_heads: int | None) -> str:
    if heads is None:
        return "–"
    return f"{heads}" if kv_heads is None else f"{heads}/{kv_heads}"
