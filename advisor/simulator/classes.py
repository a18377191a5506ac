"""A class of traffic as files describe it, the same for ``whicharch simulate`` and ``whicharch plan``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from advisor import quantities
from advisor.simulator.lengths import lengths
from advisor.simulator.limits import limits, per_request, rate_per_s
from advisor.simulator.traffic import Traffic, traffic_preset
from catalog.base import Count, Size, Spec
from catalog.errors import BadInput

Text = str | float | int
CLASS_QUANTITIES = ("ttft", "tpot", "e2e", "queue")
"""What is known by class; times between tokens are those of all requests together."""


def readable(value: Any, read: Any, what: str) -> Any:
    """Check a quantity that people write with a unit; complaints become those of the schema.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        return read(str(value), what)
    except BadInput as error:
        raise ValueError(str(error)) from None


class TrafficEntry(Spec):
    """Requests of one kind."""

    name: Annotated[str, Field(min_length=1, max_length=60)] = "requests"
    preset: str = ""
    """``chat``, ``rag``, ``code-completion``, ``agentic``, ``summarization`` or ``batch``: what is not said below."""
    rate: Text | None = None
    """Requests (conversations, where there are turns) per second: ``5/s``, ``300/min``; in a plan of the first
    month."""
    users: Size | None = None
    """Instead: people who each wait for an answer, think, and ask again."""
    think: Text | None = None
    """From an answer to the same person's next request; with ``users`` it varies exponentially."""
    arrivals: Literal["poisson", "constant", "gamma"] = "poisson"
    burstiness: Annotated[float, Field(gt=0, le=20)] = 1.0
    """Deviation of the gaps between requests over their mean, where arrivals are ``gamma``."""
    input: Text | None = None
    """Prompt tokens: ``800``, ``normal:512,128``, ``lognormal:800,1.2`` (median, sigma), ``uniform:100,2000`` …."""
    output: Text | None = None
    turns: Text | None = None
    """Turns of a conversation; each prompt holds all before it."""
    shared_tokens: Count | None = None
    """A common start of all prompts (a system prompt), on top of ``input``."""
    groups: Size = 1
    """How many different ones there are."""
    priority: Count = 0
    """Smaller goes first."""
    slo: str = ""
    """Promises to this class: ``ttft.p95<1s,tpot.p95<50ms``."""

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        if (self.rate is None) == (self.users is None):
            raise ValueError("give one of rate and users")
        if not self.preset and (self.input is None or self.output is None):
            raise ValueError("give input and output, or a preset")
        if self.rate is not None:
            readable(self.rate, rate_per_s, "rate")
        if self.think is not None:
            readable(self.think, quantities.seconds, "think")
        if self.slo:
            for limit in readable(self.slo, limits, "slo"):
                if limit.quantity not in CLASS_QUANTITIES:
                    raise ValueError(
                        f"slo: {limit.quantity} is known for all requests together, not by class; by class there are "
                        + ", ".join(CLASS_QUANTITIES)
                    )
        return self


def class_of(entry: TrafficEntry, default: Mapping[str, float], factor: float = 1.0) -> Traffic:
    """A class as the simulator takes it.

    Args:
        entry: As written.
        default: Limits of each request where the class has none of its own.
        factor: How many times its rate or users.

    Raises:
        BadInput: If a length or a preset is unknown.
    """
    base = (
        traffic_preset(entry.preset) if entry.preset else Traffic(lengths(entry.input or 1), lengths(entry.output or 1))
    )
    changes: dict[str, Any] = {
        "name": entry.name,
        "arrivals": entry.arrivals,
        "burstiness": entry.burstiness,
        "priority": entry.priority,
        "groups": entry.groups,
        "slo": (per_request(limits(entry.slo)) if entry.slo else {}) or default,
    }
    for column in ("input", "output", "turns"):
        if (given := getattr(entry, column)) is not None:
            changes[column] = lengths(given, f"traffic {entry.name}: {column}")
    if entry.shared_tokens is not None:
        changes["shared_tokens"] = entry.shared_tokens
    if entry.think is not None:
        changes["think_s"] = quantities.seconds(str(entry.think), "think")
    if entry.users is not None:
        changes |= {"clients": max(1, round(entry.users * factor)), "think_varies": True, "shared_queue": False}
        changes["stagger_s"] = changes.get("think_s", base.think_s)
    elif entry.rate is not None:
        changes["rate"] = rate_per_s(str(entry.rate)) * factor
    return replace(base, **changes)
