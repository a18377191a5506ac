"""Which entry of the catalog a printed name means, and which of its weights and ways of running.

Tables print one model in many ways: "Llama3.1 405B-Inst.", "meta-llama/Llama-3.1-405B-Instruct", "Claude 4.5 Opus
(Extended Thinking)". Rules read spelling, order of words, instruct or base, and effort; ``names.yaml`` holds what rules
cannot know, among it names that look like an entry and are another model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from catalog.base import Identifier, Spec
from catalog.compiled import load_or_compile
from catalog.loader import ROOT, all_models
from catalog.spec import ModelSpec

Weights = Literal["base", "tuned", "unlabelled"]
Mode = Literal["thinking", "plain", "unstated"]

TUNED = frozenset(("instruct", "inst", "chat", "it", "sft", "rl", "dpo"))
BASE = frozenset(("base", "pt", "pretrain", "pretrained"))
MUTE = frozenset(("hf", "openai", "meta"))
"""Words that name no other weights."""
EFFORT = frozenset(
    ("thinking", "reasoning", "extended", "level", "high", "xhigh", "low", "medium", "max", "minimal", "non",
     "nonthinking", "without", "w", "o", "with", "no", "mode", "adaptive")
)  # fmt: skip


class NamedEntry(Spec):
    """What a printed name means where rules cannot tell."""

    model: Identifier
    weights: Weights = "unlabelled"
    mode: Mode = "unstated"
    checkpoint: str | None = None
    """Which of several published weights of the entry's architecture, where not the entry's own."""


class SourceHabit(Spec):
    """How one source labels its rows."""

    where: str
    """A piece of the source's text."""
    unlabelled: Literal["base", "tuned"] | None = None
    """What a name without a label means there."""
    mode: Mode = "unstated"
    """How models that can do both answered there, where the names do not say."""
    base_benchmarks: tuple[str, ...] = ()
    """Rows that are of base weights, whatever the name says; ``*`` is all."""
    tuned_benchmarks: tuple[str, ...] = ()
    """Rows that are of tuned weights, where ``unlabelled`` says base."""
    base_settings: str | None = None
    """Settings that only its table of base models has, as a regular expression."""


