"""Who enters a replica's batch and who is thrown out of it: a few times per request at most."""

from __future__ import annotations

from heapq import heapify, heappush

from advisor.simulator.state import MASK, SHIFT, State


class Batch(State):
    """Admission and preemption; ``engine`` moves what they leave behind through time."""

    __slots__ = ()

    # --- leaving early

    def _victim(self) -> int:
        rank, jobs = self.jobs.priority, self.jobs
        if self.rules.priorities:
            assert rank is not None
            return max(self.order, key=lambda i: (rank[i], jobs.arrival[i], i))
        if self.rules.output_share is not None:
            place = {i: k for k, i in enumerate(self.order)}
            return min(self.order, key=lambda i: (self._tokens_out(i), -jobs.input[i], -place[i]))
        return next(reversed(self.order))

    def _tokens_out(self, i: int) -> int:
        """Tokens that a running request has written."""
        if i in self.base:
            return (self.base[i] + self.p * self.n) // self.q - self.jobs.input[i] + 1
        return self.written.get(i, 0)

    def _preempt(self, i: int, grown: bool = False) -> None:
        """``grown``: whether it has already taken the block of this pass's token."""
        jobs, n, p, q = self.jobs, self.n, self.p, self.q
        jobs.preempted[i] += 1
        self.preempted_at.append(self.t)
        del self.order[i]
        if i in self.partial:
            tokens = self.partial.pop(i)[0]
            self.pool.free += self._own_units(i, tokens)
        else:
            self.written[i] = self._tokens_out(i)
            base = self.base.pop(i)
            scaled = base + p * n
            self.pool.free += self._own_units(i, (scaled + p * grown) // q)
            key = next(key for key in self.heap if key & MASK == i)
            self.heap.remove(key)
            heapify(self.heap)
            self.cached -= scaled
            if not self.whole:
                self.phase[self._index(base)] -= 1
            self._close(i, scaled)
            self.last[i] = self.t
            self._unstall(i)
        self.pool.release(self.held.pop(i, []))
        if self.rules.priorities:
            heappush(self.ranked, (jobs.priority[i], jobs.arrival[i], i))  # type: ignore[index]
        elif self.rules.output_share is not None:
            self.waiting.append(i)
        else:
            self.waiting.appendleft(i)

    def _grow(self) -> bool:
        """Blocks for the next token of all who write; whether anybody was preempted."""
        if not self.heap or self.whole:
            return False
        blocks = self.phase[self.n % len(self.phase)] if self.plain else self._blocks(self.n, 1)
        if self.pool.take(blocks * self.unit):
            return False
        if self.rules.output_share is not None:
            self._retract()
        else:
            self._grow_one_by_one()
        return True

    def _retract(self) -> None:
        """Requests leave until the others have room; what these have written tells how much is left free later."""
        share = self.rules.output_share
        assert share is not None
        while not self.pool.take(self._blocks(self.n, 1) * self.unit):
            self._preempt(self._victim())
        written, output = sum(map(self._tokens_out, self.order)), sum(self.jobs.output[i] for i in self.order)
        self.share, self.share_n = share.retracted(written, len(self.order), output), self.n + 1

    def _grow_one_by_one(self) -> None:
        """Oldest first, where there are not enough blocks for all."""
        p, q = self.p, self.q
        grown: set[int] = set()
        for i in list(self.order):
            if i not in self.base:
                continue
            scaled = self.base[i] + p * self.n
            units = self._own_units(i, (scaled + p) // q) - self._own_units(i, scaled // q)
            while not self.pool.take(units):
                victim = self._victim()
                self._preempt(victim, victim in grown)
                if victim == i:
                    break
            else:
                grown.add(i)

    # --- reading

    def _read_on(self, room: int, grown: bool) -> tuple[bool, list[int], float, list[int]]:
        """Prompts that are partly read: (whether anybody was preempted, chunks, what their past adds, who is done).

        ``grown``: whether those who write have taken the blocks of this pass's token.
        """
        preempted = False
        chunks: dict[int, tuple[int, int]] = {}
        for i in list(self.partial):
            if i not in self.partial or room <= 0:
                continue
            past, target = self.partial[i]
            new = min(target - past, room, self.chunk)
            units = 0 if self.whole else self._own_units(i, past + new) - self._own_units(i, past)
            while not self.pool.take(units):
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

    def _admit(self, room: int, tokens: int, done: list[int]) -> tuple[list[int], float]:
        """Requests from the head of the queue: (chunks, what cached tokens before them add).

        Args:
            room: Tokens that the pass may still read.
            tokens: Those that it reads already.
            done: Who is read to the end in it; those admitted now are added.
        """
        jobs, rules, pool, block, unit = self.jobs, self.rules, self.pool, self.block, self.unit
        inputs, written, waiting, ranked, admitted = jobs.input, self.written, self.waiting, self.ranked, jobs.admitted
        size, prefixes, ready = jobs.prefix_tokens, self.prefixes, jobs.ready
        chunks: list[int] = []
        past_s = 0.0
        self.blocked = self.hopeful = False
        while room > 0 and (waiting or ranked):
            i = waiting[0] if waiting else ranked[0][2]
            if ready is not None and self._comes_ready(i):
                break
            if len(self.order) >= rules.max_sequences:
                self.blocked = True
                break
            target = inputs[i] + written[i] if i in written else inputs[i]
            prefix = prefixes[i] if prefixes is not None else ()
            found = pool.matched(prefix, (target - 1) // size) if prefix else 0
            past = found * size
            new = target - past
            if new > room and not rules.chunked:
                self.blocked = not tokens
                break
            take = min(new, room, self.chunk)
            available = pool.available - pool.prefix_units * pool.unheld(prefix, found) if found else pool.available
            if self.whole:
                units = must = self._own_units(i, target)
            else:
                fixed = self.fixed if self.fixed >= 0 else self._fixed(i)
                units = fixed + unit * -(-take // block)
                must = fixed + unit * -(-new // block) if rules.reserve == "input" else units
            if must > available:
                self.blocked = True
                break
            if rules.output_share is not None and not self._spares(i, new, available, done):
                self.blocked = self.hopeful = not done  # who is read in this pass counts in full, but only in this pass
                break
            self._pop()
            if found:
                self.held[i] = pool.hold(prefix, found)
            pool.take(units)
            self.order[i] = None
            if admitted[i] != admitted[i]:
                admitted[i] = self.t
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
        return chunks, past_s

    # --- SGLang's share that is left free

    def _spares(self, i: int, new: int, available: int, done: list[int], passes: int = 0) -> bool:
        """Whether a request of ``new`` tokens to read leaves the running ones their share, so many passes from now."""
        share, jobs, written = self.rules.output_share, self.jobs, self.written
        assert share is not None
        now = self.n + passes
        left = (sum(key >> SHIFT for key in self.heap) - len(self.heap) * now) * self.p / self.q
        need = new + jobs.output[i] - written.get(i, 0)
        soon = sum(jobs.output[j] - written.get(j, 0) for j in done)
        free = (available - (self._blocks(self.n, passes) * self.unit if passes else 0)) // max(1, self.unit)
        return free - soon - need > share.after(self.share, now - self.share_n) * left

    def _hope(self, most: int) -> int:
        """Passes of steps, ``most`` at most, after which the head of the queue leaves the running ones their share.

        As long as the share falls, what is to be left free may fall faster than what is free. The difference is a
        concave function of the passes (its second derivative is minus twice the fall of the share times the tokens of
        a pass), so where it is ever positive it first becomes so before its peak.
        """
        i, share, pool = self._head(), self.rules.output_share, self.pool
        assert i is not None
        assert share is not None
        target = self.jobs.input[i] + self.written.get(i, 0)
        prefix = self.prefixes[i] if self.prefixes is not None else ()
        found = pool.matched(prefix, (target - 1) // self.jobs.prefix_tokens) if prefix else 0
        available = pool.available - pool.prefix_units * pool.unheld(prefix, found)
        new = target - found * self.jobs.prefix_tokens

        def spares(passes: int) -> bool:
            return self._spares(i, new, available, [], passes)

        if not self.plain or not self.unit:
            return next((k for k in range(1, most) if spares(k)), most)
        fall, writing = (share.start - share.least) / share.passes, len(self.heap)
        falling = (self.share - share.least) / fall - (self.n - self.share_n) if fall else 0.0
        if falling <= 0:
            return most  # a share of at most 1 of the tokens of a pass never makes up for these tokens
        now = share.after(self.share, self.n - self.share_n)
        left = sum(key >> SHIFT for key in self.heap) - writing * self.n
        peak = ((now - 1) * writing + fall * left) / (2 * fall * writing)
        high = min(most, int(min(max(peak, 0.0), falling)) + 1)
        if not spares(high):
            if high == 1 or not spares(high - 1):
                return most
            high -= 1
        low = 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if spares(middle) else (middle, high)
        return high

    # --- prefixes

    def _publish(self, i: int, tokens: int) -> None:
        """Blocks of a prompt's prefix that this pass completes are there for all."""
        if self.prefixes is not None:
            whole = min(tokens, self.jobs.input[i]) // self.jobs.prefix_tokens
            self.pool.publish(self.prefixes[i], 0, whole, self.held.setdefault(i, []))

    def _publish_answer(self, i: int, tokens: int) -> int:
        """What a finished request leaves for others; returns the tokens that it shared."""
        jobs = self.jobs
        assert self.prefixes is not None
        held = self.held.pop(i, [])
        whole = min(tokens, jobs.input[i] + jobs.output[i] - 1) // jobs.prefix_tokens
        self.pool.publish(self.prefixes[i], 0, whole, held)
        self.pool.release(held)
        return jobs.prefix_tokens * len(held)

    # --- caches from elsewhere

    def _comes_ready(self, i: int) -> bool:
        return self.jobs.ready is not None and self.jobs.ready[i] and i not in self.written

    def _join_ready(self) -> None:
        """Requests whose cache comes from elsewhere join those who write."""
        jobs, p, q = self.jobs, self.p, self.q
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
            if self.stalled:
                self.stalled.append([self.t, 1])
            self._write(i, length, -(-q * (jobs.output[i] - 1) // p))
        self.blocked = False

    def _write(self, i: int, length: int, passes: int) -> None:
        """A request whose prompt is cached begins to write; its answer takes so many passes."""
        n, q = self.n, self.q
        self.cached += q * length
        base = self.base[i] = q * length - self.p * n
        if not self.whole:
            self.phase[self._index(base)] += 1
        if self.windows:
            self._open(i, q * length)
        if not self.mixed:
            self.joined[i] = self.t
        heappush(self.heap, n + passes << SHIFT | i)
