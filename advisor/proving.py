"""The proof against PyTorch for a face that must stay free of it: ``validate`` in a process of its own, with news.

Run as ``python -m advisor.proving ID...`` it writes a line of JSON to stdout for each model done, and one with all
checks at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from catalog.errors import BadInput


@dataclass(frozen=True, slots=True)
class Proven:
    """How far it is: ``checks`` are there at the end only."""

    done: int
    total: int
    model: str
    checks: tuple[dict[str, Any], ...] | None = None
    """Fields of ``advisor.validate.Check`` with ``reference``, ``difference`` and ``status``."""


def unprovable() -> str:
    """Why nothing can be proven here; empty where it can be."""
    from calculators.reference import missing

    lacking = missing()
    return f"the proof needs {', '.join(lacking)}: pip install 'whicharch[validate]'" if lacking else ""


async def prove(models: Sequence[str]) -> AsyncIterator[Proven]:
    """Compare models with their PyTorch classes, in another process that ends when this generator is closed.

    Raises:
        BadInput: If the extra is not installed, or the process refuses a model; with its sentence.
    """
    if sentence := unprovable():
        raise BadInput(sentence)
    yield Proven(0, len(models), "")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "advisor.proving", *models,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True, limit=2**26,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.ensure_future(process.stderr.read())
    finished = False
    try:
        async for line in process.stdout:
            try:
                news = json.loads(line)
            except ValueError:
                continue  # something that a library printed
            finished = "checks" in news
            checks = tuple(news["checks"]) if finished else None
            yield Proven(news["done"], news["total"], news["model"], checks)
        await process.wait()
        said = (await errors).decode(errors="replace").strip().splitlines()
        if not finished:
            raise BadInput(said[-1] if said else f"the proof ended with code {process.returncode}")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM) if hasattr(os, "killpg") else process.terminate()
            await process.wait()
        errors.cancel()


def main(models: Sequence[str]) -> int:
    """The process behind ``prove``; returns its exit code."""
    from advisor.validate import validate

    def told(done: int, total: int, model: str) -> None:
        print(json.dumps({"done": done, "total": total, "model": model}), flush=True)

    try:
        checks = validate(list(models), jobs=1, progress=told)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    found = [check.as_dict() for check in checks]
    print(json.dumps({"done": len(models), "total": len(models), "model": "", "checks": found}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
