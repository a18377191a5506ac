"""``whicharch recommend``."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from advisor.cli.options import COUNT, print_csv, print_json, print_markdown, table_options
from advisor.cli.requirement_options import given, requirement_options
from advisor.recommend import Advice, Recommendation, recommend
from advisor.report import bytes_text, percent_text, rate_text, seconds_text, usd_text

if TYPE_CHECKING:
    from advisor.decision.details import Decision

HEADERS = (
    "model", "family", "weights", "cache", "machine", "memory", "first token", "per token", "throughput",
    "$/M in", "$/M out", "quality", "score",
)  # fmt: skip
COLUMNS = (
    "model", "family", "weights", "kv", "machine", "n_gpus", "copies", "users_per_copy", "engine",
    "memory_bytes_per_gpu", "ttft_s", "tpot_s",
    "tokens_per_s", "requests_per_s", "usd_per_million_input_tokens", "usd_per_million_output_tokens", "usd_per_hour",
    "quality", "score",
)  # fmt: skip
"""Of CSV: raw numbers, named as in JSON."""
DRAWINGS = ("text", "mermaid", "dot")


def decision_options(command: Any) -> Any:
    """``--limit``, ``--of``, ``--path``, ``--sensitivity`` and the forms of tables."""
    command = table_options(command)
    for option in (
        click.option("--sensitivity", is_flag=True, help="Which requirement, changed by 20 %, changes the answer."),
        click.option("--path", type=click.Choice(DRAWINGS), help="The path that led to the answer, and nothing else."),
        click.option("--of", metavar="MODEL", help="Explain this recommended model rather than the first."),
        click.option("--limit", type=COUNT, default="8", show_default=True, help="Rows to print."),
    ):
        command = option(command)
    return command


@click.command()
@requirement_options
@decision_options
def command(
    file: str | None, limit: int, of: str | None, path: str | None, sensitivity: bool, as_json: bool, as_csv: bool,
    as_md: bool, **fields: object,
) -> None:  # fmt: skip
    """Rank (architecture, model, weight format, machine, devices) for a task and its limits, with reasons.

    Every flag is a requirement; what is not given is a default of the task, and is shown.
    Exits with 1 if nothing keeps every promise.

    Examples:

    \b
      whicharch recommend --task chat --context 16k --users 8 --ttft 1s --tpot 60ms --machine rtx-4090
      whicharch recommend --task rag --rate 2/s --privacy own-servers --prefer cost-first --sensitivity
      whicharch recommend --requirements needs.yaml --path mermaid
    """
    from advisor.decision.details import ALL

    advice = recommend(limit=ALL, rejections=limit, **given(file, fields))
    show(advice, limit, of, path, sensitivity, as_json=as_json, as_csv=as_csv, as_md=as_md)
    sys.exit(0 if advice.recommendations else 1)


def show(
    advice: Advice, limit: int, of: str | None, path: str | None, sensitive: bool, *, as_json: bool, as_csv: bool,
    as_md: bool, more: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Print an answer in the form asked for; ``more`` is what JSON holds besides."""
    from advisor.decision.details import Decision
    from advisor.decision.text import answer_lines, sensitivity_lines

    decision = Decision(advice)
    if path is not None:
        click.echo(drawing(decision, path, of))
        return
    shown = advice.recommendations[:limit]
    if as_json:
        print_json({**as_data(decision, limit, of, sensitive), **(more or {})})
    elif as_csv:
        print_csv(COLUMNS, [raw_cells(r) for r in shown])
    elif as_md:
        print_markdown(HEADERS, [cells(r) for r in shown])
    else:
        tty = sys.stdout.isatty()
        emphasis = (lambda text: click.style(text, bold=True)) if tty else str
        width = max(80, shutil.get_terminal_size().columns) if tty else 80
        for line in answer_lines(decision, rows=limit, of=of or 0, width=width, emphasis=emphasis):
            click.echo(line)
        if sensitive:
            from advisor.decision.sensitivity import sensitivity

            click.echo()
            for line in sensitivity_lines(sensitivity(advice), width, emphasis):
                click.echo(line)


def drawing(decision: Decision, form: str, of: str | None) -> str:
    """The path to an answer as text, or the decision as a graph."""
    from advisor.decision.draw import dot, mermaid, path_text, tree_text
    from advisor.decision.graph import DecisionGraph

    if form == "text" and of is not None:
        return path_text(decision.details(of).path)
    graph = DecisionGraph(decision)
    return tree_text(graph) if form == "text" else mermaid(graph.graph) if form == "mermaid" else dot(graph.graph)


def as_data(decision: Decision, limit: int, of: str | None, sensitive: bool) -> dict[str, Any]:
    """The advice as data, cut to the limit, with the explanation of one recommendation."""
    data = decision.advice.to_dict()
    data["recommendations"] = data["recommendations"][:limit]
    data["rejected"] = data["rejected"][:limit]
    data["details"] = decision.details(of or 0).to_dict() if decision.ranked else None
    if sensitive:
        from advisor.decision.sensitivity import sensitivity

        data["sensitivity"] = sensitivity(decision.advice).to_dict()
    return data


def raw_cells(r: Recommendation) -> list[Any]:
    """One row of the shortlist in ``COLUMNS``; what answers in one pass has requests and no tokens per second."""
    writes = r.tpot_s is not None
    rates = {"tokens_per_s": r.tokens_per_s if writes else None, "requests_per_s": None if writes else r.tokens_per_s}
    return [rates[name] if name in rates else getattr(r, name) for name in COLUMNS]


def place_text(r: Recommendation) -> str:
    """Where it runs: copies, devices and machine."""
    if r.machine is None:
        return f"API ({r.engine})"
    copies = f"{r.copies} copies on " if r.copies > 1 else ""
    return f"{copies}{r.n_gpus} × {r.machine}" if r.n_gpus > 1 else f"{copies}{r.machine}"


def cells(r: Recommendation) -> list[str]:
    """One row of the shortlist as text."""
    unit = "tok/s" if r.tpot_s is not None else "/s"
    return [
        r.model,
        r.family,
        r.weights,
        r.kv,
        place_text(r),
        bytes_text(r.memory_bytes_per_gpu) if r.memory_bytes_per_gpu else "–",
        seconds_text(r.ttft_s) if r.ttft_s else "–",
        seconds_text(r.tpot_s) if r.tpot_s else "–",
        rate_text(r.tokens_per_s, unit) if r.tokens_per_s else "–",
        usd_text(r.usd_per_million_input_tokens),
        usd_text(r.usd_per_million_output_tokens),
        "no evidence" if r.quality is None else percent_text(r.quality),
        f"{r.score:.2f}",
    ]
