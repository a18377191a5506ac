"""``whicharch explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from advisor.cli.fitting import terminal_width
from advisor.cli.options import COUNT, TOKENS, json_option, print_json

if TYPE_CHECKING:
    from calculators.explain import Explanation

TIMES = ("ttft", "tpot", "e2e", "prefill", "decode", "throughput", "energy", "cost")
"""Those of ``advisor.explain_time``, which loads when one is asked for."""
SHOWN = 12
"""Summands printed before the rest is added up."""


@click.command()
@click.argument("model")
@click.argument("quantity", required=False)
@click.option("--context", type=TOKENS, help="Tokens read, or held in the cache; default: 2k, or its context.")
@click.option("--batch", type=COUNT, default="1", show_default=True, help="Sequences.")
@click.option("--step", is_flag=True, help="One new token on CONTEXT cached ones, instead of reading them.")
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="TYPE", help="Type of cached elements.")
@click.option(
    "--policy", default="needed", show_default=True, metavar="NAME",
    help="How the cache is kept: needed, reserved or transformers.",
)  # fmt: skip
@click.option("--images", type=int, default=0, help="Images per sequence of a vision-language model.")
@click.option(
    "--recompute", type=click.Choice(["none", "attention", "full"]), default="none", show_default=True,
    help="What a training step computes twice.",
)  # fmt: skip
@click.option("--rank", type=COUNT, default="16", show_default=True, help="Rank of low-rank adapters.")
@click.option("--targets", default="q,v", show_default=True, help="Projections that adapters sit on.")
@click.option("--machine", metavar="ID", help="For times, energy and cost: the machine; CONTEXT is then the prompt.")
@click.option("--output", type=TOKENS, help="Answer length, for times; default: 500, or less.")
@click.option("--tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer, for times.")
@click.option("--all", "everything", is_flag=True, help="Every summand, not only the largest.")
@json_option
def command(
    model: str, quantity: str | None, context: int | None, batch: int, step: bool, weights: str, cache: str,
    policy: str, images: int, recompute: str, rank: int, targets: str, machine: str | None, output: int | None,
    tp: int, everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Where a number comes from: formula, numbers put in, unit and source.

    QUANTITY is one of: parameters, active-parameters, embedding-parameters, flops, executed-flops, training-flops,
    adapters, weights, kv-cache, state, activations, eager-activations, intensity, attention-traffic, growth,
    depth-width; and with --machine: ttft, tpot, e2e, prefill, decode, throughput, energy, cost.

    Example: whicharch explain mixtral-8x7b kv-cache --context 32k
    """
    from advisor.explain import explain
    from calculators.explain import QUANTITIES
    from catalog.errors import BadInput

    if quantity is None:
        raise BadInput(f"explain: name a quantity: {', '.join(QUANTITIES)}; with --machine: {', '.join(TIMES)}")
    if quantity in TIMES and machine is None:
        raise BadInput(f"explain: {quantity} depends on where it runs; name it with --machine (such as h100-sxm)")
    if machine is not None:
        from advisor.explain_time import explain_time
        from advisor.scenario import Scenario
        from catalog.loader import checked

        asked = {"model": model, "machine": machine, "batch": batch}
        asked |= {n: v for n, v in (("input_tokens", context), ("output_tokens", output)) if v is not None}
        more = {"weights": weights, "cache": cache, "images": images, "tp": tp}
        found = explain_time(checked(Scenario, {**asked, **more}, "scenario"), quantity)
        _show(found, as_json, everything)
        return
    result = explain(
        model, quantity, context=context, batch=batch, step=step, weights=weights, cache=cache,
        policy=policy, images=images, recompute=recompute,  # type: ignore[arg-type]
        rank=rank, targets=tuple(targets.replace(" ", "").split(",")),
    )  # fmt: skip
    _show(result, as_json, everything)


def _show(result: Explanation, as_json: bool, everything: bool) -> None:
    if as_json:
        print_json(result.to_dict())
    else:
        from advisor.explanation_text import head_of, text_of

        click.echo(click.style(head_of(result), bold=True))
        shown = len(result.parts) if everything else SHOWN
        click.echo(text_of(result, shown, terminal_width()))
