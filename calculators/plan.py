"""How a model is laid out on devices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from catalog.channels import Experts
from catalog.mixers import (
    S4,
    Attention,
    BareAttention,
    CompressedAttention,
    ExpertAttention,
    Hyena,
    JointAttention,
    LatentAttention,
    LinearMixer,
    LongAttention,
    Mamba,
    Mamba2,
    ReducedAttention,
    RgLru,
    ShortConvolution,
    WindowAttention,
)
from catalog.spec import Architecture, Stack
from catalog.values import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Layout:
    """How the devices of one replica share a model. Replicas on top of it share nothing and are not part of it.

    A pipeline stage is a group of ``tp·cp·dp`` devices. Inside it attention, dense feed-forward blocks, embeddings and
    heads are split over ``tp`` devices and held ``cp·dp`` times; a mixture's experts are held once by the whole group:
    every device has ``1/ep`` of the experts and ``ep/group`` of the width of each.

    Source:
        tensor: arXiv:1909.08053 section 3; pipeline: arXiv:2104.04473 section 2.2; experts: arXiv:2006.16668 section 3;
        attention data parallel: vLLM's data parallel deployment (``--data-parallel-size``, experts over tp × dp) and
        SGLang's ``--enable-dp-attention``; context: arXiv:2411.01783 section 3.
    """

    tp: int = 1
    """Devices that share each layer (tensor parallel)."""
    pp: int = 1
    """Pipeline stages, each with its share of the layers."""
    ep: int = 1
    """Parts into which a mixture's experts are divided (expert parallel); it divides ``tp·cp·dp``."""
    dp: int = 1
    """Ranks of attention data parallelism: each has its own sequences and caches, and experts are shared by all."""
    cp: int = 1
    """Context parallel: devices that share the tokens and the cache of each sequence."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{field.name} must be a positive integer, got {value!r}")

    @property
    def group(self) -> int:
        """Devices of one pipeline stage."""
        return self.tp * self.cp * self.dp

    @property
    def ranks(self) -> int:
        """Ranks with tokens of their own."""
        return self.dp * self.cp

    @property
    def devices(self) -> int:
        """Devices of one replica."""
        return self.group * self.pp

    @property
    def moe_tp(self) -> int:
        """Devices that share the width of one expert."""
        return max(1, self.group // self.ep)

    def nodes(self, per_node: int) -> int:
        """Nodes that it fills, tensor parallel inside, pipeline outermost."""
        return -(-self.devices // per_node)

    def __str__(self) -> str:
        parts = [f"{f.name}{getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) > 1]
        return "-".join(parts) or "tp1"


SINGLE = Layout()


def as_layout(layout: Layout | int) -> Layout:
    """A bare number is tensor parallelism.

    Raises:
        ValueError: If it is not positive.
    """
    return layout if isinstance(layout, Layout) else Layout(tp=layout)


def nearest(value: int, valid: Iterable[int], most: int = 3) -> list[int]:
    """The valid numbers closest to one, in ascending order."""
    return sorted(sorted(valid, key=lambda number: (abs(number - value), number))[:most])


def deepest_stack(architecture: Architecture) -> Stack:
    """The stack whose layers pipeline stages divide; what comes before it runs on the first stage."""
    return max(architecture.stacks, key=lambda stack: stack.n_layers)


def layout_problem(architecture: Architecture, layout: Layout) -> str | None:
    """Why a model cannot be laid out so, with the nearest values that are possible; ``None`` where it can."""
    if found := tp_problem(architecture, layout.tp):
        valid = [tp for tp in range(1, 2 * layout.tp) if tp_problem(architecture, tp) is None]
        return f"tensor parallelism {layout.tp}: {found}; possible: {_listed(nearest(layout.tp, valid))}"
    return (
        _pipeline_problem(architecture, layout)
        or _expert_problem(architecture, layout)
        or _context_problem(architecture, layout)
    )


def _pipeline_problem(architecture: Architecture, layout: Layout) -> str | None:
    stack = deepest_stack(architecture)
    if layout.pp > stack.n_layers:
        return f"pipeline parallelism {layout.pp}: {stack.name} has {stack.n_layers} layers; possible: up to that many"
    if layout.pp > 1 and any(group.shared or group.again for group in stack.groups):
        return f"pipeline parallelism {layout.pp}: layers of {stack.name} share their weights; possible: 1"
    if layout.pp > 1 and {"encoder", "decoder"} <= {stack.role for stack in architecture.stacks}:
        return f"pipeline parallelism {layout.pp}: engines do not divide an encoder and its decoder; possible: 1"
    return None


def _expert_problem(architecture: Architecture, layout: Layout) -> str | None:
    if layout.ep == 1:
        return None
    counts = [
        layer.channel.experts
        for stack in architecture.stacks
        for group in stack.groups
        for layer in group.layers
        if isinstance(layer.channel, Experts)
    ]
    what = f"expert parallelism {layout.ep}"
    if not counts:
        return f"{what}: the model has no experts; possible: 1"
    valid = [ep for ep in range(1, layout.group + 1) if layout.group % ep == 0 and ep <= min(counts)]
    if layout.ep > min(counts):
        return f"{what}: layers have {min(counts)} experts; possible: {_listed(nearest(layout.ep, valid))}"
    if layout.group % layout.ep:
        return (
            f"{what}: it must divide the {layout.group} devices of a stage (tp·cp·dp); "
            f"possible: {_listed(nearest(layout.ep, valid))}"
        )
    return None


def _context_problem(architecture: Architecture, layout: Layout) -> str | None:
    if layout.cp == 1:
        return None
    for stack in architecture.stacks:
        for mixer in (m for group in stack.groups for layer in group.layers for m in layer.mixers):
            if not isinstance(mixer, Attention | LatentAttention) or mixer.indexer is not None:
                return (
                    f"context parallelism {layout.cp}: engines do not divide {mixer.kind} of {stack.name}; possible: 1"
                )
    return None


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)


def tp_problem(architecture: Architecture, tp: int) -> str | None:
    """Why engines refuse to split this model over ``tp`` devices; ``None`` where they do not.

    Query heads and recurrent heads must divide evenly; key-value heads are replicated beyond their number.
    """
    if tp == 1:
        return None
    for stack in architecture.stacks:
        for mixer in (m for group in stack.groups for layer in group.layers for m in layer.mixers):
            match mixer:
                case (
                    Attention(heads=heads)
                    | BareAttention(heads=heads)
                    | CompressedAttention(heads=heads)
                    | ExpertAttention(kv_heads=heads)
                    | JointAttention(heads=heads)
                    | LatentAttention(heads=heads)
                    | LongAttention(heads=heads)
                    | Mamba2(heads=heads)
                    | ReducedAttention(heads=heads)
                    | WindowAttention(heads=heads)
                ) if heads % tp:
                    return f"{heads} heads of {stack.name} do not divide by {tp}"
                case LinearMixer(split=heads) if heads % tp:
                    return f"{heads} recurrent heads of {stack.name} do not divide by {tp}"
                case Mamba(inner=inner) if inner % tp:
                    return f"inner width {inner} of {stack.name} does not divide by {tp}"
                case RgLru(heads=heads) if heads % tp:
                    return f"{heads} blocks of the gates of {stack.name} do not divide by {tp}"
                case Hyena() | S4() | ShortConvolution() if stack.hidden % tp:
                    return f"width {stack.hidden} of {stack.name} does not divide by {tp}"
    return None
