"""``whicharch learn``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from advisor.cli.options import json_option, print_json, print_markdown

if TYPE_CHECKING:
    from advisor.learn import Page, Section, Topic

WIDTH = 80
KINDS = {"family": "Families", "innovation": "Innovations", "task": "Tasks"}


@click.command()
@click.argument("topic", required=False)
@json_option
@click.option("--md", "as_md", is_flag=True, help="Print the page as Markdown.")
def command(topic: str | None, as_json: bool, as_md: bool) -> None:
    """A page about an architecture family, an innovation or a task, its numbers computed now.

    Without TOPIC, the list of pages.

    Examples: whicharch learn decoder; whicharch learn gqa; whicharch learn classification
    """
    from advisor.learn import learn, topics
    from advisor.page_text import markdown

    if topic is None:
        _index(topics(), as_json, as_md)
        return
    page = learn(topic)
    if as_json:
        print_json(page.to_dict())
    elif as_md:
        click.echo(markdown(page))
    else:
        click.echo(_text(page))


def _index(found: tuple[Topic, ...], as_json: bool, as_md: bool) -> None:
    if as_json:
        from dataclasses import asdict

        print_json([asdict(topic) for topic in found])
        return
    if as_md:
        print_markdown(["page", "kind", "name"], [[t.id, t.kind, t.name] for t in found])
        return
    widest = max(len(topic.id) for topic in found)
    for kind, title in KINDS.items():
        click.echo(click.style(title, bold=True))
        for topic in found:
            if topic.kind == kind:
                click.echo(f"  {topic.id:<{widest}}  {topic.name}")
    click.echo("\nwhicharch learn NAME shows a page.")


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _aligned(section: Section) -> list[str]:
    assert section.table is not None
    rows = [section.table.headers, *section.table.rows]
    named = 2 if section.table.headers[0] == "family" else 1
    short = [row for row in rows if all(row[1:])]
    widths = [max(len(row[i]) for row in (short if i >= named else rows)) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(w) if i < named else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + ("  ".join(cells) if row in short else "  ".join((*cells[:named], row[named]))).rstrip())
    return lines


def _text(page: Page) -> str:
    lines = [click.style(f"{page.title}  ({page.kind}: {page.id})", bold=True)]
    for section in page.sections:
        if not (section.paragraphs or section.picture or section.table or section.points):
            continue
        lines.append("")
        if section.title:
            lines.append(click.style(section.title, bold=True))
        lines += [_wrapped(paragraph, "  ", "  ") for paragraph in section.paragraphs]
        lines += [f"    {line}".rstrip() for line in section.picture]
        lines += [_wrapped(point, "  - ", "    ") for point in section.points]
        if section.table is not None:
            lines += _aligned(section)
    lines += ["", click.style("Sources", bold=True), *(_wrapped(source, "  - ", "    ") for source in page.sources)]
    return "\n".join(lines)
