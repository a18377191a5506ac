"""Where data stay: the place after ``nothing may leave`` or ``must stay`` belongs to what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from advisor.asking.lexicon import Item
from advisor.asking.words import Token, stem
from catalog.asking import vocabulary

BEFORE = frozenset(("in", "inside", "within", "the", "our", "my", "this", "their", "your"))
"""Words between the verb and the place, two at most."""


def with_places(items: Sequence[Item], found: Sequence[Token]) -> list[Item]:
    """Items of deployment that end with leaving or staying, up to the place that is named after them."""
    places = {stem(word) for word in vocabulary().places}
    starts = {item.first for item in items}
    return [replace(item, last=_end(item, found, places, starts)) for item in items]


def _end(item: Item, found: Sequence[Token], places: set[str], starts: set[int]) -> int:
    if item.kind != "deployment" or not {"leave", "stay"} & set(item.phrase):
        return item.last
    at = item.last
    while at < len(found) and at - item.last < 2 and found[at].raw in BEFORE and at not in starts:
        at += 1
    return at + 1 if at < len(found) and at not in starts and found[at].norm in places else item.last
