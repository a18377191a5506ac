"""A grammar of quantities: a bound, a currency, a number with its multiplier, a unit, and per what.

``amount := [bound] [currency] number [multiplier] ["-" number] [adjective] [unit] {("/" | per) unit} [bound]``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

from advisor.asking.lexicon import Item, Lexicon, find
from advisor.asking.words import Token
from catalog.asking import vocabulary
from catalog.values import dataclass

CURRENCIES = {"$": "money", "€": "foreign money", "£": "foreign money", "¥": "foreign money"}
PER = frozenset(("/", "per", "a", "an", "each", "every"))
SKIPPED = 2
"""Adjectives that may stand between a number and its unit: ``100 concurrent users``."""
GLUED_RATES = {"t": "tokens", "tok": "tokens", "r": "requests", "req": "requests"}
ADJECTIVES = frozenset(
    ("concurrent", "simultaneous", "parallel", "input", "output", "daily", "active", "registered", "prompt", "billion",
     "million", "new", "short", "long", "support", "product", "customer", "monthly", "internal", "context", "nvidia",
     "generated", "more", "scanned", "chat", "us", "total", "different", "small", "us", "american", "english", "german")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what it counts: seconds, bytes and dollars in their base units."""

    kind: str
    value: float
    per: tuple[str, ...]
    """``time`` stands for seconds; a rate is already per second, money per hour."""
    bound: str | None
    first: int
    last: int
    thousand: bool = False
    """Whether it was written with ``k`` or ``m``, which in lengths are 1,024 and its square."""
    low: float | None = None
    """The lower end of a range."""
    unit: str = ""
    said: float = 0.0
    negative: bool = False
    period_s: float = 1.0
    """Of a rate: in what time so many were said to come."""
    night: bool = False
    """Whether that is the nights alone."""


REGULARLY = {
    "hourly": 3600.0, "daily": 86400.0, "nightly": 28800.0, "overnight": 28800.0, "weekly": 604800.0,
    "monthly": 2628000.0, "yearly": 31536000.0,
}  # fmt: skip
"""Adverbs that make a rate of an amount of work; those of the night in an assumed eight hours (``work.NIGHT_S``)."""
WORK = frozenset(("requests", "pages", "words", "time", "plain"))
"""Kinds of amounts that may be work to be done in a time that is said a few words later."""
STOPS = frozenset(("and", "or", "with", "under", "in", "within", "on", "at", "for", "but", "budget", "users"))
"""Words over which no time belongs to an amount any more."""
LEAST_JOB_S = 3600.0
"""Seconds from which a time ``in`` which work is to be done is no limit on one answer."""
WITHIN = 4
"""Words between an amount of work and its time: ``500 hours of phone calls per week``."""


def amounts(tokens: Sequence[Token], lex: Lexicon, taken: Sequence[bool]) -> list[Amount]:
    """All quantities outside taken tokens."""
    bounds = find(tokens, lex.bounds)
    after = {item.first: item for item in bounds}
    before = {item.last: item for item in bounds}
    found: list[Amount] = []
    at = 0
    while at < len(tokens):
        amount = None if taken[at] else _amount(tokens, at, lex, taken)
        if amount is None:
            at += 1
            continue
        amount = _bounded(tokens, amount, before, after)
        if found and _between(tokens, found[-1], amount):
            earlier = found.pop()
            amount = replace(amount, low=_ranged(earlier, amount), first=earlier.first)
        found.append(amount)
        at = amount.last
    return _by_night(tokens, found)


def _by_night(tokens: Sequence[Token], found: list[Amount]) -> list[Amount]:
    """``nightly job: tag 3M descriptions``: the one amount of work without a time is that of a night."""
    open_ended = [n for n, amount in enumerate(found) if amount.kind == "requests" and not amount.per]
    timed = any("time" in amount.per for amount in found if amount.kind in WORK)
    nightly = any(token.raw in ("nightly", "overnight") for token in tokens)
    if nightly and not timed and len(open_ended) == 1:
        amount = found[open_ended[0]]
        found[open_ended[0]] = _regular(amount, "nightly", amount.first, amount.last)
    return found


