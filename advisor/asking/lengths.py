"""What each quantity of a question limits: by the word nearest to it that names a role, else by an assumption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from advisor.asking.amounts import Amount
from advisor.asking.draft import Draft
from advisor.asking.lexicon import Item
from advisor.asking.words import Token
from advisor.asking.work import (
    WINDOW_S,
    Rates,
    flow_of,
    flows_of,
    of_each,
    put_bulk,
    put_candidates,
    put_spoken,
    shared_by_copies,
    written_pages,
)
from advisor.report import rate_text, seconds_text, tokens_text
from advisor.requirements import FALLBACK
from catalog.asking import vocabulary
from catalog.task import Task

REACH = 7
"""Words between a quantity and the word that names its role."""
NEXT_TO = 2
"""The same where the role is to stand right beside it."""
SPOKEN_S = 60
"""Seconds up to which words in a time are a speed of reading, not an amount of work."""
MOST_PAGES = 10_000
"""Pages of one prompt; more are many documents."""
MANY_LANGUAGES = 5
"""Languages from which a model must be multilingual, where nobody names them."""
LASTING_S = 30
"""Seconds from which a duration before ``meetings`` or ``each`` is that of a recording."""
READABLE = 200
"""Tokens per second above which a rate is taken as that of all users together."""
NEARBY_SIZE = 0.2
"""``a 7B model``: parameters may be this share fewer or more."""
AT_A_TIME = 32
"""Requests in flight where only a rate is known and the task has no latency target."""


class Roles:
    """Hands out role words, each to the quantity nearest to it."""

    def __init__(self, tokens: Sequence[Token], roles: Sequence[Item], found: Sequence[Amount]) -> None:
        self._tokens, self._roles, self._amounts = tokens, roles, found
        self._used: set[int] = set()

    def of(self, amount: Amount, names: Sequence[str], *, reach: float = REACH) -> str | None:
        """The nearest role among ``names``; a role before wins over one as far behind, and a comma is far."""
        best: tuple[float, int] | None = None
        for number, role in enumerate(self._roles):
            if role.value not in names or number in self._used:
                continue
            inside = role.first < amount.last and role.last > amount.first
            before = role.first < amount.first
            start, end = (role.last, amount.first) if before else (amount.last, role.first)
            far = 0.0 if inside else self._far(start, end) + (0.0 if before else 0.1)
            if far <= reach and (best is None or far < best[0]):
                best = (far, number)
        if best is None:
            return None
        self._used.add(best[1])
        return self._roles[best[1]].value

    def _far(self, start: int, end: int) -> float:
        far = 0.0
        for at in range(start, end):
            raw = self._tokens[at].raw
            far += 3 if raw in (",", ";", ".", "and", "with") else 0.3 if raw in ("of", "is", ":", "=", "the") else 1
        for other in self._amounts:
            if start <= other.first and other.last <= end:
                far += 3
        return far


def words_of(draft: Draft, tokens: Sequence[Token], first: int, last: int) -> str:
    """The question's own words."""
    return draft.text[tokens[first].start : tokens[min(last, len(tokens)) - 1].end] if first < len(tokens) else ""


def _whole(draft: Draft, value: float, words: str, what: str) -> int | None:
    rounded = round(value)
    if rounded < 1 or abs(rounded - value) > 1e-6 * max(1.0, abs(value)) or rounded > 2**40:
        draft.problems.append(f"{what}: {words!r} is no positive whole number of reasonable size")
        return None
    return rounded


def apply(draft: Draft, tokens: Sequence[Token], found: Sequence[Amount], roles: Roles, task: Task) -> Rates:
    """Put each quantity where it belongs."""
    rates = Rates()
    for amount in found:
        words = words_of(draft, tokens, amount.first, amount.last)
        if amount.negative or amount.value <= 0:
            shown = ("-" if amount.negative else "") + words
            draft.problems.append(f"{shown!r}: a quantity must be above 0")
            continue
        if amount.low is not None and amount.kind != "params":
            draft.assumed.append(f"of the range {words!r}, the upper end")
        _place(draft, amount, words, roles, task, rates, tokens)
    return rates


