"""A command of ours in a process of its own: its lines as they come, and an end to it at any time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LINE = 2**20
"""Longest line that is read, in bytes."""


@dataclass(frozen=True)
class Ended:
    """How the process ended."""

    code: int
    output: str
    """Its standard output."""


def whicharch(*arguments: str) -> tuple[str, ...]:
    """The command line that runs this program anew."""
    return (sys.executable, "-m", "advisor.cli", *arguments)


async def run(command: Sequence[str], say: Callable[[str], None]) -> Ended:
    """Run a command to its end; cancelling the caller kills it.

    Args:
        command: Program and arguments.
        say: Takes each line of its standard error.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        limit=LINE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    reading = asyncio.create_task(process.stdout.read())
    try:
        while line := await process.stderr.readline():
            if text := line.decode(errors="replace").rstrip():
                say(text)
        output = await reading
        return Ended(await process.wait(), output.decode(errors="replace"))
    finally:
        reading.cancel()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            await process.wait()
