"""Time of collectives: a latency and a rate for each (α–β), by algorithm and topology.

    t = α + bytes·β        α = launch + hops inside the node·t_hop + hops between nodes·t_net

all_reduce      2(n-1)/n of the tensor passes each link; inside a node the engine's one-shot or two-shot kernel, whose
                constants are measured per machine (``Machine.allreduce``), between nodes NCCL's ring or tree
all_gather      (n-1)/n of it, n-1 hops (ring); reduce_scatter the same
dispatch,       an all-to-all of routed tokens: (n-1)/n of what a device sends leaves it, what goes to other nodes
combine         through its own network adapter
send            all of it, one hop

Between nodes a ring runs over all adapters of a node at once, so that it is as fast as the slower of the node's links
and of the adapters together.

Source:
    NCCL, ``src/graph/tuning.cc`` (hops and their latencies, tree depth); arXiv:2006.16668 section 3.2 (all-to-all).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log2

from calculators.efficiency import allreduce_of, second_step_us
from calculators.operators import Exchange
from calculators.plan import Layout
from catalog.links import (
    COMBINE_BYTES_PER_S,
    COMBINE_S,
    DISPATCH_BYTES_PER_S,
    DISPATCH_S,
    HOST,
    NETWORK_GB_PER_S,
    NETWORK_HOP_S,
    NETWORK_SHARE,
    SWITCHED,
    UNKNOWN_LINK_GB_PER_S,
)
from catalog.machine import Machine
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Ring:
    """NCCL inside a node of a machine."""

    launch_s: float
    hop_s: float
    bytes_per_s: Mapping[int, float]
    """What a device gets through, by the number of peers."""

    def bus(self, gpus: int) -> float:
        """Bytes per second that each of ``gpus`` devices gets through: that of the nearest number of peers."""
        return self.bytes_per_s[min(self.bytes_per_s, key=lambda n: abs(log2(n / gpus)))]


def network_bytes_per_s(machine: Machine) -> float | None:
    """What one device gets through the network in one direction; ``None`` where nodes are not known to be joined."""
    nominal = machine.link.network_gb_per_s or NETWORK_GB_PER_S.get(machine.link.name)
    return None if nominal is None else nominal * NETWORK_SHARE * 1e9


def network_problem(machine: Machine, layout: Layout) -> str | None:
    """Why a machine cannot hold a layout; ``None`` where it can: on one node, or on several that a network joins."""
    per_node = machine.link.max_gpus
    if layout.devices <= per_node or network_bytes_per_s(machine) is not None:
        return None
    return (
        f"a node of {machine.id} has {per_node} device(s), not {layout.devices}, and no network between nodes is known "
        "(link.network_gb_per_s)"
    )


def link_bytes_per_s(machine: Machine) -> float:
    """Nominal rate at which one device sends to the others of its node, in one direction."""
    return (machine.link.gb_per_s or machine.link.pcie_gb_per_s or UNKNOWN_LINK_GB_PER_S) * 1e9


def ring_of(machine: Machine) -> Ring:
    """The constants of NCCL inside a node of a machine: measured on it, else its class's."""
    if (own := machine.ring) is not None:
        rates = {2: own.bus_2_gb_per_s, 4: own.bus_4_gb_per_s, 8: own.bus_8_gb_per_s}
        return Ring(own.launch_us * 1e-6, own.hop_us * 1e-6, {n: g * 1e9 for n, g in rates.items() if g is not None})
    kin, rate = SWITCHED if machine.link.gb_per_s else HOST, link_bytes_per_s(machine)
    return Ring(kin.launch_s, kin.hop_s, {n: share * rate for n, share in kin.shares.items()})