def _place(
    draft: Draft, amount: Amount, words: str, roles: Roles, task: Task, rates: Rates, tokens: Sequence[Token]
) -> None:
    match amount.kind:
        case "time":
            _time(draft, amount, words, roles, task, tokens, rates)
        case "tokens" | "pages" | "words":
            _length(draft, amount, words, roles, rates, task, tokens)
        case "users":
            _users(draft, amount, words, roles, rates)
        case "requests":
            _requests(draft, amount, words, roles, rates, task, tokens)
        case "money" | "foreign money":
            _money(draft, amount, words)
        case "bytes":
            _memory(draft, amount, words)
        case "params":
            _size(draft, amount, words)
        case "devices":
            _devices(draft, amount, words)
        case "examples":
            examples = _whole(draft, amount.value, words, "labelled examples")
            if examples:
                draft.put("labelled_examples", examples, words)
        case "things":
            if amount.unit == "language" and amount.value >= MANY_LANGUAGES:
                draft.add("languages", ("multilingual",), words)
            else:
                draft.note("number", words, "no requirement counts these")
        case "plain" if "time" in amount.per:
            rates.requests.append(flow_of(amount, words))
            draft.assumed.append(f"{words!r} counts requests")
        case "plain" if amount.thousand or amount.value >= 1:
            _plain(draft, amount, words, roles)
        case _:
            draft.note("number", words, "nothing says what it counts; write its unit")


def _lasts(amount: Amount, tokens: Sequence[Token]) -> bool:
    """Whether a duration is that of a recording: ``45-minute meetings``, ``10 minutes each``."""
    after = tokens[amount.last].norm if amount.last < len(tokens) else ""
    return amount.value >= LASTING_S and not amount.bound and after in vocabulary().recordings


def _time(
    draft: Draft, amount: Amount, words: str, roles: Roles, task: Task, tokens: Sequence[Token], rates: Rates
) -> None:
    writes = "text" in task.outputs
    if "time" in amount.per and "audio" in task.inputs:
        rates.audio.append(flow_of(amount, words))
        return
    if "time" in amount.per:
        draft.note("hours of use", words, "machines are counted for the whole month, busy or idle")
        return
    if amount.bound == "min":
        draft.note("duration", words, "a lower limit on a duration rules nothing out")
        return
    if amount.per and amount.per[0] == "tokens":
        draft.put("tpot_s", amount.value, words)
        return
    if _lasts(amount, tokens):
        rates.lasts.append((amount.value, words))
        return
    exact = ("ttft", "tpot", "e2e")
    role = roles.of(amount, exact, reach=NEXT_TO) or roles.of(amount, (*exact, "latency"))
    if amount.value > 3600:
        draft.note("duration", words, "longer than any answer takes; write rates as requests per hour or per day")
    elif not writes:
        draft.put("ttft_s", amount.value, words)
    elif role == "tpot":
        draft.put("tpot_s", amount.value, words)
    elif role == "e2e" or (amount.per and amount.per[0] in ("requests", "pages")):
        draft.put("e2e_s", amount.value, words)
    else:
        draft.put("ttft_s", amount.value, words)
        if role != "ttft":
            said = f"{words!r} limits the first token (for another limit write 'per token' or 'whole answer')"
            draft.assume("time", words, ("first token", "whole answer", "per token"), said)


def _tokens(amount: Amount) -> float:
    if not amount.thousand:
        return amount.value
    return amount.value / 1e6 * 2**20 if amount.value >= 1e6 and amount.said * 1e6 == amount.value else (
        amount.value / 1000 * 1024
    )  # fmt: skip


