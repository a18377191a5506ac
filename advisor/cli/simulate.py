"""``whicharch simulate``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from advisor.cli.options import COUNT, SECONDS, TOKENS, Quantity, json_option, print_json

if TYPE_CHECKING:
    from advisor.simulator.result import Simulation

WITH_FILE = ("what", "requests", "seeds", "seed", "slo", "find", "per_request", "series", "chrome_trace", "as_json")
"""What may be given besides a file, which says the rest."""


def _rate(text: str, what: str) -> float:
    from advisor.simulator.limits import rate_per_s

    return rate_per_s(text, what)


def _spread(text: str, what: str) -> float:
    from advisor import quantities

    return 0.0 if text.strip() in ("0", "0s") else quantities.seconds(text, what)


@click.command()
@click.argument("what", metavar="MODEL|FILE.yaml")
@click.option("--machine", metavar="ID", help="Machine id (see 'whicharch catalog list machines') or a YAML file.")
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
@click.option(
    "--stagger", "stagger_s", type=Quantity("duration", _spread), metavar="TIME",
    help="Over how long clients start; 0: all together; default: one answer.",
)  # fmt: skip
@click.option("--turns", metavar="LENGTHS", help="Turns of a conversation; each prompt holds all before it.")
@click.option("--shared-tokens", type=TOKENS, help="A common start of all prompts (a system prompt).")
@click.option("--tp", "--gpus", "tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer.")
@click.option("--pp", type=COUNT, default="1", help="Pipeline stages.")
@click.option("--ep", type=COUNT, default="1", help="Parts into which a mixture's experts are divided.")
@click.option(
    "--routing", default="", metavar="HOW", help="Of experts: balanced, uniform, skewed (default), power_law:1.2."
)
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="FORMAT", help="Cache format.")
@click.option("--replicas", type=COUNT, default="1", show_default=True, help="Copies of the model.")
@click.option("--prompt-replicas", type=COUNT, default=0, help="Further ones that read prompts; the rest only write.")
@click.option("--fail-at", type=SECONDS, metavar="TIME", help="When one replica stops for good (N+1).")
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
@click.pass_context
def command(
    ctx: click.Context,
    /,
    what: str,
    as_json: bool,
    per_request: str | None,
    series: str | None,
    chrome_trace: str | None,
    **asked: Any,
) -> None:
    """Serve traffic with MODEL on machines, request by request; or what FILE.yaml describes.

    A file has classes of traffic with promises and priorities of their own, replicas of several kinds, failures,
    scaling, separate replicas for prompts (examples/services/mixed.yaml; fields: whicharch schema simulate).

    Exits with 1 if a promise is missed, a request can never be served, or requests come faster than answers.

    Examples:

    \b
      whicharch simulate llama-3.1-8b --machine h100-sxm --rate 5/s --input lognormal:800,1.2 --output 250
      whicharch simulate llama-3.1-8b --machine l4 --traffic chat --find max-rate --slo "ttft.p95<1s,tpot.p95<50ms"
      whicharch simulate examples/services/mixed.yaml --seeds 3
    """
    from advisor.cli.simulate_text import print_simulation

    progress = (lambda text: click.echo(text, err=True)) if sys.stderr.isatty() else None
    result = (_flags if asked["machine"] else _file)(ctx, what, asked, progress)
    _write(result, per_request, series, chrome_trace)
    if as_json:
        print_json(result.to_dict())
    else:
        print_simulation(result)
    sys.exit(1 if _missed(result) else 0)


def _flags(ctx: click.Context, model: str, asked: dict[str, Any], progress: Any) -> Simulation:
    from advisor.simulator.dispatch import Failure
    from advisor.simulator.simulate import simulate
    from catalog.loader import load

    if asked["rate"] is None and asked["clients"] is None and asked["trace"] is None and not asked["find"]:
        load(model)  # what it is called comes first
        raise click.UsageError("give --rate, --clients or --trace (or --find max-rate)")
    limits = {name: asked.pop(name) for name in ("budget_tokens", "max_sequences")}
    fails = asked.pop("fail_at")
    failures = () if fails is None else (Failure(0, fails),)
    return simulate(model=model, limits_of_rules=limits, failures=failures, progress=progress, **asked)


def _file(ctx: click.Context, path: str, asked: dict[str, Any], progress: Any) -> Simulation:
    from advisor.simulator.service_file import simulate_file
    from catalog.loader import load

    if not path.lower().endswith((".yaml", ".yml")):
        load(path)
        raise click.UsageError("give --machine, or instead of a model a file (see examples/services/mixed.yaml)")
    given = [
        name for name in ctx.params
        if name not in WITH_FILE and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]  # fmt: skip
    if given:
        raise click.UsageError(f"--{given[0].replace('_', '-')}: put it into {path}, or give --machine and a model")
    said = {
        name: asked[name] for name in ("requests", "seeds", "seed", "slo", "find")
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }  # fmt: skip
    return simulate_file(path, progress=progress, **said)


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
        write_table(series, series_table(run.jobs, run.pools))
    if chrome:
        write_chrome_trace(chrome, run.jobs, run.pools)
