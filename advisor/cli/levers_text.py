"""What would make it faster, as tables."""

from __future__ import annotations

import click

from advisor.cli.estimate_text import paragraph
from advisor.cli.options import print_table
from advisor.levers import Levers
from advisor.report import percent_text, seconds_text


def print_levers(result: Levers) -> None:
    """The largest terms, and a table of factors."""
    for name, terms in result.terms.items():
        click.echo()
        spent = ", ".join(f"{t.name} {percent_text(t.share)} ({seconds_text(t.seconds)})" for t in terms)
        paragraph(f"Largest terms of {name}: {spent}.")
    click.echo()
    if not result.levers:
        paragraph("Nothing that was tried makes it faster or cheaper.")
        return
    writes = any(lever.tpot is not None for lever in result.levers)
    headers = [
        "changed",
        "first token" if writes else "answer",
        *(["per token"] if writes else []),
        "throughput",
        "cost",
    ]
    rows = [
        [
            lever.name,
            _factor(lever.ttft),
            *([_factor(lever.tpot)] if writes else []),
            _factor(lever.throughput),
            _factor(lever.cost),
        ]
        for lever in result.levers
    ]
    print_table(headers, rows)
    click.echo()
    for lever in result.levers:
        paragraph(f"{lever.name}: {lever.side_effect}.")


def _factor(value: float | None) -> str:
    return "–" if value is None else f"×{value:.2f}"
