"""Several replicas under one stream of requests: routing, pools, failures, scaling.

Replicas are moved forward only as far as nothing that one of them does can still reach another: events happen in the
order of their times, as if all were stepped together.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import inf, nan

from advisor.simulator.engine import Replica
from advisor.simulator.jobs import Jobs
from advisor.simulator.service import Service
from catalog.errors import BadInput, unknown

ROUTERS = ("round-robin", "least-loaded", "prefix-aware")


@dataclass(frozen=True, slots=True)
class Scaling:
    """Replicas that come and go with the load."""

    least: int = 1
    most: int = 1
    target: float = 8.0
    """Requests per replica, queued or running, above which one more is asked for."""
    low: float = 0.5
    """Share of the target below which the newest is given back once it is empty."""
    delay_s: float = 120.0
    """From asking to serving: machine, weights, warm-up."""
    every_s: float = 15.0
    """How often somebody looks."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A replica that stops: what it held starts again elsewhere."""

    replica: int
    at_s: float
    back_s: float = inf


class Pool:
    """Replicas, possibly of several kinds, and how requests are shared among them."""

    def __init__(
        self,
        jobs: Jobs,
        services: Sequence[Service],
        router: str = "round-robin",
        *,
        stages: Sequence[int] = (),
        second: int = 0,
    ) -> None:
        """Replicas of ``services``; with ``stages``, requests from number ``second`` on go to those of stage 1."""
        if router not in ROUTERS:
            raise unknown("router", router, ROUTERS)
        if not services:
            raise BadInput("at least one replica is needed")
        self.jobs, self.services, self.router = jobs, list(services), router
        self.replicas = [Replica(jobs, s.rules, s.steps, s.memory, k) for k, s in enumerate(services)]
        self.up = [True] * len(services)
        self.busy_s: list[list[tuple[float, float]]] = [[(0.0, inf)] for _ in services]
        """When each was paid for: (from, until)."""
        self.stages = list(stages) or [0] * len(services)
        self.second = second if stages else len(jobs)
        self.turns = [0, 0]
        self.sent = [0] * len(services)
        """Requests sent to each that are not known to be answered."""
        self.ends: list[list[float]] = [[] for _ in services]
        """Answers to come, by replica: a heap of times that have been computed but not reached."""
        self.calm = [0.0] * len(services)
        """Until when each need not be looked at."""
        self.speed = [1.0 / s.steps.step_s[min(8, len(s.steps.step_s) - 1)] for s in services]

    # --- choosing

    def choose(self, i: int, time: float) -> int:
        """The replica for a request."""
        stage = int(i >= self.second)
        up = [k for k, there in enumerate(self.up) if there and self.stages[k] == stage]
        if len(up) == 1:
            return up[0]
        if self.router == "round-robin":
            self.turns[stage] += 1
            return up[(self.turns[stage] - 1) % len(up)]
        for k in up:
            if self.sent[k]:
                self._settle(k, time)
        loads = {k: self.sent[k] / self.speed[k] for k in up}
        if self.router == "prefix-aware" and self.jobs.prefix is not None:
            return self._by_prefix(i, up, loads)
        return min(up, key=lambda k: (loads[k], k))

    def _settle(self, k: int, time: float) -> None:
        """Count the answers that are out by now."""
        replica = self.replicas[k]
        ends = self.ends[k]
        if replica.ended:
            for end in replica.ended:
                heappush(ends, end)
            replica.ended.clear()
        while ends and ends[0] <= time:
            heappop(ends)
            self.sent[k] -= 1

    def _by_prefix(self, i: int, up: list[int], loads: dict[int, float]) -> int:
        """The longest prefix wins, unless that replica is much busier than the least busy one.

        As SGLang's router: affinity while loads are balanced, else the least loaded.
        """
        jobs = self.jobs
        assert jobs.prefix is not None
        least = min(up, key=lambda k: (loads[k], k))
        prefix, most = jobs.prefix[i], (jobs.input[i] - 1) // jobs.prefix_tokens
        if not prefix:
            return least
        best, found = least, 0
        limit = 1.5 * self.sent[least] + 8
        for k in up:
            pool = self.replicas[k].pool
            if self.sent[k] > limit or prefix[0] not in pool.refs:
                continue
            matched = pool.matched(prefix, most)
            if matched > found or (matched == found and matched and loads[k] < loads[best]):
                best, found = k, matched
        return best

    # --- time

    def run(self, failures: Sequence[Failure] = (), scaling: Scaling | None = None) -> None:
        """Serve everything.

        Python's collector of cycles rests meanwhile: there are none, and looking for them takes a fifth of the time.
        """
        collecting = gc.isenabled()
        gc.disable()
        try:
            self._run(failures, scaling)
        finally:
            if collecting:
                gc.enable()

    def _run(self, failures: Sequence[Failure], scaling: Scaling | None) -> None:
        jobs, starts = self.jobs, self.jobs.starts
        plain = not failures and scaling is None
        if plain and (len(self.replicas) == 1 or (self.router == "round-robin" and not jobs.linked)):
            for k, replica in enumerate(self.replicas):
                mine = starts[k :: len(self.replicas)]
                for i in mine:
                    jobs.replica[i] = k
                replica.load(mine)
                replica.run()
            return
        self._together(starts, failures, scaling)

    def _together(self, starts: list[int], failures: Sequence[Failure], scaling: Scaling | None) -> None:
        jobs, replicas = self.jobs, self.replicas
        for replica in replicas:
            replica.ended = []
            replica.settled = [] if jobs.linked else None
        # What comes, by time: requests, and (as ``~i``) ends of requests that may set off others. The latter wait here
        # until no replica can end anything before them: clients that share a list take from it in the order of answers.
        coming = [(jobs.arrival[i], i) for i in starts]
        heapify(coming)
        changes = [(f.at_s, 0, f.replica) for f in failures] + [
            (f.back_s, 1, f.replica) for f in failures if f.back_s < inf
        ]
        if scaling is not None:
            for k in range(len(replicas)):
                self.up[k] = k < scaling.least
                self.busy_s[k] = [(0.0, inf)] if k < scaling.least else []
            changes.append((scaling.every_s, 2, 0))
        heapify(changes)
        while coming or (jobs.linked and not all(r.idle for r in replicas)):
            time = min(coming[0][0] if coming else inf, changes[0][0] if changes else inf)
            if jobs.linked:
                self._advance(time, coming)
                if coming and coming[0][0] < time:
                    continue
                if not coming and all(r.idle for r in replicas):
                    break
            if time == inf:
                continue
            if changes and changes[0][0] <= time:
                self._change(changes, coming, scaling)
                continue
            when, i = heappop(coming)
            if i >= 0:
                self._deliver(when, i, coming)
            elif (event := jobs.next_after(~i, when)) is not None:
                heappush(coming, event)
        for replica in replicas:
            replica.run()
            self._collect(replica, coming)

    def _deliver(self, time: float, i: int, coming: list[tuple[float, int]]) -> None:
        if self.router != "round-robin" and not self.jobs.linked:
            for k, calm in enumerate(self.calm):
                if calm < time and self.up[k] and self.sent[k]:
                    replica = self.replicas[k]
                    if replica.t < time:
                        replica.run(time)
                        self.calm[k] = replica.calm_until()
        k = self.choose(i, time)
        self.calm[k] = 0.0
        self.jobs.arrival[i] = time
        self.jobs.replica[i] = k
        self.replicas[k].deliver(i, time)
        if i in self.jobs.refused:
            self._collect(self.replicas[k], coming)
        else:
            self.sent[k] += 1

    def _collect(self, replica: Replica, coming: list[tuple[float, int]]) -> None:
        if replica.settled:
            for time, i in replica.settled:
                heappush(coming, (time, ~i))
            replica.settled.clear()

    def _advance(self, time: float, coming: list[tuple[float, int]]) -> None:
        """Move replicas up to ``time``, or to the first answer before it."""
        replicas = self.replicas
        while True:
            bounds = [r.earliest_end() for r in replicas]
            first = min(range(len(bounds)), key=bounds.__getitem__)
            if bounds[first] > time or bounds[first] == inf:
                break
            others = min((b for k, b in enumerate(bounds) if k != first), default=inf)
            replicas[first].run(min(time, max(others, bounds[first])), stop=True)
            self._collect(replicas[first], coming)
            if coming and coming[0][0] < time:
                return
        for replica in replicas:
            replica.run(time)
            self._collect(replica, coming)

    def _change(
        self, changes: list[tuple[float, int, int]], coming: list[tuple[float, int]], scaling: Scaling | None
    ) -> None:
        time, what, k = heappop(changes)
        if what == 0:
            self._fail(k, time, coming)
        elif what == 1:
            self.up[k] = True
            self.busy_s[k].append((time, inf))
        elif scaling is not None:
            self._scale(time, changes, scaling)
            if coming or not all(r.idle for r in self.replicas):
                heappush(changes, (time + scaling.every_s, 2, 0))

    def _fail(self, k: int, time: float, coming: list[tuple[float, int]]) -> None:
        """What the replica held is sent again at once, to others; its cache is gone."""
        if not any(up for j, up in enumerate(self.up) if j != k):
            raise BadInput(f"replica {k} fails and no other is up")
        old = self.replicas[k]
        old.run(time)
        self._collect(old, coming)
        self.up[k] = False
        start = self.busy_s[k].pop()[0]
        self.busy_s[k].append((start, time))
        lost = [*old.order, *old.waiting, *(i for _, _, i in old.ranked), *(i for _, i in old.later)]
        jobs = self.jobs
        for i in lost:
            jobs.began.setdefault(i, jobs.arrival[i])
            jobs.admitted[i] = jobs.first[i] = nan
            heappush(coming, (time, i))
        fresh = self.replicas[k] = Replica(jobs, old.rules, old.steps, old.memory, k)
        fresh.log, fresh.gaps, fresh.ended, fresh.settled = old.log, old.gaps, [], old.settled
        fresh.preempted_at = old.preempted_at
        self.sent[k] = 0
        self.calm[k] = 0.0
        self.ends[k].clear()

    def _scale(self, time: float, changes: list[tuple[float, int, int]], scaling: Scaling) -> None:
        for k, replica in enumerate(self.replicas):
            if self.up[k]:
                replica.run(time)
            self._settle(k, time)
        up = [k for k, there in enumerate(self.up) if there]
        asked = [k for _, what, k in changes if what == 1]
        load = sum(self.sent[k] for k in up)
        if load > scaling.target * (len(up) + len(asked)) and len(up) + len(asked) < scaling.most:
            k = next(k for k in range(len(self.replicas)) if k not in up and k not in asked)
            heappush(changes, (time + scaling.delay_s, 1, k))
        elif len(up) > scaling.least and load < scaling.low * scaling.target * (len(up) - 1):
            self.up[up[-1]] = False
            start = self.busy_s[up[-1]].pop()[0]
            self.busy_s[up[-1]].append((start, time))  # what it has is served to the end: see ``paid_s``

    def paid_s(self, end: float) -> list[float]:
        """Seconds paid for by replica from the start to ``end``; one that was given back answers what it has."""
        jobs = self.jobs
        last: dict[int, list[tuple[float, float]]] = {}
        if any(stop < inf for spans in self.busy_s for _, stop in spans):
            for i, k in enumerate(jobs.replica):
                if k >= 0 and jobs.finish[i] == jobs.finish[i]:
                    last.setdefault(k, []).append((jobs.arrival[i], jobs.finish[i]))
        paid = []
        for k, spans in enumerate(self.busy_s):
            total = 0.0
            for start, stop in spans:
                if stop < inf:
                    stop = max([stop, *(f for a, f in last.get(k, ()) if start <= a <= stop)])
                total += max(0.0, min(stop, end) - min(start, end))
            paid.append(total)
        return paid
