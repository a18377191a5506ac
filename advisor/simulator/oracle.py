"""One replica pass by pass, as plainly as the rules of ``rules`` are written. Slow: the engine is tested against it.

Everything is counted anew from the requests in each pass; nothing is kept that could be derived.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from advisor.simulator.jobs import Jobs
from advisor.simulator.memory import Memory
from advisor.simulator.rules import Rules
from advisor.simulator.steps import StepModel, pass_s


@dataclass(eq=False)
class Running:
    """A request that has been admitted."""

    i: int
    target: int
    """Tokens to read before it writes."""
    read: int = 0
    pending: int = 0
    """Tokens of it that this pass reads."""
    scaled: int = 0
    """Cached tokens while it writes, in parts of ``advance[1]``."""
    passes: int = 0
    """Steps it has yet to take."""
    last_s: float = 0.0
    """When it had its last token."""
    shared: list[int] = field(default_factory=list)
    """Blocks of its prefix that it holds in common."""
    grown: bool = False
    """Whether it has taken the blocks of this pass's token."""

    @property
    def writes(self) -> bool:
        """Whether its prompt is read."""
        return self.read == self.target


@dataclass(eq=False)
class PlainReplica:
    """State between passes."""

    jobs: Jobs
    rules: Rules
    steps: StepModel
    memory: Memory
    t: float = 0.0
    seen: float = 0.0
    """When the pass before this one started."""
    waiting: list[int] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    """In order of admission."""
    written: dict[int, int] = field(default_factory=dict)
    """Tokens that preempted requests had."""
    last: dict[int, float] = field(default_factory=dict)
    """When they had the last of them."""
    holders: dict[int, int] = field(default_factory=dict)
    """By name of a prefix block: how many hold it."""
    kept: list[int] = field(default_factory=list)
    """Blocks that nobody holds, oldest use first."""
    gaps: list[float] = field(default_factory=list)
    """Times between tokens, all requests together."""
    sent: list[tuple[float, int]] = field(default_factory=list)
    """Following requests that answers have set off."""
    passes: int = 0
    share: float = 0.0
    """Of ``rules.output_share``, when it was last set."""
    steps_since: int = 0
    """Passes of steps since then."""

    # --- room

    def _prefix_units(self) -> int:
        return self.memory.per_block * self.jobs.prefix_tokens // self.rules.block_tokens

    def _units(self, r: Running) -> int:
        """What a request holds, shared prefixes not counted."""
        jobs, block = self.jobs, self.rules.block_tokens
        whole = self._length(r.i)
        fixed = self.memory.fixed(whole, block)
        if self.rules.reserve == "all":
            return fixed + self.memory.per_block * -(-whole // block)
        p, q = self.steps.advance
        tokens = (r.scaled + p * r.grown) // q if r.writes else r.read + r.pending
        own = tokens - jobs.prefix_tokens * len(r.shared)
        return fixed + self.memory.per_block * -(-own // block)

    def used(self) -> int:
        """Units in use, kept prefixes not counted."""
        return sum(map(self._units, self.running)) + self._prefix_units() * sum(n > 0 for n in self.holders.values())

    def _length(self, i: int) -> int:
        """Most tokens that a request can have cached: the last one written is not, a last step may write too many."""
        p, q = self.steps.advance
        return self.jobs.input[i] + self.jobs.output[i] - 2 + -(-p // q)

    def _evict(self) -> None:
        """Drop what is kept until everything has room."""
        while self.used() + self._prefix_units() * len(self.kept) > self.memory.units:
            name = self.kept.pop(0)
            del self.holders[name]

    # --- queue

    def deliver(self, i: int, time: float) -> None:
        """A request arrives."""
        jobs, rules = self.jobs, self.rules
        jobs.arrival[i] = time
        whole = most = self._length(i)
        if rules.output_share is not None:
            most = max(whole, jobs.input[i] + jobs.output[i] + 1)  # or it would never be admitted
            if not self.waiting and not self.running:
                self.share, self.steps_since = rules.output_share.start, 0
        if rules.context_tokens and jobs.input[i] + jobs.output[i] > rules.context_tokens:
            jobs.refused[i] = "context"
        elif self.memory.whole(most, rules.block_tokens) > self.memory.units:
            jobs.refused[i] = "memory"
        elif not rules.chunked and (jobs.input[i] if rules.reserve == "all" else whole) > rules.budget_tokens:
            jobs.refused[i] = "budget"
        else:
            self.waiting.append(i)
            self._sort()
            return
        self._follow(i, time)

    def _sort(self) -> None:
        if self.rules.priorities:
            assert self.jobs.priority is not None
            self.waiting.sort(key=lambda i: (self.jobs.priority[i], self.jobs.arrival[i], i))  # type: ignore[index]

    def _follow(self, i: int, time: float) -> None:
        event = self.jobs.next_after(i, time)
        if event is not None:
            self.sent.append(event)

    def _preempt(self, r: Running) -> None:
        self.running.remove(r)
        if r.writes:
            self.written[r.i] = self._wrote(r)
            self.last[r.i] = r.last_s
        self.jobs.preempted[r.i] += 1
        self._let_go(r)
        self.waiting.insert(0 if self.rules.output_share is None else len(self.waiting), r.i)
        self._sort()

    def _wrote(self, r: Running) -> int:
        """Tokens that a request has: those read beyond its prompt, the one at the end of reading, and its steps'."""
        q = self.steps.advance[1]
        return r.target - self.jobs.input[r.i] + 1 + (r.scaled - q * r.target) // q

    def _let_go(self, r: Running) -> None:
        for name in reversed(r.shared):
            self.holders[name] -= 1
            if not self.holders[name]:
                self.kept.append(name)
        r.shared = []

    def _victim(self) -> Running:
        if self.rules.priorities:
            assert self.jobs.priority is not None
            return max(self.running, key=lambda r: (self.jobs.priority[r.i], self.jobs.arrival[r.i], r.i))  # type: ignore[index]
        if self.rules.output_share is not None:
            order = enumerate(self.running)
            return min(order, key=lambda o: (self._tokens_out(o[1]), -self.jobs.input[o[1].i], -o[0]))[1]
        return self.running[-1]

    def _tokens_out(self, r: Running) -> int:
        return self._wrote(r) if r.writes else self.written.get(r.i, 0)

    # --- a pass

    def step(self) -> None:
        """One pass from ``t`` on."""
        self._join()
        for r in self.running:
            r.grown = False
        steps_too = self.rules.mixed
        preempted = False
        if steps_too:
            preempted = self._grow()
        chunks, preempted = self._read(preempted)
        if not chunks and not steps_too:
            steps_too = True
            preempted = self._grow()
        writing = [r for r in self.running if r.writes and r.grown]
        if writing and not preempted:
            self.steps_since += 1
        p, q = self.steps.advance
        cached = [[min(r.scaled / q, cap or inf) for r in writing] for cap in self.steps.caps]
        composition = [(r.pending, past) for r, past in chunks]
        seconds = pass_s(self.steps, composition, len(writing), cached)
        self.seen = self.t
        self.t += seconds
        self.passes += 1
        for r in writing:
            r.scaled += p
            r.grown = False
            r.passes -= 1
            self.gaps.append(self.t - r.last_s)
            r.last_s = self.t
        for r, _ in chunks:
            r.read += r.pending
            r.pending = 0
            if r.writes:
                self._begin(r)
        for r in sorted(self.running, key=lambda r: r.i):
            if r.writes and not r.passes:
                self._end(r)

    def _join(self) -> None:
        """Requests whose cache comes from elsewhere."""
        jobs, rules = self.jobs, self.rules
        while self.waiting and self._comes_ready(self.waiting[0]):
            i = self.waiting[0]
            if len(self.running) >= rules.max_sequences:
                return
            p, q = self.steps.advance
            r = Running(i, jobs.input[i], read=jobs.input[i], scaled=q * jobs.input[i], last_s=self.t, grown=True)
            if self.used() + self._units(r) > self.memory.units:
                return
            self.waiting.pop(0)
            self.running.append(r)
            r.grown = False
            jobs.admitted[i] = self.t
            jobs.first[i] = self.t
            r.passes = -(-q * (jobs.output[i] - 1) // p)
            self._evict()

    def _grow(self) -> bool:
        """Blocks for the next token of all that write; whether anybody was preempted."""
        if self.rules.output_share is not None:
            return self._retract()
        preempted = False
        for r in list(self.running):
            if not r.writes or r not in self.running:
                continue
            r.grown = True
            while r in self.running and self.used() > self.memory.units:
                self._preempt(self._victim())
                preempted = True
            self._evict()
        return preempted

    def _retract(self) -> bool:
        """The same as SGLang does it."""
        share = self.rules.output_share
        assert share is not None
        preempted = False
        for r in self.running:
            r.grown = r.writes
        while self.used() > self.memory.units:
            self._preempt(self._victim())
            preempted = True
        self._evict()
        if preempted:
            written, output = sum(map(self._tokens_out, self.running)), sum(self.jobs.output[r.i] for r in self.running)
            self.share, self.steps_since = share.retracted(written, len(self.running), output), 0
        return preempted

    def _read(self, preempted: bool) -> tuple[list[tuple[Running, int]], bool]:
        """Choose what to read: (request, cached tokens before its chunk)."""
        rules, jobs = self.rules, self.jobs
        chunks: list[tuple[Running, int]] = []
        room = rules.budget_tokens - (sum(r.grown for r in self.running) if rules.mixed else 0)
        most = rules.chunk_tokens if rules.chunked and rules.chunk_tokens else rules.budget_tokens
        for r in list(self.running):
            if r.writes or r not in self.running or room <= 0:
                continue
            r.pending = min(r.target - r.read, room, most)
            while r in self.running and self.used() > self.memory.units:
                self._preempt(self._victim())
                preempted = True
            if r in self.running:
                self._evict()
                self._publish(r)
                chunks.append((r, r.read))
                room -= r.pending
        while self.waiting and room > 0 and not preempted and len(self.running) < rules.max_sequences:
            i = self.waiting[0]
            if self._comes_ready(i):
                break
            target = jobs.input[i] + self.written.get(i, 0)
            names = self._names(i)
            found = 0
            while found < min(len(names), (target - 1) // jobs.prefix_tokens) and names[found] in self.holders:
                found += 1
            r = Running(i, target, read=found * jobs.prefix_tokens, shared=list(names[:found]))
            new = target - r.read
            if not rules.chunked and new > room:
                break
            r.pending = min(new, room, most)
            if not self._fits(r):
                break
            self.waiting.pop(0)
            for name in r.shared:
                self.holders[name] += 1
                if name in self.kept:
                    self.kept.remove(name)
            self.running.append(r)
            self._evict()
            self._publish(r)
            if jobs.admitted[i] != jobs.admitted[i]:
                jobs.admitted[i] = self.t
                jobs.hits[i] = r.read
            chunks.append((r, r.read))
            room -= r.pending
        return [(r, past) for r, past in chunks if r in self.running], preempted

    def _comes_ready(self, i: int) -> bool:
        return self.jobs.ready is not None and self.jobs.ready[i] and i not in self.written

    def _names(self, i: int) -> list[int]:
        return list(self.jobs.prefix[i]) if self.rules.prefix_cache and self.jobs.prefix is not None else []

    def _fits(self, r: Running) -> bool:
        rules = self.rules
        used = self.used() + self._prefix_units() * sum(not self.holders[name] for name in r.shared)
        last = r.target if rules.reserve == "input" else r.read + r.pending
        trial = Running(r.i, target=last + 1, read=last, shared=r.shared)
        if used + self._units(trial) > self.memory.units:
            return False
        if rules.output_share is not None:
            p, q = self.steps.advance
            left = sum(s.passes for s in self.running if s.writes) * p / q
            soon = sum(self._unwritten(s.i) for s in self.running if not s.writes and s.read + s.pending == s.target)
            need = r.target - r.read + self._unwritten(r.i)
            free = (self.memory.units - used) // max(1, self.memory.per_block)
            return free - soon - need > rules.output_share.after(self.share, self.steps_since) * left
        return True

    def _unwritten(self, i: int) -> int:
        return self.jobs.output[i] - self.written.get(i, 0)

    def _publish(self, r: Running) -> None:
        """Blocks of the prompt that are read, or will be in this pass, are there for all."""
        names = self._names(r.i)
        tokens = self.jobs.prefix_tokens
        for name in names[: min(r.read + r.pending, self.jobs.input[r.i]) // tokens]:
            if name not in self.holders:
                self.holders[name] = 1
                r.shared.append(name)

    def _begin(self, r: Running) -> None:
        """A prompt is read to its end: the next token is out."""
        p, q = self.steps.advance
        jobs = self.jobs
        before = self.written.pop(r.i, 0)
        if r.i in self.last:
            self.gaps.append(self.t - self.last.pop(r.i))
        if jobs.first[r.i] != jobs.first[r.i]:
            jobs.first[r.i] = self.t
        r.scaled = q * r.target
        r.last_s = self.t
        r.passes = -(-q * (jobs.output[r.i] - before - 1) // p)

    def _end(self, r: Running) -> None:
        """Answered: what it shares stays, and what it wrote is shared too where it has names."""
        q = self.steps.advance[1]
        self.running.remove(r)
        self.jobs.finish[r.i] = self.t
        names = self._names(r.i)
        cached = min(r.scaled // q, self.jobs.input[r.i] + self.jobs.output[r.i] - 1)
        for name in names[: cached // self.jobs.prefix_tokens]:
            if name not in self.holders:
                self.holders[name] = 1
                r.shared.append(name)
        self._let_go(r)
        self._follow(r.i, self.t)


def run_plain(jobs: Jobs, rules: Rules, steps: StepModel, memory: Memory) -> PlainReplica:
    """All requests on one replica, to the end."""
    replica = PlainReplica(jobs, rules, steps, memory)
    coming = sorted((jobs.arrival[i], i) for i in jobs.starts)
    while coming or replica.waiting or replica.running:
        if not replica.waiting and not replica.running:
            replica.t = max(replica.t, coming[0][0])
        free = not replica.waiting and not replica.running
        seen = replica.t if free or not rules.steps_ahead else replica.seen
        while coming and coming[0][0] <= seen:
            time, i = coming.pop(0)
            jobs.replica[i] = 0
            replica.deliver(i, time)
            coming = sorted(coming + replica.sent)
            replica.sent.clear()
        if not replica.waiting and not replica.running:
            continue
        replica.step()
        coming = sorted(coming + replica.sent)
        replica.sent.clear()
    return replica
