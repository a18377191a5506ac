"""Formulas behind the figures of the Machines page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tui.screens.page import Explanation

if TYPE_CHECKING:
    from advisor.machine_sheet import Fact
    from catalog.price import MachinePrice
    from tui.machine_cells import Listed
    from tui.widgets.machine_detail import Found

NOMINAL = ("memory", "rates", "links", "price")
SHOWN = 6
"""Parts of a formula that are listed one by one."""
BADGES = {
    "measured": "times: constants timed on this computer by whicharch calibrate",
    "calibrated": "times: constants fitted to its own measured kernels, kind by kind",
    "class default": "times: medians of the constants of measured machines of its class",
    "spec sheet": "times: nominal rates times what measured machines reach of theirs",
}


def formula(
    tab: str, listed: Listed, found: Found, point: Any, load: Mapping[str, Any], place: Callable[[str], str]
) -> Explanation | None:
    """What explains the figures of a tab; of a table those of the row under its cursor, the ``point``.

    Args:
        tab: Name of the tab.
        listed: The highlighted machine.
        found: What was computed about it.
        point: A row of the tab's table.
        load: Fields of ``Scenario`` without machine and devices.
        place: From a machine's id to what calculators find it by.
    """
    match tab:
        case "roofline" if point is not None:
            quantity = "decode" if point.stage == "decode" else "prefill"
            devices = next((p.devices for p in found.placed if p.machine == listed.id), 1)
            scenario = {**load, "machine": place(listed.id), "tp": devices}
            return Explanation(f"{quantity} of {load.get('model')} on {listed.id}", partial(_time, scenario, quantity))
        case "compare" if point is not None:
            scenario = {**load, "machine": place(point.machine), "tp": point.devices}
            e = point.estimate
            if e is None:
                return None
            names = ("ttft", "tpot", "e2e", "throughput") if e.time.tpot_s else ("ttft",)
            priced = ("cost",) if e.cost.usd_per_hour is not None else ()
            title = f"{load.get('model')} on {point.devices} × {point.machine}"
            return Explanation(title, partial(_time, scenario, *names, *priced, shown=SHOWN))
        case "prices" if point is not None:
            return Explanation(f"Price of {listed.id}", partial(_price, point))
        case "sheet":
            return Explanation(f"Figures of {listed.id}", partial(_nominal, listed, tuple(found.facts)))
    return None


def _time(scenario: Mapping[str, Any], *quantities: str, shown: int = 99) -> str:
    from advisor.explain_time import explain_time
    from advisor.explanation_text import full_text
    from advisor.scenario import Scenario
    from catalog.loader import checked

    case = checked(Scenario, dict(scenario), "scenario")
    return "\n\n".join(full_text(explain_time(case, quantity), shown) for quantity in quantities)


def _nominal(listed: Listed, facts: tuple[Fact, ...]) -> str:
    """Every figure of the list with how it is known and its source, and how the price came about."""
    from advisor.machine_text import number_text
    from advisor.machines import hourly_price

    lines, sources = [], list(dict.fromkeys(map(str, listed.machine.sources)))
    for fact in facts:
        if fact.block in NOMINAL:
            name = f"{fact.meaning}, {fact.of}" if fact.of else fact.meaning
            lines.append(f"{name}: {number_text(fact)} {fact.unit}".rstrip() + f" ({fact.badge})")
            if fact.source and fact.source not in sources:
                lines.append(f"  source   {fact.source}")
    if (price := hourly_price(listed.machine)) is not None:
        lines += [
            f"price: ${price.usd_per_hour:.4g} per hour",
            "  formula  median of the market's on-demand prices, else the cheapest; else a purchase over three years",
            f"  source   {price.basis}",
        ]
    lines.append(BADGES.get(listed.row.badge, listed.row.badge))
    return "\n".join([*lines, *(f"  source   {source}" for source in sources)])


def _price(price: MachinePrice) -> str:
    from advisor.report import usd_text

    paid = [f"{usd_text(price.usd_per_hour)} per device and hour"] if price.usd_per_hour is not None else []
    paid += [f"{usd_text(price.usd_purchase)} to buy"] if price.usd_purchase is not None else []
    said = f"{price.pricing}, {price.provider}, {price.as_of}: {', '.join(paid)}"
    return f"{said}\n  formula  none: as it was asked for\n  source   {price.source}"
