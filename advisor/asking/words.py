"""A question as tokens: words, numbers and signs, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache

from catalog.values import dataclass

_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:[eE]\+?|\^)\d{1,2}(?!\w)|\d+(?:[,_'’]\d{3})+(?![\d])(?:\.\d+)?|\d+[.,]\d+|\d+)"
    r"|(?P<word>[^\W\d_][^\W_]*(?:['’][^\W\d_]+)?)"
    r"|(?P<sign><=|>=|[^\s\w]|_)"
)
_TIMES = re.compile(r"[x×](?=[^\W_]|$)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z ]{1,200}")
"""Words without anything to take apart."""
MOST = 4000
"""Characters that are read; longer texts are no questions."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign."""

    kind: str
    """``word``, ``number`` or ``sign``."""
    norm: str
    """Lower case, plural ending dropped; a number as written."""
    start: int
    end: int
    raw: str
    """Lower case, as written."""
    value: float = 0.0
    glued: bool = False
    """Whether nothing stands between it and the token before."""
    hyphen: bool = False
    """Whether a hyphen does."""


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A word without the ending of a plural: ``queries`` is ``query``."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if word in ("gpus", "cpus", "tpus", "npus"):
        return word[:-1]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")) and word[-2].isalpha():
        return word[:-1]
    return word.removesuffix("'s") if len(word) > 4 else word


def _number(text: str) -> float:
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"[,_'’](?=\d{3}(?!\d))", "", plain).replace(",", ".")
    base, power, exponent = plain.partition("^")
    try:
        return float(base) ** int(exponent) if power else float(plain)
    except (ValueError, OverflowError):
        return float("nan")


def tokens(text: str) -> list[Token]:
    """Words, numbers and signs; a hyphen inside a word is dropped and remembered."""
    found: list[Token] = []
    end, hyphen = 0, False
    for match in _TOKEN.finditer(text[:MOST]):
        kind, raw = match.lastgroup or "sign", match.group()
        glued = match.start() == end and bool(found)
        end = match.end()
        if kind == "sign" and raw in "-–‐‑" and glued and text[end : end + 1].strip():
            hyphen = True
            continue
        low = unicodedata.normalize("NFKC", raw).lower().replace("’", "'")
        token = Token(kind, low, match.start(), match.end(), low, 0.0, glued and not hyphen, hyphen)
        hyphen = False
        if kind == "number":
            found.append(replace(token, value=_number(raw)))
        elif kind == "word":
            found += _word(token, found)
        else:
            found.append(token)
    return found


def _word(token: Token, before: list[Token]) -> list[Token]:
    """A word; ``8xA100`` and ``2x4090`` are a count, a sign and a name."""
    counted = bool(before) and before[-1].kind == "number"
    standing = counted and not (before[-1].glued and len(before) > 1 and before[-2].kind == "word")
    if standing and token.raw[0] in "x×" and _TIMES.match(token.raw) and (len(token.raw) == 1 or token.glued):
        times = Token("sign", "x", token.start, token.start + 1, "x", 0.0, token.glued)
        rest = token.raw[1:]
        if not rest:
            return [times]
        if rest.isdigit():
            return [times, Token("number", rest, token.start + 1, token.end, rest, float(rest), True)]
        digits = re.match(r"\d+", rest)
        if digits:
            middle = token.start + 1 + digits.end()
            number = Token("number", digits.group(), token.start + 1, middle, digits.group(), float(digits.group()))
            tail = rest[digits.end() :]
            return [times, number, Token("word", stem(tail), middle, token.end, tail, 0.0, True)]
        return [times, Token("word", stem(rest), token.start + 1, token.end, rest, 0.0, True)]
    return [_plain(token)]


def _plain(token: Token) -> Token:
    """A word by its stem."""
    raw = token.raw
    return Token("word", stem(raw), token.start, token.end, raw, 0.0, token.glued, token.hyphen)


@lru_cache(maxsize=8192)
def spelling(phrase: str) -> tuple[str, ...]:
    """A phrase of the vocabulary as the norms of its tokens."""
    if _PLAIN.fullmatch(phrase):
        return tuple([stem(word) for word in phrase.lower().split()])
    return tuple(token.norm for token in tokens(phrase))


def distance(first: str, second: str, most: int) -> int:
    """Edits between two words, neighbours swapped counting one; ``most + 1`` where there are more."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
