"""Amounts of work: how many pieces come in what time, how long each is, and the rate and the lengths that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from math import ceil

from advisor.asking.amounts import Amount
from advisor.asking.draft import Draft
from advisor.asking.words import Token
from advisor.report import rate_text, seconds_text, tokens_text
from advisor.requirements import FALLBACK, IN_FLIGHT
from catalog.asking import vocabulary
from catalog.task import Task
from catalog.values import dataclass

DAY_S = 86400.0
NIGHT_S = 28800.0
"""Seconds of a night in which work is to be done: eight hours, an assumption that is shown."""
WINDOW_S = 30.0
"""Audio of one request of the speech task's template."""
SPOKEN_TOKENS_PER_S = 3.6
"""Written tokens per second of speech (``advisor.estimating.rates``)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests per second."""

    per_s: float
    words: str
    period_s: float = 1.0
    """In which they come, as it was said."""
    night: bool = False
    """Whether that is the nights alone."""

    @property
    def is_bulk(self) -> bool:
        """Said by the day or longer: a volume, which any number of copies may share."""
        return self.period_s >= DAY_S or self.night

    def times(self, factor: float, words: str) -> Flow:
        """So many for each."""
        return Flow(self.per_s * factor, words, self.period_s, self.night)


@dataclass
class Rates:
    """What is said of work waits until lengths and limits are known."""

    requests: list[Flow] = field(default_factory=list)
    tokens: list[tuple[float, str]] = field(default_factory=list)
    registered: list[tuple[float, str]] = field(default_factory=list)
    of_each_user: list[Flow] = field(default_factory=list)
    audio: list[Flow] = field(default_factory=list)
    """Seconds of audio per second."""
    lasts: list[tuple[float, str]] = field(default_factory=list)
    """Seconds that each recording lasts."""
    candidates: list[tuple[int, str]] = field(default_factory=list)
    """Passages that one query brings."""


def flow_of(amount: Amount, words: str) -> Flow:
    """An amount with a time as requests per second."""
    return Flow(amount.value, words, amount.period_s, amount.night)


def of_each(amount: Amount, tokens: Sequence[Token]) -> bool:
    """``10 questions per user per day``, ``10 questions a day each``."""
    after = tokens[amount.last].raw if amount.last < len(tokens) else ""
    return "users" in amount.per or after == "each"


def flows_of(draft: Draft, rates: Rates, task: Task, per_request: int) -> list[Flow]:
    """Everything that says how much is asked, as requests per second."""
    flows = [*rates.requests, *(Flow(value / per_request, words) for value, words in rates.tokens)]
    users = draft.fields.get("users")
    people = [*rates.registered, *([(float(users), draft.words["users"])] if users else [])]
    if rates.of_each_user and people:
        count, said = people[0]
        if not rates.registered:  # whoever asks a few times a day does not ask all the time
            draft.fields.pop("users"), draft.words.pop("users")
            draft.assumed[:] = [text for text in draft.assumed if "ask at the same time" not in text]
        each = rates.of_each_user[0]
        flow = each.times(count, f"{said} … {each.words}")
        return [*flows, flow]
    flows += rates.of_each_user
    for count, words in rates.registered:
        if task.traffic is None:
            draft.note("people", words, f"no habits of users are known for {task.id}; say how many ask at a time")
            continue
        rate = task.traffic.requests_per_s(count)
        draft.assumed.append(
            f"{words!r} ask {rate_text(rate, 'requests/s')} at the peak ({task.id} traffic, grade {task.traffic.grade})"
        )
        flows.append(Flow(rate, words))
    if "audio" in task.inputs:
        return _heard(draft, rates, flows)
    return [_paired(draft, rates, flow) for flow in flows] if rates.candidates else flows


def _heard(draft: Draft, rates: Rates, flows: list[Flow]) -> list[Flow]:
    """Recordings and hours of audio as windows."""
    found = []
    for flow in rates.audio:
        windows = flow.times(1 / WINDOW_S, flow.words)
        draft.assumed.append(f"{flow.words!r} is {flow.per_s:,.3g} s of audio per second: {_count(windows)}")
        found.append(windows)
    for flow in flows:
        if not rates.lasts:
            draft.assumed.append(f"each of {flow.words!r} is taken as {WINDOW_S:g} s; else write '10 minutes each'")
            found.append(flow)
            continue
        seconds, words = rates.lasts[0]
        each = ceil(seconds / WINDOW_S)
        windows = flow.times(each, f"{flow.words} … {words}")
        draft.assumed.append(f"{flow.words!r} of {words!r} are {each:,} windows each: {_count(windows)}")
        found.append(windows)
    return found


def _paired(draft: Draft, rates: Rates, flow: Flow) -> Flow:
    """Queries as pairs of query and passage."""
    count, words = rates.candidates[0]
    pairs = flow.times(count, f"{words} … {flow.words}")
    draft.assumed.append(f"{flow.words!r} × {count:,} passages are {rate_text(pairs.per_s, 'pairs/s')}")
    return pairs


