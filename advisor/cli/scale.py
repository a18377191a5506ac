"""``whicharch scale``."""

from __future__ import annotations

import click

from advisor.cli.fitting import echo, print_fitted
from advisor.cli.options import COUNT, RANGE, print_csv, print_json, print_markdown, table_options
from advisor.report import bytes_text, flops_text, seconds_text, tokens_text
from advisor.scaling import Curve, Scaling, scale

HEADERS = (
    "context",
    "FLOPs",
    "linear part",
    "attention",
    "exponent",
    "cache + state",
    "with weights",
    "prefill",
    "decode step",
)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--context", type=RANGE, default="1k..256k", show_default=True, help="Range of lengths; they double.")
@click.option("--machine", default="h100-sxm", show_default=True, metavar="ID", help="Where times are taken.")
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="FORMAT", help="Cache format.")
@click.option("--tp", "--gpus", "tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer.")
@click.option("--batch", type=COUNT, default="1", show_default=True, help="Requests of each length at once.")
@table_options
def command(
    models: tuple[str, ...], context: tuple[int, int], machine: str, weights: str, cache: str, tp: int, batch: int,
    as_json: bool, as_csv: bool, as_md: bool,
) -> None:  # fmt: skip
    """How FLOPs, memory and time of reading one prompt grow with context.

    The exponent is local: 1 for a state-space model, towards 2 where attention leads. With several models it shows
    where their curves cross.

    Example: whicharch scale llama-3.1-8b falcon-mamba-7b --context 1k..256k
    """
    result = scale(models, context=context, machine=machine, weights=weights, cache=cache, tp=tp, batch=batch)
    if as_json:
        print_json(result.to_dict())
    elif as_csv or as_md:
        headers = ["model", *HEADERS]
        rows = [[curve.model, *row] for curve in result.curves for row in _rows(curve, raw=as_csv)]
        (print_csv if as_csv else print_markdown)(headers, rows)
    else:
        _print(result, batch)


def _rows(curve: Curve, *, raw: bool = False) -> list[list[str]]:
    rows = []
    for p in curve.points:
        values = (
            p.flops,
            p.linear_flops,
            p.attention_flops,
            p.exponent,
            p.cache_bytes,
            p.memory_bytes,
            p.prefill_s,
            p.decode_s,
        )
        if raw:
            rows.append([str(p.context), *(f"{value:.6g}" for value in values)])
            continue
        rows.append(
            [
                tokens_text(p.context), flops_text(p.flops), flops_text(p.linear_flops), flops_text(p.attention_flops),
                f"{p.exponent:.2f}", bytes_text(p.cache_bytes), bytes_text(p.memory_bytes),
                seconds_text(p.prefill_s), seconds_text(p.decode_s),
            ]
        )  # fmt: skip
    return rows


def _print(result: Scaling, batch: int) -> None:
    many = "one prompt" if batch == 1 else f"{batch:,} prompts"
    for curve in result.curves:
        click.echo(f"{curve.model} on {result.machine}: {many} of each length")
        print_fitted(HEADERS, _rows(curve), left=0, drop=("exponent", "linear part", "attention", "with weights"))
        if curve.overtakes_at is None:
            click.echo("Attention never needs as many FLOPs as the rest: growth stays linear.\n")
        else:
            click.echo(f"Attention overtakes everything else at {curve.overtakes_at:,} tokens.\n")
    for c in result.crossings:
        echo(f"{c.quantity}: below {c.context:,} tokens {c.below} is cheaper, above it {c.above}.")
    if len(result.curves) > 1 and not result.crossings:
        click.echo("The curves do not cross in this range.")
