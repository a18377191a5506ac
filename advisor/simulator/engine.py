"""One replica that jumps from event to event.

While the batch stays the same a pass takes ``A + D·j`` seconds (``j = 0, 1, …``): its cached tokens grow by the same
number each time. So ``k`` passes take ``k·A + D·k(k-1)/2``, and the next event is the first of: an answer is complete,
a request that could be admitted arrives, a layer's window is full, the blocks of cache run out. The work is one per
event.

The rules are those of ``rules``; ``oracle`` carries them out pass by pass and must agree.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil, inf, sqrt

from advisor.simulator.batch import Batch
from advisor.simulator.hot import run_plain
from advisor.simulator.log import FLUSH
from advisor.simulator.state import MASK, SHIFT

MOST_TIMES = 100_000
"""Times of passes that are kept."""


class Replica(Batch):
    """One replica: its queue, its batch and its cache, moved through time.

    ``deliver`` requests in the order of their times and ``run`` up to the next one; or ``load`` a sorted list of them
    and ``run`` to the end.
    """

    __slots__ = ()

    def earliest_end(self) -> float:
        """A time before which no answer can be complete, later than the start of the next pass."""
        if self.partial or self.waiting or self.ranked:
            return self.t * (1 + 1e-12) + 1e-12
        if not self.heap:
            return max(self.t, self.next_t) * (1 + 1e-12) + 1e-12
        seconds, growth = self._pass_s()
        passes = (self.heap[0] >> SHIFT) - self.n
        if self.windows:
            growth = sum(min(0.0, w.rate[len(self.heap)]) for w in self.windows) * len(self.heap) * self.p
            growth += self.base_rate[len(self.heap)] * len(self.heap) * self.p
            if growth < 0:
                return self.t * (1 + 1e-12) + 1e-12
        end = self.t + passes * (seconds + growth * (passes - 1) * 0.5) * (1 - 1e-12)
        return max(self.t * (1 + 1e-12) + 1e-12, min(end, self.next_t)) if self.next_t < inf else end

    def calm_until(self) -> float:
        """A time before which no pass starts that does anything a router could see: end an answer, evict a prefix."""
        if self.next_t < inf or self.short or self.partial or self.waiting or self.ranked or self.windows:
            return self.t
        if not self.heap:
            return inf
        passes = (self.heap[0] >> SHIFT) - self.n
        if not self.whole and self._blocks(self.n, passes) * self.unit > self.pool.free:
            return self.t
        seconds, growth = self._pass_s()
        return self.t + (passes - 1) * (seconds + growth * (passes - 2) * 0.5) * (1 - 1e-12)

    def run(self, until: float = inf, stop: bool = False) -> None:
        """Make all passes that start before ``until``; with ``stop``, no more once an answer was complete."""
        if self.quick:
            run_plain(self, until, stop)
            return
        order, waiting, ranked, heap, partial = self.order, self.waiting, self.ranked, self.heap, self.partial
        ahead = self.ahead
        while True:
            if not (order or waiting or ranked):
                if self.t < self.next_t:
                    if self.next_t >= until:
                        break
                    self.t = self.next_t
                self._rest()
            if self.t >= until:
                break
            if not ahead:
                self.seen = self.t
            if self.next_t <= self.seen:
                self._receive()
                if not (order or waiting or ranked):
                    continue
            if self.short or partial or (not self.blocked and (waiting or ranked)):
                self._read()
            else:
                self._stretch(until)
            if heap and heap[0] >> SHIFT == self.n:
                self._answer()
                if stop:
                    break

    def _rest(self) -> None:
        """Nothing is queued or running."""
        self.seen = self.t
        if self.rules.output_share is not None:
            self.share, self.share_n = self.rules.output_share.start, self.n

    def _receive(self) -> None:
        """Everybody who came by ``seen`` joins the queue, or is refused."""
        jobs, seen = self.jobs, self.seen
        while (time := self.next_t) <= seen:
            if self.later:
                i = self._come()
            else:
                i = self.coming[self.position]
                self.position += 1
                self.next_t = self.times[self.position]
            if jobs.input[i] + jobs.output[i] <= self.accepted or self._accepts(i):
                if self.ranking:
                    heappush(self.ranked, (jobs.priority[i], time, i))  # type: ignore[index]
                    self.blocked = False
                else:
                    self.waiting.append(i)
            elif self.linked:
                self._follow(i, time)

    # --- passes with prompts

    def _read(self) -> None:
        """One pass with prompts, as far as there is room for any."""
        if self.jobs.ready is not None and not self.blocked and not self.short:
            self._join_ready()
        steps_too = self.mixed or self.short
        preempted = self._grow() if steps_too else False
        chunks: list[int] = []
        done: list[int] = []
        past_s = 0.0
        if self.mixed or not self.short:
            room = self.rules.budget_tokens - (len(self.heap) if self.mixed else 0)
            unfinished = bool(self.partial)
            if unfinished:
                lost, chunks, past_s, done = self._read_on(room, steps_too)
                preempted |= lost
                room -= sum(chunks)
            if not preempted and room > 0 and (unfinished or not self.blocked):
                more, more_s = self._admit(room, sum(chunks), done)
                chunks += more
                past_s += more_s
        if preempted:
            self.blocked = False
        if not chunks and not steps_too:
            # Nothing to read: a pass of steps, in which room may have to be made.
            self.short = preempted
            self.blocked = not preempted and bool(self.waiting or self.ranked)
            if not self.heap:
                raise RuntimeError(f"replica {self.number}: nothing fits an empty cache at {self.t} s")
            return
        self.short = False
        self._make(chunks, past_s, len(self.heap) if steps_too else 0)
        for i in done:
            self._begin(i)
        if self.prefixes is not None and chunks:
            self.blocked = False

    def _make(self, chunks: list[int], past_s: float, running: int) -> None:
        """One pass that reads chunks, which ``past_s`` makes longer, while ``running`` sequences make a step."""
        tokens = sum(chunks)
        if tokens:
            key = tokens << 16 | running
            if key not in self.prompts:
                self.prompts[key] = self.steps.prompt_s(tokens, running)
            seconds = self.prompts[key] + past_s
            if len(chunks) > 1:
                alone = self.steps.alone_s
                seconds += sum(map(alone, chunks)) - alone(tokens)
        else:
            seconds = self.step_s[running]
        if running:
            seconds += self.base_rate[running] * self.cached
            for window in self.windows:
                seconds += window.rate[running] * window.total
        t = self.seen = self.t
        self._note(t, seconds, 0.0, tokens or -1, running)
        self.t = t + seconds
        if not self.mixed:
            if running:
                self._catch_up(self.t, seconds, running)
            elif self.heap and not self.stalled:
                self.stalled.append([t, len(self.heap)])
        if running:
            self.cached += self.p * running
            self._fill(1)
            self.n += 1

    def _note(self, t: float, seconds: float, growth: float, what: int, writing: int) -> None:
        """A row of the log."""
        log = self.log
        log.rows += (t, seconds, what, writing, self.pool.free)
        if log.grown is not None:
            log.grown.append(growth)

    def _begin(self, i: int) -> None:
        """A prompt is read: a first token is out, or the next after a preemption."""
        jobs, t = self.jobs, self.t
        if jobs.first[i] != jobs.first[i]:
            jobs.first[i] = t
            before, length = 0, jobs.input[i]
        else:
            before = self.written.pop(i)
            length = jobs.input[i] + before
            self.gaps.append((t - self.last.pop(i), 1))
        steps = jobs.output[i] - before - 1
        if self.stalled:
            self.stalled.append([t, int(steps > 0)])
        self._write(i, length, steps if self.plain else -(-self.q * steps // self.p))

    # --- passes of steps alone

    def _pass_s(self) -> tuple[float, float]:
        """(seconds of the next pass of steps, how much longer each further one is)."""
        writing = len(self.heap)
        rate = self.base_rate[writing]
        seconds, growth = self.step_s[writing] + rate * self.cached, rate * writing * self.p
        for window in self.windows:
            seconds += window.rate[writing] * window.total
            growth += window.rate[writing] * len(window.growing) * self.p
        return seconds, growth

    def _stretch(self, until: float) -> None:
        """Passes of steps alone, up to the next event."""
        t, n, pool = self.t, self.n, self.pool
        writing = len(self.heap)
        passes = (self.heap[0] >> SHIFT) - n
        if self.uneven:
            seconds, growth = self._pass_s()
            passes = self._most_alike(passes)
        else:
            seconds, growth = self.step_s[writing] + self.base_rate[writing] * self.cached, self.growth[writing]
        half = growth * 0.5
        total = passes * (seconds + half * (passes - 1))
        bound = self.next_t
        if bound > until or (self.blocked and not self.watched):
            bound = until
        if t + total > bound:
            k = self._passes_to(bound - t, seconds, half)
            if self.ahead:
                k = self._decided(k, bound, until, seconds, half)
            if k < passes:
                passes = k
                total = k * (seconds + half * (k - 1))
        if not self.whole:
            if self.plain:
                phase = self.phase
                turns, rest = divmod(passes, len(phase))
                start = n % len(phase)
                stop = start + rest
                blocks = turns * writing + sum(phase[start:stop])
                if stop > len(phase):
                    blocks += sum(phase[: stop - len(phase)])
            else:
                blocks = self._blocks(n, passes)
            units = blocks * self.unit
            if units <= pool.free:
                pool.free -= units
            else:
                k = self._make_room(passes, units)
                if not k:
                    return
                if k != passes:
                    passes = k
                    total = k * (seconds + half * (k - 1))
        self._note(t, seconds, growth, -passes, writing)
        if self.ahead:
            self.seen = t + (passes - 1) * (seconds + half * (passes - 2))
        self.t = t + total
        self.cached += self.p * writing * passes
        if self.uneven:
            if self.stalled:
                self._catch_up(t + seconds, seconds, writing)
            self._fill(passes)
            self.blocked = self.blocked and not self.hopeful
        self.n = n + passes

    def _most_alike(self, passes: int) -> int:
        """So many passes, fewer where a window is full, somebody has stalled, or the head of the queue may enter."""
        for window in self.windows:
            if window.ends:
                passes = min(passes, max(1, (window.ends[0] >> SHIFT) - self.n))
        if self.stalled:
            return 1
        return self._hope(passes) if self.blocked and self.hopeful else passes

    @staticmethod
    def _passes_to(gap: float, seconds: float, half: float) -> int:
        """The first of some passes that ends ``gap`` seconds from now or later; 1 where it is too late already."""
        if gap <= 0:
            return 1
        b = seconds - half
        k = ceil(2 * gap / (b + sqrt(b * b + 4 * half * gap)))
        # The root is rounded: at most one off.
        while k > 1 and (k - 1) * (seconds + half * (k - 2)) >= gap:
            k -= 1
        while k * (seconds + half * (k - 1)) < gap:
            k += 1
        return k

    def _decided(self, k: int, bound: float, until: float, seconds: float, half: float) -> int:
        """Where somebody comes in pass ``k`` the one after it is decided already, if it starts before ``until``."""
        if bound >= until or bound <= self.t:
            return k
        room = until - self.t
        return k + 1 if k * (seconds + half * (k - 1)) < room else k

    def _make_room(self, passes: int, units: int) -> int:
        """Take what so many passes need by evicting prefixes; returns for how many it suffices, 0 for none."""
        pool = self.pool
        if self.blocked and self.prefixes is not None and self.rules.reserve == "chunk" and pool.kept:
            # A prefix that is evicted makes a first chunk smaller: the head may fit as soon as one is.
            passes = self._most_passes(passes + 1, pool.free)
            if not passes:
                passes, self.blocked = 1, False
                if self.mixed:
                    return 0
        elif pool.take(units):
            return passes
        else:
            passes = self._most_passes(passes, pool.available)
        if passes and pool.take(self._blocks(self.n, passes) * self.unit):
            return passes
        self.short = True
        return 0

    # --- answers

    def _answer(self) -> None:
        """Who has the last token leaves."""
        n, t, heap, jobs = self.n, self.t, self.heap, self.jobs
        while heap and heap[0] >> SHIFT == n:
            i = heappop(heap) & MASK
            jobs.finish[i] = t
            del self.order[i]
            start = self.base.pop(i)
            scaled = length = start + self.p * n
            self.cached -= scaled
            if self.whole:
                length = jobs.input[i] + jobs.output[i] + self.margin
            elif self.plain:
                self.phase[-start % self.block] -= 1
            else:
                self.phase[self._index(start)] -= 1
                length //= self.q
            if self.prefixes is not None:
                length -= self._publish_answer(i, length)
            self.pool.free += (self.fixed if self.fixed >= 0 else self._fixed(i)) + self.unit * -(-length // self.block)
            if self.windows:
                self._close(i, scaled)
            if self.linked:
                self._follow(i, t)
            if self.ended is not None:
                self.ended.append(t)
        self.blocked = False
        if len(self.log.rows) >= FLUSH:
            self.tidy()

    def tidy(self) -> None:
        """Pack what was logged, and forget times of passes where there are very many."""
        self.log.flush()
        if len(self.prompts) > MOST_TIMES:
            self.prompts.clear()
