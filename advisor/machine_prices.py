"""What is known of a machine's price, cheapest first within each kind of terms."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.report import usd_text
from catalog.loader import machine_prices
from catalog.price import MachinePrice

ORDER = ("on-demand", "reserved", "spot", "purchase", "owned")
HEADERS = ("terms", "price", "provider", "as of")


def prices(machine: str) -> list[MachinePrice]:
    """All of them, by terms and price."""
    return sorted(
        machine_prices(machine), key=lambda p: (ORDER.index(p.pricing), p.usd_per_hour or p.usd_purchase or 0.0)
    )


def price_rows(found: Sequence[MachinePrice]) -> list[tuple[str, str, str, str]]:
    """In the columns of ``HEADERS``."""
    return [(p.pricing, _text(p), p.provider, p.as_of) for p in found]


def _text(price: MachinePrice) -> str:
    known = [f"{usd_text(price.usd_per_hour)}/h"] if price.usd_per_hour is not None else []
    known += [f"{usd_text(price.usd_purchase)} to buy"] if price.usd_purchase is not None else []
    return ", ".join(known)