def _between(tokens: Sequence[Token], earlier: Amount, later: Amount) -> bool:
    """``between 3B and 8B``, ``10 to 20 users``."""
    middle = [token.raw for token in tokens[earlier.last : later.first]]
    if middle not in (["and"], ["to"]) or earlier.kind not in ("plain", later.kind):
        return False
    return middle == ["to"] or (earlier.first > 0 and tokens[earlier.first - 1].raw == "between")


def _ranged(earlier: Amount, later: Amount) -> float:
    return earlier.value if earlier.kind == later.kind else earlier.said * (later.value / later.said)


def _amount(tokens: Sequence[Token], at: int, lex: Lexicon, taken: Sequence[bool]) -> Amount | None:
    start, kind = at, ""
    if tokens[at].raw in CURRENCIES:
        kind = CURRENCIES[tokens[at].raw]
        at += 1
    elif tokens[at].raw in ("us", "usd", "eur") and at + 1 < len(tokens) and tokens[at].raw != "us":
        kind = "money" if tokens[at].raw == "usd" else "foreign money"
        at += 1
    number = _number_at(tokens, at)
    if number is None or taken[at]:
        return None
    value, at, multiplier = number
    said = value
    low = None
    if at < len(tokens) and tokens[at].hyphen and tokens[at].kind == "number" and not taken[at]:
        upper = _number_at(tokens, at)
        assert upper is not None
        low, (value, at, multiplier) = value, upper
        said = value
    times = multiplier if multiplier else 1.0
    value *= times
    after_number = at
    kind, at, factor, unit = _unit_at(tokens, at, lex, taken, kind)
    if (
        multiplier == 1e9
        and kind in ("users", "requests", "things")
        and tokens[after_number - 1].raw == "b"
        and tokens[at - 1].norm == tokens[at - 1].raw
    ):
        kind, at, factor, unit = "", after_number, 1.0, ""  # a "70b chat" model, not so many chats
    if not kind and multiplier == 1e9:
        kind = "params"
    if not kind and multiplier != 1e9 and start and _budget(tokens, start):
        kind, unit = "money", "budget"
    negative = start > 0 and tokens[start - 1].raw in "-–−" and tokens[start].glued
    base = Amount(
        kind or "plain", value * factor if factor >= 1 else value / round(1 / factor), (), None, start, at,
        multiplier in (1e3, 1e6),
        None if low is None else low * times * factor, unit, said, negative,
    )  # fmt: skip
    return _with_per(tokens, base, lex) if isfinite(base.value) else replace(base, kind="unreadable")


def _budget(tokens: Sequence[Token], at: int) -> bool:
    """Whether a bare number is money: ``budget 10k/month``."""
    before = at - 1
    while before > 0 and tokens[before].raw in ("of", "is", ":", "around", "about", "under", "below", "max"):
        before -= 1
    return tokens[before].raw == "budget"


def _number_at(tokens: Sequence[Token], at: int) -> tuple[float, int, float | None] | None:
    """A number with its multiplier: value, next place, multiplier."""
    words = vocabulary()
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.raw in ("a", "an") and at + 1 < len(tokens) and tokens[at + 1].norm in ("gpu", "card", "accelerator"):
        value = 1.0
    elif token.kind == "number":
        value = token.value
    elif token.raw in words.numbers:
        value = words.numbers[token.raw]
    else:
        return None
    at += 1
    if token.raw in ("half", "couple", "dozen", "pair"):
        while at < len(tokens) and tokens[at].raw in ("a", "an", "of"):
            at += 1
    multiplier: float | None = None
    while at < len(tokens) and (name := _multiplier(tokens[at])):
        short = len(name) <= 2
        if short and not tokens[at].glued and name not in ("k", "b", "bn", "mn"):
            break
        if short and name == "t" and at + 1 < len(tokens) and tokens[at + 1].raw == "/":
            break
        multiplier = (multiplier or 1.0) * words.multipliers[name]
        at += 1
    return value, at, multiplier


