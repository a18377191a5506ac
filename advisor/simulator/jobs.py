"""Requests as columns, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan

from catalog.errors import BadInput

Prefix = Sequence[int] | range


@dataclass(eq=False)
class Jobs:
    """Requests by number; every column has one value for each."""

    arrival: list[float]
    """Seconds from the start. Of a request that follows another (``after``): ignored."""
    input: list[int]
    """Prompt tokens, at least 1."""
    output: list[int]
    """Tokens to write, at least 1; the first comes with the end of the prompt."""
    priority: list[int] | None = None
    """Smaller goes first, where the rules look at it."""
    prefix: list[Prefix] | None = None
    """Names of the blocks of ``prefix_tokens`` tokens from the start of the prompt on (and, for later turns, of the
    answer). Equal names are equal tokens with equal tokens before them."""
    prefix_tokens: int = 512
    ready: list[bool] | None = None
    """Whether the prompt was read, and the first token made, elsewhere."""
    kind: list[int] | None = None
    """Class of traffic, an index."""
    follows: list[int] | None = None
    """The request that is sent once this one is answered, or -1."""
    queue: list[int] | None = None
    """Requests that are sent one by one, each once any of the others is answered (a list that clients share)."""
    think_s: list[float] | None = None
    """How long after the answer of its predecessor a following request is sent."""

    admitted: list[float] = field(default_factory=list)
    """When it was first scheduled; ``nan`` if never."""
    first: list[float] = field(default_factory=list)
    """When its first token was out."""
    finish: list[float] = field(default_factory=list)
    preempted: list[int] = field(default_factory=list)
    """How often."""
    hits: list[int] = field(default_factory=list)
    """Prompt tokens found in the cache, at the first admission."""
    replica: list[int] = field(default_factory=list)
    """Where it ran; -1 before it was sent."""
    began: dict[int, float] = field(default_factory=dict)
    """First arrival of requests that were sent again after their replica failed."""
    waited: list[float] | None = None
    """Seconds in a second queue, of answers whose prompt was read elsewhere."""
    refused: dict[int, str] = field(default_factory=dict)
    """Why a request was never queued."""

    def __post_init__(self) -> None:
        n = len(self.arrival)
        for name in ("input", "output", "priority", "prefix", "ready", "kind", "follows", "think_s"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise BadInput(f"{name} has {len(column)} values for {n} requests")
        if n and (min(self.input) < 1 or min(self.output) < 1):
            raise BadInput("every request needs at least one token in and one out")
        if self.ready is not None and any(r and o < 2 for r, o in zip(self.ready, self.output, strict=True)):
            raise BadInput("a request whose first token was made elsewhere needs at least two tokens out")
        if self.prefix_tokens < 1:
            raise BadInput(f"prefix_tokens must be at least 1, got {self.prefix_tokens}")
        self._sent = 0
        self.admitted, self.first, self.finish = [nan] * n, [nan] * n, [nan] * n
        self.preempted, self.hits, self.replica = [0] * n, [0] * n, [-1] * n

    @property
    def linked(self) -> bool:
        """Whether answers set off requests."""
        return self.follows is not None or self.queue is not None

    def next_after(self, i: int, time: float) -> tuple[float, int] | None:
        """(time, request) that the end of a request sets off."""
        j = self.follows[i] if self.follows is not None else -1
        if j < 0:
            if self.queue is None or self._sent >= len(self.queue):
                return None
            j = self.queue[self._sent]
            self._sent += 1
        return time + (self.think_s[j] if self.think_s else 0.0), j

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def starts(self) -> list[int]:
        """Requests that follow no other, by arrival."""
        if not self.linked:
            return sorted(range(len(self)), key=self.arrival.__getitem__)
        later = {j for j in self.follows or () if j >= 0} | set(self.queue or ())
        return sorted((i for i in range(len(self)) if i not in later), key=self.arrival.__getitem__)
