"""The same model and load on several machines, so many of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from advisor.answer import Estimate
from advisor.estimate import estimate
from catalog.errors import BadInput


@dataclass(frozen=True, slots=True)
class Placed:
    """A model on some devices of one kind."""

    machine: str
    devices: int
    estimate: Estimate | None
    refusal: str = ""
    """Why there is no estimate."""

    def value(self, name: str) -> float | None:
        """One of ``MEASURES``; ``None`` where it is not known or the model does not fit."""
        e = self.estimate
        if e is None or e.memory.fits is False:
            return None
        match name:
            case "memory_bytes":
                return e.memory.total_bytes_per_gpu
            case "ttft_s":
                return None if e.time.ttft_s is None else e.time.ttft_s.p50
            case "tpot_s":
                return None if e.time.tpot_s is None else e.time.tpot_s.p50
            case "e2e_s":
                return e.time.e2e_s.p50
            case "throughput":
                return e.throughput.total
            case "usd_per_hour":
                return e.cost.usd_per_hour
            case "usd":
                c = e.cost
                return c.usd_per_thousand_requests if e.time.tpot_s is None else c.usd_per_million_output_tokens
            case _:
                raise KeyError(name)


MEASURES = {
    "memory_bytes": False, "ttft_s": False, "tpot_s": False, "e2e_s": False, "throughput": True,
    "usd_per_hour": False, "usd": False,
}  # fmt: skip
"""What choices are compared by, and whether more of it is better. ``usd`` is per million tokens written, or per
thousand answers of a model that answers in one pass."""


def placed(machines: Sequence[tuple[str, int]], /, **load: Any) -> tuple[Placed, ...]:
    """What a load takes on each machine; a machine that cannot run it says why instead.

    Args:
        machines: Machine (id, or path of a YAML file) and the devices that share each layer.
        load: Fields of ``Scenario`` besides machine and devices.
    """
    return tuple(place(machine, devices, **load) for machine, devices in machines)


def place(machine: str, devices: int, /, **load: Any) -> Placed:
    """The same on one of them."""
    try:
        return Placed(machine, devices, estimate(machine=machine, tp=devices, **load))
    except BadInput as error:
        return Placed(machine, devices, None, str(error))


def best(choices: Sequence[Placed]) -> dict[str, float]:
    """The best value by each measure that at least two choices have."""
    found = {}
    for name, more in MEASURES.items():
        values = [value for choice in choices if (value := choice.value(name)) is not None]
        if len(values) > 1:
            found[name] = max(values) if more else min(values)
    return found
