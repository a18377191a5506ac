"""Prompts on some replicas, answers on others: the cache travels in between (arXiv:2401.09670, DistServe)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from advisor.simulator.dispatch import Pool
from advisor.simulator.jobs import Jobs
from advisor.simulator.service import Service
from catalog.errors import BadInput


def disaggregated(
    jobs: Jobs,
    prompts: Sequence[Service],
    answers: Sequence[Service],
    *,
    sent_bytes: Callable[[int], float],
    bytes_per_s: float,
    latency_s: float = 0.0,
    router: str = "least-loaded",
) -> tuple[Pool, ...]:
    """Serve requests; ``jobs`` is filled in.

    The replica that reads the prompt also makes the first token; what it cached then takes
    ``latency_s + bytes / bytes_per_s`` to the replica that writes the rest. Its own room is free again at once.

    Args:
        jobs: Requests.
        prompts: Replicas that read.
        answers: Replicas that write.
        sent_bytes: What is cached of a prompt of so many tokens.
        bytes_per_s: Of the link, between one replica and another.
        latency_s: Before the first byte comes.
        router: As of ``Pool``, for both.

    Returns:
        Who read and who wrote; where answers set off requests (sessions, clients) both are one pool.

    Raises:
        BadInput: If the link is not positive.
    """
    if not bytes_per_s > 0 or latency_s < 0:
        raise BadInput(
            f"the link needs a positive bandwidth and no negative latency, got {bytes_per_s:g}, {latency_s:g}"
        )
    travel_s = [latency_s + sent_bytes(tokens) / bytes_per_s for tokens in jobs.input]
    if jobs.linked:
        return (_together(jobs, prompts, answers, travel_s, router),)
    return _one_after_the_other(jobs, prompts, answers, travel_s, router)


def _one_after_the_other(
    jobs: Jobs, prompts: Sequence[Service], answers: Sequence[Service], travel_s: Sequence[float], router: str
) -> tuple[Pool, Pool]:
    """Nobody waits for an answer, so all prompts can be read before any answer is written."""
    n = len(jobs)
    first = Jobs(
        arrival=list(jobs.arrival), input=jobs.input, output=[1] * n, priority=jobs.priority, prefix=jobs.prefix,
        prefix_tokens=jobs.prefix_tokens,
    )  # fmt: skip
    reading = Pool(first, prompts, router)
    reading.run()
    further = sorted(
        (i for i in range(n) if i not in first.refused and jobs.output[i] > 1), key=lambda i: first.finish[i]
    )
    second = Jobs(
        arrival=[first.finish[i] + travel_s[i] for i in further],
        input=[jobs.input[i] for i in further],
        output=[jobs.output[i] for i in further],
        priority=[jobs.priority[i] for i in further] if jobs.priority else None,
        ready=[True] * len(further),
    )
    writing = Pool(second, answers, router)
    writing.run()
    _fill(jobs, first, second, {i: k for k, i in enumerate(further)}, len(prompts))
    return reading, writing


class _Halves(Jobs):
    """Prompts first, then the answers that are longer than one token; each answer follows its prompt."""

    prompts = 0

    def next_after(self, i: int, time: float) -> tuple[float, int] | None:
        """As of ``Jobs``; of a prompt that is refused, what would have come after its answer."""
        if i < self.prompts and i in self.refused:
            assert self.follows is not None
            j = self.follows[i]
            i = j if j >= self.prompts else i
        return super().next_after(i, time)


def _together(
    jobs: Jobs, prompts: Sequence[Service], answers: Sequence[Service], travel_s: Sequence[float], router: str
) -> Pool:
    """Answers set off prompts: both kinds of replicas are moved through time together."""
    n = len(jobs)
    further = [i for i in range(n) if jobs.output[i] > 1]
    answer = {i: n + k for k, i in enumerate(further)}
    after = jobs.follows or [-1] * n
    think = jobs.think_s or [0.0] * n
    more = len(further)
    both = _Halves(
        arrival=[*jobs.arrival, *[0.0] * more],
        input=[*jobs.input, *(jobs.input[i] for i in further)],
        output=[1] * n + [jobs.output[i] for i in further],
        priority=[*jobs.priority, *(jobs.priority[i] for i in further)] if jobs.priority else None,
        prefix=[*jobs.prefix, *[range(0)] * more] if jobs.prefix else None,
        prefix_tokens=jobs.prefix_tokens,
        ready=[False] * n + [True] * more,
        follows=[answer.get(i, after[i]) for i in range(n)] + [after[i] for i in further],
        queue=jobs.queue,
        think_s=[*think, *(travel_s[i] for i in further)],
    )
    both.prompts = n
    pool = Pool(both, [*prompts, *answers], router, stages=[0] * len(prompts) + [1] * len(answers), second=n)
    pool.run()
    jobs.arrival[:] = both.arrival[:n]
    _fill(jobs, both, both, answer, 0)
    return pool


def _fill(jobs: Jobs, first: Jobs, second: Jobs, answer: dict[int, int], offset: int) -> None:
    """What became of the requests: ``answer`` tells the second half of each, ``offset`` the number of its replica 0."""
    n = len(jobs)
    jobs.admitted, jobs.first, jobs.finish = first.admitted[:n], first.first[:n], first.finish[:n]
    jobs.hits, jobs.preempted, jobs.replica = first.hits[:n], first.preempted[:n], first.replica[:n]
    jobs.refused = {i: why for i, why in first.refused.items() if i < n}
    jobs.waited = [0.0] * n
    for i, k in answer.items():
        if i in jobs.refused:
            continue
        jobs.finish[i] = second.finish[k]
        jobs.preempted[i] += second.preempted[k]
        jobs.replica[i] = offset + second.replica[k]
        if k in second.refused:
            jobs.refused[i] = second.refused[k]
        else:
            jobs.waited[i] = second.admitted[k] - second.arrival[k]
