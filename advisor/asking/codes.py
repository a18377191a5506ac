"""Languages by their codes, where an arrow or a hyphen joins two: ``en->fr``, ``DE-EN``; alone a code is a word."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.asking.lexicon import Item
from advisor.asking.words import Token
from catalog.asking import vocabulary

ARROWS = frozenset(("-", ">", "→", "/", "<", "↔"))


def with_codes(items: Sequence[Item], found: Sequence[Token]) -> list[Item]:
    """The items, with a language for each code of a pair that is no part of another item."""
    codes = {code for code in vocabulary().languages if len(code) == 2}
    free = [True] * len(found)
    for item in items:
        free[item.first : item.last] = [False] * (item.last - item.first)
    pairs: list[Item] = []
    for first, token in enumerate(found):
        if token.raw not in codes or not free[first]:
            continue
        second = first + 1
        while second < len(found) and found[second].raw in ARROWS:
            second += 1
        joined = second > first + 1 or (second < len(found) and found[second].hyphen)
        if joined and second < len(found) and found[second].raw in codes and free[second]:
            pairs += [Item("language", found[at].raw, at, at + 1, (found[at].raw,)) for at in (first, second)]
    return sorted({*items, *pairs}, key=lambda item: item.first)
