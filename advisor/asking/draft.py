"""Requirements while they are being read, with the words that each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from advisor.asking.open_points import OpenPoint
from advisor.report import bytes_text, count_text, rate_text, seconds_text, tokens_text
from advisor.requirements import PRESETS, Preset, Requirements
from catalog.values import dataclass

NAMES = {
    "task": "task", "context_tokens": "context", "input_tokens": "prompt", "output_tokens": "answer",
    "users": "users at a time", "ttft_s": "first token", "tpot_s": "per token", "e2e_s": "whole answer",
    "tokens_per_s": "throughput", "requests_per_s": "mean rate", "memory_bytes": "memory per device",
    "machines": "machines",
    "max_gpus": "devices", "budget_usd_per_hour": "budget", "commercial": "commercial use", "languages": "languages",
    "deployment": "deployment", "families": "only families", "without_families": "without families",
    "organisations": "only models of", "without_organisations": "without models of", "licences": "licence",
    "at_least": "quality at least that of", "fine_tuning": "fine-tuning", "traits": "also asked for",
    "labelled_examples": "labelled examples", "min_params": "parameters", "max_params": "parameters",
    "preset": "weights",
}  # fmt: skip
"""What each requirement is called."""
MOST = frozenset(("ttft_s", "tpot_s", "e2e_s", "max_gpus", "budget_usd_per_hour", "max_params", "memory_bytes"))
LEAST = frozenset(("tokens_per_s", "min_params"))
WISHES: dict[str, Preset] = {
    "quality": "quality-first", "cost": "cost-first", "latency": "latency-first", "balanced": "balanced",
}  # fmt: skip
"""The preset of weights behind each wish."""


@dataclass(frozen=True, slots=True)
class Understood:
    """One requirement with the words it came from."""

    field: str
    name: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class NotApplied:
    """Something understood that the ranking does not use."""

    what: str
    words: str
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question says. ``problem`` set: it cannot be answered, and this is the one reason."""

    text: str
    requirements: Requirements
    understood: tuple[Understood, ...]
    assumed: tuple[str, ...]
    noted: tuple[NotApplied, ...]
    corrected: dict[str, str]
    """Misspelt words and how they were read."""
    not_understood: tuple[str, ...]
    preset: str | None = None
    problem: str | None = None
    unsure: tuple[OpenPoint, ...] = ()
    """What may be meant otherwise; a person is asked, a script is told what is assumed."""


def value_text(name: str, value: Any) -> str:
    """A requirement's value in words, with its unit."""
    bound = "≤ " if name in MOST else "≥ " if name in LEAST else ""
    match name:
        case "context_tokens" | "input_tokens" | "output_tokens":
            return f"{tokens_text(value)} tokens"
        case "ttft_s" | "tpot_s" | "e2e_s":
            text = seconds_text(value)
        case "memory_bytes":
            text = bytes_text(value)
        case "budget_usd_per_hour":
            text = f"${value:,.3g} per hour"
        case "min_params" | "max_params":
            text = count_text(value)
        case "tokens_per_s":
            text = rate_text(value, "/s")
        case "requests_per_s":
            text = f"{rate_text(value, 'requests/s')} ({count_text(value * 86400)} a day)"
        case "commercial" | "fine_tuning":
            text = "yes" if value else "no"
        case _:
            text = ", ".join(value) if isinstance(value, tuple) else f"{value:,}" if isinstance(value, int) else value
    return bound + text


@dataclass
class Draft:
    """Collects; the first contradiction is kept as the problem."""

    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)
    noted: list[NotApplied] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unsure: list[OpenPoint] = field(default_factory=list)
    preset: str | None = None

    def put(self, name: str, value: Any, words: str) -> None:
        """Set a requirement; a second, different value is a contradiction."""
        if name in self.fields and self.fields[name] != value:
            before = f"{value_text(name, self.fields[name])} ({self.words[name]!r})"
            after = f"{value_text(name, value)} ({words!r})"
            self.problems.append(f"{NAMES[name]}: the question says both {before} and {after}; keep one of them")
            return
        self.fields[name] = value
        self.words[name] = words

    def add(self, name: str, values: tuple[str, ...], words: str) -> None:
        """Add to a list of names."""
        have = self.fields.get(name, ())
        self.fields[name] = tuple(dict.fromkeys((*have, *values)))
        self.words[name] = f"{self.words[name]} … {words}" if name in self.words else words

    def assume(self, kind: str, words: str, options: Sequence[str], assumption: str) -> None:
        """Take the first of several meanings, and say so."""
        self.assumed.append(assumption)
        self.unsure.append(OpenPoint(kind, words, tuple(options), assumption))

    def note(self, what: str, words: str, why: str) -> None:
        """Understood, and not applied."""
        self.noted.append(NotApplied(what, words, why))

    def understood(self) -> tuple[Understood, ...]:
        """Everything that was set, in the order of the requirements."""
        order = [*NAMES]
        rows = [
            Understood(name, NAMES[name], value_text(name, self.fields[name]), self.words[name])
            for name in sorted(self.fields, key=lambda name: order.index(name) if name in order else len(order))
            if name in self.words and name in NAMES
        ]
        if self.preset:
            names, weights = ("quality", "cost", "latency"), PRESETS[WISHES[self.preset]]
            text = ", ".join(f"{name} {weight:g}" for name, weight in zip(names, weights, strict=True))
            rows.append(Understood("preset", "weights", f"{self.preset} first: {text}", self.words["preset"]))
        return tuple(rows)
