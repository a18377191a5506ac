"""The fields of the Ask page, and how they become requirements and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor import quantities
from catalog.errors import BadInput
from tui.widgets.form import Choice, Entry

ANY = ""
LENGTHS = ("512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1m")
USERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")
SHARES = ("0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1")


def names(text: str, label: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def weight(text: str, label: str) -> float:
    """A weight.

    Raises:
        BadInput: If it is no number of at least 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise BadInput(f"{label}: {text!r} is no weight; write a number such as 0.5")
    return value


def _same(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


MAIN = (
    Choice("task", "task", _same("chat"), "chat", help="What the model is for."),
    Choice(
        "machines", "machine", (("any", ANY), ("rtx-4090", "rtx-4090")), "rtx-4090",
        help="The machine to run on; any: every machine that is rented out and whose speed is known.",
    ),
    Entry(
        "context_tokens", "context", quantities.tokens, "16k", "auto", LENGTHS,
        help="Prompt and answer together, for which every user needs memory at the same time: 2048, 16k, 1m.",
    ),
    Entry("users", "users", quantities.count, "8", "1", USERS, help="Requests at the same time."),
    Entry(
        "ttft_s", "first token", quantities.seconds, "1s", "no limit", ("100ms", "200ms", "500ms", "1s", "2s", "5s"),
        help="Longest time to the first token: 300ms, 1.5s.",
    ),
    Entry(
        "tpot_s", "per token", quantities.seconds, "60ms", "no limit", ("10ms", "20ms", "40ms", "60ms", "100ms"),
        help="Longest time per token after the first: 40ms.",
    ),
    Entry(
        "budget_usd_per_hour", "budget", quantities.usd_per_hour, "", "no limit",
        ("100/month", "500/month", "1000/month", "2000/month", "5000/month", "20000/month"),
        help="What all its machines may cost: 2000/month, 3/hour.",
    ),
    Choice(
        "preset", "prefer", _same("balanced", "quality-first", "cost-first", "latency-first"), "balanced",
        help="What counts most; weights of your own are among the further fields.",
    ),
    Entry(
        "max_gpus", "devices", quantities.count, "", "auto", ("1", "2", "4", "8", "16"),
        help="Devices at most, all copies together. Empty: 1 on a named machine, 8 on any.",
    ),
)  # fmt: skip
"""Always in view; the question that the page opens with."""

MORE = (
    Entry(
        "input_tokens", "prompt", quantities.tokens, "", "auto", LENGTHS,
        help="Length of a typical prompt, for which the first token is timed. Empty: as the task says.",
    ),
    Entry("output_tokens", "answer", quantities.tokens, "", "auto", LENGTHS[:8], help="Length of a typical answer."),
    Entry(
        "e2e_s", "end to end", quantities.seconds, "", "no limit", ("1s", "2s", "5s", "10s", "30s", "60s"),
        help="Longest time from the request to the last token.",
    ),
    Entry(
        "requests_per_s", "rate", quantities.rate_per_s, "", "none", ("0.1/s", "0.5/s", "1/s", "5/s", "20/s", "100/s"),
        help="Mean rate of requests, for what a month costs: 5/s, 300/min.",
    ),
    Entry(
        "memory_bytes", "memory", quantities.memory_bytes, "", "all",
        ("8GiB", "12GiB", "16GiB", "24GiB", "32GiB", "48GiB", "80GiB", "141GiB", "192GiB"),
        help="Memory that may be used per device: 20GiB, 80GB. Empty: all that the machine has.",
    ),
    Entry(
        "quality_floor", "quality", quantities.share, "", "best", ("20%", "40%", "50%", "60%", "70%", "80%", "90%"),
        help="Least quality: share of the scored models that it must beat. Empty: the best that the limits allow.",
    ),
    Entry(
        "confidence", "confidence", quantities.share, "", "usual", ("50%", "80%", "90%", "95%"),
        help="Least probability that all promises of time are kept.",
    ),
    Choice(
        "deployment", "run as", _same("any", "api", "self-hosted", "air-gapped", "on-device"), "any",
        help="Where it may run.",
    ),
    Choice(
        "privacy", "texts go", (("anywhere", "any"), ("own servers", "own-servers"),
                                    ("own premises", "own-premises")), "any",
        help="To a provider, to rented or own servers only, or to bought machines only.",
    ),
    Choice(
        "commercial", "commercial", (("no matter", False), ("must be allowed", True)), False,
        help="Whether the licence must allow commercial use.",
    ),
    Entry("licences", "licences", names, "", "any", help="Beginnings of licences' names, with commas: Apache, MIT."),
    Entry("languages", "languages", names, "", "any", help="ISO codes that a model must know, with commas: de, fr."),
    Entry("organisations", "makers", names, "", "any", help="Only models of these makers, with commas."),
    Entry(
        "max_params", "at most", quantities.params, "", "any size", ("1B", "4B", "8B", "14B", "32B", "70B", "200B"),
        help="Most parameters: 14B.",
    ),
    Entry(
        "quality_weight", "w. quality", weight, "", "preset", SHARES,
        help="What quality weighs, instead of what the preset says.",
    ),
    Entry("latency_weight", "w. latency", weight, "", "preset", SHARES, help="What a short answer time weighs."),
    Entry("cost_weight", "w. cost", weight, "", "preset", SHARES, help="What a low price weighs."),
)  # fmt: skip
"""Further fields, in view where there is room or after ``d``."""

FIELDS = (*MAIN, *MORE)
USUAL = {"users": 1, "deployment": "any", "privacy": "any", "commercial": False, "preset": "balanced"}
"""Values that need not be said."""


def wishes_of(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """What the form asks, and what else was understood, as fields of ``Requirements``; empty ones are left out."""
    asked = {**others, **{name: value for name, value in values.items() if value not in (None, ())}}
    machine = asked.pop("machines", ANY)
    several = tuple(others.get("machines", ())) if machine == ANY else (machine,)
    asked["machines"] = several
    return {name: value for name, value in asked.items() if name == "machines" or USUAL.get(name) != value}


def texts_of(wishes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the form for wishes, and the wishes that no field can show."""
    from advisor.decision.commands import written
    from advisor.decision.fields import BY_KEY

    fields: dict[str, Any] = {}
    others = {name: value for name, value in wishes.items() if value not in (None, ())}
    for field in FIELDS:
        value = others.get(field.name)
        if field.name == "machines":
            machines = tuple(others.get("machines", ()))
            fields["machines"] = machines[0] if len(machines) == 1 else ANY
            if len(machines) <= 1:
                others.pop("machines", None)
        elif isinstance(field, Choice):
            fields[field.name] = others.pop(field.name, USUAL.get(field.name, field.value))
        else:
            others.pop(field.name, None)
            if value is None:
                fields[field.name] = ""
            elif isinstance(value, (tuple, list)):
                fields[field.name] = ", ".join(value)
            else:
                fields[field.name] = written(BY_KEY[field.name], value)
    return fields, others


def said_of(others: Mapping[str, Any]) -> list[str]:
    """Wishes that no field shows, in words."""
    from advisor.decision.commands import written
    from advisor.decision.fields import BY_KEY

    found = []
    for name, value in others.items():
        several = isinstance(value, (list, tuple))
        known = name in BY_KEY and isinstance(value, (int, float)) and not isinstance(value, bool)
        text = ", ".join(map(str, value)) if several else written(BY_KEY[name], value) if known else str(value)
        found.append(f"{name.replace('_', ' ')} {text}")
    return found
