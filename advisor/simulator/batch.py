"""The state of one replica, and all that happens to it less often than a stretch of equal passes."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from math import inf

from advisor.simulator.jobs import Jobs
from advisor.simulator.log import PassLog
from advisor.simulator.memory import Memory, Pool
from advisor.simulator.rules import Rules
from advisor.simulator.steps import StepModel
from catalog.errors import BadInput

SHIFT = 32
MASK = (1 << SHIFT) - 1


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


class Batch:
    """Who waits, who runs, and what they hold. ``engine`` moves it through time."""

    def __init__(self, jobs: Jobs, rules: Rules, steps: StepModel, memory: Memory, number: int = 0) -> None:
        if rules.max_sequences >= len(steps.step_s):
            raise BadInput(f"max_sequences={rules.max_sequences}: steps are known for {len(steps.step_s) - 1}")
        self.jobs, self.rules, self.steps, self.memory, self.number = jobs, rules, steps, memory, number
        self.pool = Pool(memory, rules.block_tokens, jobs.prefix_tokens if rules.prefix_cache else rules.block_tokens)
        self.log = PassLog()
        self.gaps: list[tuple[float, int]] = []
        """Times between tokens that the log does not hold, with how often (negative: the log has it too many)."""
        self.p, self.q = steps.advance
        self.margin = -(-self.p // self.q) - 2
        """What prompt and answer together lack to the most tokens cached: ``input + output + margin``."""
        self.longest = memory.longest(rules.block_tokens)
        if rules.context_tokens:
            self.longest = min(self.longest, rules.context_tokens + self.margin)
        self.base_rate = [0.0] * len(steps.step_s)
        self.windows: list[Window] = []
        for cap, rate in zip(steps.caps, steps.token_s, strict=True):
            scaled = [r / self.q for r in rate]
            if cap:
                self.windows.append(Window(cap * self.q, scaled))
            else:
                self.base_rate = [a + b for a, b in zip(self.base_rate, scaled, strict=True)]
        self.t = 0.0
        self.seen = 0.0
        """Up to when arrivals have been looked at."""
        self.n = 0
        """Passes that made steps."""
        self.cached = 0
        """Cached tokens of all that write, in parts of ``q``."""
        self.waiting: deque[int] = deque()
        self.ranked: list[tuple[int, float, int]] = []
        """The queue where there are priorities."""
        self.order: dict[int, None] = {}
        """Running requests in order of admission."""
        self.heap: list[int] = []
        """When each answer is complete: the count of the pass, with the request."""
        self.left = 0
        """The sum of those counts."""
        self.phase = [0] * (rules.block_tokens * self.q)
        """Sequences by where they are in their last block."""
        self.partial: dict[int, list[int]] = {}
        """Prompts that are partly read: [tokens read, tokens to read]."""
        self.base: dict[int, int] = {}
        """Of those that write: cached tokens minus ``p`` times the count of passes."""
        self.held: dict[int, list[int]] = {}
        """Blocks of prefixes held in common."""
        self.written: dict[int, int] = {}
        """Tokens of preempted requests."""
        self.last: dict[int, float] = {}
        self.stalled: list[list[float]] = []
        """Where prompts go first: [time of the last token, sequences], of those that wait for their next."""
        self.joined: dict[int, float] = {}
        self.preempted_at: list[float] = []
        self.blocked = False
        """Whether the head of the queue cannot be admitted until something leaves."""
        self.times: list[float] = []
        self.coming: list[int] = []
        self.position = 0
        """A sorted list of requests to come, and how far it is delivered."""
        self.later: list[tuple[float, int]] = []
        """A heap of others to come."""
        self.settled: list[tuple[float, int]] | None = None
        """Requests that are answered or refused, where somebody else delivers what they set off."""
        self.ended: list[float] | None = None
        """Times of answers, for those who route."""
        self.prompts: dict[int, float] = {}

    # --- less common

    def _next(self, position: int) -> float:
        time = self.times[position] if position < len(self.times) else inf
        return min(time, self.later[0][0]) if self.later else time

    def _accepts(self, i: int) -> bool:
        jobs, rules = self.jobs, self.rules
        length = jobs.input[i] + jobs.output[i] + self.margin
        if 0 < rules.context_tokens < jobs.input[i] + jobs.output[i]:
            jobs.refused[i] = "context"
        elif length > self.longest:
            jobs.refused[i] = "memory"
        elif not rules.chunked and (jobs.input[i] if rules.reserve == "all" else length) > rules.budget_tokens:
            jobs.refused[i] = "budget"
        return i not in jobs.refused

    def _follow(self, i: int, time: float) -> None:
        """A request is answered or refused: what it sets off comes later, unless somebody else sees to that."""
        if self.settled is not None:
            self.settled.append((time, i))
        elif (event := self.jobs.next_after(i, time)) is not None:
            self.jobs.replica[event[1]] = self.number
            heappush(self.later, event)

    @staticmethod
    def _starting_before(room: float, passes: int, seconds: float, growth: float) -> int:
        """So many passes, fewer where the last would not start within ``room``."""
        while passes > 1 and (passes - 1) * (seconds + growth * (passes - 2) * 0.5) >= room:
            passes -= 1
        return passes

    def _blocks(self, n: int, passes: int) -> int:
        """Blocks that all who write take in so many passes from number ``n`` on."""
        size, p = len(self.phase), self.p
        if p == self.q == 1:
            turns, rest = divmod(passes, size)
            start = n % size
            both = self.phase[start:] + self.phase[:start]
            return turns * len(self.heap) + sum(both[:rest])
        return sum(count * (((y + p * n) % size + p * passes) // size) for y, count in enumerate(self.phase) if count)

    def _most_passes(self, passes: int, available: int) -> int:
        """Most passes, fewer than asked, for which so many units suffice."""
        unit = self.memory.per_block
        low, high = 0, passes
        while high - low > 1:
            middle = (low + high) // 2
            if self._blocks(self.n, middle) * unit <= available:
                low = middle
            else:
                high = middle
        return low

    def _index(self, base: int) -> int:
        if self.p == self.q == 1:
            return -base % len(self.phase)
        return (base + self.q * (self.rules.block_tokens - 1)) % len(self.phase)

    def _fixed(self, i: int) -> int:
        return self.memory.fixed(self.jobs.input[i] + self.jobs.output[i] + self.margin, self.rules.block_tokens)

    def _own_units(self, i: int, tokens: int) -> int:
        """What a request holds with so many tokens cached, besides what it shares."""
        if self.rules.reserve == "all":
            tokens = self.jobs.input[i] + self.jobs.output[i] + self.margin
        tokens -= self.jobs.prefix_tokens * len(self.held.get(i, ()))
        return self._fixed(i) + self.memory.per_block * -(-tokens // self.rules.block_tokens)

    def _victim(self) -> int:
        if self.rules.priorities:
            rank, arrival = self.jobs.priority, self.jobs.arrival
            assert rank is not None
            return max(self.order, key=lambda i: (rank[i], arrival[i], i))
        return next(reversed(self.order))

    def _preempt(self, i: int, grown: bool) -> None:
        """``grown``: whether it has already taken the block of this pass's token."""
        jobs, n, p, q = self.jobs, self.n, self.p, self.q
        jobs.preempted[i] += 1
        self.preempted_at.append(self.t)
        del self.order[i]
        if i in self.partial:
            tokens = self.partial.pop(i)[0]
            self.pool.free += self._own_units(i, tokens)
        else:
            base = self.base.pop(i)
            scaled = base + p * n
            self.pool.free += self._own_units(i, (scaled + p * grown) // q)
            key = next(key for key in self.heap if key & MASK == i)
            self.heap.remove(key)
            heapify(self.heap)
            if self.rules.output_share:
                self.left -= key >> SHIFT
            self.cached -= scaled
            if self.rules.reserve != "all":
                self.phase[self._index(base)] -= 1
            if self.windows:
                self._close(i, scaled)
            self.written[i] = scaled // q - jobs.input[i] + 1
            self.last[i] = self.t
            self._unstall(i)
        self.pool.release(self.held.pop(i, []))
        if self.rules.priorities:
            heappush(self.ranked, (jobs.priority[i], jobs.arrival[i], i))  # type: ignore[index]
        else:
            self.waiting.appendleft(i)

    def _grow_with_preemption(self) -> bool:
        """Blocks for the next token of all who write, oldest first, where there are not enough for all."""
        p, q, preempted = self.p, self.q, False
        grown: set[int] = set()
        for i in list(self.order):
            if i not in self.base:
                continue
            scaled = self.base[i] + p * self.n
            units = self._own_units(i, (scaled + p) // q) - self._own_units(i, scaled // q)
            while not self.pool.take(units):
                victim = self._victim()
                self._preempt(victim, victim in grown)
                preempted = True
                if victim == i:
                    break
            else:
                grown.add(i)
        return preempted

    def _read_on(self, room: int, preempted: bool, grown: bool) -> tuple[bool, list[int], float, list[int]]:
        """Prompts that are partly read: (whether anybody was preempted, chunks, what their past adds, who is done)."""
        rules, pool = self.rules, self.pool
        most = rules.chunk_tokens or rules.budget_tokens
        chunks: dict[int, tuple[int, int]] = {}
        for i in list(self.partial):
            if i not in self.partial or room <= 0:
                continue
            past, target = self.partial[i]
            new = min(target - past, room, most)
            units = 0 if rules.reserve == "all" else self._own_units(i, past + new) - self._own_units(i, past)
            while not pool.take(units):
                victim = self._victim()
                self._preempt(victim, grown)
                preempted = True
                chunks.pop(victim, None)
                if victim == i:
                    break
            else:
                self.partial[i][0] += new
                chunks[i] = (new, past)
                self._publish(i, past + new)
                room -= new
        done = [i for i in chunks if self.partial[i][0] == self.partial[i][1]]
        for i in done:
            del self.partial[i]
        past_s = sum(self.steps.past_s(new, past) for new, past in chunks.values() if past)
        return preempted, [new for new, _ in chunks.values()], past_s, done

    def _publish(self, i: int, tokens: int) -> None:
        """Blocks of a prompt's prefix that this pass completes are there for all."""
        jobs = self.jobs
        if self.rules.prefix_cache and jobs.prefix is not None:
            whole = min(tokens, jobs.input[i]) // jobs.prefix_tokens
            self.pool.publish(jobs.prefix[i], 0, whole, self.held.setdefault(i, []))

    def _publish_answer(self, i: int, tokens: int) -> int:
        """What a finished request leaves for others; returns the tokens that it shared."""
        jobs = self.jobs
        assert jobs.prefix is not None
        held = self.held.pop(i, [])
        whole = min(tokens, jobs.input[i] + jobs.output[i] - 1) // jobs.prefix_tokens
        self.pool.publish(jobs.prefix[i], 0, whole, held)
        self.pool.release(held)
        return jobs.prefix_tokens * len(held)

    def _head(self) -> int | None:
        if self.rules.priorities:
            return self.ranked[0][2] if self.ranked else None
        return self.waiting[0] if self.waiting else None

    def _pop(self) -> None:
        if self.rules.priorities:
            heappop(self.ranked)
        else:
            self.waiting.popleft()

    def _comes_ready(self, i: int) -> bool:
        return self.jobs.ready is not None and self.jobs.ready[i] and i not in self.written

    def _join_ready(self) -> None:
        """Requests whose cache comes from elsewhere join those who write."""
        jobs, p, q, n = self.jobs, self.p, self.q, self.n
        while (i := self._head()) is not None and self._comes_ready(i):
            length = jobs.input[i]
            full = len(self.order) >= self.rules.max_sequences
            if full or self._own_units(i, (q * length + p) // q) > self.pool.available:
                self.blocked = True
                return
            self.pool.take(self._own_units(i, length))
            self._pop()
            self.order[i] = None
            jobs.admitted[i] = jobs.first[i] = self.t
            self.cached += q * length
            base = self.base[i] = q * length - p * n
            if self.rules.reserve != "all":
                self.phase[self._index(base)] += 1
            if self.windows:
                self._open(i, q * length, n)
            if self.stalled:
                self.stalled.append([self.t, 1])
            self.joined[i] = self.t
            steps = -(-q * (jobs.output[i] - 1) // p)
            if self.rules.output_share:
                self.left += n + steps
            heappush(self.heap, n + steps << SHIFT | i)
        self.blocked = False

    def _admit(self, room: int, tokens: int, read: list[int]) -> tuple[list[int], float, list[int]]:
        """Requests from the head of the queue: (chunks, what cached tokens before them add, who is read to the end)."""
        jobs, rules, pool, block = self.jobs, self.rules, self.pool, self.rules.block_tokens
        most = rules.chunk_tokens if rules.chunked and rules.chunk_tokens else rules.budget_tokens
        unit, size = self.memory.per_block, jobs.prefix_tokens
        chunks: list[int] = []
        done: list[int] = []
        past_s = 0.0
        self.blocked = False
        while room > 0 and (i := self._head()) is not None and not self._comes_ready(i):
            if len(self.order) >= rules.max_sequences:
                self.blocked = True
                break
            target = jobs.input[i] + self.written.get(i, 0)
            prefix = jobs.prefix[i] if rules.prefix_cache and jobs.prefix is not None else ()
            found = pool.matched(prefix, (target - 1) // size) if prefix else 0
            past = found * size
            new = target - past
            if not rules.chunked and new > room:
                self.blocked = not tokens
                break
            take = min(new, room, most)
            fixed = self._fixed(i)
            available = pool.available - pool.prefix_units * (pool.unheld(prefix, found) if found else 0)
            if rules.reserve == "all":
                units = must = self._own_units(i, target)
            else:
                units = fixed + unit * -(-take // block)
                must = fixed + unit * -(-new // block) if rules.reserve == "input" else units
            if must > available:
                self.blocked = True
                break
            if rules.output_share:
                unread = sum(jobs.output[j] - self.written.get(j, 0) - 1 for j in (*self.partial, *read, *done))
                left = self.left - len(self.heap) * self.n + unread
                need = new + jobs.output[i] - self.written.get(i, 0) - 1
                if available // max(1, unit) - rules.output_share * left < need:
                    self.blocked = True
                    break
            self._pop()
            if found:
                self.held[i] = pool.hold(prefix, found)
            pool.take(units)
            self.order[i] = None
            if jobs.admitted[i] != jobs.admitted[i]:
                jobs.admitted[i] = self.t
                jobs.hits[i] = past
            if prefix:
                self._publish(i, past + take)
            if past:
                past_s += self.steps.past_s(take, past)
            chunks.append(take)
            tokens += take
            room -= take
            if take == new:
                done.append(i)
            else:
                self.partial[i] = [past + take, target]
        return chunks, past_s, done

    def _open(self, i: int, scaled: int, n: int) -> None:
        """A sequence begins to write, as windowed layers see it."""
        for window in self.windows:
            if scaled >= window.cap:
                window.total += window.cap
                continue
            window.total += scaled
            window.growing.add(i)
            heappush(window.ends, n - (scaled - window.cap) // self.p << SHIFT | i)

    def _close(self, i: int, scaled: int) -> None:
        for window in self.windows:
            window.total -= scaled if i in window.growing else window.cap
            window.growing.discard(i)

    def _fill(self, n: int, passes: int) -> None:
        """Windowed layers after so many passes."""
        p, base, now = self.p, self.base, n + passes
        for window in self.windows:
            window.total += len(window.growing) * p * passes
            while window.ends and window.ends[0] >> SHIFT <= now:
                i = heappop(window.ends) & MASK
                if i in window.growing and base[i] + p * now >= window.cap:
                    window.total -= base[i] + p * now - window.cap
                    window.growing.remove(i)

    def _catch_up(self, end: float, seconds: float, writing: int) -> None:
        """After prompts went first, a step makes tokens that are later than the step is long."""
        if self.stalled:
            self.gaps += [(end - last, int(count)) for last, count in self.stalled if count]
            self.gaps.append((seconds, -writing))
            self.stalled.clear()

    def _unstall(self, i: int) -> None:
        for entry in self.stalled[1:]:
            if entry[0] == self.joined.get(i):
                break
        else:
            if not self.stalled:
                return
            entry = self.stalled[0]
        entry[1] -= 1
        self.last[i] = entry[0]
