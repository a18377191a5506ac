"""The numbers of a stack that can be changed, as they are now."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.comparison.anatomy import main_stack
from advisor.design.layers import flat
from catalog.channel_mix import ChannelMix
from catalog.channels import Dense, Experts
from catalog.errors import BadInput, unknown
from catalog.mixers import Mamba, ParallelHeads
from catalog.spec import Architecture, Layer, LmHead, ModelSpec, Stack, TokenEmbedding


@dataclass(frozen=True, slots=True)
class Shape:
    """A stack's numbers, by the names of ``Changes``; ``None`` where it has no such thing."""

    layers: int
    hidden: int
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    kv_rank: int | None
    state: int | None
    ff_width: int | None
    experts: int | None
    top_k: int | None
    expert_width: int | None
    shared_width: int | None
    window: int | None
    vocab: int | None
    tied: bool | None
    pattern: str
    """Kinds of mixers with how many layers have each."""


def architecture(spec: ModelSpec) -> Architecture:
    """What a model is made of.

    Raises:
        BadInput: If its publisher does not say.
    """
    if isinstance(spec.architecture, str):
        raise BadInput(f"{spec.id}: its publisher does not disclose the architecture, so it cannot be changed")
    return spec.architecture


def chosen(spec: ModelSpec, name: str | None = None) -> Stack:
    """The stack of that name, or the one that does most of the work.

    Raises:
        BadInput: If there is none of that name, or it has no layers.
    """
    stacks = architecture(spec).stacks
    if name is None:
        stack = main_stack(stacks)
    else:
        found = next((stack for stack in stacks if stack.name == name), None)
        if found is None:
            raise unknown(f"stack of {spec.id}", name, [stack.name for stack in stacks])
        stack = found
    if not stack.groups:
        raise BadInput(f"{spec.id}: stack {stack.name} has no layers that repeat; there is nothing to change")
    return stack


def table_owner(spec: ModelSpec, stack: Stack) -> Stack:
    """The stack whose table of tokens this one uses."""
    shared = getattr(stack.embedding, "shared_with", None)
    return architecture(spec).stack(shared) if shared else stack


def shape(spec: ModelSpec, name: str | None = None) -> Shape:
    """Read the numbers of a stack; where layers differ, those of the first that has one, without a window if possible.

    Raises:
        BadInput: As ``chosen``.
    """
    stack = chosen(spec, name)
    layers = flat(stack)
    mixers = [mixer for layer in layers for mixer in layer.mixers if not isinstance(mixer, ParallelHeads)]
    seeing = [m for m in mixers if m.kind in ("attention", "mla", "compressed")]
    first = next((m for m in seeing if getattr(m, "window", None) is None), seeing[0] if seeing else None)
    others = [m for m in mixers if m not in seeing]
    source = first or (others[0] if others else None)
    dense = next((layer.channel for layer in layers if isinstance(layer.channel, Dense | ChannelMix)), None)
    experts = next((layer.channel for layer in layers if isinstance(layer.channel, Experts)), None)
    table = table_owner(spec, stack).embedding
    head = next((head for head in stack.heads if isinstance(head, LmHead)), None)

    def of(what: object, field: str) -> int | None:
        value = getattr(what, field, None)
        return value if isinstance(value, int) else None

    return Shape(
        layers=stack.n_layers,
        hidden=stack.hidden,
        heads=None if isinstance(source, Mamba) and source.heads == 1 else of(source, "heads"),
        kv_heads=of(first, "kv_heads"),
        head_dim=of(source, "head_dim"),
        kv_rank=of(first, "kv_rank"),
        state=next((value for m in others if (value := of(m, "state"))), None),
        ff_width=dense.width if dense else None,
        experts=experts.experts if experts else 0 if dense else None,
        top_k=experts.top_k if experts else None,
        expert_width=experts.width if experts else None,
        shared_width=experts.shared_width if experts else None,
        window=next((m.window for m in seeing if getattr(m, "window", None)), None),
        vocab=table.vocab if isinstance(table, TokenEmbedding) else None,
        tied=head.tied if head else None,
        pattern=pattern_text(layers),
    )


def pattern_text(layers: list[Layer]) -> str:
    """``window 50, full 10``: kinds of mixers with how many layers have each."""
    kinds: dict[str, int] = {}
    for layer in layers:
        for mixer in layer.mixers:
            kind: str = mixer.kind
            if kind in ("attention", "mla"):
                kind = ("window" if getattr(mixer, "window", None) else "full") + (" mla" if kind == "mla" else "")
            kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "–"
