"""The architecture tab: sizes with their formulas, the layers drawn, what a token sees, parameters by part."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from advisor.pictures import BLURRED, CELLS, SEEN
from advisor.report import count_text, percent_text, tokens_text
from tui.cells import NONE, UNDISCLOSED, licence, total
from tui.model_cells import SIZES
from tui.widgets.bars import bar
from tui.widgets.reader import Reader, Section, facts, listed
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.sight import Sight
    from catalog.spec import ModelSpec
    from tui.findings import Findings
    from tui.library import Model

BAR = 20
APART = 4
"""Cells between drawings that stand side by side."""
STYLES = {SEEN: "$primary", BLURRED: "$secondary"}


class ArchitecturePane(Vertical):
    """Sizes above, drawings below."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn: tuple[Any, list[Section]] = (None, [])
        """What was drawn of which model: under another load the same objects, which the reader does not draw anew."""

    def compose(self) -> ComposeResult:
        """A table and something to read."""
        yield Reader(id="about")
        yield RowTable(SIZES, lambda f: f.name, id="sizes", empty=UNDISCLOSED)

    def show(self, model: Model, findings: Findings, *, same: bool) -> None:
        """Show a model; the reader stays where it is for the ``same`` one."""
        spec, estimate = model.spec, findings.estimate
        notes = [*([spec.notes] if spec.notes else []), *(estimate.notes if estimate else ())]
        self.query_one("#about", Reader).read(
            Content.assemble((spec.name, "bold $text-primary"), f"  {spec.family}\n", (headline(model), "dim")),
            [
                ("", findings.refusal or None),
                *self._constant(model, findings),
                ("Notes", listed(notes)),
            ],
            stay=same,
        )
        table = self.query_one("#sizes", RowTable)
        table.empty = findings.refusal or UNDISCLOSED
        table.border_title = "What it holds"
        if estimate is not None:
            table.border_subtitle = Content(f"{estimate.n_gpus} × {estimate.machine}, cache {estimate.kv}  [e] formula")
        table.show_rows(findings.sizes)

    def _constant(self, model: Model, findings: Findings) -> list[Section]:
        """What no load changes."""
        key = (model, findings.layers, findings.sights, findings.parts)
        if self._drawn[0] != key:
            sections: list[Section] = [
                ("Layers, and what a token sees", drawn(findings) if findings.layers else None),
                ("Parameters by part", parts(findings.parts) if findings.parts else None),
                ("About", facts(about(model))),
            ]
            self._drawn = key, sections
        return self._drawn[1]


def headline(model: Model) -> str:
    """Size, context and licence in one line."""
    spec = model.spec
    size = "architecture undisclosed" if model.params is None else f"{total(model)} parameters"
    if model.params is not None and model.params.active != model.params.total:
        size += f", {count_text(model.params.active)} active per token"
    context = f"context {tokens_text(spec.context_tokens)}" if spec.context_tokens else ""
    return " · ".join(text for text in (size, context, licence(model)) if text and text != NONE)


def about(model: Model) -> list[tuple[str, str]]:
    """What the catalog says."""
    spec = model.spec
    pairs = [
        ("id", spec.id),
        ("by", spec.organisation or NONE),
        ("released", spec.released or NONE),
        ("context", f"{spec.context_tokens:,} tokens" if spec.context_tokens else NONE),
        ("reads, writes", f"{', '.join(spec.inputs)} → {', '.join(spec.outputs)}"),
        ("trained for", ", ".join(spec.tuned_for) or _base(spec)),
        ("languages", ", ".join(spec.languages)),
        ("published as", spec.published_weights if spec.is_disclosed else UNDISCLOSED),
        ("also called", ", ".join(spec.aliases)),
    ]
    return [(name, value) for name, value in pairs if value]


def _base(spec: ModelSpec) -> str:
    """What a base model is: only those that write from left to right learned the next token."""
    left_to_right = spec.family in ("decoder", "moe", "ssm", "hybrid")
    return "next tokens (a base model)" if left_to_right else "nothing in particular (a base model)"


def drawn(findings: Findings) -> Callable[[int], Content]:
    """The layers, and beside them, or below where it is narrow, what a token of each kind of layer sees."""

    def fitted(width: int) -> Content:
        layers = [Content(line) for line in findings.layers]
        left = max(line.cell_length for line in layers)
        room = width - left - APART
        if room >= 18:
            seen = sight_lines(findings.sights, room)
            rows = []
            for number in range(max(len(layers), len(seen))):
                here = layers[number] if number < len(layers) else Content("")
                there = seen[number] if number < len(seen) else Content("")
                rows.append(Content.assemble(here.pad_right(left - here.cell_length + APART), there))
            return Content("\n").join(rows)
        return Content("\n").join([*(line.truncate(width, ellipsis=True) for line in layers), Content(""),
                                   *sight_lines(findings.sights, width)])  # fmt: skip

    return fitted


def sight_lines(sights: tuple[Sight, ...], width: int) -> list[Content]:
    """A picture for each pattern, as many side by side as there is room for; rows see columns."""
    lines: list[Content] = []
    shown: list[list[Content]] = [_sight(sight, min(width, 34)) for sight in sights]
    while shown:
        row, used = [shown.pop(0)], 0
        used = _wide(row[0])
        while shown and used + APART + _wide(shown[0]) <= width:
            row.append(shown.pop(0))
            used += APART + _wide(row[-1])
        for number in range(max(len(block) for block in row)):
            cells: list[Any] = []
            for block in row:
                line = block[number] if number < len(block) else Content("")
                cells.append(line.pad_right(_wide(block) + APART - line.cell_length))
            lines.append(Content.assemble(*cells))
        lines.append(Content(""))
    return lines[:-1]


def _wide(block: list[Content]) -> int:
    return max(line.cell_length for line in block)


def _sight(sight: Sight, width: int) -> list[Content]:
    many = f"{sight.layers:,} layer{'s' * (sight.layers != 1)} of the {sight.stack} see"
    said = Content(f"{many}{'s' * (sight.layers == 1)} {sight.label}").wrap(width)
    picture = [Content.assemble(*((CELLS[cell], STYLES.get(cell, "dim")) for cell in row)) for row in sight.cells]
    return [*(line for line in said), *picture]


def parts(counts: tuple[tuple[str, int], ...]) -> Content:
    """A bar per part of the model."""
    whole = sum(count for _, count in counts)
    width = min(34, max(len(name) for name, _ in counts))
    lines = [
        Content.assemble(
            f"{name[:width]:<{width}} ", (bar(count / whole, BAR), "$primary"),
            f" {count_text(count):>7} {percent_text(count / whole):>6}",
        )
        for name, count in counts
    ]  # fmt: skip
    return Content("\n").join(lines)
