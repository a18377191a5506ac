"""What a device costs by the hour on given terms, and where that was read."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from advisor.machines import hourly_price
from advisor.planning.schema import MachineChoice, Power
from catalog.errors import BadInput
from catalog.loader import load_machine, machine_prices
from catalog.machine import Machine

HOURS = 730.0
"""Of a month."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One device of a machine on terms."""

    machine: Machine
    pricing: str
    usd_per_hour: float
    basis: str
    usd_purchase: float | None = None
    """Per device, where owned."""
    available: int | None = None


def power_usd_per_hour(machine: Machine, power: Power) -> float | None:
    """Electricity of one device at its nominal power; ``None`` where that is unknown but would cost something."""
    if not power.usd_per_kwh:
        return 0.0
    if machine.tdp_w is None:
        return None
    return (machine.tdp_w + power.host_w) * power.pue / 1000 * power.usd_per_kwh


def terms_of(choice: MachineChoice, power: Power) -> Terms:
    """The price of a machine on the terms that were asked for.

    On demand: the market median, as everywhere. Reserved and spot: the median of the known prices. Owned: the price
    of purchase over the months it is written off, and electricity.

    Raises:
        BadInput: If the machine is unknown, or no price on these terms.
    """
    machine = load_machine(choice.id)
    if choice.pricing == "owned":
        return _owned(machine, choice, power)
    if choice.usd_purchase is not None:
        raise BadInput(f"machine {machine.id}: usd_purchase needs pricing: owned, not {choice.pricing}")
    if choice.usd_per_hour is not None:
        return Terms(machine, choice.pricing, choice.usd_per_hour, "as given", available=choice.available)
    known = [p for p in machine_prices(machine.id) if p.pricing == choice.pricing and p.usd_per_hour is not None]
    if choice.pricing == "on-demand":
        price = hourly_price(machine)
        if price is not None and price.basis.startswith("on-demand"):
            return Terms(machine, "on-demand", price.usd_per_hour, price.basis, available=choice.available)
        known = []
    if not known:
        raise BadInput(
            f"machine {machine.id}: no {choice.pricing} price is known; give usd_per_hour"
            + _others(machine, choice.pricing)
        )
    middle = median(p.usd_per_hour or 0.0 for p in known)
    newest = max(p.as_of for p in known)
    basis = f"{choice.pricing}, median of {len(known)} prices, up to {newest}"
    return Terms(machine, choice.pricing, middle, basis, available=choice.available)


def _others(machine: Machine, pricing: str) -> str:
    names = {"purchase": "owned"}
    known = sorted({names.get(p.pricing, p.pricing) for p in machine_prices(machine.id)} - {pricing})
    return f", or one of: {', '.join(known)}" if known else ""


def purchase_usd(machine: Machine) -> tuple[float, str] | None:
    """The cheapest known price of purchase per device, and where."""
    bought = [(p.usd_purchase, p) for p in machine_prices(machine.id) if p.usd_purchase]
    if not bought:
        return None
    usd, price = min(bought, key=lambda pair: pair[0])
    return usd, f"{price.provider}, {price.as_of}"


def _owned(machine: Machine, choice: MachineChoice, power: Power) -> Terms:
    known = purchase_usd(machine)
    if choice.usd_per_hour is not None:
        return Terms(machine, "owned", choice.usd_per_hour, "as given", choice.usd_purchase, choice.available)
    usd, where = (choice.usd_purchase, "as given") if choice.usd_purchase is not None else known or (None, "")
    if usd is None:
        raise BadInput(f"machine {machine.id}: no price of purchase is known; give usd_purchase or usd_per_hour")
    electricity = power_usd_per_hour(machine, power)
    if electricity is None:
        raise BadInput(f"machine {machine.id}: its power is not known; give usd_per_hour, electricity included")
    hourly = usd / (choice.months * HOURS) + electricity
    basis = f"bought for ${usd:,.0f} ({where}) over {choice.months:g} months"
    if electricity:
        basis += f", electricity ${electricity:.3f} per hour"
    return Terms(machine, "owned", hourly, basis, usd, choice.available)
