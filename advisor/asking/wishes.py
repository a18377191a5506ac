"""Wishes that are names rather than numbers: languages, deployment, families, makers, licences, what counts most."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from advisor.asking.draft import Draft
from advisor.asking.lengths import words_of
from advisor.asking.lexicon import Item, Lexicon
from advisor.asking.words import Token
from catalog.asking import vocabulary

STRICTER = ("on-device", "air-gapped", "self-hosted")
"""Each keeps what the next asks for."""
CHOSEN_BY = 3
"""Words between a maker's name and the ``only`` that makes it a limit."""


def negated(found: Sequence[Token], items: Sequence[Item], negations: Sequence[Item], lex: Lexicon) -> set[Item]:
    """Items after a negation, with those joined to them by ``or``; phrases that negate by themselves stay."""
    against: set[Item] = set()
    for negation in negations:
        if any(item.first <= negation.first < item.last for item in items):
            continue
        following = [item for item in items if item.first >= negation.last]
        if not following or not _light(found[negation.last : following[0].first], lex):
            continue
        against.add(following[0])
        for before, after in pairwise(following):
            joint = [token.raw for token in found[before.last : after.first]]
            if before not in against or not set(joint) & {"or", "nor"} or len(joint) > 3:
                break
            against.add(after)
    return against


def _light(between: Sequence[Token], lex: Lexicon) -> bool:
    """Whether a negation reaches over these words."""
    stops = {",", ".", ";", "but", "and", "only", "more", "less", "than", "over", "longer"}
    return len(between) <= 3 and all(
        token.kind == "word" and token.raw not in stops and bool({token.raw, token.norm} & lex.fillers)
        for token in between
    )


def wishes(
    draft: Draft, found: Sequence[Token], items: Sequence[Item], against: Collection[Item], only: Sequence[Item],
    said_weights: bool, standards: Collection[Item],
) -> None:  # fmt: skip
    """Put every wish, or note why it limits nothing."""
    for item in items:
        said = words_of(draft, found, item.first, item.last)
        _wish(draft, found, item, said, item in against, only, said_weights, standards)
    _deployment(draft, found, items, against)
    clash = set(draft.fields.get("families", ())) & set(draft.fields.get("without_families", ()))
    if clash:
        draft.problems.append(f"{', '.join(sorted(clash))}: the question both asks for it and excludes it; keep one")
    both = set(draft.fields.get("organisations", ())) & set(draft.fields.get("without_organisations", ()))
    if both:
        draft.problems.append(f"{', '.join(sorted(both))}: the question both asks for it and excludes it; keep one")
    for name in ("organisations", "without_organisations", "licences"):
        if name in draft.fields:
            draft.fields[name] = tuple(sorted(draft.fields[name]))


def as_good(found: Sequence[Token], items: Sequence[Item], marks: Sequence[Item]) -> dict[Item, list[Item]]:
    """Models whose quality is the least that will do, with the words that say so: ``gpt-4o level``, ``as good as``."""
    before = {mark.last: mark for mark in marks if mark.kind == "before"}
    after = {mark.first: mark for mark in marks if mark.kind == "after"}
    standards: dict[Item, list[Item]] = {}
    for item in items:
        if item.kind != "model":
            continue
        said = [before[item.first]] if item.first in before else []
        end = item.last
        while end in after:
            said.append(after[end])
            end = after[end].last
        if said:
            standards[item] = said
    return standards


