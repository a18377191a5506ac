"""What a reader must know of a layout."""

from __future__ import annotations

from dataclasses import replace

from advisor.estimating.resolve import Resolved
from calculators.collectives import network_bytes_per_s
from calculators.plan import Layout, deepest_stack
from calculators.serving import Server
from calculators.workload import Workload
from catalog.channels import Experts
from catalog.links import NETWORK_SHARE
from catalog.mixers import Attention, LatentAttention


def share_of_prompt(server: Server, prompt: Workload, alone_s: float) -> float:
    """Share of the replica's time that one of many prompts takes, of what a lone prompt takes.

    Stages and ranks that a lone prompt leaves idle read others: ``pp·dp`` of them at a time.
    """
    at_once = server.table.layout.pp * server.table.layout.dp
    if at_once == 1:
        return 1.0
    loaded = server.pass_s(replace(prompt, batch=prompt.batch * at_once).reshape(-1))
    return float(loaded[0]) / at_once / alone_s


def layout_notes(case: Resolved) -> list[str]:
    """Sentences without a full stop: what is held more than once, what crosses nodes, what a name means here."""
    layout, machine = case.scenario.layout, case.machine
    notes = [*_replicas(case, layout)]
    nodes = layout.nodes(machine.link.max_gpus)
    rate = network_bytes_per_s(machine)
    if nodes > 1 and rate is not None:
        known = "" if machine.link.network_gb_per_s else ", a default of its generation"
        notes.append(
            f"{layout.devices} devices fill {nodes} nodes; between them "
            f"{rate / NETWORK_SHARE / 1e9:.0f} GB/s per device are assumed{known}"
        )
    if layout.pp > 1:
        counted = min(case.scenario.batch, layout.pp)
        notes.append(
            f"{layout.pp} pipeline stages work on {counted} micro-batch(es) at a time; "
            "memory is that of the fullest stage"
        )
    if layout.pp > 1 or layout.cp > 1 or nodes > 1:
        notes.append("servers laid out so were not measured: bands are those of one node without stages")
    if layout.dp > 1 and not _routes(case):
        notes.append(f"without experts to share, the {layout.dp} ranks are replicas in all but name")
    return notes


def _replicas(case: Resolved, layout: Layout) -> list[str]:
    mixers = {
        mixer for group in deepest_stack(case.architecture).groups for layer in group.layers for mixer in layer.mixers
    }
    notes = []
    heads = min((m.kv_heads for m in mixers if isinstance(m, Attention)), default=0)
    if heads and layout.tp > heads:
        notes.append(f"{heads} key-value heads on {layout.tp} devices: each is held {layout.tp // heads} times")
    if layout.tp > 1 and any(isinstance(m, LatentAttention) for m in mixers):
        notes.append(
            f"tensor parallelism does not divide the latent cache: each of {layout.tp} devices holds all of it"
        )
    return notes


def _routes(case: Resolved) -> bool:
    return any(
        isinstance(layer.channel, Experts)
        for stack in case.architecture.stacks
        for group in stack.groups
        for layer in group.layers
    )
