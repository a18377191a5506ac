"""What links reach where nobody measured a machine's own: the middles of those that were measured."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class RingClass:
    """Defaults where NCCL was not measured."""

    launch_s: float
    hop_s: float
    shares: Mapping[int, float]
    """Share of a device's link rate that so many peers reach."""


SWITCHED = RingClass(8.5e-6, 1.2e-6, {2: 0.46, 4: 0.54, 8: 0.62})
"""NVLink with switches: the middle of A100, H100, H200, B200, B300, GB200 and GB300, which range from 5.0 to 10.6 µs to
launch and 0.86 to 1.36 µs per hop; one launch, one hop and a rate per number of peers explain their all-reduces,
all-gathers and reduce-scatters to 4 to 14 % (median, message sizes held out; NVIDIA aiconfigurator 0.12, NCCL 2.27)."""
HOST = RingClass(4.9e-6, 1.4e-6, {2: 0.52, 4: 0.24, 8: 0.11})
"""Over PCIe: the geometric middle of RTX PRO 6000, which has peer to peer (0.46, 0.36, 0.32), and L40S, whose measured
node has not (0.59, 0.16, 0.04); their launches and hops are alike (4.5 and 5.2 µs, 1.6 and 1.1 µs)."""

DISPATCH_S, COMBINE_S = 69e-6, 41e-6
"""Latency of an all-to-all of tokens: medians of DeepEP's low-latency kernels on H100, H200, B200 and B300 in a node
(aiconfigurator 0.12, expert all-to-all table: 51 to 71 µs and 31 to 48 µs)."""
DISPATCH_BYTES_PER_S, COMBINE_BYTES_PER_S = 230e9, 164e9
"""Rate of the same with many tokens, in one direction: medians of the high-throughput kernels (110 to 282 and 119 to
256 GB/s with 16-bit tokens). It hardly depends on the machine's links: B200 reaches no more than H100."""

NETWORK_GB_PER_S = {"NVLink 2": 12.5, "NVLink 3": 25.0, "NVLink 4": 50.0, "NVLink 4 + C2C": 50.0, "NVLink 5": 50.0}
"""Class default of a node's network, per device and direction: one adapter per GPU in NVIDIA's own systems, of 100 Gb/s
(DGX-2), 200 Gb/s (DGX A100) and 400 Gb/s (DGX H100, H200 and B200: eight single-port ConnectX-7, DGX BasePOD reference
architecture). ``link.network_gb_per_s`` of a machine comes first."""
NETWORK_SHARE = 0.87
"""Share of an adapter's rate that traffic reaches: 50 of 50 GB/s of which an eighth stays inside the node (DeepEP,
docs/legacy.md, 64 devices on 400 Gb/s)."""
NETWORK_HOP_S = 5.0e-6
"""Between nodes (NCCL's tuning table: tree, low-latency protocol)."""

NVLINK_SHARE, NVLINK_ALPHA_US = 0.65, 6.0
"""Share of the link's rate and latency of an all-reduce on switched links: the middle of A100, H100, H200 and B200
(188/300, 341/450, 365/450, 547/900 GB/s; 5.1 to 8.1 µs; lessons of the aiconfigurator 0.12 all-reduce table)."""
PCIE: dict[int, tuple[float, float]] = {2: (0.61, 4.7), 4: (0.235, 12.6), 8: (0.16, 23.5)}
"""The same over PCIe, by devices: the geometric middle of RTX PRO 6000, which has peer to peer (0.61, 0.46 and 0.38 of
63 GB/s), and L40S, whose measured node has not (0.62, 0.12 and 0.07 of 31 GB/s); their latencies agree to a tenth."""

UNKNOWN_LINK_GB_PER_S = 16.0
"""Assumed where neither a peer link nor the host's is known: 16 lanes of PCIe 3.0."""
