"""What a recommendation costs in a month, at the volume that is said or that follows from the users."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.machines import hourly_price
from advisor.ranking.rows import Recommendation
from advisor.report import count_text, rate_text, usd_text
from advisor.requirements import Needs
from catalog.loader import load_machine
from catalog.values import dataclass

HOURS = 730.0
SECONDS = HOURS * 3600


@dataclass(frozen=True, slots=True)
class Volume:
    """Requests of a month."""

    requests_per_s: float
    basis: str

    @property
    def requests(self) -> float:
        """In a month."""
        return self.requests_per_s * SECONDS


@dataclass(frozen=True, slots=True)
class Month:
    """One month of one recommendation."""

    usd: float
    copies: int
    """Of the model, each on its own devices; 0 behind an API."""
    requests: float | None
    """That the money pays for; ``None`` where nobody knows the volume."""
    basis: str


def dollars_text(usd: float) -> str:
    """A month's money: whole dollars from a hundred on."""
    return f"${usd:,.0f}" if usd >= 99.5 else usd_text(usd)


def capacity_per_s(r: Recommendation, needs: Needs) -> float | None:
    """Requests per second of one copy whose users ask without pause; ``None`` behind an API."""
    if r.machine is None or not r.tokens_per_s:
        return None
    return r.tokens_per_s / needs.output_tokens if r.tpot_s is not None else r.tokens_per_s


def volume_of(needs: Needs, found: Iterable[Recommendation]) -> Volume | None:
    """The rate asked for, else what the first self-hosted recommendation answers at full use."""
    if (rate := needs.requirements.requests_per_s) is not None:
        return Volume(rate, f"{rate_text(rate, 'requests/s')}, as asked")
    for r in found:
        if (most := capacity_per_s(r, needs)) is not None:
            users = "one user asks" if needs.users == 1 else f"{needs.users:,} users ask"
            return Volume(most * r.copies, f"as many requests as {r.model} answers if {users} without pause")
    return None


def month_of(r: Recommendation, needs: Needs, volume: Volume | None) -> Month | None:
    """A month's cost; ``None`` where no price is known, or an API's volume is not.

    Own machines are paid by the hour whether they work or not: one copy, or as many as the users or a rate need.
    """
    if r.machine is None:
        if volume is None or r.usd_per_thousand_requests is None:
            return None
        usd = volume.requests / 1000 * r.usd_per_thousand_requests
        return Month(usd, 0, volume.requests, f"list price for {count_text(volume.requests)} requests: {volume.basis}")
    if r.usd_per_hour is None:
        return None
    devices = f"{r.devices} × {r.machine}" if r.devices > 1 else r.machine
    requests = needs.requirements.requests_per_s
    return Month(
        r.usd_per_hour * HOURS * r.copies, r.copies, None if requests is None else requests * SECONDS,
        f"{devices} for {HOURS:g} hours{_basis(r.machine)}",
    )  # fmt: skip


def _basis(machine: str) -> str:
    """How the price is known, where it is no rent."""
    price = hourly_price(load_machine(machine))
    return "" if price is None or price.basis.startswith("on-demand") else f", {price.basis}"


def break_even_per_day(own: Recommendation, api: Recommendation, needs: Needs) -> float | None:
    """Requests a day from which one copy of an own model is cheaper than an API.

    ``None`` where a price is unknown; infinite where the API is cheaper than a copy that is never idle.
    """
    if own.usd_per_hour is None or not api.usd_per_thousand_requests:
        return None
    even = own.usd_per_hour * 24 / api.usd_per_thousand_requests * 1000
    most = capacity_per_s(own, needs)
    return float("inf") if most is not None and even > most * 86400 else even