def _multiplier(token: Token) -> str:
    """``k``, ``million``, ``millions``; empty for other words."""
    known = vocabulary().multipliers
    if token.raw in known:
        return token.raw
    return token.raw[:-1] if len(token.raw) > 3 and token.raw[-1] == "s" and token.raw[:-1] in known else ""


def _unit_at(
    tokens: Sequence[Token], at: int, lex: Lexicon, taken: Sequence[bool], kind: str
) -> tuple[str, int, float, str]:
    """The unit after a number: kind, next place, factor to the base unit, as said."""
    if kind:
        if at < len(tokens) and tokens[at].norm in ("usd", "dollar", "euro"):
            at += 1
        return kind, at, 1.0, "$"
    if at < len(tokens) and tokens[at].raw in CURRENCIES:
        return CURRENCIES[tokens[at].raw], at + 1, 1.0, tokens[at].raw
    for skip in range(SKIPPED + 1):
        here = at + skip
        if here >= len(tokens):
            break
        token = tokens[here]
        rated = here + 1 < len(tokens) and tokens[here + 1].raw == "/"
        if skip == 0 and token.glued and token.raw in GLUED_RATES and rated:
            return GLUED_RATES[token.raw], here + 1, 1.0, token.raw
        if skip == 0 and token.raw == "t" and here + 1 < len(tokens) and tokens[here + 1].raw == "/":
            return "tokens", here + 1, 1.0, "t"
        pair = f"{token.norm} {tokens[here + 1].norm}" if here + 1 < len(tokens) else ""
        if pair in lex.units:
            unit, factor = lex.units[pair]
            return unit, here + 2, factor, pair
        if token.norm in lex.units and (token.raw != "s" or token.glued or skip == 0) and token.kind == "word":
            unit, factor = lex.units[token.norm]
            if len(token.raw) == 1 and skip:
                break
            return unit, here + 1, factor, token.norm
        if token.raw not in ADJECTIVES or (taken[here] and token.raw not in ADJECTIVES):
            break
    return "", at, 1.0, ""


def _with_per(tokens: Sequence[Token], amount: Amount, lex: Lexicon) -> Amount:
    """Read ``/s``, ``per month``, ``a day``, ``per user``; a rate becomes one per second, money one per hour."""
    per: list[str] = []
    at, value = amount.last, amount.value
    period, night = 1.0, False
    if amount.kind == "rate":
        counted = "tokens" if amount.unit == "tps" else "requests"
        return _more_per(tokens, replace(amount, kind=counted, per=("time",)), lex)
    while at + 1 < len(tokens) and tokens[at].raw in PER:
        spread = at + 1
        scale = 1.0
        number = _number_at(tokens, spread)
        if number is not None and tokens[at].raw in ("/", "per"):
            scale, spread = number[0] * (number[2] or 1.0), number[1]
        elif name := _multiplier(tokens[spread]):
            scale, spread = vocabulary().multipliers[name], spread + 1
        if spread >= len(tokens):
            break
        unit = lex.units.get(tokens[spread].norm)
        if unit is None or not scale or (tokens[at].raw in ("a", "an") and unit[0] != "time"):
            break
        if unit[0] == "time":
            period, night = unit[1] * scale, tokens[spread].norm == "night"
            value /= period / (3600 if amount.kind in ("money", "foreign money") else 1)
        per.append(unit[0])
        at = spread + 1
    if at < len(tokens) and tokens[at].raw in ("monthly", "hourly", "daily", "yearly") and "money" in amount.kind:
        value *= 3600 / {"monthly": 2628000, "hourly": 3600, "daily": 86400, "yearly": 31536000}[tokens[at].raw]
        per.append("time")
        at += 1
    made = replace(amount, value=value, per=tuple(per), last=at, period_s=period, night=night)
    return made if "time" in per or amount.kind not in WORK else _done_in(tokens, made, lex)