def _wish(
    draft: Draft, found: Sequence[Token], item: Item, said: str, no: bool, only: Sequence[Item], said_weights: bool,
    standards: Collection[Item],
) -> None:  # fmt: skip
    words = vocabulary()
    match item.kind:
        case "language" if no:
            draft.note("language", said, "a language that is not needed rules nothing out")
        case "language":
            draft.add("languages", (item.value,), said)
        case "family" if no or (item.value == "decoder" and "dense" in item.phrase):
            draft.add("without_families", ("moe" if "dense" in item.phrase else item.value,), said)
        case "family":
            draft.add("families", (item.value,), said)
        case "licence" if no:
            draft.note("licence", said, "licences are chosen by naming those that may be used")
        case "licence":
            draft.add("licences", (item.value,), said)
        case "commercial":
            draft.put("commercial", not no, said)
        case "noncommercial":
            draft.put("commercial", False, said)
        case "country":
            _country(draft, found, item, said, no, only)
        case "organisation":
            houses = (item.value, *words.houses.get(item.value, ()))
            _makers(draft, found, item, houses, said, no, only)
        case "model" if item in standards and not no:
            draft.put("at_least", item.value, said)
        case "fine-tuning":
            draft.put("fine_tuning", not no, said)
        case "trait" if not no:
            draft.add("traits", (item.value,), said)
        case "untrained":
            draft.put("labelled_examples", 0, said)
        case "model":
            draft.note("model", said, f"the ranking is over all models; for this one: whicharch estimate {item.value}")
        case "preset" if no or said_weights:
            draft.note("wish", said, "negated" if no else "the weights are said as numbers")
        case "preset":
            _preset(draft, item.value, said)
        case "noted" if not no:
            noted = words.noted[item.value]
            draft.note(item.value, said, noted.why)
            if noted.deployment and "deployment" not in draft.fields:
                draft.put("deployment", noted.deployment, said)
        case "noted" | "trait":
            draft.note(item.value, said, "negated, which rules nothing out")


def _preset(draft: Draft, value: str, said: str) -> None:
    if draft.preset not in (None, value):
        first = draft.words["preset"]
        draft.note("wish", said, f"{draft.preset} first was said before ({first!r}), and one wish leads")
        return
    draft.preset = value
    draft.words["preset"] = said


def _country(draft: Draft, found: Sequence[Token], item: Item, said: str, no: bool, only: Sequence[Item]) -> None:
    if said.lower() == "chinese" and not no:
        following = found[item.last].norm if item.last < len(found) else ""
        if following not in ("model", "llm"):
            draft.add("languages", ("zh",), said)
            return
    _makers(draft, found, item, vocabulary().countries[item.value].organisations, said, no, only)


def _makers(
    draft: Draft, found: Sequence[Token], item: Item, houses: tuple[str, ...], said: str, no: bool,
    only: Sequence[Item],
) -> None:  # fmt: skip
    """Makers to keep or leave out; a bare name is an example, not a limit."""
    if no:
        draft.add("without_organisations", houses, said)
    elif any(0 <= item.first - o.last <= 1 or 0 <= o.first - item.last <= CHOSEN_BY - 1 for o in only) or _plural(
        found, item
    ):
        draft.add("organisations", houses, said)
    else:
        draft.note("maker", said, "a name alone is no limit; write 'only … models' or 'no … models'")


def _plural(found: Sequence[Token], item: Item) -> bool:
    """``Mistral models``, ``models by Meta``: more than an example."""
    after = found[item.last].raw if item.last < len(found) else ""
    before = found[item.first - 1].raw if item.first else ""
    return after == "models" or before in ("from", "by") or (len(item.phrase) > 1 and item.phrase[-1] == "model")


def _deployment(draft: Draft, found: Sequence[Token], items: Sequence[Item], against: Collection[Item]) -> None:
    said: dict[str, str] = {}
    for item in items:
        if item.kind != "deployment":
            continue
        words = words_of(draft, found, item.first, item.last)
        if item not in against:
            said.setdefault(item.value, words)
        elif item.value == "api":
            said.setdefault("self-hosted", f"no {words}")
        else:
            draft.note("deployment", words, "where it must not run rules out nothing else")
    if "api" in said and len(said) > 1:
        other = next(value for value in said if value != "api")
        draft.problems.append(
            f"deployment: the question asks both for an API ({said['api']!r}) and for {other} ({said[other]!r}); "
            "keep one of them"
        )
        return
    have = draft.fields.get("deployment")
    for value in (*STRICTER, "api"):
        if value in said:
            if have is None or (
                have in STRICTER and value in STRICTER and STRICTER.index(value) < STRICTER.index(have)
            ):
                draft.fields["deployment"], draft.words["deployment"] = value, said[value]
            break
