"""What detection finds: devices as their drivers describe them, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field

from catalog.machine import MachineKind


@dataclass(frozen=True, slots=True)
class Reading:
    """A number with how it was come by."""

    value: float
    how: str


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator, or the CPU of the host; ``None`` is what could not be read."""

    vendor: str
    kind: MachineKind
    name: str
    """As its driver calls it."""
    index: int = 0
    memory_bytes: float | None = None
    free_bytes: float | None = None
    driver: str | None = None
    tdp_w: float | None = None
    bandwidth_gb_per_s: Reading | None = None
    fp32_tflops: Reading | None = None
    pcie_gb_per_s: float | None = None
    """Host link in one direction, at its best."""
    peer_gb_per_s: float | None = None
    """Links to peers in one direction, all active ones together."""
    peers: str | None = None
    """The name of these links."""
    cores: int | None = None
    """Of a CPU: those that this process may use."""
    details: tuple[str, ...] = ()
    """What else is known: cores, instruction sets, compute capability."""
    family: str | None = None
    """A catalogued machine of the same generation, where the name alone does not tell."""


@dataclass(frozen=True, slots=True)
class Match:
    """A catalogued machine that a device is, or is like."""

    machine: str
    exact: bool
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """A device, how many of its kind there are, and the catalogued machines it matches, best first."""

    device: Device
    count: int
    matches: tuple[Match, ...]

    @property
    def exact(self) -> Match | None:
        """The catalogued machine that this is; ``None`` where there are only similar ones."""
        return next((match for match in self.matches if match.exact), None)


@dataclass(frozen=True, slots=True)
class Detection:
    """Everything found, accelerators first, and a sentence for each thing that could not be read."""

    found: tuple[Found, ...]
    notes: tuple[str, ...] = field(default=())