def _length(
    draft: Draft, amount: Amount, words: str, roles: Roles, rates: Rates, task: Task, tokens: Sequence[Token]
) -> None:
    sizes = vocabulary().assumptions
    if "time" in amount.per and amount.kind == "words" and amount.period_s <= SPOKEN_S:
        spoken = replace(amount, kind="tokens", value=amount.value * sizes.tokens_per_word)
        _token_rate(draft, spoken, words, roles, rates)
        return
    if amount.kind == "pages" and not amount.per and amount.value > MOST_PAGES:
        draft.note("amount of work", words, "say in what time it must be done, as in '10,000 pages per day'")
        return
    if "time" in amount.per and amount.kind != "tokens":
        written_pages(draft, amount, words, rates, task)
        return
    if "time" in amount.per:
        _token_rate(draft, amount, words, roles, rates)
        return
    role = roles.of(amount, ("context", "input", "output"))
    if amount.kind == "tokens":
        value = _tokens(amount)
        if role is None and ("text" not in task.outputs or of_each(amount, tokens) or "requests" in amount.per):
            role = "input"
        elif role is None:
            role = "context"
            said = f"{words!r} is the context (prompt and answer); else write 'prompt' or 'answer'"
            draft.assume("length", words, ("context", "prompt", "answer"), said)
    else:
        role = role or "input"
        per_page = sizes.words_per_page * sizes.tokens_per_word
        each = per_page if amount.kind == "pages" else sizes.tokens_per_word
        value = float(ceil(amount.value * each))
        measure = f"{sizes.words_per_page:g} words" if amount.kind == "pages" else f"{sizes.tokens_per_word:.2f} tokens"
        draft.assumed.append(
            f"{words!r} is {int(value):,} tokens: {measure} to a {amount.kind[:-1]}, 100 tokens to 75 words"
        )
    whole = _whole(draft, value, words, role)
    if whole:
        draft.put({"context": "context_tokens", "input": "input_tokens", "output": "output_tokens"}[role], whole, words)


def _token_rate(draft: Draft, amount: Amount, words: str, roles: Roles, rates: Rates) -> None:
    if amount.kind != "tokens":
        draft.note("rate", words, "write rates in tokens or requests")
        return
    if amount.bound == "max":
        draft.note("rate", words, "an upper limit on a rate rules nothing out")
        return
    role = roles.of(amount, ("total_rate", "user_rate"))
    if role is None and len(amount.per) > 1:
        role = "user_rate"
    if role is None:
        slow = amount.unit in ("s",) or amount.value != amount.said  # per day, hour or month
        role = "total_rate" if amount.value > READABLE or slow else "user_rate"
        said = "all users together" if role == "total_rate" else "each user"
        draft.assumed.append(f"{words!r} is the rate of {said}")
    if role == "user_rate":
        draft.put("tpot_s", 1 / amount.value, words)
    else:
        rates.tokens.append((amount.value, words))


def _users(draft: Draft, amount: Amount, words: str, roles: Roles, rates: Rates) -> None:
    if "time" in amount.per:
        rates.requests.append(flow_of(amount, words))
        return
    role = roles.of(amount, ("registered", "concurrent"))
    if role == "registered" or (role is None and amount.unit in vocabulary().registered_units):
        rates.registered.append((amount.value, words))
        return
    users = _whole(draft, amount.value, words, "users")
    if users:
        draft.put("users", users, words)
        if role is None and users > 1:
            draft.assumed.append(f"{words!r} ask at the same time (else write 'registered users')")


def _requests(
    draft: Draft, amount: Amount, words: str, roles: Roles, rates: Rates, task: Task, tokens: Sequence[Token]
) -> None:
    if "time" in amount.per and roles.of(amount, ("mean_rate",), reach=NEXT_TO):
        draft.put("requests_per_s", amount.value, words)
    elif "time" in amount.per:
        (rates.of_each_user if of_each(amount, tokens) else rates.requests).append(flow_of(amount, words))
    elif task.id == "reranking" and amount.value >= 1:
        rates.candidates.append((round(amount.value), words))
    elif roles.of(amount, ("concurrent",)):
        users = _whole(draft, amount.value, words, "requests at a time")
        if users:
            draft.put("users", users, words)
    else:
        draft.note("amount of work", words, "say in what time it must be done, as in '1,000 requests per hour'")


def _money(draft: Draft, amount: Amount, words: str) -> None:
    if amount.unit == "budget":
        draft.assumed.append(f"the budget of {words!r} is in US dollars")
    if amount.kind == "foreign money":
        draft.note("budget", words, "prices here are US dollars and no exchange rate is known offline; write it in $")
    elif amount.bound == "min":
        draft.note("budget", words, "a lower limit on money rules nothing out")
    elif amount.per and amount.per[0] == "time":
        draft.put("budget_usd_per_hour", amount.value, words)
    elif amount.per:
        draft.note("price per token", words, "a limit per token or request is not a rule yet; the table shows prices")
    else:
        draft.put("budget_usd_per_hour", amount.value / 730, words)
        draft.assumed.append(f"{words!r} is meant per month")


