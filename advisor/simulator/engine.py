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

from advisor.simulator.batch import MASK, SHIFT, Batch
from advisor.simulator.log import FLUSH

MOST_TIMES = 100_000
"""Times of passes that are kept."""


class Replica(Batch):
    """One replica: its queue, its batch and its cache, between events.

    ``deliver`` requests in the order of their times and ``run`` up to the next one; or ``load`` a sorted list of them
    and ``run`` to the end.
    """

    def load(self, requests: list[int]) -> None:
        """Requests in order of their arrival."""
        self.coming = requests
        self.times = [self.jobs.arrival[i] for i in requests]
        self.position = 0

    def deliver(self, i: int, time: float) -> None:
        """One more request, no earlier than what ``run`` was last asked for."""
        if self._accepts(i):
            heappush(self.later, (time, i))
        else:
            self.jobs.arrival[i] = time
            self._follow(i, time)

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, running or known to come."""
        return not (self.order or self.waiting or self.ranked or self.later or self.position < len(self.times))

    @property
    def queued(self) -> int:
        """Requests that have arrived and are not running."""
        return len(self.waiting) + len(self.ranked)

    def earliest_end(self) -> float:
        """A time before which no answer can be complete, later than the start of the next pass."""
        if self.partial or self.waiting or self.ranked:
            return self.t * (1 + 1e-12) + 1e-12
        if not self.heap:
            return max(self.t, self._next(self.position)) * (1 + 1e-12) + 1e-12
        running, first = len(self.heap), self.base_rate[len(self.heap)]
        seconds = self.steps.step_s[running] + first * self.cached
        growth = first * running * self.p
        for window in self.windows:
            seconds += window.rate[running] * window.total
            growth += min(0.0, window.rate[running]) * running * self.p
        passes = (self.heap[0] >> SHIFT) - self.n
        if self.windows and growth < 0:
            return self.t * (1 + 1e-12) + 1e-12
        end = self.t + passes * (seconds + growth * (passes - 1) * 0.5) * (1 - 1e-12)
        if self.later or self.position < len(self.times):
            return max(self.t * (1 + 1e-12) + 1e-12, min(end, self._next(self.position)))
        return end

    def run(self, until: float = inf, stop: bool = False) -> None:
        """Make all passes that start before ``until``; with ``stop``, no more once an answer was complete."""
        jobs, rules, pool, heap, order = self.jobs, self.rules, self.pool, self.heap, self.order
        p, q, phase, waiting, ranked, windows = self.p, self.q, self.phase, self.waiting, self.ranked, self.windows
        inputs, outputs, arrivals = jobs.input, jobs.output, jobs.arrival
        admitted, first, finish = jobs.admitted, jobs.first, jobs.finish
        step_s, rate, prompt_s, prompts = self.steps.step_s, self.base_rate, self.steps.prompt_s, self.prompts
        block, unit, memory = rules.block_tokens, self.memory.per_block, self.memory
        size, plain, whole = len(phase), p == q == 1, rules.reserve == "all"
        fixed_always = memory.per_request if not memory.per_window_block else -1
        budget, most_sequences, mixed = rules.budget_tokens, rules.max_sequences, rules.mixed
        prefixes = jobs.prefix if rules.prefix_cache else None
        ranking, simple = rules.priorities, not (prefixes or jobs.ready or rules.output_share)
        rows, partial, base, written = self.log.rows, self.partial, self.base, self.written
        later, times, coming, position = self.later, self.times, self.coming, self.position
        t, n, cached, blocked, short = self.t, self.n, self.cached, self.blocked, False
        linked, ready, refusable = jobs.linked, jobs.ready, not rules.chunked
        margin, longest, follow_through = self.margin, self.longest, self.ended
        whole_input, shares = rules.reserve == "input", bool(rules.output_share)
        cap = rules.chunk_tokens if rules.chunked else 0
        quick = simple and mixed and plain and not (ranking or whole or windows) and fixed_always >= 0
        all_units, stalled = pool.units, self.stalled
        ahead, seen = bool(rules.steps_ahead), self.seen
        writing = len(heap)
        next_t = times[position] if position < len(times) else inf
        if later and later[0][0] < next_t:
            next_t = later[0][0]

        while True:
            # Who has arrived, and whether there is anything to do.
            if not order and not waiting and not ranked:
                if t < next_t:
                    if next_t >= until:
                        break
                    t = next_t
                seen = t
            if t >= until:
                break
            if not ahead:
                seen = t
            while next_t <= seen:
                if (
                    later
                    and later[0][0] == next_t
                    and (position >= len(times) or times[position] > next_t or coming[position] > later[0][1])
                ):
                    i = heappop(later)[1]
                    arrivals[i] = next_t
                else:
                    i = coming[position]
                    position += 1
                if (inputs[i] + outputs[i] + margin <= longest and not refusable) or self._accepts(i):
                    if ranking:
                        heappush(ranked, (jobs.priority[i], next_t, i))  # type: ignore[index]
                        blocked = False
                    else:
                        waiting.append(i)
                elif linked:
                    self._follow(i, next_t)
                next_t = times[position] if position < len(times) else inf
                if later and later[0][0] < next_t:
                    next_t = later[0][0]
            if not order and not waiting and not ranked:
                continue

            if (
                quick
                and len(waiting) == 1
                and not (blocked or partial or short)
                and (new := inputs[i := waiting[0]]) + writing <= budget
                and (units := unit * (phase[n % size] - -new // block) + fixed_always) <= pool.free
                and (not cap or new <= cap)
                and len(order) < most_sequences
                and i not in written
            ):
                # One pass that reads one prompt to its end: the usual case of what follows.
                pool.free -= units
                waiting.popleft()
                order[i] = None
                admitted[i] = t
                key = new << 16 | writing
                if key in prompts:
                    seconds = prompts[key] + rate[writing] * cached
                else:
                    seconds = prompts[key] = prompt_s(new, writing)
                    seconds += rate[writing] * cached
                rows += (t, seconds, 0.0, 1, writing, new, all_units - pool.free)
                seen = t
                t += seconds
                if writing:
                    n += 1
                cached += writing + new
                first[i] = t
                b = base[i] = new - n
                phase[-b % size] += 1
                heappush(heap, n + outputs[i] - 1 << SHIFT | i)
            elif short or partial or ((waiting or ranked) and not blocked):
                # One pass, with prompts.
                if ready is not None and not blocked and not short:
                    self.t, self.n, self.cached = t, n, cached
                    self._join_ready()
                    cached, writing, blocked = self.cached, len(heap), self.blocked
                    if follow_through is not None or linked:
                        next_t = self._next(position)
                preempted = False
                steps_too = mixed or short
                if steps_too and writing and not whole:
                    blocks = phase[n % size] if plain else self._blocks(n, 1)
                    if blocks:
                        units = blocks * unit
                        if units <= pool.free:
                            pool.free -= units
                        elif not pool.take(units):
                            self.t, self.n, self.cached = t, n, cached
                            preempted = self._grow_with_preemption()
                            cached, writing = self.cached, len(heap)
                tokens, parts, beyond = 0, 0, 0.0
                done: list[int] = []
                chunks: list[int] = []
                if not short or mixed:
                    room = budget - writing if mixed else budget
                    if partial:
                        self.t, self.n, self.cached = t, n, cached
                        preempted, chunks, beyond, done = self._read_on(room, preempted, steps_too)
                        cached, writing = self.cached, len(heap)
                        tokens, parts = sum(chunks), len(chunks)
                        room -= tokens
                    if not preempted and room > 0 and not (blocked and not partial):
                        if simple and not ranking:
                            while waiting:
                                if len(order) >= most_sequences:
                                    blocked = True
                                    break
                                i = waiting[0]
                                new = inputs[i] + written[i] if i in written else inputs[i]
                                take = new
                                if take > room:
                                    if refusable:
                                        blocked = not tokens
                                        break
                                    take = room
                                if 0 < cap < take:
                                    take = cap
                                fixed = (
                                    fixed_always
                                    if fixed_always >= 0
                                    else memory.fixed(inputs[i] + outputs[i] + margin, block)
                                )
                                if whole:
                                    units = fixed + unit * -(-(inputs[i] + outputs[i] + margin) // block)
                                    must = units
                                else:
                                    units = fixed + unit * -(-take // block)
                                    must = fixed + unit * -(-new // block) if whole_input else units
                                if must > pool.free:
                                    blocked = True
                                    break
                                pool.free -= units
                                waiting.popleft()
                                order[i] = None
                                if admitted[i] != admitted[i]:
                                    admitted[i] = t
                                tokens += take
                                parts += 1
                                chunks.append(take)
                                room -= take
                                if take == new:
                                    done.append(i)
                                else:
                                    partial[i] = [take, new]
                                if room <= 0:
                                    break
                        else:
                            self.t, self.n = t, n
                            more, past_s, ends = self._admit(room, tokens, done)
                            chunks += more
                            tokens, parts, beyond = sum(chunks), len(chunks), beyond + past_s
                            done += ends
                            blocked = self.blocked
                if preempted:
                    blocked = False
                if not tokens and not steps_too:
                    short = preempted
                    blocked = not preempted and bool(waiting or ranked)
                    if not writing:
                        raise RuntimeError(f"replica {self.number}: nothing fits an empty cache at {t} s")
                    continue
                short = False
                running = writing if steps_too else 0
                if tokens:
                    key = tokens << 16 | running
                    if key not in prompts:
                        prompts[key] = prompt_s(tokens, running)
                    seconds = prompts[key]
                    if parts > 1:
                        alone = self.steps.alone_s
                        seconds += sum(map(alone, chunks)) - alone(tokens)
                    seconds += beyond
                else:
                    seconds = step_s[running]
                if running:
                    seconds += rate[running] * cached
                    for window in windows:
                        seconds += window.rate[running] * window.total
                rows += (t, seconds, 0.0, 1, running, tokens, all_units - pool.free)
                if not mixed:
                    if running:
                        self._catch_up(t + seconds, seconds, running)
                    elif writing and not stalled:
                        stalled.append([t, writing])
                seen = t
                t += seconds
                if running:
                    cached += p * running
                    if windows:
                        self._fill(n, 1)
                    n += 1
                elif not mixed and done and stalled:
                    stalled.append([t, 0])
                for i in done:
                    # A prompt is read: a first token is out, or the next after a preemption.
                    if first[i] != first[i]:
                        first[i] = t
                        before = 0
                        length = inputs[i]
                    else:
                        before = written.pop(i)
                        length = inputs[i] + before
                        self.gaps.append((t - self.last.pop(i), 1))
                    steps = outputs[i] - before - 1
                    if not plain:
                        steps = -(-q * steps // p)
                    cached += q * length
                    b = base[i] = q * length - p * n
                    if not whole:
                        phase[-b % size if plain else (b + q * (block - 1)) % size] += 1
                    if windows:
                        self._open(i, q * length, n)
                    if not mixed and steps and stalled:
                        stalled[-1][1] += 1
                    if not mixed:
                        self.joined[i] = t
                    if shares:
                        self.left += n + steps
                    heappush(heap, n + steps << SHIFT | i)
                if prefixes and tokens:
                    blocked = False
            else:
                # A stretch of passes of steps alone.
                seconds = step_s[writing] + rate[writing] * cached
                growth = rate[writing] * writing * p
                passes = (heap[0] >> SHIFT) - n
                if windows:
                    for window in windows:
                        seconds += window.rate[writing] * window.total
                        growth += window.rate[writing] * len(window.growing) * p
                        if window.ends and (window.ends[0] >> SHIFT) - n < passes:
                            passes = max(1, (window.ends[0] >> SHIFT) - n)
                if stalled:
                    passes = 1
                total = passes * (seconds + growth * (passes - 1) * 0.5)
                watched = not blocked or ranking or linked
                bound = next_t if watched and next_t < until else until
                if t + total > bound:
                    gap = bound - t
                    late = ahead and bound < until
                    b2 = seconds - growth * 0.5
                    k = ceil(2 * gap / (b2 + sqrt(b2 * b2 + 2 * growth * gap))) if gap > 0 else 1
                    while k > 1 and (k - 1) * (seconds + growth * (k - 2) * 0.5) >= gap:
                        k -= 1
                    while k * (seconds + growth * (k - 1) * 0.5) < gap:
                        k += 1
                    if late:
                        # It came during pass ``k``: the one after that is decided already.
                        k = k + 1 if gap > 0 else 1
                        if until < inf:
                            k = self._starting_before(until - t, k, seconds, growth)
                    if k < passes:
                        passes = k
                        total = k * (seconds + growth * (k - 1) * 0.5)
                if not whole:
                    if plain:
                        turns, rest = divmod(passes, size)
                        start = n % size
                        stop_at = start + rest
                        if stop_at <= size:
                            blocks = turns * writing + sum(phase[start:stop_at])
                        else:
                            blocks = turns * writing + sum(phase[start:]) + sum(phase[: stop_at - size])
                    else:
                        blocks = self._blocks(n, passes)
                    units = blocks * unit
                    planned = passes
                    if units <= pool.free:
                        pool.free -= units
                    elif blocked and prefixes and rules.reserve == "chunk" and pool.kept:
                        # A prefix that is evicted makes a first chunk smaller: the head may fit now.
                        self.n = n
                        passes = self._most_passes(passes + 1, pool.free)
                        if not passes:
                            passes, blocked = 1, False
                            if mixed:
                                continue
                        if not pool.take(self._blocks(n, passes) * unit):
                            short = True
                            continue
                    elif not pool.take(units):
                        self.n = n
                        passes = self._most_passes(passes, pool.available)
                        if not passes:
                            short = True
                            continue
                        pool.take(self._blocks(n, passes) * unit)
                    if passes != planned:
                        total = passes * (seconds + growth * (passes - 1) * 0.5)
                rows += (t, seconds, growth, passes, writing, 0, all_units - pool.free)
                if stalled:
                    self._catch_up(t + seconds, seconds, writing)
                if ahead:
                    seen = t + (passes - 1) * (seconds + growth * (passes - 2) * 0.5)
                t += total
                cached += p * writing * passes
                if windows:
                    self._fill(n, passes)
                n += passes

            # Who is answered.
            if heap and heap[0] >> SHIFT == n:
                while heap and heap[0] >> SHIFT == n:
                    i = heappop(heap) & MASK
                    finish[i] = t
                    b = base.pop(i)
                    length = b + p * n
                    cached -= length
                    if shares:
                        self.left -= n
                    del order[i]
                    if whole:
                        length = inputs[i] + outputs[i] + margin
                    else:
                        phase[-b % size if plain else (b + q * (block - 1)) % size] -= 1
                        length //= q
                        if prefixes:
                            length -= self._publish_answer(i, length)
                    fixed = fixed_always if fixed_always >= 0 else memory.fixed(inputs[i] + outputs[i] + margin, block)
                    pool.free += fixed + unit * -(-length // block)
                    if windows:
                        self._close(i, b + p * n)
                    if linked:
                        self._follow(i, t)
                    if follow_through is not None:
                        follow_through.append(t)
                blocked = False
                if linked:
                    next_t = self._next(position)
                if len(rows) >= FLUSH:
                    self.log.flush()
                    if len(prompts) > MOST_TIMES:
                        prompts.clear()
                if stop:
                    writing = len(heap)
                    break
            writing = len(heap)

        self.t, self.n, self.cached, self.blocked, self.position = t, n, cached, blocked, position
        self.seen = seen
