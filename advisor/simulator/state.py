"""What one replica knows between two events, and what follows from it at once."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from math import inf

from advisor.simulator.jobs import Jobs
from advisor.simulator.log import PassLog
from advisor.simulator.memory import Memory, Pool
from advisor.simulator.rules import Rules
from advisor.simulator.steps import StepModel
from catalog.errors import BadInput

SHIFT = 32
MASK = (1 << SHIFT) - 1
"""Heaps hold whole numbers: the count of a pass, shifted, and the number of a request."""


class Window:
    """Cached tokens of the running sequences in layers that keep at most ``cap`` of each."""

    __slots__ = ("cap", "ends", "growing", "rate", "total")

    def __init__(self, cap: int, rate: list[float]) -> None:
        self.cap = cap
        """In parts of ``advance[1]``, as all lengths here."""
        self.rate = rate
        self.total = 0
        self.growing: set[int] = set()
        """Sequences whose window is not full."""
        self.ends: list[int] = []
        """When a sequence's window is full: the count of the pass, with the request."""


class State:
    """Who waits, who runs, and what they hold.

    Lengths of those who write are never counted up: a sequence has ``base + p·n`` cached tokens (in parts of ``q``)
    after ``n`` passes of steps, and all of them together ``cached``. So a stretch of passes changes a handful of
    numbers, however many sequences take part, and ``phase`` tells how many blocks it takes.
    """

    __slots__ = (
        "accepted", "ahead", "arrivals", "base", "base_rate", "block", "blocked", "cached", "chunk", "coming",
        "ended", "fixed", "gaps", "growth", "heap", "held", "hopeful", "jobs", "joined", "last", "later", "linked",
        "log", "longest", "margin", "memory", "mixed", "n", "next_t", "number", "order", "p", "partial", "phase",
        "plain", "pool", "position", "preempted_at", "prefixes", "prompts", "q", "quick", "ranked", "ranking",
        "rules", "seen", "settled", "share", "share_n", "short", "stalled", "step_s", "steps", "t", "times", "uneven",
        "unit", "waiting", "watched", "whole", "windows", "written",
    )  # fmt: skip

    def __init__(self, jobs: Jobs, rules: Rules, steps: StepModel, memory: Memory, number: int = 0) -> None:
        if rules.max_sequences >= len(steps.step_s):
            raise BadInput(f"max_sequences={rules.max_sequences}: steps are known for {len(steps.step_s) - 1}")
        self.jobs, self.rules, self.steps, self.memory, self.number = jobs, rules, steps, memory.coarser(), number
        self._set_constants()

        self.t = 0.0
        self.seen = 0.0
        """Up to when arrivals have been looked at."""
        self.n = 0
        """Passes that made steps."""
        self.cached = 0.0
        """Cached tokens of all that write, in parts of ``q``: a whole number."""

        self.coming: list[int] = []
        self.times: list[float] = [inf]
        self.position = 0
        """A sorted list of requests to come, when they do (at last never), and how far it is delivered."""
        self.later: list[tuple[float, int]] = []
        """A heap of others to come."""
        self.next_t = inf
        """When the next of both comes."""
        self.waiting: deque[int] = deque()
        self.ranked: list[tuple[int, float, int]] = []
        """The queue where there are priorities."""
        self.blocked = False
        """Whether the head of the queue cannot be admitted until something leaves."""
        self.hopeful = False
        """Whether it may be admitted without: only the share that is left free for answers is in its way."""

        self.order: dict[int, None] = {}
        """Running requests in order of admission."""
        self.partial: dict[int, list[int]] = {}
        """Of these, prompts that are partly read: [tokens read, tokens to read]."""
        self.heap: list[int] = []
        """Of these, those who write, by when their answer is complete: the count of the pass, with the request."""
        self.base: dict[int, int] = {}
        """Of those who write: cached tokens minus ``p`` times the count of passes."""
        self.phase = [0] * (rules.block_tokens * self.q)
        """How many of them stand where in their last block: those at ``n`` modulo its size take one next."""
        self.held: dict[int, list[int]] = {}
        """Blocks of prefixes held in common."""
        self.short = False
        """Whether there is no room for the next token of all who write."""
        self.written: dict[int, int] = {}
        """Tokens of preempted requests, and when they had the last of them."""
        self.last: dict[int, float] = {}
        self.share = 0.0
        """Of ``rules.output_share``, as it was set after ``share_n`` passes of steps."""
        self.share_n = 0

        self.log = PassLog(self.pool.units, self.growth, bool(self.windows), 3 * len(jobs) + 64)
        self.gaps: list[tuple[float, int]] = []
        """Times between tokens that the log does not hold, with how often (negative: the log has it too many)."""
        self.stalled: list[list[float]] = []
        """Where prompts go first: [time of the last token, sequences], of those that wait for their next."""
        self.joined: dict[int, float] = {}
        self.preempted_at: list[float] = []
        self.settled: list[tuple[float, int]] | None = None
        """Requests that are answered or refused, where somebody else delivers what they set off."""
        self.ended: list[float] | None = None
        """Times of answers, for those who route."""
        self.prompts: dict[int, float] = {}
        """Times of passes with prompts that were asked for before."""

    def _set_constants(self) -> None:
        """What rules, model and memory say once and for all, as the hot loop reads it."""
        jobs, rules, steps, memory = self.jobs, self.rules, self.steps, self.memory
        self.pool = Pool(memory, rules.block_tokens, jobs.prefix_tokens if rules.prefix_cache else rules.block_tokens)
        self.p, self.q = steps.advance
        self.plain = self.p == self.q == 1
        self.margin = -(-self.p // self.q) - 2
        """What prompt and answer together lack to the most tokens cached: ``input + output + margin``."""
        self.longest = memory.longest(rules.block_tokens)
        if rules.output_share is not None:
            self.longest += min(0, self.margin - 1)  # or it would never be admitted
        if rules.context_tokens:
            self.longest = min(self.longest, rules.context_tokens + self.margin)
        self.step_s = steps.step_s
        self.base_rate = [0.0] * len(steps.step_s)
        self.windows: list[Window] = []
        for cap, rate in zip(steps.caps, steps.token_s, strict=True):
            scaled = [r / self.q for r in rate]
            if cap:
                self.windows.append(Window(cap * self.q, scaled))
            else:
                self.base_rate = [a + b for a, b in zip(self.base_rate, scaled, strict=True)]
        self.block, self.unit = rules.block_tokens, memory.per_block
        self.fixed = memory.per_request if not memory.per_window_block else -1
        """Units that every request holds besides its blocks; -1: they differ."""
        self.mixed, self.whole, self.ahead = rules.mixed, rules.reserve == "all", bool(rules.steps_ahead)
        self.chunk = rules.chunk_tokens if rules.chunked and rules.chunk_tokens else rules.budget_tokens
        """Most tokens of one prompt in a pass."""
        self.prefixes = jobs.prefix if rules.prefix_cache else None
        self.arrivals, self.linked = jobs.arrival, jobs.linked
        self.growth = [rate * b * self.p for b, rate in enumerate(self.base_rate)]
        """How much longer each pass of so many sequences is than the one before, windowed layers aside."""
        self.ranking = rules.priorities
        self.accepted = self.longest - self.margin if rules.chunked else 0
        """Prompt and answer of so many tokens are surely accepted."""
        self.watched = rules.priorities or self.linked
        """Whether somebody who comes matters even while the head of the queue cannot be admitted."""
        self.uneven = bool(self.windows) or not rules.mixed
        """Whether a stretch of passes may end, or begin, in more ways than in a plain model with mixed passes."""
        self.quick = (
            self.mixed and self.plain and self.fixed >= 0 and jobs.ready is None
            and not (self.whole or self.windows or self.prefixes or rules.priorities)
        )  # fmt: skip
        """Whether ``hot`` knows all that may happen."""

    # --- what comes

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, running or known to come."""
        return not (self.order or self.waiting or self.ranked) and self.next_t == inf

    @property
    def queued(self) -> int:
        """Requests that have arrived and are not running."""
        return len(self.waiting) + len(self.ranked)

    def load(self, requests: list[int]) -> None:
        """Requests in order of their arrival."""
        self.coming = requests
        self.times = [*(self.arrivals[i] for i in requests), inf]
        self.position = 0
        self._look()

    def deliver(self, i: int, time: float) -> None:
        """One more request, no earlier than what ``run`` was last asked for."""
        if self._accepts(i):
            heappush(self.later, (time, i))
            self.next_t = min(self.next_t, time)
        else:
            self.arrivals[i] = time
            self._follow(i, time)

    def _look(self) -> None:
        """When the next request comes."""
        time = self.times[self.position]
        self.next_t = min(time, self.later[0][0]) if self.later else time

    def _come(self) -> int:
        """The next request; of several at one time the one with the smallest number."""
        later, position, time = self.later, self.position, self.next_t
        if later and later[0][0] == time and not (self.times[position] == time and self.coming[position] < later[0][1]):
            i = heappop(later)[1]
            self.arrivals[i] = time
        else:
            i = self.coming[position]
            self.position = position + 1
        self._look()
        return i

    def _accepts(self, i: int) -> bool:
        """Whether a request can be served at all; else it is refused with the reason."""
        jobs, rules = self.jobs, self.rules
        length = jobs.input[i] + jobs.output[i] + self.margin
        if 0 < rules.context_tokens < jobs.input[i] + jobs.output[i]:
            jobs.refused[i] = "context"
        elif length > self.longest:
            jobs.refused[i] = "memory"
        elif not rules.chunked and (jobs.input[i] if self.whole else length) > rules.budget_tokens:
            jobs.refused[i] = "budget"
        return i not in jobs.refused

    def _follow(self, i: int, time: float) -> None:
        """A request is answered or refused: what it sets off comes later, unless somebody else sees to that."""
        if self.settled is not None:
            self.settled.append((time, i))
        elif (event := self.jobs.next_after(i, time)) is not None:
            self.jobs.replica[event[1]] = self.number
            heappush(self.later, event)
            self.next_t = min(self.next_t, event[0])

    def _head(self) -> int | None:
        if self.rules.priorities:
            return self.ranked[0][2] if self.ranked else None
        return self.waiting[0] if self.waiting else None

    def _pop(self) -> None:
        if self.rules.priorities:
            heappop(self.ranked)
        else:
            self.waiting.popleft()

    # --- room

    def _blocks(self, n: int, passes: int) -> int:
        """Blocks that all who write take in so many passes from number ``n`` on."""
        size, p = len(self.phase), self.p
        if self.plain:
            turns, rest = divmod(passes, size)
            start = n % size
            both = self.phase[start:] + self.phase[:start]
            return turns * len(self.heap) + sum(both[:rest])
        return sum(count * (((y + p * n) % size + p * passes) // size) for y, count in enumerate(self.phase) if count)

    def _most_passes(self, passes: int, available: int) -> int:
        """Most passes, fewer than asked, for which so many units suffice."""
        low, high = 0, passes
        while high - low > 1:
            middle = (low + high) // 2
            if self._blocks(self.n, middle) * self.unit <= available:
                low = middle
            else:
                high = middle
        return low

    def _index(self, base: int) -> int:
        """Where in ``phase`` a sequence stands."""
        if self.plain:
            return -base % len(self.phase)
        return (base + self.q * (self.block - 1)) % len(self.phase)

    def _fixed(self, i: int) -> int:
        """Units that a request holds besides its blocks."""
        if self.fixed >= 0:
            return self.fixed
        return self.memory.fixed(self.jobs.input[i] + self.jobs.output[i] + self.margin, self.block)

    def _own_units(self, i: int, tokens: int) -> int:
        """What a request holds with so many tokens cached, besides what it shares."""
        if self.whole:
            tokens = self.jobs.input[i] + self.jobs.output[i] + self.margin
        tokens -= self.jobs.prefix_tokens * len(self.held.get(i, ()))
        return self._fixed(i) + self.unit * -(-tokens // self.block)

    # --- windows

    def _open(self, i: int, scaled: int) -> None:
        """A sequence begins to write, as windowed layers see it."""
        for window in self.windows:
            if scaled >= window.cap:
                window.total += window.cap
                continue
            window.total += scaled
            window.growing.add(i)
            heappush(window.ends, self.n - (scaled - window.cap) // self.p << SHIFT | i)

    def _close(self, i: int, scaled: int) -> None:
        """It ends."""
        for window in self.windows:
            window.total -= scaled if i in window.growing else window.cap
            window.growing.discard(i)

    def _fill(self, passes: int) -> None:
        """Windowed layers after so many passes."""
        p, base, now = self.p, self.base, self.n + passes
        for window in self.windows:
            window.total += len(window.growing) * p * passes
            while window.ends and window.ends[0] >> SHIFT <= now:
                i = heappop(window.ends) & MASK
                if i in window.growing and base[i] + p * now >= window.cap:
                    window.total -= base[i] + p * now - window.cap
                    window.growing.remove(i)

    # --- times between tokens, where prompts go first

    def _catch_up(self, end: float, seconds: float, writing: int) -> None:
        """After prompts went first, a step makes tokens that are later than the step is long."""
        if self.stalled:
            self.gaps += [(end - last, int(count)) for last, count in self.stalled if count]
            self.gaps.append((seconds, -writing))
            self.stalled.clear()

    def _unstall(self, i: int) -> None:
        """One of those who wait is preempted."""
        for entry in self.stalled[1:]:
            if entry[0] == self.joined.get(i):
                break
        else:
            if not self.stalled:
                return
            entry = self.stalled[0]
        entry[1] -= 1
        self.last[i] = entry[0]
