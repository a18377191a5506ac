"""What may be asked from outside: inputs with a shape and with bounds, and no files of this computer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from advisor.planning.schema import PlanFile
from advisor.scenario import Scenario
from calculators.memory import PolicyName
from catalog.base import Size, Spec
from catalog.errors import BadInput
from catalog.loader import model_ids

Rows = Annotated[int, Field(ge=1, le=50)]
MOST_LETTERS = 4000
"""Of a question; the parser reads no more."""
MOST_REQUESTS, MOST_SEEDS, MOST_MODELS = 20_000, 5, 5
"""Simulated and compared for a plan: bounds on how long one call can keep the processor."""
LONGEST_PLAN_S = 60.0
"""A plan is ended then, before its next run."""
FILES = (".yaml", ".yml", ".json", ".jsonl", ".csv", ".gguf", ".safetensors", ".parquet")
MODELS = ("model", "models", "at_least", "speculate")
"""Fields whose names are looked for as folders too."""


class Question(Spec):
    """A question in plain English."""

    question: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
    """Such as: chat in German on one RTX 4090, first token under 300 ms."""
    limit: Rows = 5
    """Recommendations at most."""


class Explained(Spec):
    """One quantity of one model: where its number comes from."""

    model: str
    quantity: str
    """``kv-cache``, ``parameters``, ``flops`` ...; with a machine ``ttft``, ``tpot``, ``throughput``, ``cost`` ..."""
    context: Size | None = None
    """Tokens read, or held in the cache; with a machine the prompt. By default 2,048, or what the model takes."""
    batch: Size = 1
    step: bool = False
    """One new token on ``context`` cached ones, instead of reading them."""
    weights: str = ""
    """Weight format; empty: as published."""
    cache: str = "bf16"
    policy: PolicyName = "needed"
    machine: str = ""
    """For times, energy and cost."""
    output_tokens: Size | None = None
    tp: Annotated[int, Field(ge=1, le=1024)] = 1


def bounded(asked: PlanFile) -> PlanFile:
    """A plan that does not keep the processor for hours.

    Raises:
        BadInput: If it simulates more than is allowed from outside.
    """
    for name, most in (("requests", MOST_REQUESTS), ("seeds", MOST_SEEDS), ("most_models", MOST_MODELS)):
        if (getattr(asked, name) or 0) > most:
            raise BadInput(f"plan: {name} is over {most:,}, the most that this server simulates; use the command line")
    if len(asked.models) > MOST_MODELS:
        raise BadInput(f"plan: over {MOST_MODELS} models, the most that this server compares; use the command line")
    return asked


def deadline(after_s: float = LONGEST_PLAN_S) -> Callable[[], None]:
    """What a plan asks before every simulated run; it ends a plan that takes longer than this.

    Raises:
        BadInput: By what is returned, after that time.
    """
    until = time.monotonic() + after_s

    def check() -> None:
        if time.monotonic() > until:
            raise BadInput(f"plan: takes longer than {after_s:g} s, the most that this server gives one; ask for less")

    return check


def sentence_of(errors: Sequence[Any]) -> str:
    """The first thing that pydantic finds wrong, in one sentence: where, what, and how many more."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path")) or "request"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {str(first['msg']).removeprefix('Value error, ')[:300]}{more}"


def without_files(asked: Spec) -> None:
    """Refuse names that would be read from a file: only the catalog's own entries are for others.

    Raises:
        BadInput: At the first such name.
    """
    for field, text in _texts(asked.model_dump()):
        kind, _, named = text.partition(":")  # empirical:FILE, draft:MODEL
        path_like = any(_is_path(name) for name in (text, named))
        folder = field in MODELS and any(os.path.exists(name) and name not in model_ids() for name in (text, named))
        if path_like or folder or (named and kind.strip().lower() == "empirical"):
            raise BadInput(f"{text!r}: no files are read from here; name an entry of the catalog")


def _is_path(name: str) -> bool:
    name = name.strip()
    if name.lower().endswith(FILES) or name.startswith(("/", ".", "~", "\\")):
        return True
    return ("/" in name or "\\" in name) and os.path.exists(name)


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside, with the name of the field that holds it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, field)


__all__ = [
    "Explained",
    "PlanFile",
    "Question",
    "Rows",
    "Scenario",
    "bounded",
    "deadline",
    "sentence_of",
    "without_files",
]
