"""Prompts on some replicas, answers on others: the cache travels in between (arXiv:2401.09670, DistServe)."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.simulator.dispatch import Pool
from advisor.simulator.jobs import Jobs
from advisor.simulator.service import Service
from catalog.errors import BadInput


def disaggregated(
    jobs: Jobs,
    prompts: Sequence[Service],
    answers: Sequence[Service],
    *,
    bytes_per_token: float,
    bytes_per_s: float,
    latency_s: float = 0.0,
    router: str = "least-loaded",
) -> tuple[Pool, Pool]:
    """Serve requests that do not wait for one another; ``jobs`` is filled in.

    The replica that reads the prompt also makes the first token; what it cached then takes
    ``latency_s + bytes / bytes_per_s`` to the replica that writes the rest.

    Raises:
        BadInput: If answers set off requests (sessions, clients), or the link is not positive.
    """
    if jobs.linked:
        raise BadInput("prompts and answers on separate replicas: sessions and clients that wait are not modelled")
    if not bytes_per_s > 0 or latency_s < 0:
        raise BadInput(
            f"the link needs a positive bandwidth and no negative latency, got {bytes_per_s:g}, {latency_s:g}"
        )
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
        arrival=[first.finish[i] + latency_s + jobs.input[i] * bytes_per_token / bytes_per_s for i in further],
        input=[jobs.input[i] for i in further],
        output=[jobs.output[i] for i in further],
        priority=[jobs.priority[i] for i in further] if jobs.priority else None,
        ready=[True] * len(further),
    )
    writing = Pool(second, answers, router)
    writing.run()
    jobs.admitted, jobs.first, jobs.finish = first.admitted, first.first, list(first.finish)
    jobs.hits, jobs.preempted, jobs.replica = first.hits, list(first.preempted), list(first.replica)
    jobs.refused = dict(first.refused)
    for k, i in enumerate(further):
        jobs.finish[i] = second.finish[k]
        jobs.preempted[i] += second.preempted[k]
        jobs.replica[i] = len(prompts) + second.replica[k]
        if k in second.refused:
            jobs.refused[i] = second.refused[k]
    return reading, writing
