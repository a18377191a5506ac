"""The same as ``engine`` for the plainest replicas, in one loop: no cache of prefixes, windows, priorities or answers
that come from elsewhere, prompts and steps in one pass, one token a step.

Nothing here is a rule of its own. The numbers of the state are local variables, which halves the time of a run; before
anything unusual they are written back, and ``engine`` does it. Tests hold both, and the oracle, to equal results.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil, sqrt
from typing import TYPE_CHECKING

from advisor.simulator.log import FLUSH
from advisor.simulator.state import MASK, SHIFT

if TYPE_CHECKING:
    from advisor.simulator.engine import Replica


def run_plain(r: Replica, until: float, stop: bool) -> None:
    """As ``Replica.run``, where ``Replica.quick`` says so."""
    jobs, rules, pool, rows, linked, ended = r.jobs, r.rules, r.pool, r.log.rows, r.linked, r.ended
    inputs, outputs, admitted, first, finish = jobs.input, jobs.output, jobs.admitted, jobs.first, jobs.finish
    order, waiting, heap, partial, base = r.order, r.waiting, r.heap, r.partial, r.base
    phase, block, unit, fixed, all_units = r.phase, r.block, r.unit, r.fixed, pool.units
    coming, times, later, accepted, ahead = r.coming, r.times, r.later, r.accepted, r.ahead
    step_s, rates, growths, prompts, prompt_s = r.step_s, r.base_rate, r.growth, r.prompts, r.steps.prompt_s
    budget, chunk, most = rules.budget_tokens, r.chunk, rules.max_sequences
    t, n, cached, free, seen, next_t = r.t, r.n, r.cached, pool.free, r.seen, r.next_t
    blocked, short, writing = r.blocked, r.short, len(heap)

    while True:
        # Who comes, and whether there is anything to do.
        if not order and not waiting:
            if t < next_t:
                if next_t >= until:
                    break
                t = next_t
            seen = t
        if t >= until:
            break
        if not ahead:
            seen = t
        if next_t <= seen:
            if later or linked:
                r.seen = seen
                r._receive()
                next_t = r.next_t
            else:
                position = r.position
                while next_t <= seen:
                    i = coming[position]
                    position += 1
                    next_t = times[position]
                    if inputs[i] + outputs[i] <= accepted or r._accepts(i):
                        waiting.append(i)
                r.position, r.next_t = position, next_t
            if not order and not waiting:
                continue

        if (
            waiting
            and not (blocked or short or partial)
            and len(waiting) == 1
            and (new := inputs[i := waiting[0]]) <= chunk
            and new + writing <= budget
            and (units := unit * (phase[n % block] - -new // block) + fixed) <= free
            and len(order) < most
            and admitted[i] != admitted[i]
        ):
            # A pass that reads one whole prompt, for the first time.
            free -= units
            waiting.popleft()
            order[i] = None
            admitted[i] = seen = t
            key = new << 16 | writing
            if key in prompts:
                seconds = prompts[key] + rates[writing] * cached
            else:
                seconds = prompts[key] = prompt_s(new, writing)
                seconds += rates[writing] * cached
            rows += (t, seconds, 0.0, 1, writing, new, all_units - free)
            t += seconds
            first[i] = t
            if writing:
                n += 1
            cached += writing + new
            start = base[i] = new - n
            phase[-start % block] += 1
            heappush(heap, n + outputs[i] - 1 << SHIFT | i)
        elif short or partial or (waiting and not blocked):
            # Another pass with prompts.
            r.t, r.n, r.cached, r.seen, r.blocked, r.short, pool.free = t, n, cached, seen, blocked, short, free
            r._read()
            t, n, cached, seen, blocked, short, free = r.t, r.n, r.cached, r.seen, r.blocked, r.short, pool.free
        else:
            # A stretch of passes of steps alone.
            passes = (heap[0] >> SHIFT) - n
            seconds, growth = step_s[writing] + rates[writing] * cached, growths[writing]
            half = 0.5 * growth
            total = passes * (seconds + half * (passes - 1))
            bound = until if next_t > until or (blocked and not linked) else next_t
            if t + total > bound:
                gap = bound - t
                if gap > 0:
                    b = seconds - half
                    k = ceil(2.0 * gap / (b + sqrt(b * b + 4.0 * half * gap)))
                    while k > 1 and (k - 1) * (seconds + half * (k - 2)) >= gap:
                        k -= 1
                    while (ends := k * (seconds + half * (k - 1))) < gap:
                        k += 1
                    if ahead and bound < until and ends < until - t:
                        k += 1
                else:
                    k = 1
                if k < passes:
                    passes = k
                    total = k * (seconds + half * (k - 1))
            start = n % block
            end = start + passes % block
            blocks = passes // block * writing + sum(phase[start:end])
            if end > block:
                blocks += sum(phase[: end - block])
            units = unit * blocks
            if units <= free:
                free -= units
            else:
                r.t, r.n, r.cached, r.blocked, pool.free = t, n, cached, blocked, free
                k = r._make_room(passes, units)
                blocked, short, free = r.blocked, r.short, pool.free
                if not k:
                    continue
                if k != passes:
                    passes = k
                    total = k * (seconds + half * (k - 1))
            rows += (t, seconds, growth, passes, writing, 0, all_units - free)
            if ahead:
                seen = t + (passes - 1) * (seconds + half * (passes - 2))
            t += total
            cached += writing * passes
            n += passes

        # Who is answered.
        if heap and heap[0] >> SHIFT == n:
            while heap and heap[0] >> SHIFT == n:
                i = heappop(heap) & MASK
                finish[i] = t
                del order[i]
                start = base.pop(i)
                length = start + n
                cached -= length
                phase[-start % block] -= 1
                free += fixed + unit * -(-length // block)
                if linked:
                    r._follow(i, t)
                if ended is not None:
                    ended.append(t)
            blocked = False
            next_t = r.next_t
            if len(rows) >= FLUSH:
                r.tidy()
            if stop:
                break
        writing = len(heap)

    r.t, r.n, r.cached, r.seen, r.blocked, r.short, pool.free = t, n, cached, seen, blocked, short, free
