"""Traffic in classes: who sends what how often, and what was promised to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from advisor.simulator.arrivals import FLAT, Profile, open_loop
from advisor.simulator.jobs import Jobs, Prefix
from advisor.simulator.lengths import Lengths, lengths
from catalog.errors import BadInput, unknown

PREFIX_TOKENS = 64
"""Tokens per named block of a prefix: a multiple of the engines' own blocks."""


@dataclass(frozen=True)
class Traffic:
    """One class of requests."""

    input: Lengths
    """Prompt tokens; of a conversation those that each turn adds."""
    output: Lengths
    rate: float = 1.0
    """Requests (conversations) per second."""
    arrivals: str = "poisson"
    burstiness: float = 1.0
    profile: Profile = FLAT
    clients: int = 0
    """Instead of a rate: so many clients, each with one request at a time."""
    think_s: float = 0.0
    """From an answer to the client's next request: its mean, exponential where ``think_varies``."""
    think_varies: bool = False
    stagger_s: float = 0.0
    """Clients start spread over so many seconds; 0: all at once."""
    shared_queue: bool = True
    """Whether clients take the next of one list of requests, or each has its own."""
    turns: Lengths = field(default_factory=lambda: Lengths("fixed", 1))
    """Turns of a conversation; each prompt holds all before it."""
    shared_tokens: int = 0
    """A common start of all prompts (a system prompt), on top of ``input``."""
    groups: int = 1
    """How many different ones there are."""
    priority: int = 0
    name: str = "requests"
    slo: Mapping[str, float] = field(default_factory=dict)
    """What each request should keep: ``ttft``, ``tpot``, ``e2e`` in seconds."""
    source: str = ""


def _class(name: str, given: str, written: str, source: str, slo: Mapping[str, float], **rest: object) -> Traffic:
    return Traffic(lengths(given), lengths(written), name=name, source=source, slo=slo, **rest)  # type: ignore[arg-type]


PRESETS: dict[str, Traffic] = {
    "chat": _class(
        "chat", "normal:512,128", "normal:256,64",
        "GuideLLM scenarios (chat); limits: llm-d-planner 0.3.3, chatbot_conversational, acceptable, p95",
        {"ttft": 0.5, "tpot": 0.05},
    ),
    "rag": _class(
        "rag", "normal:4096,512", "normal:512,128",
        "GuideLLM scenarios (rag); limits: llm-d-planner 0.3.3, document_analysis_rag, acceptable, p95",
        {"ttft": 1.2, "tpot": 0.06},
    ),
    "code-completion": _class(
        "code-completion", "lognormal:1469,0.815", "lognormal:13,1.24",
        "Azure LLM inference trace 2023, code: medians 1,469 and 13, spread from the means 2,048 and 28; limits: "
        "llm-d-planner 0.3.3, code_completion, acceptable, p95",
        {"ttft": 0.2, "tpot": 0.035},
    ),
    "agentic": _class(
        "agentic", "lognormal:1500,1", "lognormal:425,1",
        "llm-d-benchmark agentic_code_generation: 1,500 in and 425 out per turn on a shared system prompt of 3,000 "
        "tokens (its turns are many more, its spread is ours); limits: llm-d-planner docs, class interactive, p95",
        {"ttft": 0.5, "tpot": 0.035},
        turns=Lengths("fixed", 10), shared_tokens=3000, think_s=0.22,
    ),
    "summarization": _class(
        "summarization", "4096", "512",
        "llm-d-planner 0.3.3, summarization_short: 4,096 in, 512 out; limits acceptable, p95",
        {"ttft": 0.8, "tpot": 0.05},
    ),
    "batch": _class(
        "batch", "1024", "1024",
        "InferenceX 1k1k, fixed lengths; limits: llm-d-planner docs, class batch/offline, p95",
        {"ttft": 2.0, "tpot": 0.045},
    ),
}  # fmt: skip
"""By name, one request per second each; ``source`` says where lengths and limits come from."""


def traffic_preset(name: str) -> Traffic:
    """A class of traffic by name.

    Raises:
        BadInput: If it is unknown, with the nearest.
    """
    if name not in PRESETS:
        raise unknown("traffic", name, PRESETS)
    return PRESETS[name]


def jobs_of(classes: Sequence[Traffic], requests: int, seed: int = 0, *, prefixes: bool = True) -> Jobs:
    """Draw requests of all classes, shared out by their rates (closed loops: by their clients).

    The same seed gives the same requests, whatever serves them.

    Raises:
        BadInput: If there is nothing to draw, or more clients than requests.
    """
    if requests < 1 or not classes:
        raise BadInput(f"at least one request of one class is needed, got {requests} of {len(classes)}")
    if any(c.clients for c in classes) and not all(c.clients for c in classes):
        raise BadInput("classes of one run should all have clients, or all have rates")
    weights = np.array([float(c.clients or c.rate * c.turns.mean) for c in classes])
    if not np.all(weights > 0) or not np.all(np.isfinite(weights)):
        raise BadInput("every class needs a positive rate or clients")
    counts = np.maximum(1, np.round(requests * weights / weights.sum())).astype(int)
    drawn = _Drawn(prefixes)
    for number, (traffic, count) in enumerate(zip(classes, counts.tolist(), strict=True)):
        rng = np.random.default_rng([seed, number])
        if traffic.clients:
            drawn.clients(traffic, number, count, rng)
        else:
            drawn.rate(traffic, number, count, rng)
    return drawn.jobs()


