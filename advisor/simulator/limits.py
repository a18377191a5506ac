"""Promises, as people write them: ``ttft.p95<1s,tpot.p95<50ms``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from advisor import quantities
from advisor.quantities import rate_per_s as rate_per_s
from advisor.simulator.metrics import QUANTILES
from catalog.errors import BadInput, unknown

QUANTITIES = ("ttft", "tpot", "itl", "e2e", "queue")
STATISTICS = ("mean", *QUANTILES)
_LIMIT = re.compile(r"^\s*([a-z0-9]+)(?:\.([a-z0-9]+))?\s*<=?\s*(\S+)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """One promise."""

    quantity: str
    statistic: str
    seconds: float

    @property
    def name(self) -> str:
        """As in ``Outcome.value``."""
        return f"{self.quantity}.{self.statistic}"

    def __str__(self) -> str:
        return f"{self.name} < {self.seconds:g} s"


def limits(text: str, what: str = "slo") -> tuple[Limit, ...]:
    """Read promises; without a statistic the 95th percentile is meant.

    Raises:
        BadInput: If one of them cannot be read, or is made twice.
    """
    found: dict[str, Limit] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        match = _LIMIT.match(part)
        if match is None:
            raise BadInput(f"{what}: cannot read {part.strip()!r}; write it like ttft.p95<1s,tpot.p95<50ms")
        quantity, statistic = match[1].lower(), (match[2] or "p95").lower()
        if quantity not in QUANTITIES:
            raise unknown(f"quantity in {what}", quantity, QUANTITIES)
        if statistic not in STATISTICS:
            raise unknown(f"statistic in {what}", statistic, STATISTICS)
        limit = Limit(quantity, statistic, quantities.seconds(match[3], what))
        if limit.name in found:
            raise BadInput(f"{what}: {limit.name} is limited twice")
        found[limit.name] = limit
    if not found:
        raise BadInput(f"{what}: no limit in {text!r}; write it like ttft.p95<1s,tpot.p95<50ms")
    return tuple(found.values())


def per_request(promises: Sequence[Limit]) -> dict[str, float]:
    """What a single request has to keep to count as good: the strictest limit of each quantity that it has."""
    found: dict[str, float] = {}
    for limit in promises:
        if limit.quantity in ("ttft", "tpot", "e2e"):
            found[limit.quantity] = min(limit.seconds, found.get(limit.quantity, float("inf")))
    return found
