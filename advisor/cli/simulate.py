"""``whicharch simulate``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from advisor.cli.options import COUNT, SECONDS, TOKENS, Quantity, json_option, print_json, print_table

if TYPE_CHECKING:
    from advisor.simulator.metrics import Latency
    from advisor.simulator.simulate import Simulation


def _rate(text: str, what: str) -> float:
    from advisor.simulator.limits import rate_per_s

    return rate_per_s(text, what)


@click.command()
@click.argument("model")
@click.option(
    "--machine", required=True, metavar="ID", help="Machine id (see 'whicharch catalog list machines') or a YAML file."
)
@click.option("--rate", type=Quantity("rate", _rate), metavar="R", help="Requests: 5/s, 300/min.")
@click.option("--clients", type=COUNT, help="Instead: clients that each wait for their answer.")
@click.option("--trace", metavar="FILE", help="Instead: a recorded trace (CSV or JSON lines; Azure, Mooncake, plain).")
@click.option("--traffic", metavar="NAME", help="chat, rag, code-completion, agentic, summarization or batch.")
@click.option("--input", metavar="LENGTHS", help="Prompt: 800, normal:512,128, lognormal:800,1.2 (median, sigma), ….")
@click.option("--output", metavar="LENGTHS", help="Answer, likewise.")
@click.option("--requests", type=COUNT, help="How many; default: 10,000, of a trace all.")
@click.option("--arrivals", default="poisson", metavar="KIND", help="poisson, constant or gamma.", show_default=True)
@click.option("--burstiness", type=float, default=1.0, help="Deviation of the gaps over their mean; over 1: bursts.")
@click.option("--shape", default="flat", metavar="SHAPE", help="Over time: flat, diurnal:4, spike:5,60,30.")
@click.option(
    "--think", "think_s", type=SECONDS, default=0.0, metavar="TIME", help="From an answer to the next request."
)
@click.option("--stagger", "stagger_s", type=SECONDS, default=0.0, metavar="TIME", help="Over how long clients start.")
@click.option("--tp", "--gpus", "tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer.")
@click.option("--pp", type=COUNT, default="1", help="Pipeline stages.")
@click.option("--ep", type=COUNT, default="1", help="Parts into which a mixture's experts are divided.")
@click.option(
    "--routing", default="", metavar="HOW", help="Of experts: balanced, uniform, skewed (default), power_law:1.2."
)
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="FORMAT", help="Cache format.")
@click.option("--replicas", type=COUNT, default="1", show_default=True, help="Copies of the model.")
@click.option(
    "--router",
    default="least-loaded",
    show_default=True,
    metavar="HOW",
    help="round-robin, least-loaded, prefix-aware.",
)
@click.option("--engine", default="", metavar="ID", help="Inference engine; default: the usual one for the machine.")
@click.option("--scheduler", metavar="NAME", help="vllm, vllm-v1, sglang, tensorrt-llm, …; default: the engine's.")
@click.option("--budget", "budget_tokens", type=TOKENS, help="Tokens of one pass (vLLM's max_num_batched_tokens).")
@click.option("--max-sequences", type=COUNT, help="Running requests (vLLM's max_num_seqs).")
@click.option("--cache-tokens", type=TOKENS, help="Room for cache, where it is known.")
@click.option("--memory-share", type=float, help="Share of the memory the engine takes (gpu_memory_utilization).")
@click.option("--speculate", default="", metavar="HOW", help="Guess tokens ahead: mtp, eagle3 or draft:MODEL.")
@click.option("--slo", default="", metavar="LIMITS", help='Promises: "ttft.p95<1s,tpot.p95<50ms".')
@click.option("--find", metavar="WHAT", help="max-rate: the largest rate that keeps the promises.")
@click.option("--seeds", type=COUNT, default="1", show_default=True, help="Independent runs, for intervals.")
@click.option("--seed", type=int, default=0, help="The first seed.")
@click.option("--per-request", metavar="FILE", help="Write one row per request (.csv or .parquet).")
@click.option("--series", metavar="FILE", help="Write what happened over time (.csv or .parquet).")
@click.option("--chrome-trace", metavar="FILE", help="Write a trace for chrome://tracing or Perfetto.")
@json_option
def command(
    as_json: bool,
    per_request: str | None,
    series: str | None,
    chrome_trace: str | None,
    budget_tokens: int | None,
    max_sequences: int | None,
    **asked: Any,
) -> None:
    """Serve traffic with MODEL on machines, request by request.

    Exits with 1 if a promise is missed, a request can never be served, or requests come faster than answers.

    Examples:

    \b
      whicharch simulate llama-3.1-8b --machine h100-sxm --rate 5/s --input lognormal:800,1.2 --output 250
      whicharch simulate llama-3.1-8b --machine l4 --traffic chat --find max-rate --slo "ttft.p95<1s,tpot.p95<50ms"
    """
    from advisor.simulator.simulate import simulate

    if asked["rate"] is None and asked["clients"] is None and asked["trace"] is None and not asked["find"]:
        raise click.UsageError("give --rate, --clients or --trace (or --find max-rate)")
    progress = (lambda text: click.echo(text, err=True)) if sys.stderr.isatty() else None
    limits = {"budget_tokens": budget_tokens, "max_sequences": max_sequences}
    result = simulate(limits_of_rules=limits, progress=progress, **asked)
    _write(result, per_request, series, chrome_trace)
    if as_json:
        print_json(result.to_dict())
    else:
        _print(result)
    sys.exit(1 if _missed(result) else 0)


def _missed(result: Simulation) -> bool:
    if result.largest_rate is not None:
        return result.largest_rate == 0
    return result.kept is False or any(r.outcome.verdict.saturated or r.outcome.refused for r in result.runs)


def _write(result: Simulation, per_request: str | None, series: str | None, chrome: str | None) -> None:
    from advisor.simulator.export import request_table, series_table, write_chrome_trace, write_table

    run = result.runs[0]
    if per_request:
        write_table(per_request, request_table(run.jobs, result.traffic, result.service.request_s))
    if series:
        write_table(series, series_table(run.jobs, [run.pool]))
    if chrome:
        write_chrome_trace(chrome, run.jobs, [run.pool])


def _print(result: Simulation) -> None:
    from advisor.report import rate_text, usd_text

    o, service, case = result.outcome, result.service, result.service.case
    assert case is not None
    n = len(result.runs[0].pool.replicas)
    width = f"{n} × " if n > 1 else ""
    devices = f"{service.devices} × {case.machine.id}" if service.devices > 1 else case.machine.id
    click.echo(f"{case.spec.id} on {width}{devices}, weights {case.weights.id}, {service.rules.label}")
    rate = f" at {result.rate:.3g} per second" if result.rate else ""
    click.echo(f"{o.requests:,} requests{rate}, {o.duration_s:,.0f} s simulated\n")
    if result.largest_rate is not None:
        text = f"{result.largest_rate:.3g} requests per second" if result.largest_rate else "none"
        _line("largest rate", f"{text} that keeps {', '.join(map(str, result.promises))}")
    _line("verdict", ("SATURATED: " if o.verdict.saturated else "keeps up: ") + o.verdict.why)
    for why, count in o.refused.items():
        _line("refused", f"{count:,} requests: {REASONS.get(why, why)}")
    if result.promises:
        for limit in result.promises:
            value = o.value(limit.name)
            _line("kept" if limit.kept(o) else "MISSED", f"{limit}: {value:.4g} s")
    click.echo()
    single = o.tpot_s is None
    rows = [
        ("answer" if single else "first token", None if single else o.ttft_s),
        ("per further token", o.tpot_s),
        ("between tokens", o.itl_s),
        ("whole answer", o.e2e_s),
        ("in the queue", o.queue_s),
    ]
    print_table(
        ["", "mean", "p50", "p90", "p95", "p99"],
        [[name, *_times(latency)] for name, latency in rows if latency is not None],
    )
    if len(result.runs) > 1:
        _intervals(result)
    click.echo()
    _line("throughput", f"{o.requests_per_s:.3g} requests/s, {rate_text(o.output_tokens_per_s)} written")
    if o.goodput_per_s is not None:
        _line("goodput", f"{o.goodput_per_s:.3g} requests/s keep every limit ({100 * (o.kept or 0):.1f} %)")
    _line("in passes", f"{100 * o.utilisation:.0f} % of the time, {o.mean_batch:.1f} sequences a step")
    if service.memory.units < 2**60:
        _line(
            "cache",
            f"{service.cache_tokens:,} tokens; {100 * o.cache_mean:.0f} % filled, at most {100 * o.cache_peak:.0f} %; "
            f"{o.preemptions:,} preemptions",
        )
    if o.cached_share:
        _line("prefixes", f"{100 * o.cached_share:.1f} % of prompt tokens found in the cache")
    if o.usd_per_hour is None:
        _line("cost", f"no price known for {case.machine.id}")
    else:
        per_token = f", {usd_text(o.usd_per_million_tokens)} per million tokens" if o.usd_per_million_tokens else ""
        _line("cost", f"{usd_text(o.usd_per_hour)} per hour{per_token}")
    if o.joules_per_token is not None:
        _line("energy", f"at most {o.joules_per_token:.2g} J per token written (nominal power while in passes)")
    for note in result.notes:
        click.echo(f"\nNote: {note}.")


REASONS = {
    "context": "longer than the model's context",
    "memory": "prompt and answer are larger than the whole cache",
    "budget": "longer than a pass may be, and the engine does not cut prompts",
}


def _line(name: str, text: str) -> None:
    click.echo(f"{name:<20}{text}")


def _times(latency: Latency) -> list[str]:
    from advisor.report import seconds_text

    return [seconds_text(getattr(latency, name)) for name in ("mean", "p50", "p90", "p95", "p99")]


def _intervals(result: Simulation) -> None:
    from advisor.report import seconds_text

    parts = []
    for name in ("ttft.p95", "tpot.p95", "e2e.p95"):
        i = result.interval(name)
        if i.mean == i.mean:
            parts.append(f"{name} {seconds_text(max(i.low, 0))} to {seconds_text(i.high)}")
    click.echo(f"over {len(result.runs)} seeds, 95 % intervals: {', '.join(parts)}")