class Names(Spec):
    """The table beside the rules."""

    names: dict[str, NamedEntry]
    other_models: dict[str, str]
    """Names that resemble an entry's and are other weights, with the reason."""
    always_thinks: tuple[Identifier, ...]
    """Models that reason before every answer, so that each score is of thinking."""
    both_modes: tuple[Identifier, ...]
    """Models that reason or answer at once, so that a score without its mode does not compare."""
    habits: tuple[SourceHabit, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A printed name, understood."""

    model: str
    weights: Weights = "unlabelled"
    mode: Mode = "unstated"
    effort: str | None = None
    """As printed: ``high``, ``xhigh`` ..."""
    checkpoint: str | None = None


@lru_cache(maxsize=1)
def names() -> Names:
    """The shipped table."""
    from catalog.parsing import read_entry

    files = {"names": ROOT / "names.yaml"}
    table: Names = load_or_compile("names", files, lambda: {"names": read_entry(Names, files["names"], trusted=True)})[
        "names"
    ]
    return table


def words(printed: str) -> tuple[str, ...]:
    """The words of a name: lower case, letters apart from numbers, organisation and quotes dropped.

    A number keeps its unit (``8b``); dots and dashes mean the same, as in ``claude-3-5`` and ``Claude 3.5``.
    """
    text = unicodedata.normalize("NFKC", printed).lower().strip()
    text = re.sub(r"^[a-z0-9_.-]+/(?=[a-z])", "", text)
    return tuple(re.findall(r"\d+[bkm](?![a-z])|\d+|[^\W\d_]+", text))


def key(parts: Iterable[str]) -> tuple[str, ...]:
    """Words without their order, then numbers in theirs: ``Claude 4.5 Opus`` is ``claude-opus-4.5``, and
    ``gpt-5.4`` is not ``gpt-4.5``."""
    said = list(parts)
    return (*sorted(part for part in said if not part[0].isdigit()), *(part for part in said if part[0].isdigit()))


@lru_cache(maxsize=1)
def _known() -> dict[tuple[str, ...], tuple[str, Weights]]:
    """Every spelling that the entries state: id, name and aliases, with and without the label of their weights."""
    return spellings(all_models())


def spellings(models: Iterable[ModelSpec]) -> dict[tuple[str, ...], tuple[str, Weights]]:
    """Keys of all names of entries; where a shortened name would mean two entries it means none."""
    exact: dict[tuple[str, ...], tuple[str, Weights]] = {}
    short: dict[tuple[str, ...], set[str]] = {}
    listed = list(models)
    for spec, name in (*((spec, spec.id) for spec in listed), *_further(listed)):
        parts = words(name)
        exact.setdefault(key(parts), (spec.id, _label(parts)))
        short.setdefault(key(_bare(parts)), set()).add(spec.id)
    for spelling, ids in short.items():
        if len(ids) == 1:
            exact.setdefault(spelling, (next(iter(ids)), "unlabelled"))
    return exact


def _further(models: list[ModelSpec]) -> Iterator[tuple[ModelSpec, str]]:
    """Names beside ids; tags of Ollama are left out, for ``mistral:7b`` has meant three models."""
    for spec in models:
        for name in (spec.name, *spec.aliases):
            if ":" not in name:
                yield spec, name


def _label(parts: Iterable[str]) -> Weights:
    have = set(parts)
    return "base" if have & BASE else "tuned" if have & TUNED else "unlabelled"


def _bare(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part not in TUNED | BASE | MUTE]


def resolve(printed: str, source: str = "") -> Reading | None:
    """The entry that a printed name means; ``None`` if it is not in the catalog.

    Args:
        printed: The name as printed.
        source: Where; some sources mean base models by names without a label.
    """
    table = names()
    reading = _resolve(printed, _known(), _repositories(), table)
    if reading is None:
        return None
    weights, mode = reading.weights, reading.mode
    if weights != "unlabelled" and reading.model not in _writers():
        weights = "unlabelled"  # the "base" of an encoder is its size
    if weights == "unlabelled":
        weights = next((h.unlabelled for h in table.habits if h.unlabelled and h.where in source), weights)
    if mode == "unstated" and reading.model in table.both_modes:
        mode = next((habit.mode for habit in table.habits if habit.where in source), mode)
    if weights != "base" and mode == "unstated" and reading.model in table.always_thinks:
        mode = "thinking"
    return replace(reading, weights=weights, mode=mode)


@lru_cache(maxsize=1)
def _writers() -> frozenset[str]:
    """Models whose base and tuned weights both exist as a rule."""
    families = ("decoder", "moe", "ssm", "hybrid", "vision-language")
    return frozenset(spec.id for spec in all_models() if spec.family in families)


@lru_cache(maxsize=1)
def _repositories() -> dict[str, tuple[str, Weights]]:
    """Repositories that the entries name, in lower case."""
    return {
        alias.lower(): (spec.id, _label(words(alias)))
        for spec in all_models()
        for alias in spec.aliases
        if "/" in alias
    }


def _resolve(
    printed: str,
    known: Mapping[tuple[str, ...], tuple[str, Weights]],
    repositories: Mapping[str, tuple[str, Weights]],
    table: Names,
) -> Reading | None:
    spoken = printed.lower().strip()
    if spoken in table.other_models:
        return None
    if spoken in table.names:
        entry = table.names[spoken]
        return Reading(entry.model, entry.weights, entry.mode, None, entry.checkpoint)
    if re.match(r"[\w.-]+/[^\s)]", printed):  # a repository says exactly which weights it holds
        exact = repositories.get(spoken)
        return None if exact is None else Reading(*exact)
    parts = words(printed)
    for candidate in (parts, _bare(parts), _no_size(printed), _bare(_no_size(printed))):
        found = known.get(key(candidate))
        if found is not None:
            label = _label(parts)
            return Reading(found[0], label if label != "unlabelled" else found[1])
    rest, effort, mode = _effort(printed)
    if mode == "unstated":
        return None
    below = _resolve(rest, known, repositories, table)
    if below is None:
        return None
    if mode == "thinking" and below.model not in (*table.both_modes, *table.always_thinks):
        return None  # Phi 4 Reasoning and Kimi K2 Thinking are other weights, not other settings
    return Reading(below.model, below.weights, mode, effort, below.checkpoint)


def _no_size(printed: str) -> tuple[str, ...]:
    """Words without a size in brackets that repeats the name: ``Jamba-1.5-large (94B/398B)``."""
    return words(re.sub(r"\([\d.]+B?(/[\d.]+B)?\)", "", printed))


def _effort(printed: str) -> tuple[str, str | None, Mode]:
    """A name apart from words at its end that say how long it may think."""
    text = re.sub(r"[()\[\]]", " ", printed)
    pieces = text.replace("-Thinking", " Thinking").replace("-thinking", " thinking").split()
    said: list[str] = []
    while len(pieces) > 1 and set(words(pieces[-1])) <= EFFORT:
        said.insert(0, pieces.pop().lower())
    if not said and len(pieces) == 1 and re.search(r"-(xhigh|high|medium|low)$", pieces[0]):
        stem, _, level = pieces[0].rpartition("-")
        return stem, level, "thinking"
    if not said:
        return printed, None, "unstated"
    phrase = " ".join(said)
    plain = re.search(r"\b(non|w/o|without|no)\b", phrase) is not None
    return " ".join(pieces), phrase, "plain" if plain else "thinking"
