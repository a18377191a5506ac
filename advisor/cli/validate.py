"""``whicharch validate``: the proof of the catalog."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from advisor.cli.options import json_option, print_json, print_table
from advisor.report import bytes_text, count_text, flops_text, seconds_text

if TYPE_CHECKING:
    from advisor.validate import Check
    from calculators.reference.observation import Quantity


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes; by default one per core, at most 8.")
@click.option("--fvcore", is_flag=True, help="Trace every model with fvcore, not only the smallest of each family.")
@click.option("--quick", is_flag=True, help="Only the smallest model of each PyTorch class.")
@json_option
def command(models: tuple[str, ...], jobs: int | None, fvcore: bool, quick: bool, as_json: bool) -> None:
    """Prove the catalog against real PyTorch models.

    Each MODEL (a catalog id, a YAML spec or a config.json; by default all) is built at full size on torch's meta
    device, without memory. Parameters, FLOPs of a prefill, of a decode step and of an image by FlopCounterMode, FLOPs
    by fvcore and cache bytes are compared with the calculators. Of the whole catalog fvcore traces the smallest model
    of each family. Exit code 1 if any difference is not zero.
    """
    started = time.perf_counter()
    checks = _run(models, jobs, quick, fvcore or None)
    elapsed_s = time.perf_counter() - started
    if as_json:
        print_json({"summary": _summary(checks, elapsed_s), "checks": [check.as_dict() for check in checks]})
    else:
        _print(checks, elapsed_s)
    if not all(check.passed for check in checks):
        sys.exit(1)


def _run(models: Sequence[str], jobs: int | None, quick: bool, fvcore: bool | None) -> list[Check]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from advisor.validate import validate

    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting PyTorch", total=None)

        def progress(done: int, total: int, model: str) -> None:
            bar.update(task, completed=done, total=total, description=model)

        return validate(list(models) or None, jobs=jobs, progress=progress, quick=quick, fvcore=fvcore)


COLUMNS: tuple[tuple[Quantity, str, Any], ...] = (
    ("parameters", "parameters", count_text),
    ("prefill_flops", "prefill", flops_text),
    ("decode_flops", "decode step", flops_text),
    ("image_flops", "with image", flops_text),
    ("audio_flops", "tower alone", flops_text),
    ("fvcore_flops", "by fvcore", flops_text),
    ("cache_bytes", "cache", bytes_text),
)
"""Quantity, heading and how it is written; each is followed by its difference."""


def _print(checks: Sequence[Check], elapsed_s: float) -> None:
    by_model: dict[str, dict[str, Check]] = {}
    for check in checks:
        by_model.setdefault(check.model, {})[check.quantity] = check
    shown = [column for column in COLUMNS if any(column[0] in row for row in by_model.values())]
    headers = ["model", *(heading for _, name, _ in shown for heading in (name, "±"))]
    rows = [
        [model, *(cell for quantity, _, text in shown for cell in _cells(row.get(quantity), text))]
        for model, row in by_model.items()
    ]
    print_table(headers, rows)
    click.echo("\n± is ours minus the real model; – is what a model does not have.")
    for check in checks:
        if check.status == "failed":
            click.echo(f"FAILED   {check.model}, {check.quantity}, {check.setting}: {check.note}")
        elif check.status == "differs":
            click.echo(
                f"DIFFERS  {check.model}, {check.quantity}, {check.setting}: ours {check.ours:,}, "
                f"the real model {check.reference:,} ({check.witness})"
            )
    for model, row in by_model.items():
        for check in row.values():
            if check.departure and check.quantity in ("parameters", "prefill_flops"):
                click.echo(f"departs  {model}, {check.quantity}: the class has {check.departure:+,}; {check.note}")
    click.echo(_sentence(_summary(checks, elapsed_s)))


def _cells(check: Check | None, text: Any) -> tuple[str, str]:
    if check is None or check.status == "not applicable":
        return "–", "–"
    if check.status == "failed":
        return "failed", "!"
    return text(check.reference), f"{check.difference:+,}" if check.difference else "0"


def _summary(checks: Sequence[Check], elapsed_s: float) -> dict[str, Any]:
    counts = Counter(check.status for check in checks)
    return {
        "models": len({check.model for check in checks}),
        "checks": len(checks),
        "equal": counts["equal"],
        "differ": counts["differs"],
        "failed": counts["failed"],
        "not_applicable": counts["not applicable"],
        "elapsed_s": round(elapsed_s, 1),
        "witnesses": _witnesses(checks),
    }


def _witnesses(checks: Sequence[Check]) -> list[str]:
    """Tools and libraries with versions, without the classes."""
    tools = (part for check in checks for part in check.witness.split(", ")[:-1])
    return sorted(set(tools))


def _sentence(summary: dict[str, Any]) -> str:
    models = summary["models"]
    return (
        f"{models} model{'s' * (models != 1)}, {summary['checks'] - summary['not_applicable']} checks: "
        f"{summary['equal']} equal, {summary['differ']} differ, {summary['failed']} failed; "
        f"{seconds_text(summary['elapsed_s'])}; {', '.join(summary['witnesses'])}"
    )