def _memory(draft: Draft, amount: Amount, words: str) -> None:
    if amount.value < 1e6:
        draft.note("memory", words, "too little for any model")
    else:
        draft.put("memory_bytes", amount.value, words)


def _size(draft: Draft, amount: Amount, words: str) -> None:
    if amount.low is not None:
        draft.put("min_params", amount.low, words)
        draft.put("max_params", amount.value, words)
    elif amount.bound == "max":
        draft.put("max_params", amount.value, words)
    elif amount.bound == "min":
        draft.put("min_params", amount.value, words)
    else:
        draft.put("min_params", round(amount.value * (1 - NEARBY_SIZE)), words)
        draft.put("max_params", round(amount.value * (1 + NEARBY_SIZE)), words)
        draft.assumed.append(f"{words!r} allows {100 * NEARBY_SIZE:.0f} % fewer or more parameters")


def _devices(draft: Draft, amount: Amount, words: str) -> None:
    devices = _whole(draft, amount.value, words, "devices")
    if devices and amount.bound == "min":
        draft.note("devices", words, "the fewest devices that keep every promise are chosen")
    elif devices:
        draft.put("max_gpus", devices, words)


def _plain(draft: Draft, amount: Amount, words: str, roles: Roles) -> None:
    if roles.of(amount, ("concurrent",), reach=1):
        users = _whole(draft, amount.value, words, "users")
        if users:
            draft.put("users", users, words)
        return
    role = roles.of(amount, ("context", "input", "output"), reach=NEXT_TO)
    if role is None:
        draft.note("number", words, "nothing says what it counts; write its unit")
        return
    whole = _whole(draft, _tokens(amount), words, role)
    if whole:
        draft.put({"context": "context_tokens", "input": "input_tokens", "output": "output_tokens"}[role], whole, words)


def settle(draft: Draft, rates: Rates, task: Task) -> None:
    """Turn rates into requests in flight, by Little's law over the limits given or the task's own."""
    writes = "text" in task.outputs
    put_spoken(draft, rates, task)
    output = draft.fields.get("output_tokens") or task.targets.output_tokens or FALLBACK[writes][1]
    per_request = output if writes else 1
    flows = flows_of(draft, rates, task, per_request)
    if len(flows) > 1:
        draft.problems.append(
            f"rates: {flows[0].words!r} and {flows[1].words!r} both say how much is asked; keep one of them"
        )
    put_candidates(draft, rates, flows, task)
    if "audio" in task.inputs and rates.lasts and not flows:
        why = f"each is heard in windows of {WINDOW_S:g} s; say how many come, as in '100 calls a day'"
        draft.note("length of recordings", rates.lasts[0][1], why)
    for flow in flows[:1]:
        if flow.is_bulk:
            put_bulk(draft, flow, task, per_request)
            continue
        if per_request > 1 and shared_by_copies(draft, flow, task, per_request):
            continue
        exact = rates.tokens[0][0] if rates.tokens and not rates.requests else None
        _flow(draft, flow.per_s, flow.words, task, per_request, exact)
        if rates.requests or rates.audio or rates.of_each_user:
            draft.put("requests_per_s", round(flow.per_s, 9), flow.words)


def _flow(draft: Draft, rate: float, words: str, task: Task, output: int, exact: float | None) -> None:
    targets, fields = task.targets, draft.fields
    first = fields.get("ttft_s") or targets.ttft_s
    each = fields.get("tpot_s") or targets.tpot_s
    whole = fields.get("e2e_s") or targets.e2e_s
    held = whole or (None if first is None or (output > 1 and each is None) else first + (output - 1) * (each or 0))
    draft.put("tokens_per_s", round(rate * output, 6) if exact is None else exact, words)
    if "users" in fields or "requests_per_s" in fields:
        return
    if held is None:
        draft.put("users", AT_A_TIME, words)
        draft.assumed.append(f"{AT_A_TIME} requests at a time ({task.id} has no latency target)")
        return
    users = max(1, ceil(rate * held - 1e-9))
    draft.put("users", users, words)
    draft.assumed.append(
        f"{users:,} requests at a time: {rate_text(rate, 'requests/s')} × {seconds_text(held)} each"
        + ("" if fields.get("ttft_s") or fields.get("e2e_s") else f" ({task.id} template)")
        + (f", answers of {tokens_text(output)} tokens" if output > 1 else "")
    )
