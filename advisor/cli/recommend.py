"""``whicharch recommend``."""

from __future__ import annotations

import sys

import click

from advisor.cli.options import (
    BUDGET,
    BYTES,
    COUNT,
    SECONDS,
    TOKENS,
    print_csv,
    print_json,
    print_markdown,
    print_table,
    table_options,
)  # fmt: skip
from advisor.recommend import Advice, Recommendation, recommend
from advisor.report import bytes_text, percent_text, rate_text, seconds_text, tokens_text, usd_text

HEADERS = (
    "model", "family", "weights", "cache", "machine", "memory", "first token", "per token", "throughput",
    "$/M in", "$/M out", "quality", "score",
)  # fmt: skip


@click.command()
@click.option(
    "--task",
    default="chat",
    show_default=True,
    metavar="ID",
    help="What it is for (see 'whicharch catalog list tasks').",
)
@click.option(
    "--context", "context_tokens", type=TOKENS, help="Length, prompt and answer, that each user needs memory for."
)
@click.option("--input", "input_tokens", type=TOKENS, help="Typical prompt, for which the first token is timed.")
@click.option("--output", "output_tokens", type=TOKENS, help="Typical answer.")
@click.option("--users", type=COUNT, default="1", show_default=True, help="Concurrent requests.")
@click.option("--ttft", "ttft_s", type=SECONDS, help="Longest time to the first token, such as 500ms.")
@click.option("--tpot", "tpot_s", type=SECONDS, help="Longest time per token after the first, such as 40ms.")
@click.option("--memory", "memory_bytes", type=BYTES, help="Memory to use per device, such as 20GiB.")
@click.option(
    "--machine",
    "machines",
    multiple=True,
    metavar="ID",
    help="Machine to run on; may be repeated. Default: all with a price.",
)
@click.option("--gpus", "max_gpus", type=COUNT, help="Devices at most. Default: 1 where machines are named, else 8.")
@click.option("--budget", "budget_usd_per_hour", type=BUDGET, help="Money, such as 2000/month or 3/hour.")
@click.option("--commercial", is_flag=True, help="Leave out licences that forbid commercial use.")
@click.option("--limit", type=COUNT, default="8", show_default=True, help="Rows to print.")
@table_options
def command(limit: int, as_json: bool, as_csv: bool, as_md: bool, **fields: object) -> None:
    """Rank (architecture, model, weight format, machine, devices) for a task and its limits.

    Exits with 1 if nothing keeps every promise.

    Example: whicharch recommend --task chat --context 16k --users 8 --ttft 1s --tpot 60ms --machine rtx-4090
    """
    advice = recommend(limit=limit, **fields)
    rows = [cells(r) for r in advice.recommendations]
    if as_json:
        print_json(advice.to_dict())
    elif as_csv:
        print_csv(HEADERS, rows)
    elif as_md:
        print_markdown(HEADERS, rows)
    else:
        print_shortlist(advice, rows)
    sys.exit(0 if advice.recommendations else 1)


def cells(r: Recommendation) -> list[str]:
    """One row of the shortlist as text."""
    unit = "tok/s" if r.tpot_s is not None else "/s"
    return [
        r.model,
        r.family,
        r.weights,
        r.kv,
        (f"{r.n_gpus} × {r.machine}" if r.n_gpus > 1 else r.machine) if r.machine else f"API ({r.engine})",
        bytes_text(r.memory_bytes_per_gpu) if r.memory_bytes_per_gpu else "–",
        seconds_text(r.ttft_s) if r.ttft_s else "–",
        seconds_text(r.tpot_s) if r.tpot_s else "–",
        rate_text(r.tokens_per_s, unit) if r.tokens_per_s else "–",
        usd_text(r.usd_per_million_input_tokens),
        usd_text(r.usd_per_million_output_tokens),
        "no evidence" if r.quality is None else percent_text(r.quality),
        f"{r.score:.2f}",
    ]


def print_shortlist(advice: Advice, rows: list[list[str]]) -> None:
    """The shortlist, why the first is first, and what would admit the nearest rejected."""
    q = advice.requirements
    limits = [
        f"first token ≤ {seconds_text(q['ttft_s'])}" if q["ttft_s"] else "",
        f"per token ≤ {seconds_text(q['tpot_s'])}" if q["tpot_s"] else "",
    ]
    text = ", ".join([f"{q['users']} users", f"context {tokens_text(q['context_tokens'])}", *filter(None, limits)])
    click.echo(f"{q['task']}: {text}")
    if q["defaults"]:
        click.echo(f"assumed: {'; '.join(q['defaults'])}")
    click.echo(f"{advice.considered:,} ways considered\n")
    if rows:
        print_table(HEADERS, rows, left=5)
        first = advice.recommendations[0]
        click.echo(f"\nWhy {first.model} ({first.family}): {first.reason}")
        click.echo(f"Binding: {first.binding}. Left: {_margins(first)}.")
        if first.evidence:
            click.echo(f"Evidence: {', '.join(first.evidence)}.")
        for note in first.notes:
            click.echo(f"Note: {note}.")
        families = {r.family: r.reason for r in advice.recommendations if r.family != first.family}
        for family, reason in families.items():
            click.echo(f"Also {family}: {reason}")
    else:
        click.echo("Nothing keeps every promise.")
    if advice.rejected:
        click.echo("\nNearest rejected, and what would admit them:")
        for r in advice.rejected[:6]:
            click.echo(f"  {r.model} ({r.way}): {'; '.join(r.violations)}")
            click.echo(f"      → {r.smallest_change}")


def _margins(r: Recommendation) -> str:
    return ", ".join(f"{name} {percent_text(share)}" for name, share in r.margins.items()) or "nothing is limited"
