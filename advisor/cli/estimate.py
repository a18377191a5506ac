"""``whicharch estimate``."""

from __future__ import annotations

import sys

import click

from advisor.answer import Band, Estimate
from advisor.cli.options import COUNT, TOKENS, json_option, print_json, print_table
from advisor.estimate import estimate
from advisor.report import bytes_text, count_text, flops_text, rate_text, seconds_text, tokens_text, usd_text


@click.command()
@click.argument("model")
@click.option(
    "--machine", required=True, metavar="ID", help="Machine id (see 'whicharch catalog list machines') or a YAML file."
)
@click.option("--input", "input_tokens", type=TOKENS, default="2k", show_default=True, help="Prompt length in tokens.")
@click.option(
    "--output", "output_tokens", type=TOKENS, default="500", show_default=True, help="Answer length in tokens."
)
@click.option("--batch", type=COUNT, default="1", show_default=True, help="Concurrent requests.")
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="FORMAT", help="Cache format.")
@click.option("--tp", "--gpus", "tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer.")
@click.option("--pp", type=COUNT, default="1", help="Pipeline stages.")
@click.option("--ep", type=COUNT, default="1", help="Parts into which a mixture's experts are divided.")
@click.option("--dp", type=COUNT, default="1", help="Attention ranks, each with its own requests; experts are shared.")
@click.option("--cp", type=COUNT, default="1", help="Devices that share the tokens and cache of each request.")
@click.option("--images", type=int, default=0, help="Images per prompt.")
@click.option("--steps", type=COUNT, help="Denoising steps (diffusion); default: the model's usual ones.")
@click.option("--engine", default="", metavar="ID", help="Inference engine; default: the usual one for the machine.")
@click.option("--operators", is_flag=True, help="Show where the time goes, operator by operator.")
@json_option
def command(as_json: bool, operators: bool, images: int, **fields: object) -> None:
    """Parameters, FLOPs, memory, time and cost of MODEL on a machine.

    MODEL is a catalog id, an alias, or a path to a YAML spec or a Hugging Face config.json.
    Exits with 1 if it does not fit.

    Example: whicharch estimate llama-3.1-8b --machine l4 --input 2k --output 500 --batch 8
    """
    if images < 0:
        raise click.BadParameter("must not be negative", param_hint="--images")
    result = estimate(images=images, **fields)
    if as_json:
        print_json(result.to_dict())
    else:
        _print(result, operators)
    sys.exit(1 if result.memory.fits is False else 0)


def _print(e: Estimate, operators: bool) -> None:
    p, f, m, t, c = e.params, e.flops, e.memory, e.time, e.cost
    s = e.scenario
    width = f"{e.n_gpus} × {e.machine}" if e.n_gpus > 1 else e.machine
    click.echo(f"{e.model} ({e.family}) on {width}, weights {e.weights}, cache {e.kv}, {e.engine}")
    generates = t.tpot_s is not None
    load = f"{s['batch']} requests at a time, {tokens_text(s['input_tokens'])} tokens in"
    click.echo(load + (f", {tokens_text(s['output_tokens'])} out" if generates else "") + "\n")
    _line("parameters", f"{p.total:,} ({count_text(p.total)})")
    if p.active != p.total:
        _line("  active per token", f"{p.active:,} ({count_text(p.active)})")
    _line("  looked up", f"{p.embedding:,} (embedding tables)")
    _line(
        "FLOPs, prefill" if generates else "FLOPs, one pass",
        f"{flops_text(f.prefill_needed)} needed, {flops_text(f.prefill)} as eager PyTorch executes them",
    )
    if generates:
        _line("FLOPs, decode step", f"{flops_text(f.decode_needed)} needed, {flops_text(f.decode)} executed")
    click.echo()
    _line("weights", f"{bytes_text(m.weights_bytes)} per device")
    if m.kv_cache_bytes:
        _line("KV cache", bytes_text(m.kv_cache_bytes))
    if m.state_bytes:
        _line("recurrent state", bytes_text(m.state_bytes))
    _line("activations", f"{bytes_text(m.activation_bytes)} at the peak")
    _line("engine", bytes_text(m.overhead_bytes))
    usable = "" if m.usable_bytes is None else f" of {bytes_text(m.usable_bytes)} usable"
    verdict = {True: "fits", False: "DOES NOT FIT", None: "memory of the machine not known"}[m.fits]
    most = f"; at most {m.max_batch:,} such requests" if m.max_batch is not None else ""
    _line("total", f"{bytes_text(m.total_bytes_per_gpu)}{usable}: {verdict}{most}")
    click.echo()
    if t.ttft_s:
        _line("first token" if generates else "answer", _band_text(t.ttft_s))
    if t.tpot_s:
        _line("per token", _band_text(t.tpot_s))
        _line("whole answer", _band_text(t.e2e_s))
    if e.throughput.unit == "tok/s":
        _line("throughput", f"{rate_text(e.throughput.total)}, {rate_text(e.throughput.per_user)} per user")
    else:
        _line("throughput", rate_text(e.throughput.total, e.throughput.unit))
    if c.usd_per_hour is None:
        _line("cost", f"no price known for {e.machine}")
    else:
        parts = [
            f"{usd_text(c.usd_per_million_input_tokens)} per million tokens in"
            if c.usd_per_million_input_tokens
            else "",
            f"{usd_text(c.usd_per_million_output_tokens)} out" if c.usd_per_million_output_tokens else "",
            f"{usd_text(c.usd_per_thousand_requests)} per thousand requests",
        ]
        _line("cost", ", ".join(part for part in parts if part))
        _line("", f"at {usd_text(c.usd_per_hour)} per hour ({c.basis})")
    for note in e.notes:
        click.echo(f"\nNote: {note}.")
    if operators:
        click.echo()
        _print_operators(e)


def _line(name: str, text: str) -> None:
    click.echo(f"{name:<20}{text}")


def _band_text(band: Band) -> str:
    if band.p10 is None or band.p90 is None:
        return f"{seconds_text(band.p50)} ({band.badge})"
    return (
        f"{seconds_text(band.p50)}, 80 % between {seconds_text(band.p10)} and {seconds_text(band.p90)} ({band.badge})"
    )


def _print_operators(e: Estimate) -> None:
    rows = [
        [
            o.name, o.kind, f"×{o.repeat}", flops_text(o.flops), bytes_text(o.bytes),
            seconds_text(o.prefill_s), seconds_text(o.decode_s) if e.time.tpot_s else "–",
        ]
        for o in e.breakdown
    ]  # fmt: skip
    print_table(["operator", "kind", "", "FLOPs", "traffic", "prefill", "decode step"], rows, left=2)