def _count(flow: Flow) -> str:
    """Windows of audio in the period that was said."""
    period = DAY_S if flow.night else flow.period_s
    names = {DAY_S: "a day", 604800.0: "a week", 2628000.0: "a month", 3600.0: "an hour", 31536000.0: "a year"}
    many = f"{flow.per_s * period:,.0f}" if period in names else f"{flow.per_s:,.3g}"
    return f"{many} windows of {WINDOW_S:g} s {names.get(period, 'a second')}"


def put_bulk(draft: Draft, flow: Flow, task: Task, output: int) -> None:
    """A volume: the mean rate counts copies and money; nights and a fixed number of devices are limits besides."""
    mean = flow.per_s * (NIGHT_S / DAY_S if flow.night else 1.0)
    draft.put("requests_per_s", round(mean, 9), flow.words)
    if flow.night:
        draft.assumed.append(
            f"{flow.words!r} is done in {NIGHT_S / 3600:g} hours: {rate_text(flow.per_s, 'requests/s')} then, "
            f"{rate_text(mean, 'requests/s')} over the whole day"
        )
    else:
        draft.assumed.append(f"{flow.words!r}: {rate_text(mean, 'requests/s')} on average, spread evenly")
    if flow.night or "max_gpus" in draft.fields:
        draft.put("tokens_per_s", round(flow.per_s * output, 6), flow.words)
    nobody_waits = flow.night or not (task.targets.ttft_s or task.targets.e2e_s)
    limited = {"ttft_s", "e2e_s", "tpot_s"} & set(draft.fields)
    if nobody_waits and not limited and "users" not in draft.fields:
        draft.put("users", IN_FLIGHT, flow.words)
        draft.assumed.append(f"{IN_FLIGHT} requests at a time, as nobody waits for one")


MOST_ON_ONE = 256
"""Requests at a time above which several copies are the rule, where no number of devices is said."""


def shared_by_copies(draft: Draft, flow: Flow, task: Task, output: int) -> bool:
    """Put a rate that is too much for one copy as one that as many as it takes share; whether it was."""
    fields, targets = draft.fields, task.targets
    first = fields.get("ttft_s") or targets.ttft_s
    each = fields.get("tpot_s") or targets.tpot_s or 0.0
    whole = fields.get("e2e_s") or targets.e2e_s or (None if first is None else first + (output - 1) * each)
    if whole is None or flow.per_s * whole <= MOST_ON_ONE or "max_gpus" in fields or "users" in fields:
        return False
    draft.put("requests_per_s", round(flow.per_s, 9), flow.words)
    draft.assumed.append(
        f"{flow.per_s * whole:,.0f} requests are under way at once ({seconds_text(whole)} each): as many copies as it "
        "takes share them"
    )
    return True


def put_candidates(draft: Draft, rates: Rates, flows: Sequence[Flow], task: Task) -> None:
    """All passages of a query go through at the same time, and those of other queries under way beside them."""
    if not rates.candidates or "users" in draft.fields:
        return
    count, words = rates.candidates[0]
    wait = draft.fields.get("ttft_s") or task.targets.ttft_s or 1.0
    queries = max(1, ceil(flows[0].per_s / count * wait - 1e-9)) if flows else 1
    draft.put("users", queries * count, words)
    together = f"{queries} × {count}" if queries > 1 else f"{count}"
    draft.assumed.append(
        f"{together} passages at a time"
        + (f": {queries} queries are under way where each takes {seconds_text(wait)}" if queries > 1 else "")
    )


def put_spoken(draft: Draft, rates: Rates, task: Task) -> None:
    """Recordings that a text task works on, as the tokens of their transcripts."""
    if "audio" in task.inputs or not rates.lasts:
        return
    seconds, words = rates.lasts[0]
    length = ceil(seconds * SPOKEN_TOKENS_PER_S)
    if "input_tokens" in draft.fields or "context_tokens" in draft.fields or "text" not in task.inputs:
        draft.note("length of recordings", words, "the length of the text counts, which is said")
        return
    draft.put("input_tokens", length, words)
    draft.assumed.append(
        f"the transcript of {words!r} is {tokens_text(length)} tokens ({SPOKEN_TOKENS_PER_S:g} per second of speech)"
    )


def written_pages(draft: Draft, amount: Amount, words: str, rates: Rates, task: Task) -> None:
    """``5,000 pages a day``: each page is one request; ``1M words a day`` fill requests of the usual length."""
    sizes = vocabulary().assumptions
    each = sizes.tokens_per_word * (sizes.words_per_page if amount.kind == "pages" else 1.0)
    if amount.kind == "pages":
        tokens = ceil(each)
        if "image" not in task.inputs and "input_tokens" not in draft.fields:
            draft.put("input_tokens", tokens, words)
            draft.assumed.append(f"each page of {words!r} is one request of {tokens:,} tokens")
        rates.requests.append(flow_of(amount, words))
        return
    length = draft.fields.get("input_tokens") or task.targets.input_tokens or FALLBACK["text" in task.outputs][0]
    flow = flow_of(amount, words).times(each / length, words)
    draft.assumed.append(f"{words!r} are {amount.value * each:,.3g} tokens a second, in requests of {length:,} tokens")
    rates.requests.append(flow)
