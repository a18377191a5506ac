"""Which known names a misspelt one is nearest to: by their parts, letters apart from numbers, else by their letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache

_PARTS = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?")
SIMILAR = 0.55
"""Score from which a name is worth naming."""
FUZZY = 0.6
"""Share of letters from which two words are taken for one."""
LEFT_OVER = 0.25
"""Taken off for the part of a name that nothing asked for; far less than for what was asked and is not there."""
CLEAR = 0.2
"""Names that score so much less than the best one are not named beside it."""
SHORT = 2
"""Letters and figures of a name so short that only another one of its kind is like it: ``l5`` and ``l4``."""
COMMON = frozenset(("macbook", "mac", "laptop", "nvidia", "geforce", "amd", "gpu", "instruct", "chat", "model"))
"""Words that tell few names apart."""


@lru_cache(maxsize=16384)
def parts(text: str) -> tuple[str, ...]:
    """Words and numbers of a name: ``Llama3.1-8B`` is ``llama``, ``3.1``, ``8``, ``b``."""
    return tuple(_PARTS.findall(text.lower()))


def nearest(
    word: str, known: Iterable[str], n: int = 3, *, spoken: Mapping[str, Iterable[str]] | None = None
) -> list[str]:
    """The known names closest to ``word``, the closest first; none that is far.

    Args:
        word: What was written.
        known: Names that exist.
        n: How many at most.
        spoken: Other ways of saying them, each with the names it means, the likeliest first.
    """
    best: dict[str, tuple[float, int, str]] = {}
    pairs = [(name, name, 0) for name in known]
    pairs += [(said, name, rank) for said, names in (spoken or {}).items() for rank, name in enumerate(names)]
    for said, name, rank in pairs:
        found = likeness(word, said) - 0.01 * rank
        if found >= SIMILAR and (name not in best or -found < best[name][0]):
            best[name] = (-found, len(name), name)
    ranked = sorted(best.values())
    return [name for score, _, name in ranked[:n] if score <= ranked[0][0] + CLEAR]


def likeness(word: str, name: str) -> float:
    """How much of ``word`` is in ``name``, from 0 to 1, less a little for what else is in it."""
    wanted, there = parts(word), parts(name)
    joined, whole = "".join(wanted), "".join(there)
    if not joined or not whole:
        return float(word.lower() == name.lower())
    if joined == whole:
        return 1.0
    left = list(there)
    found = 0.0
    for part in sorted(wanted, key=len, reverse=True):
        same, which = max(((_same(part, other), at) for at, other in enumerate(left)), default=(0.0, 0))
        if same:
            found += same * _weight(part)
            left.pop(which)
    asked = sum(map(_weight, wanted))
    spare = sum(map(_weight, left)) / sum(map(_weight, there))
    by_parts = found / asked - LEFT_OVER * spare
    if len(joined) <= SHORT:
        return by_parts if found == asked else 0.6 * _one_apart(joined, whole)
    unsaid = any(part[0].isdigit() and part not in there for part in wanted)
    return max(by_parts, _letters(joined, whole) - (0.25 if unsaid else 0.1))


def _one_apart(first: str, second: str) -> bool:
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) == 1


def _weight(part: str) -> float:
    """Numbers tell models of one house apart."""
    return 3.0 if part[0].isdigit() else 0.5 if part in COMMON else float(min(len(part), 5))


@lru_cache(maxsize=65536)
def _same(part: str, other: str) -> float:
    """Whether two parts are one: numbers exactly or in their first figure, words by their letters."""
    if part == other:
        return 1.0
    if part[0].isdigit() or other[0].isdigit():
        return 0.5 if part.split(".")[0] == other.split(".")[0] and other[0].isdigit() else 0.0
    if min(len(part), len(other)) < 3:
        return 0.0
    same = _letters(part, other)
    return same if same >= FUZZY else 0.0


def _letters(first: str, second: str) -> float:
    match = SequenceMatcher(None, first, second, autojunk=False)
    return match.ratio() if match.real_quick_ratio() >= FUZZY and match.quick_ratio() >= FUZZY else 0.0
