"""The command line. Commands load when they run, so that ``--help`` and every other command stay fast.

Data goes to stdout, narration and progress to stderr. Exit codes: 0 yes, 1 a check answered no, 2 bad input,
3 something of ours failed.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "ask": ("advisor.cli.ask", "Read a question in plain English and answer it."),
    "recommend": ("advisor.cli.recommend", "Rank architectures, models and machines for a task."),
    "estimate": ("advisor.cli.estimate", "Parameters, FLOPs, memory, time and cost of one model on one machine."),
    "explain": ("advisor.cli.explain", "Where a number comes from: formula, numbers put in, unit and source."),
    "compare": ("advisor.cli.compare", "Put models side by side at one workload, and say why they differ."),
    "scale": ("advisor.cli.scale", "How cost grows with context, and where models cross."),
    "simulate": ("advisor.cli.simulate", "Serve traffic request by request: percentiles, limits kept, money."),
    "plan": ("advisor.cli.plan", "The cheapest machines that keep a promise under growing traffic."),
    "sweep": ("advisor.cli.sweep", "Grids of estimates or simulations, on all cores or a Dask cluster."),
    "design": ("advisor.cli.design", "Change an architecture, and see what that costs against the model it came from."),
    "schema": ("advisor.cli.schema", "JSON Schema of plan.yaml, sweep.yaml and design.yaml, for editors."),
    "import": ("advisor.cli.import_", "Read a model from config.json, GGUF, safetensors or the Hugging Face hub."),
    "validate": ("advisor.cli.validate", "Prove the catalog against real PyTorch models."),
    "accuracy": ("advisor.cli.accuracy", "How far predictions are from measured tables or your own benchmarks."),
    "fit": ("advisor.cli.fit", "Fit machines' constants to measured kernels, and judge them on others."),
    "catalog": ("advisor.cli.catalog", "List and show models, machines, formats and tasks."),
    "machine": ("advisor.cli.machine", "Recognise this machine; list, show and check machines."),
    "calibrate": ("advisor.cli.calibrate", "Measure this machine, fit its constants, check them on real models."),
    "learn": ("advisor.cli.learn", "Pages about families, innovations and tasks, their numbers computed now."),
    "mcp": ("advisor.cli.mcp", "Give assistants the answers as tools (Model Context Protocol)."),
    "serve": ("advisor.cli.serve", "The application in a browser, or the answers over HTTP."),
    "tui": ("advisor.cli.tui", "Open the terminal application (the default)."),
}
"""Command name to (module with a ``command`` object, one line of help)."""

RECKONING = (
    "ask", "recommend", "estimate", "explain", "compare", "scale", "simulate", "plan", "sweep", "design", "accuracy",
    "learn",
)  # fmt: skip
"""Commands that need numpy."""

SILENT = ("tui", "serve", "mcp")
"""Commands whose terminal is not theirs to write to while something is compiled."""


class LazyGroup(click.Group):
    """A group that knows the names of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from catalog.errors import unknown

            raise click.UsageError(str(unknown("command", args[0], COMMANDS)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="whicharch", prog_name="whicharch")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Which architecture, which model and which machine for my task, what will it cost, and how do you know?

    Without a command it opens the terminal application.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(import_module("advisor.cli.tui").command)


def _without_plugins() -> None:
    """Keep pydantic from looking for plugins, and from loading what it looks with: 60 ms.

    A release of pydantic that asks its loader for anything else gets the loader itself.
    """
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        none = ModuleType("pydantic.plugin._loader")

        def from_loader(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            if sys.modules.get(none.__name__) is none:
                del sys.modules[none.__name__]
            return getattr(import_module(none.__name__), name)

        none.get_plugins = tuple  # type: ignore[attr-defined]
        none.__getattr__ = from_loader  # type: ignore[method-assign]
        sys.modules.setdefault(none.__name__, none)


def _load_early(words: Sequence[str]) -> None:
    """Load what a command needs before anything calls anything.

    Python 3.11 and 3.12 keep frames in chunks of 16 KiB; where calls cross the end of one, each maps and unmaps
    memory. Imports nest deeply, and numpy's types, made below four imports of ours, cost 40 ms by that.
    """
    if words and words[0] in RECKONING and not {"-h", "--help"} & {*words}:
        import_module("numpy")


def main(arguments: Sequence[str] | None = None) -> Any:
    """Entry point: one clear line for bad input (exit 2), a short one for our own failures (exit 3).

    Raises:
        SystemExit: With the exit code; without ``arguments`` the process may end at once instead.
    """
    try:
        _run(arguments)
    except SystemExit as stop:
        if arguments is None:
            _leave(stop.code)
        raise


def _leave(code: object) -> None:
    """End the process without taking its objects apart one by one, which takes 20 ms; return where somebody watches."""
    watched = threading.active_count() > 1 or sys.getprofile() or sys.gettrace()
    if watched or not (code is None or isinstance(code, int)):
        return
    with contextlib.suppress(Exception):  # a closed pipe is the interpreter's to tell
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _run(arguments: Sequence[str] | None) -> None:
    _without_plugins()
    gc.disable()  # a command ends before garbage matters, and collecting costs a tenth of its time
    from catalog import patience
    from catalog.errors import BadInput, DoesNotFit

    if arguments is None and len(sys.argv) > 1 and sys.argv[1] not in SILENT:
        patience.tell = lambda text: click.echo(text, err=True)
    try:
        _load_early(sys.argv[1:] if arguments is None else arguments)
        cli.main(args=arguments, prog_name="whicharch", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except SystemExit:
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):  # click's sign of a closed pipe
            sys.exit(0)
        raise
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except DoesNotFit as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except BadInput as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("WHICHARCH_TRACEBACK"):
            raise
        click.echo(
            f"Error: whicharch failed: {type(error).__name__}: {error}\n"
            "This is our fault; WHICHARCH_TRACEBACK=1 shows where.",
            err=True,
        )
        sys.exit(3)
    finally:
        gc.freeze()  # nor is anything collected on the way out
    sys.exit(0)
