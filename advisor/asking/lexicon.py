"""Phrases of the vocabulary and names of the catalog, found in a question: the longest at each place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from advisor.asking.words import Token, distance, spelling, stem
from advisor.kept.key import with_code
from catalog.asking import VOCABULARY, Vocabulary, vocabulary
from catalog.compiled import content_of, derived
from catalog.loader import all_machines, has_own, model_ids, shipped_files
from catalog.values import dataclass

HERE = Path(__file__).parent
Table = dict[str, list[tuple[tuple[str, ...], str, str]]]


@dataclass(frozen=True, slots=True)
class Item:
    """A phrase that was found: tokens ``first`` to ``last`` - 1."""

    kind: str
    value: str
    first: int
    last: int
    phrase: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """The vocabulary, indexed by first word."""

    items: Table
    roles: Table
    bounds: Table
    negations: Table
    only: Table
    as_good: Table
    known: frozenset[str]
    """Every word that means something."""
    fillers: frozenset[str]
    units: dict[str, tuple[str, float]]


def _index(pairs: Sequence[tuple[str, str, str]]) -> Table:
    """By first word, longest phrase first; of two meanings of one phrase the first stays."""
    table: Table = {}
    seen: set[tuple[str, ...]] = set()
    for phrase, kind, value in pairs:
        words = spelling(phrase)
        if words and words not in seen:
            seen.add(words)
            table.setdefault(words[0], []).append((words, kind, value))
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


def _names(words: Vocabulary) -> Iterator[tuple[str, str, str]]:
    """All items, those that win a tie first."""
    yield from ((phrase, "machine", phrase) for phrase in words.machines)
    for machine in all_machines():
        yield machine.id, "machine", machine.id
        yield machine.name, "machine", machine.id
    for phrase in words.absent:
        yield phrase, "absent", phrase
    for kind, table in (("deployment", words.deployment), ("preset", words.presets), ("licence", words.licences)):
        yield from ((phrase, kind, value) for value, phrases in table.items() for phrase in phrases)
    yield from ((phrase, "fine-tuning", "yes") for phrase in words.fine_tuning)
    yield from ((phrase, "trait", trait) for trait, phrases in words.traits.items() for phrase in phrases)
    yield from ((phrase, "untrained", "yes") for phrase in words.untrained)
    yield from ((phrase, "noted", name) for name, noted in words.noted.items() for phrase in noted.words)
    yield from ((phrase, "noncommercial", "yes") for phrase in words.noncommercial)
    yield from ((phrase, "commercial", "yes") for phrase in words.commercial)
    yield from ((phrase, "country", name) for name, country in words.countries.items() for phrase in country.words)
    yield from ((phrase, "family", family) for family, phrases in words.families.items() for phrase in phrases)
    for task, phrases in words.tasks.items():
        yield from ((phrase, "task", task) for phrase in phrases)
    yield from ((phrase, "language", code) for code, phrases in words.languages.items() for phrase in phrases)
    yield from ((phrase, "organisation", name) for name, phrases in words.organisations.items() for phrase in phrases)
    for name, country in words.countries.items():
        yield from ((house, "organisation", house) for house in country.organisations)
        yield name, "country", name


def _tasks() -> Iterator[tuple[str, str, str]]:
    """Every task of the catalog by its id, the user's own and new ones included."""
    from catalog.loader import all_tasks

    for task in all_tasks():
        yield task.id, "task", task.id
        yield f"task {task.id}", "task", task.id
        yield task.name, "task", task.id


def _models() -> Iterator[tuple[str, str, str]]:
    for name in model_ids():
        if len(spelling(name)) > 1:
            yield name, "model", name


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The index, built once; from the cache folder where it holds nothing of the user's own."""
    if any(map(has_own, ("machines", "tasks", "models"))):
        return _lexicon()
    folders = b"".join(content_of(folder, shipped_files(folder)) for folder in ("machines", "tasks"))
    kept: Lexicon = derived("lexicon", with_code(VOCABULARY, *HERE.glob("*.py"), start=folders), _lexicon)
    return kept


