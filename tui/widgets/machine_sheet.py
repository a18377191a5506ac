"""A machine as sections to read: every constant with its meaning, unit and how it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from advisor.machine_text import TITLES, number_text
from tui.cells import NONE
from tui.machine_cells import Listed
from tui.widgets.reader import Section, facts, listed

if TYPE_CHECKING:
    from rich.table import Table

    from advisor.machine_sheet import Fact

NOMINAL = ("memory", "rates", "links", "price")


def title(row: Listed) -> Content:
    """Its name and what it is."""
    m = row.machine
    built = f"compute capability {m.compute_capability}" if m.compute_capability else ""
    about = " · ".join(part for part in (m.vendor, m.kind, m.memory_type, m.released, built) if part)
    return Content.assemble((m.name, "bold $text-primary"), f"  {m.id}\n", (about, "dim"))


def sections(row: Listed, known: Sequence[Fact]) -> list[Section]:
    """Everything known of it."""
    m = row.machine
    found: list[Section] = []
    if row.found is not None:
        found.append(("Detected on this computer", facts(_detected(row))))
    found.append(("Nominal", _nominal([f for f in known if f.block in NOMINAL])))
    blocks = dict.fromkeys(f.block for f in known if f.block not in NOMINAL)
    for block in blocks:
        own = [f for f in known if f.block == block]
        name, _, formula = TITLES.get(block, block.replace("_", " ").capitalize()).partition(": ")
        if formula:
            found.append((name, Content.styled(formula, "dim italic")))
            found.append(("", _constants(own)))
        else:
            found.append((name, _constants(own)))
    if not blocks:
        found.append(("Constants", "None: times take of the nominal rates what others reach (spec sheet)."))
    if m.calibration:
        c = m.calibration
        found.append(("Measured", f"On {c.device}, {c.date}, {c.software}, {c.rows:,} timings."))
    found.append(("Notes", m.notes))
    found.append(("Sources", listed(dict.fromkeys([*map(str, m.sources), *(f.source for f in known if f.source)]))))
    return found


def _detected(row: Listed) -> list[tuple[str, str]]:
    from advisor.report import bytes_text

    assert row.found is not None
    d = row.found.device
    pairs = [("device", d.name + (f" × {row.found.count}" if row.found.count > 1 else ""))]
    if d.memory_bytes:
        free = "" if d.free_bytes is None else f", {bytes_text(d.free_bytes)} free"
        pairs.append(("memory", bytes_text(d.memory_bytes) + free))
    for name, reading, unit in (
        ("bandwidth", d.bandwidth_gb_per_s, "GB/s"), ("fp32", d.fp32_tflops, "TFLOP/s"),
    ):  # fmt: skip
        if reading:
            pairs.append((name, f"{reading.value:.3g} {unit} ({reading.how})"))
    if d.driver:
        pairs.append(("driver", d.driver))
    if d.details:
        pairs.append(("also", ", ".join(d.details)))
    if not row.catalogued:
        near = "; near: " + ", ".join(f"{m.machine} ({m.why})" for m in row.found.matches) if row.found.matches else ""
        pairs.append(("in the catalog", f"no: i adds it, tab 5 measures it{near}"))
    return pairs


def _nominal(known: Sequence[Fact]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for f in known:
        what = f"{f.meaning}, {f.of}" if f.of else f.meaning
        table.add_row(Text(what, style="dim"), Text(number_text(f)), Text(f.unit), Text(f.badge, style="dim"))
    return table


def _constants(own: Sequence[Fact]) -> Table:
    """Constants by name, a column per data type, kernel or number of GPUs; the last line says how each is known."""
    from rich.table import Table
    from rich.text import Text

    columns = list(dict.fromkeys(f.of for f in own))
    cells = {(f.name, f.of): f for f in own}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(ratio=1, min_width=20)
    for _ in columns:
        table.add_column(justify="right", min_width=6)
    if any(columns):
        table.add_row(Text(""), *(Text(column.replace("_", " "), style="bold") for column in columns))
    for name in dict.fromkeys(f.name for f in own):
        first = next(f for f in own if f.name == name)
        unit = f", {first.unit}" if first.unit else ""
        values = [NONE if (f := cells.get((name, column))) is None else number_text(f) for column in columns]
        table.add_row(Text(first.meaning + unit, style="dim"), *map(Text, values))
    badges = [next(f.badge for f in own if f.of == column) for column in columns]
    table.add_row(Text("how it is known", style="dim"), *(Text(badge, style="italic") for badge in badges))
    return table
