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
    phase, block, unit, fixed = r.phase, r.block, r.unit, r.fixed
    coming, times, later, accepted, ahead = r.coming, r.times, r.later, r.accepted, r.ahead
    step_s, rates, growths, prompts, prompt_s = r.step_s, r.base_rate, r.growth, r.prompts, r.steps.prompt_s
    budget, chunk, most = rules.budget_tokens, r.chunk, rules.max_sequences
    t, n, cached, free, seen, next_t = r.t, r.n, r.cached, pool.free, r.seen, r.next_t
    blocked, short, writing = r.blocked, r.short, len(heap)
    rest = short or bool(partial)  # whether the next pass goes on with what the last left
    ends = heap[0] >> SHIFT if heap else -1  # when the next answer is complete
    if not ahead:
        seen = t

    # ``while True``, since Python 3.11 makes a loop fast where it jumps back without a condition.
    while True:
        if t >= until and order:
            break
        # Who comes.
        if next_t <= seen:
            if not order and not waiting:
                seen = t
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

        if (waiting and not blocked) or rest:
            if t >= until:
                break
            if (
                len(waiting) == 1
                and not rest
                and (new := inputs[i := waiting[0]]) <= chunk
                and new + writing <= budget
                and (units := unit * (phase[n % block] - -new // block) + fixed) <= free
                and writing < most
                and admitted[i] != admitted[i]
            ):
                # A pass that reads one whole prompt, for the first time.
                free -= units
                waiting.popleft()
                order[i] = None
                admitted[i] = seen = t
                what = new << 16 | writing
                try:
                    seconds = prompts[what] + rates[writing] * cached
                except KeyError:
                    seconds = prompts[what] = prompt_s(new, writing)
                    seconds += rates[writing] * cached
                rows += (t, seconds, new, writing, free)
                first[i] = t = t + seconds
                if writing:
                    n += 1
                    cached += writing
                cached += new
                start = base[i] = new - n
                phase[-start % block] += 1
                stop_n = n + outputs[i] - 1
                heappush(heap, stop_n << SHIFT | i)
                if stop_n < ends or not writing:
                    ends = stop_n
                writing += 1
            else:
                # Another pass with prompts.
                r.t, r.n, r.cached, r.seen, r.blocked, r.short, pool.free = t, n, cached, seen, blocked, short, free
                r._read()
                t, n, cached, seen, blocked, short, free = r.t, r.n, r.cached, r.seen, r.blocked, r.short, pool.free
                rest = short or bool(partial)
                writing = len(heap)
                ends = heap[0] >> SHIFT if heap else -1
            if not ahead:
                seen = t
        elif writing:
            # A stretch of passes of steps alone.
            passes = ends - n
            half = 0.5 * growths[writing]
            seconds = step_s[writing] + rates[writing] * cached
            total = passes * (seconds + half * (passes - 1))
            bound = until if next_t > until or (blocked and not linked) else next_t
            if t + total > bound:
                gap = bound - t
                if gap > 0:
                    b = seconds - half
                    k = ceil(2.0 * gap / (b + sqrt(b * b + 4.0 * half * gap)))
                    while k > 1 and (k - 1) * (seconds + half * (k - 2)) >= gap:
                        k -= 1
                    while (stop_s := k * (seconds + half * (k - 1))) < gap:
                        k += 1
                    if ahead and bound < until and stop_s < until - t:
                        k += 1
                        stop_s = k * (seconds + half * (k - 1))
                else:
                    k, stop_s = 1, seconds
                if k < passes:
                    passes, total = k, stop_s
            start = n % block
            end = start + passes % block
            blocks = passes // block * writing
            if end <= block:
                blocks += sum(phase[start:end])
            else:
                blocks += writing - sum(phase[end - block : start])
            units = unit * blocks
            if units <= free:
                free -= units
            else:
                r.t, r.n, r.cached, r.blocked, pool.free = t, n, cached, blocked, free
                k = r._make_room(passes, units)
                blocked, short, free = r.blocked, r.short, pool.free
                rest = short
                if not k:
                    continue
                if k != passes:
                    passes = k
                    total = k * (seconds + half * (k - 1))
            rows += (t, seconds, -passes, writing, free)
            if ahead:
                seen = t + (passes - 1) * (seconds + half * (passes - 2))
                t += total
            else:
                seen = t = t + total
            cached += writing * passes
            n += passes
        else:
            # Nothing to do.
            if t < next_t:
                if next_t >= until:
                    break
                t = next_t
            seen = t
            continue

        if ends == n:
            # Who is answered.
            while ends == n:
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
                ends = heap[0] >> SHIFT if heap else -1
            blocked = False
            writing = len(heap)
            next_t = r.next_t
            if len(rows) >= FLUSH:
                r.tidy()
            if stop:
                break

    r.t, r.n, r.cached, r.seen, r.blocked, r.short, pool.free = t, n, cached, seen, blocked, short, free