def _lexicon() -> Lexicon:
    words = vocabulary()
    items = _index([*_names(words), *_tasks(), *_models()])
    tables = {
        "roles": [(p, "role", name) for name, phrases in words.roles.items() for p in phrases],
        "bounds": [(p, "bound", name) for name, phrases in words.comparators.items() for p in phrases],
        "negations": [(p, "negation", p) for p in words.negations],
        "only": [(p, "only", p) for p in words.only],
        "as_good": [
            *((p, "before", p) for p in words.as_good_before),
            *((p, "after", p) for p in words.as_good_after),
        ],
    }
    indexed = {name: _index(pairs) for name, pairs in tables.items()}
    units: dict[str, tuple[str, float]] = {}
    for kind, table in words.units.items():
        for unit, factor in table.items():
            units.setdefault(stem(unit), (kind, factor))
    known = {word for table in (items, *indexed.values()) for es in table.values() for e in es for word in e[0]}
    known |= {*units, *words.numbers, *words.multipliers, *words.plain_marks, *words.places, "chinese"}
    known |= {word for pair in words.together for group in pair.words for phrase in group for word in spelling(phrase)}
    fillers = frozenset(stem(word) for word in words.fillers) | frozenset(words.fillers)
    return Lexicon(items, **indexed, known=frozenset(known), fillers=fillers, units=units)


def find(tokens: Sequence[Token], table: Table, taken: Sequence[bool] | None = None) -> list[Item]:
    """Phrases in order of place, the longest at each, none over another or over taken tokens."""
    found: list[Item] = []
    at = 0
    while at < len(tokens):
        item = _longest(tokens, at, table)
        if item is None or (taken is not None and any(taken[item.first : item.last])):
            at += 1
            continue
        found.append(item)
        at = item.last
    return found


def _longest(tokens: Sequence[Token], at: int, table: Table) -> Item | None:
    for start in _spellings(tokens[at]):
        for words, kind, value in table.get(start, ()):
            if len(words) <= len(tokens) - at and all(
                word in _spellings(tokens[at + i]) for i, word in enumerate(words[1:], start=1)
            ):
                return Item(kind, value, at, at + len(words), words)
    return None


def _spellings(token: Token) -> tuple[str, ...]:
    """A word, and without the ``s`` of several: ``H100s``, but ``L40S`` is a name of its own."""
    if token.raw[-1] == "s" and token.raw[-2:-1].isdigit():
        return (token.norm, token.raw[:-1])
    return (token.norm,)


@lru_cache(maxsize=1)
def _targets() -> dict[str, list[str]]:
    """Words that a misspelt one may mean, by length."""
    lex = lexicon()
    found: dict[str, list[str]] = {}
    for word in sorted(lex.known | lex.fillers):
        if len(word) >= 4 and word.isalpha():
            found.setdefault(str(len(word)), []).append(word)
    return found


SURE = 7
"""Letters from which a single wrong one is taken as a slip; in shorter words only swapped or missing ones are."""


@lru_cache(maxsize=4096)
def meant(word: str) -> str | None:
    """The one word that a misspelt word of five letters or more is nearest to; ``None`` where two are equally near."""
    if len(word) < 5 or len(word) > 24 or not word.isalpha():
        return None
    most = 1 if len(word) < 9 else 2
    by_length = _targets()
    best, near = most + 1, []
    for length in range(len(word) - most, len(word) + most + 1):
        for target in by_length.get(str(length), ()):
            if target[0] != word[0] and target[-1] != word[-1]:
                continue
            if len(target) == len(word) < SURE and sorted(target) != sorted(word):
                continue  # "smart" is no misspelt "start"
            apart = distance(word, target, best)
            if apart < best:
                best, near = apart, [target]
            elif apart == best and best <= most:
                near.append(target)
    return near[0] if len(near) == 1 and best <= most else None


__all__ = ["Item", "Lexicon", "find", "lexicon", "meant"]
