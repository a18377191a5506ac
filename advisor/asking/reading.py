"""A question to requirements: every word is used, said to be unused, or of no weight in English."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from advisor.asking.amounts import amounts
from advisor.asking.codes import with_codes
from advisor.asking.draft import WISHES, Draft, Reading
from advisor.asking.lengths import Roles, apply, settle, words_of
from advisor.asking.lexicon import Item, Lexicon, find, lexicon, meant
from advisor.asking.machines import machines, readable, standing
from advisor.asking.places import with_places
from advisor.asking.tasks import task_of
from advisor.asking.weights import weights_said
from advisor.asking.wishes import as_good, negated, wishes
from advisor.asking.words import MOST, Token, tokens
from advisor.requirements import Requirements
from catalog.asking import vocabulary
from catalog.loader import load_task
from catalog.task import Task


def read(text: str) -> Reading:
    """What a question asks for. Never raises: what cannot be answered is the reading's ``problem``."""
    draft = Draft(text)
    lex = lexicon()
    problem = unreadable(text, lex)
    if problem:
        return Reading(text, Requirements(), (), (), (), {}, (), None, problem)
    found, corrected = _corrected(tokens(text), lex)
    items = standing(with_codes(with_places(find(found, lex.items), found), found), found, lex)
    taken = [False] * len(found)
    for item in items:
        _take(taken, item)
    said_weights = weights_said(draft, found, taken)
    quantities = amounts(found, lex, taken)
    for amount in quantities:
        taken[amount.first : amount.last] = [True] * (amount.last - amount.first)
    against = negated(found, items, find(found, lex.negations), lex)
    roles_found = [r for r in find(found, lex.roles) if not _inside(r, items)]
    task = load_task(task_of(draft, found, items, against))
    quantities = machines(draft, found, items, quantities, against)
    roles = Roles(found, roles_found, quantities)
    rates = apply(draft, found, quantities, roles, task)
    task = _by_length(draft, task)
    if not any(item.kind == "noted" and item.value == "patience" for item in items):
        readable(draft, found, items, task)
    standards = as_good(found, items, find(found, lex.as_good))
    wishes(draft, found, items, against, find(found, lex.only), said_weights, standards)
    settle(draft, rates, task)
    if len(text) > MOST:
        draft.note("length", f"{len(text):,} characters", f"only the first {MOST:,} were read")
    meaning = [*roles_found, *find(found, lex.bounds), *find(found, lex.negations), *find(found, lex.only)]
    for item in (*meaning, *(mark for marks in standards.values() for mark in marks)):
        _take(taken, item)
    return _finished(draft, found, corrected, _unread(draft, found, taken, lex, task.id))


LONG = 100_000
"""Tokens of a prompt from which conversation becomes work on long documents."""


def _by_length(draft: Draft, task: Task) -> Task:
    """The task that such long prompts make of a conversation, which is said."""
    length = draft.fields.get("input_tokens") or 0
    named = str(draft.words.get("task", "")).startswith("task ")
    if task.id != "chat" or length < LONG or named:
        return task
    draft.fields["task"] = "long-document"
    draft.words.setdefault("task", draft.words["input_tokens"])
    draft.assumed = [text for text in draft.assumed if not text.startswith("the task is chat")]
    draft.assumed.append(f"prompts of {length:,} tokens make the task long-document")
    return load_task("long-document")


def _take(taken: list[bool], item: Item) -> None:
    taken[item.first : item.last] = [True] * (item.last - item.first)


def _inside(role: Item, items: Sequence[Item]) -> bool:
    """Whether a role's word is part of a machine's name or of a wish, such as ``low latency``."""
    kinds = ("machine", "preset", "absent", "deployment")
    return any(i.kind in kinds and i.first < role.last and role.first < i.last for i in items)


def unreadable(text: str, lex: Lexicon) -> str | None:
    """Why a text is no question in English; ``None`` if it may be one."""
    if not text.strip():
        return "the question is empty; write it like: chat in German on one RTX 4090, first token under 300 ms"
    letters = [c for c in text if c.isalpha()]
    latin = sum(unicodedata.name(c, "").startswith(("LATIN", "FULLWIDTH LATIN", "MICRO")) for c in letters)
    if letters and latin < len(letters) / 2:
        return "only English is read; please ask in English"
    words = [token.raw for token in tokens(text) if token.kind == "word"]
    english = sum(word in lex.fillers for word in words)
    for language, marks in vocabulary().foreign.items():
        strange = sum(word in marks and word not in lex.fillers for word in words)
        if strange >= 2 and strange > english:
            return f"only English is read, and this looks like {language}; please ask in English"
    return None


def _corrected(found: list[Token], lex: Lexicon) -> tuple[list[Token], dict[str, str]]:
    """Misspelt words as what they must mean, which is said."""
    corrected: dict[str, str] = {}
    fixed = []
    for token in found:
        if token.kind == "word" and token.norm not in lex.known and not {token.norm, token.raw} & lex.fillers:
            word = meant(token.norm)
            if word is not None:
                corrected[token.raw] = word
                token = replace(token, norm=word, raw=word)
        fixed.append(token)
    return fixed, corrected


def _unread(draft: Draft, found: Sequence[Token], taken: Sequence[bool], lex: Lexicon, task: str) -> tuple[str, ...]:
    """Words that carry meaning and were not used, neighbours together."""
    together = {
        word
        for pair in vocabulary().together
        if pair.task == task
        for group in pair.words
        for phrase in group
        for word in phrase.split()
    }
    groups: list[list[int]] = []
    for at, token in enumerate(found):
        idle = taken[at] or token.kind == "sign" or bool({token.norm, token.raw} & (lex.fillers | together))
        idle = idle or token.norm in lex.units or token.norm in (*vocabulary().plain_marks, *vocabulary().recordings)
        if idle or (len(token.raw) == 1 and token.kind == "word"):
            continue
        if groups and groups[-1][-1] == at - 1:
            groups[-1].append(at)
        else:
            groups.append([at])
    return tuple(words_of(draft, found, group[0], group[-1] + 1) for group in groups)


def _finished(draft: Draft, found: Sequence[Token], corrected: dict[str, str], unread: tuple[str, ...]) -> Reading:
    fields = dict(draft.fields)
    if draft.preset:
        fields["preset"] = WISHES[draft.preset]
    try:
        wanted = Requirements(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        draft.problems.append(f"{first['loc'][0]}: {first['msg'].lower()}")
        wanted = Requirements()
    noted = tuple(dict.fromkeys(draft.noted))
    return Reading(
        draft.text, wanted, draft.understood(), tuple(dict.fromkeys(draft.assumed)), noted, corrected, unread,
        draft.preset, draft.problems[0] if draft.problems else None, tuple(dict.fromkeys(draft.unsure)),
    )  # fmt: skip
