"""How a model is laid out on devices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

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
from catalog.spec import Architecture


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


def layout_problem(architecture: Architecture, layout: Layout) -> str | None:
    """Why a model cannot be laid out so, with the nearest values that are possible; ``None`` where it can."""
    if problem := tp_problem(architecture, layout.tp):
        valid = [tp for tp in range(1, 2 * layout.tp) if tp_problem(architecture, tp) is None]
        return f"tensor parallelism {layout.tp}: {problem}; possible: {_listed(nearest(layout.tp, valid))}"
    for name in ("pp", "ep", "dp", "cp"):
        if getattr(layout, name) > 1:
            return f"{name} {getattr(layout, name)}: only tensor parallelism is timed so far; possible: 1"
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
