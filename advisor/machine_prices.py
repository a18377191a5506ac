"""What is known of a machine's price, cheapest first within each kind of terms."""

from __future__ import annotations

from catalog.loader import machine_prices
from catalog.price import MachinePrice

ORDER = ("on-demand", "reserved", "spot", "purchase", "owned")


def prices(machine: str) -> list[MachinePrice]:
    """All of them, by terms and price."""
    return sorted(
        machine_prices(machine), key=lambda p: (ORDER.index(p.pricing), p.usd_per_hour or p.usd_purchase or 0.0)
    )
