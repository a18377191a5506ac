"""Where the time goes, as tables."""

from __future__ import annotations

import shutil

import click

from advisor.breakdown import Breakdown, Part, Pass
from advisor.cli.estimate_text import paragraph
from advisor.cli.options import print_table
from advisor.report import bytes_text, count_text, flops_text, percent_text, seconds_text

SHOWN = 0.98
"""Share of a pass that is shown operator by operator; the rest is added up."""
WIDE = 100


def print_breakdown(result: Breakdown) -> None:
    """A table per pass, longest operators first."""
    wide = shutil.get_terminal_size((80, 24)).columns >= WIDE
    for pass_ in result.passes:
        click.echo()
        paragraph(f"{pass_.name}: {pass_.what}, {seconds_text(pass_.seconds)} ({_due(pass_)})")
        shown, share = [], 0.0
        for part in pass_.parts:
            if share < SHOWN:
                shown.append(_row(part, wide))
                share += part.share
        if rest := pass_.parts[len(shown) :]:
            shown.append(
                [
                    f"{len(rest)} others",
                    seconds_text(sum(o.seconds for o in rest)),
                    percent_text(sum(o.share for o in rest)),
                ]
                + [""] * (len(shown[0]) - 3)
            )
        headers = ["operator", "time", "share", "bound by", "of roof", "FLOP/B"]
        print_table([*headers, "FLOPs", "traffic"] if wide else headers, shown)
    click.echo()
    paragraph("Nominal roofs: " + ", ".join(_roofs(result)) + ".")


def _row(part: Part, wide: bool) -> list[str]:
    row = [
        f"{part.name} ×{part.repeat}",
        seconds_text(part.seconds),
        percent_text(part.share),
        part.bound,
        "–" if part.fraction_of_roofline is None else percent_text(part.fraction_of_roofline),
        "–" if part.intensity is None else f"{part.intensity:,.{0 if part.intensity >= 10 else 1}f}",
    ]
    return [*row, flops_text(part.flops), bytes_text(part.bytes)] if wide else row


def _due(pass_: Pass) -> str:
    due = sorted(pass_.due_to.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {percent_text(s / pass_.seconds)}" for name, s in due if s > 0)


def _roofs(result: Breakdown) -> list[str]:
    found = []
    for roof in result.roofs:
        if roof.bytes_per_s:
            found.append(f"{roof.name} {roof.bytes_per_s / 1e9:,.0f} GB/s")
        elif roof.flops_per_s and roof.ridge_intensity:
            found.append(f"{roof.name} {count_text(roof.flops_per_s)}FLOP/s from {roof.ridge_intensity:.0f} FLOP/B")
    return found