class _Drawn:
    """Columns while they grow."""

    def __init__(self, prefixes: bool) -> None:
        self.prefixes = prefixes
        self.arrival: list[float] = []
        self.input: list[int] = []
        self.output: list[int] = []
        self.priority: list[int] = []
        self.kind: list[int] = []
        self.follows: list[int] = []
        self.think: list[float] = []
        self.prefix: list[Prefix] = []
        self.queue: list[int] = []
        self.names = 0
        self.shared: dict[tuple[int, int], range] = {}

    def rate(self, t: Traffic, number: int, count: int, rng: np.random.Generator) -> None:
        """Requests, or conversations, at a rate."""
        turns = t.turns.sample(rng, count)
        if np.all(turns == 1):
            self._single(t, number, count, open_loop(t.rate, count, rng, t.arrivals, t.burstiness, t.profile), rng)
            return
        sessions = int(np.searchsorted(np.cumsum(turns), count)) + 1
        starts = open_loop(t.rate, sessions, rng, t.arrivals, t.burstiness, t.profile)
        for start, length in zip(starts.tolist(), turns[:sessions].tolist(), strict=True):
            self._session(t, number, start, length, rng)

    def clients(self, t: Traffic, number: int, count: int, rng: np.random.Generator) -> None:
        """Requests of clients that wait for their answers."""
        turns = t.turns.sample(rng, count)
        if np.any(turns > 1):
            self._conversations(t, number, count, turns, rng)
            return
        clients = min(t.clients, count)
        starts = rng.uniform(0, t.stagger_s, clients) if t.stagger_s else np.zeros(clients)
        first = len(self.arrival)
        self._single(t, number, count, np.concatenate([np.sort(starts), np.zeros(count - clients)]), rng)
        if t.shared_queue:
            self.queue += range(first + clients, first + count)
            return
        for i in range(first, first + count - clients):
            self.follows[i] = i + clients

    def _conversations(
        self, t: Traffic, number: int, count: int, turns: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        """Conversations of clients, each with its own one after another."""
        sessions = int(np.searchsorted(np.cumsum(turns), count)) + 1
        clients = min(t.clients, sessions)
        starts = np.sort(rng.uniform(0, t.stagger_s, clients)).tolist() if t.stagger_s else [0.0] * clients
        last: list[int] = []
        for k, length in enumerate(turns[:sessions].tolist()):
            if k >= clients:
                self.follows[last[k - clients]] = len(self.arrival)
            self._session(t, number, starts[k] if k < clients else 0.0, length, rng)
            last.append(len(self.arrival) - 1)

    def _single(self, t: Traffic, number: int, count: int, times: np.ndarray, rng: np.random.Generator) -> None:  # type: ignore[type-arg]
        self.arrival += times.tolist()
        self.input += (t.input.sample(rng, count) + t.shared_tokens).tolist()
        self.output += t.output.sample(rng, count).tolist()
        self.priority += [t.priority] * count
        self.kind += [number] * count
        self.follows += [-1] * count
        self.think += self._thinking(t, count, rng)
        if self.prefixes and t.shared_tokens:
            groups = rng.integers(0, t.groups, count).tolist()
            self.prefix += [self._common(number, g, t.shared_tokens) for g in groups]
        else:
            self.prefix += [range(0)] * count

    def _session(self, t: Traffic, number: int, start: float, turns: int, rng: np.random.Generator) -> None:
        given, written = t.input.sample(rng, turns), t.output.sample(rng, turns)
        total = np.cumsum(given + written) + t.shared_tokens
        first = len(self.arrival)
        self.arrival += [start] + [0.0] * (turns - 1)
        self.input += (total - written).tolist()
        self.output += written.tolist()
        self.priority += [t.priority] * turns
        self.kind += [number] * turns
        self.follows += [*range(first + 1, first + turns), -1]
        self.think += self._thinking(t, turns, rng)
        names: Prefix = range(0)
        if self.prefixes:
            common = self._common(number, int(rng.integers(0, t.groups)), t.shared_tokens)
            own = int(total[-1]) // PREFIX_TOKENS - len(common)
            names = [*common, *range(self.names, self.names + own)]
            self.names += own
        self.prefix += [names] * turns

    def _common(self, number: int, group: int, tokens: int) -> range:
        blocks = tokens // PREFIX_TOKENS
        if (number, group) not in self.shared:
            self.shared[number, group] = range(self.names, self.names + blocks)
            self.names += blocks
        return self.shared[number, group]

    def _thinking(self, t: Traffic, count: int, rng: np.random.Generator) -> list[float]:
        if t.think_varies and t.think_s:
            return [float(x) for x in rng.exponential(t.think_s, count)]
        return [t.think_s] * count

    def jobs(self) -> Jobs:
        """All columns; what no request has is left out."""
        chained = max(self.follows) >= 0
        return Jobs(
            arrival=self.arrival,
            input=self.input,
            output=self.output,
            priority=self.priority,
            prefix=self.prefix if self.names else None,
            prefix_tokens=PREFIX_TOKENS,
            kind=self.kind,
            follows=self.follows if chained else None,
            think_s=self.think if chained or self.queue else None,
            queue=self.queue or None,
        )