def cost_of(machine: Machine, exchange: Exchange) -> tuple[float, float]:
    """Latency in seconds, and seconds per byte of the message, of a collective on a machine.

    Raises:
        ValueError: If it spans nodes that no network joins.
    """
    per_node = max(1, machine.link.max_gpus)
    nodes = min(-(-exchange.span // per_node), exchange.gpus)
    if nodes == 1:
        return _inside(machine, exchange.op, exchange.gpus)
    network = network_bytes_per_s(machine)
    if network is None:
        raise ValueError(f"{exchange.gpus} devices of {machine.id} span {nodes} nodes, and it has no network")
    if exchange.op == "send":
        return _sends(machine, exchange.gpus, nodes, network)
    return _across(machine, exchange.op, exchange.gpus, nodes, network)


NEVER_S = 1e6
"""Seconds, or seconds per byte, of what is never done; a number, because infinity times nothing is none."""


def one_step_of(machine: Machine, exchange: Exchange) -> tuple[float, float]:
    """An all-reduce in one step: seconds that the second step of two would wait, and seconds per byte of the message.

    Every device then reads the messages of all the others, which is faster while messages are small. Where nothing was
    measured, or the group spans nodes, a single step is never faster.
    """
    n = exchange.gpus
    second_us = second_step_us(machine, n) if exchange.span <= max(1, machine.link.max_gpus) else None
    if exchange.op != "all_reduce" or second_us is None:
        return 0.0, NEVER_S
    return second_us * 1e-6, (n - 1) / allreduce_of(machine, n)[1]


def cost_or_never(machine: Machine, exchange: Exchange) -> tuple[float, float]:
    """As ``cost_of``, for many machines at once: where no network joins the nodes it takes ``NEVER_S``."""
    try:
        return cost_of(machine, exchange)
    except ValueError:
        return NEVER_S, 0.0


def _inside(machine: Machine, op: str, n: int) -> tuple[float, float]:
    ring, rate = ring_of(machine), link_bytes_per_s(machine)
    match op:
        case "all_reduce":
            alpha, bus = allreduce_of(machine, n)
            return alpha, 2 * (n - 1) / n / bus
        case "dispatch" | "combine" if machine.link.gb_per_s:
            return _exchange_s(op), (n - 1) / n / min(rate, _tokens_per_s(op))
        case "dispatch" | "combine":
            return _exchange_s(op), (n - 1) / n / ring.bus(n)
        case "send":
            return ring.launch_s + ring.hop_s, 1 / ring.bus(2)
        case _:
            return ring.launch_s + (n - 1) * ring.hop_s, (n - 1) / n / ring.bus(n)


def _across(machine: Machine, op: str, n: int, nodes: int, network: float) -> tuple[float, float]:
    local = ceil(n / nodes)
    ring, rate = ring_of(machine), link_bytes_per_s(machine)
    inside = ring.bus(local) if local > 1 else float("inf")
    if op in ("dispatch", "combine"):
        near = (local - 1) / n / (min(rate, _tokens_per_s(op)) if machine.link.gb_per_s else inside)
        return _exchange_s(op) + NETWORK_HOP_S, (n - local) / n / network + near
    bus = min(inside, network * local)
    if op == "all_reduce":
        hops = 2 * ((local - 1) * ring.hop_s + log2(nodes) * NETWORK_HOP_S)
        return ring.launch_s + hops, 2 * (n - 1) / n / bus
    return ring.launch_s + (n - nodes) * ring.hop_s + (nodes - 1) * NETWORK_HOP_S, (n - 1) / n / bus


def _sends(machine: Machine, stages: int, nodes: int, network: float) -> tuple[float, float]:
    """The mean over the boundaries of a pipeline, of which ``nodes - 1`` lie between nodes."""
    far = (nodes - 1) / (stages - 1)
    alpha, beta = _inside(machine, "send", stages)
    distant = ring_of(machine).launch_s + NETWORK_HOP_S
    return far * distant + (1 - far) * alpha, far / network + (1 - far) * beta


def _tokens_per_s(op: str) -> float:
    return DISPATCH_BYTES_PER_S if op == "dispatch" else COMBINE_BYTES_PER_S


def _exchange_s(op: str) -> float:
    return DISPATCH_S if op == "dispatch" else COMBINE_S
