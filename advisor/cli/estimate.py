"""``whicharch estimate``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from advisor.cli.options import COUNT, TOKENS, TOKENS_OR_NONE, json_option, print_json
from advisor.estimate import estimate
from catalog.errors import BadInput

if TYPE_CHECKING:
    from advisor.answer import Estimate
    from advisor.breakdown import Breakdown
    from advisor.levers import Levers


@click.command()
@click.argument("model")
@click.option(
    "--machine", required=True, metavar="ID", help="Machine id (see 'whicharch catalog list machines') or a YAML file."
)
@click.option(
    "--input", "input_tokens", type=TOKENS, help="Prompt length in tokens; default: 2k, less where its context ends."
)
@click.option("--output", "output_tokens", type=TOKENS, help="Answer length in tokens; default: 500, or less.")
@click.option("--batch", type=COUNT, default="1", show_default=True, help="Concurrent requests.")
@click.option("--weights", default="", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv", "cache", default="bf16", show_default=True, metavar="FORMAT", help="Cache format.")
@click.option("--tp", "--gpus", "tp", type=COUNT, default="1", show_default=True, help="Devices that share each layer.")
@click.option("--pp", type=COUNT, default="1", help="Pipeline stages.")
@click.option("--ep", type=COUNT, default="1", help="Parts into which a mixture's experts are divided.")
@click.option(
    "--routing", default="", metavar="HOW", help="Of experts: balanced, uniform, skewed (default), power_law:1.2."
)
@click.option("--dp", type=COUNT, default="1", help="Attention ranks, each with its own requests; experts are shared.")
@click.option("--cp", type=COUNT, default="1", help="Devices that share the tokens and cache of each request.")
@click.option(
    "--cached-prefix", type=TOKENS_OR_NONE, default="0", help="Tokens of each prompt that are cached and shared."
)
@click.option("--images", type=int, default=0, help="Images per prompt.")
@click.option("--image-side", type=COUNT, metavar="PIXELS", help="Side of images (vision); default: as published.")
@click.option("--audio", "audio_seconds", type=float, default=30.0, show_default=True, help="Seconds of audio.")
@click.option("--steps", type=COUNT, help="Denoising steps (diffusion); default: the model's usual ones.")
@click.option("--speculate", default="", metavar="HOW", help="Guess tokens ahead: mtp, eagle3 or draft:MODEL.")
@click.option("--speculative-tokens", type=COUNT, default="3", show_default=True, help="Tokens guessed per round.")
@click.option(
    "--acceptance", type=float, metavar="A",
    help="Tokens that a round yields (from 1) or chance of a guess (below 1); default: as measured.",
)  # fmt: skip
@click.option("--host-power", "host_w", type=float, default=0.0, help="Watts of the host per device, for energy.")
@click.option("--pue", type=float, default=1.0, help="Power usage effectiveness of the building, for energy.")
@click.option("--host", default="", metavar="ID", help="CPU whose memory takes what does not fit (llama.cpp).")
@click.option("--engine", default="", metavar="ID", help="Inference engine; default: the usual one for the machine.")
@click.option("--breakdown", "--operators", "parts", is_flag=True, help="Where the time goes, operator by operator.")
@click.option("--levers", "faster", is_flag=True, help="What would make it faster, each change estimated.")
@click.option("--roofline", is_flag=True, help="The data of a roofline plot, as JSON: points and roofs.")
@json_option
def command(as_json: bool, parts: bool, faster: bool, roofline: bool, images: int, **fields: object) -> None:
    """Parameters, FLOPs, memory, time and cost of MODEL on a machine.

    MODEL is a catalog id, an alias, or a path to a YAML spec or a Hugging Face config.json.
    Exits with 1 if it does not fit.

    Example: whicharch estimate llama-3.1-8b --machine l4 --input 2k --output 500 --batch 8
    """
    if images < 0:
        raise click.BadParameter("must not be negative", param_hint="--images")
    _check_guesses(fields)
    lengths = {name: fields.pop(name) for name in ("input_tokens", "output_tokens")}
    asked: dict[str, Any] = {"images": images, **fields, **{name: n for name, n in lengths.items() if n is not None}}
    if roofline:
        print_json(_breakdown(asked).roofline())
        return
    result = estimate(**asked)
    spent, better = _breakdown(asked) if parts else None, _levers(asked) if faster else None
    if as_json:
        print_json({**result.to_dict(), **(spent.to_dict() if spent else {}), **(better.to_dict() if better else {})})
    else:
        _print(result, spent, better)
    sys.exit(1 if result.memory.fits is False else 0)


def _check_guesses(fields: dict[str, object]) -> None:
    source = click.get_current_context().get_parameter_source
    given = [name for name in ("speculative_tokens", "acceptance") if source(name) is ParameterSource.COMMANDLINE]
    if given and not fields["speculate"]:
        option = f"--{given[0].replace('_', '-')}"
        raise BadInput(f"{option}: needs a way to speculate: --speculate mtp, eagle3 or draft:MODEL")


def _breakdown(asked: dict[str, object]) -> Breakdown:
    from advisor.breakdown import breakdown

    return breakdown(**asked)


def _levers(asked: dict[str, object]) -> Levers:
    from advisor.levers import levers

    return levers(**asked)


def _print(result: Estimate, spent: Breakdown | None, better: Levers | None) -> None:
    from advisor.cli.estimate_text import print_estimate

    print_estimate(result)
    if spent:
        from advisor.cli.breakdown_text import print_breakdown

        print_breakdown(spent)
    if better:
        from advisor.cli.levers_text import print_levers

        print_levers(better)