def _done_in(tokens: Sequence[Token], amount: Amount, lex: Lexicon) -> Amount:
    """Work whose time stands a few words on, or as an adverb: ``500 hours of calls per week``, ``10k mails daily``."""
    if amount.kind == "plain" and amount.said < 2 and amount.value < 2:
        return amount
    inside = [at for at in range(amount.first, amount.last) if tokens[at].raw in REGULARLY]
    before = [amount.first - 1] if amount.first and tokens[amount.first - 1].raw in REGULARLY else []
    for at in (*inside, *before):
        return _regular(amount, tokens[at].raw, min(amount.first, at), amount.last)
    for at in range(amount.last, min(amount.last + WITHIN + 1, len(tokens))):
        token = tokens[at]
        if token.raw in REGULARLY:
            return _regular(amount, token.raw, amount.first, at + 1)
        unit = lex.units.get(tokens[at + 1].norm) if at + 1 < len(tokens) else None
        if token.raw in PER and unit is not None and unit[0] == "time":
            return _each(amount, unit[1], tokens[at + 1].norm == "night", amount.first, at + 2)
        if token.raw in ("in", "within") and amount.kind in ("requests", "pages", "words"):
            return _in_time(tokens, amount, at + 1, lex)
        if token.kind != "word" or token.raw in STOPS or not {token.norm, token.raw} & (lex.known | lex.fillers):
            break
    return amount


def _in_time(tokens: Sequence[Token], amount: Amount, at: int, lex: Lexicon) -> Amount:
    """``1M pages in a week``, ``within 3 days``: an hour at least, as shorter times limit an answer."""
    if at + 1 >= len(tokens):
        return amount
    number = _number_at(tokens, at)
    count, after = (number[0] * (number[2] or 1.0), number[1]) if number else (1.0, at + 1)
    if (number is None and tokens[at].raw not in ("a", "an", "one")) or after >= len(tokens):
        return amount
    unit = lex.units.get(tokens[after].norm)
    if unit is None or unit[0] != "time" or count * unit[1] < LEAST_JOB_S:
        return amount
    return _each(amount, count * unit[1], tokens[after].norm == "night", amount.first, after + 1)


def _regular(amount: Amount, adverb: str, first: int, last: int) -> Amount:
    return _each(amount, REGULARLY[adverb], adverb in ("nightly", "overnight"), first, last)


def _each(amount: Amount, period: float, night: bool, first: int, last: int) -> Amount:
    per = (*amount.per, "time")
    return replace(amount, value=amount.value / period, per=per, first=first, last=last, period_s=period, night=night)


def _more_per(tokens: Sequence[Token], amount: Amount, lex: Lexicon) -> Amount:
    at = amount.last
    if at + 1 < len(tokens) and tokens[at].raw in ("/", "per") and tokens[at + 1].norm in lex.units:
        return replace(amount, per=("time", lex.units[tokens[at + 1].norm][0]), last=at + 2)
    return amount


def _bounded(tokens: Sequence[Token], amount: Amount, before: dict[int, Item], after: dict[int, Item]) -> Amount:
    """With the comparator just before, or just after."""
    first = amount.first
    for _ in range(3):
        item = before.get(first)
        if item is not None:
            return replace(amount, bound=item.value, first=item.first)
        if first == 0 or tokens[first - 1].raw not in ("a", "of", "the", "is", "be", "for", "to", "us", "than"):
            break
        first -= 1
    item = after.get(amount.last)
    if item is not None and (len(item.phrase) > 1 or tokens[item.first].raw in ("max", "maximum", "+", "min", "tops")):
        trailing = item.last >= len(tokens) or tokens[item.last].kind == "sign" or len(item.phrase) > 1
        if trailing or tokens[item.first].raw == "+":
            return replace(amount, bound=item.value, last=item.last)
    return amount
