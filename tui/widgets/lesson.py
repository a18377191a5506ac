"""Pages to learn from as sections of a reader: paragraphs wrap, pictures and tables never do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.report import bytes_text, flops_text, rate_text, seconds_text
from tui.widgets.bars import bar
from tui.widgets.reader import Section as Shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from advisor.learn import Page, Section, Table

BAR = 24


def lesson(page: Page) -> list[Shown]:
    """Everything on a page, in order."""
    shown: list[Shown] = []
    for section in page.sections:
        effects = page.data.get("effects", ())
        compares = bool(effects) and len(effects) == len(section.points)
        if body := _compared(section.points, effects) if compares else _body(section):
            from rich.console import Group

            shown.append((section.title, Group(*body)))
    return [*shown, ("Sources", _points(page.sources))]


def _body(section: Section) -> list[RenderableType]:
    from rich.text import Text

    parts: list[RenderableType] = [Text(paragraph) for paragraph in section.paragraphs]
    parts += [Text(f"  {line}", no_wrap=True, overflow="crop") for line in section.picture]
    if section.points:
        parts.append(_points(section.points))
    if section.table is not None:
        parts.append(_table(section.table))
    return parts


def _points(lines: tuple[str, ...]) -> RenderableType:
    from tui.widgets.reader import listed

    return listed(lines) or ""


def _table(table: Table) -> RenderableType:
    """Words at the left, numbers at the right; short rows say something instead of numbers."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 0))
    words = 2 if table.headers[0] == "family" else 1
    for place in range(len(table.headers)):
        grid.add_column(justify="left" if place < words else "right", no_wrap=place > 0)
    grid.add_row(*(Text(header, style="bold") for header in table.headers))
    for row in table.rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid


def _compared(sentences: tuple[str, ...], effects: Any) -> list[RenderableType]:
    """Each comparison as a sentence and two bars: without the idea, and with it."""
    from rich.text import Text

    lines: list[RenderableType] = []
    for sentence, effect in zip(sentences, effects, strict=True):
        lines.append(_points((sentence,)))
        most = max(effect["before"], effect["after"]) or 1.0
        for label, key in (("without", "before"), ("with", "after")):
            value = effect[key]
            text = f"  {label:<8}{bar(value / most, BAR)} {_amount(value, effect['unit'])}"
            lines.append(Text(text, no_wrap=True, overflow="crop"))
    return lines


def _amount(value: float, unit: str) -> str:
    match unit:
        case "bytes":
            return bytes_text(value)
        case "FLOP":
            return flops_text(value)
        case "s":
            return seconds_text(value)
        case _:
            return rate_text(value, unit)
