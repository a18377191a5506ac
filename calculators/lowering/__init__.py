"""Spec to operator graph: one small function per layer kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from calculators.form import per
from calculators.graph import Builder, OperatorGraph
from calculators.lowering.attention import attention, cross_attention, latent_attention
from calculators.lowering.audio import audio_embedding
from calculators.lowering.channels import dense, experts, side_convolution
from calculators.lowering.ends import (
    conditioning,
    head,
    patch_embedding,
    query_embedding,
    relative_table,
    token_embedding,
    token_table,
)
from calculators.lowering.extras import extra
from calculators.lowering.recurrent import mamba, mamba2
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from calculators.workload import Stream
from catalog.audio import AudioEmbedding
from catalog.base import Spec
from catalog.channels import Dense, Experts
from catalog.connectors import Connector
from catalog.mixers import Attention, CrossAttention, LatentAttention, Mamba, Mamba2
from catalog.spec import Architecture, Group, Layer, Modulation, PatchEmbedding, QueryEmbedding, Stack, TokenEmbedding

LOWERINGS: dict[type[Spec], Callable[[Scope, Any, int], int]] = {
    Attention: attention,
    CrossAttention: cross_attention,
    Dense: dense,
    Experts: experts,
    LatentAttention: latent_attention,
    Mamba: mamba,
    Mamba2: mamba2,
}
"""The function that lowers each kind of mixer and feed-forward: (scope, spec, producer) to the last operator."""


@lru_cache(maxsize=4096)
def lower(architecture: Architecture, tp: int = 1) -> OperatorGraph:
    """The operators of one device out of ``tp``; with ``tp=1`` the whole model.

    Raises:
        ValueError: If ``tp`` is not positive.
    """
    if tp < 1:
        raise ValueError(f"tensor parallelism must be at least 1, got {tp}")
    builder = Builder()
    streams = {stack.name: stream_of(architecture, stack) for stack in architecture.stacks}
    tables = {
        stack.name: token_table(stack.name, stack.embedding, stack.hidden)
        for stack in architecture.stacks
        if isinstance(stack.embedding, TokenEmbedding)
    }
    for stack in architecture.stacks:
        sources = {other.name: _output(streams[other.name], other) for other in architecture.stacks}
        if stack.conditioning and stack.conditioning.caption_width:
            sources["caption"] = (Stream("sample", stack.conditioning.caption_tokens), stack.hidden)
        scope = Scope(builder, stack.name, streams[stack.name], stack.hidden, stack.norm, tp, sources)
        shared = getattr(stack.embedding, "shared_with", None)
        _lower_stack(scope, stack, tables.get(shared or stack.name))
    return builder.build()


def stream_of(architecture: Architecture, stack: Stack) -> Stream:
    """Which tokens a stack sees."""
    decodes = any(other.role == "decoder" for other in architecture.stacks)
    if isinstance(stack.embedding, PatchEmbedding | QueryEmbedding):
        return Stream("image" if decodes else "sample", stack.embedding.tokens)
    if stack.role in ("encoder", "audio") and decodes:
        return Stream("source")
    return Stream("text")


def _output(stream: Stream, stack: Stack) -> tuple[Stream, int]:
    """What others read of a stack: its tokens and their width, behind its connector where it has one."""
    for end in stack.heads:
        if isinstance(end, Connector):
            tokens, width = end.shape(stream.tokens, stack.hidden)
            return Stream(stream.kind, tokens), width
    return stream, stack.hidden


def _lower_stack(scope: Scope, stack: Stack, table: Weight | None) -> None:
    builder = scope.builder
    builder.prefix, builder.repeat, builder.origin = f"{stack.name}.", 1, stack.embedding.kind
    if isinstance(stack.embedding, TokenEmbedding):
        node = token_embedding(scope, stack.embedding)
    elif isinstance(stack.embedding, QueryEmbedding):
        node = query_embedding(scope, stack.embedding)
    elif isinstance(stack.embedding, AudioEmbedding):
        node = audio_embedding(scope, stack.embedding)
    else:
        node = patch_embedding(scope, stack.embedding)
    builder.origin = ""
    if stack.conditioning:
        layers = [layer for group in stack.groups for layer in group.layers]
        shared = max((m.chunks for layer in layers if (m := layer.modulation) and m.kind == "shared"), default=0)
        conditioning(scope, stack.conditioning, shared)
    if stack.relative_rows or stack.relative_norm:
        relative_table(scope, stack.relative_rows, stack.relative_norm)
    if stack.relative_buckets:
        heads = next(
            layer.mixer.heads for group in stack.groups for layer in group.layers if isinstance(layer.mixer, Attention)
        )
        builder.add(
            Operator(
                name="relative_bias",
                kind=Kind.EMBEDDING,
                part=scope.part("embedding"),
                weights=(Weight("relative_bias", (stack.relative_buckets, heads), Role.EMBEDDING),),
                touched=scope.once,
            )
        )
    for spec in stack.extras:
        extra(scope, spec)
    position = 0
    for group in stack.groups:
        node = _lower_group(scope, group, node, position)
        position += len(group.layers)
    builder.prefix, builder.repeat = f"{stack.name}.", 1
    if stack.final_norm:
        node = scope.norm("final_norm", node, part="head")
    for end in stack.heads:
        builder.origin = end.kind
        head(scope, end, stack.embedding, table, node)
    builder.origin = ""


def _lower_group(scope: Scope, group: Group, node: int, position: int) -> int:
    """The layers of a group; with shared weights a first round owns them and the others borrow them."""
    builder = scope.builder
    rounds = [(1, False), (group.repeat - 1, True)] if group.shared else [(group.repeat, group.again is not None)]
    for repeat, borrow in rounds:
        if repeat:
            builder.repeat, builder.borrow = repeat, borrow
            for index, layer in enumerate(group.layers, position):
                builder.prefix = f"{scope.stack}.{index}.{'again.' if borrow else ''}"
                node = _lower_layer(scope, layer, node)
    builder.borrow = False
    return node


def _lower_layer(scope: Scope, layer: Layer, node: int) -> int:
    if layer.cross and scope.stream.kind == "text" and scope.sources[layer.cross.source][0].kind == "image":
        scope = replace(scope, stream=Stream("looking"))
    if layer.modulation:
        _modulate(scope, layer.modulation)
    for spec in layer.extras:
        extra(scope, spec)
    if layer.norms in ("parallel", "parallel-shared"):
        return _lower_parallel(scope, layer, node)
    before = node
    for name, block in (("mixer", layer.mixer), ("cross", layer.cross), ("channel", layer.channel)):
        if block is None:
            continue
        entry = node
        if layer.norms in ("pre", "sandwich") or (layer.norms == "channel-only" and name == "channel"):
            entry = scope.norm(f"{name}.norm_in", node, part="norm")
        result = _lower_block(scope, block, entry)
        if layer.layer_scale:
            result = _layer_scale(scope, f"{name}.layer_scale", result)
        if layer.norms in ("sandwich", "branch"):
            result = scope.norm(f"{name}.norm_out", result, part="norm")
        node = scope.add(f"{name}.add", node, result, part="norm")
        if layer.norms == "post":
            node = scope.norm(f"{name}.norm_out", node, part="norm")
    return side_convolution(scope, layer.convolution, before, node) if layer.convolution else node


def _lower_block(scope: Scope, block: Any, entry: int) -> int:
    scope.builder.origin = block.kind
    result = LOWERINGS[type(block)](scope, block, entry)
    scope.builder.origin = ""
    return result


def _layer_scale(scope: Scope, name: str, node: int) -> int:
    h = scope.hidden
    return scope.builder.add(
        Operator(
            name=name,
            kind=Kind.ELEMENTWISE,
            part=scope.part("norm"),
            weights=(Weight(name, (h,), Role.VECTOR),),
            touched=scope.once,
            pointwise=per(scope.tokens, h),
            reads=per(scope.tokens, h),
            writes=per(scope.tokens, h),
            launches=0,
        ),
        node,
    )


def _lower_parallel(scope: Scope, layer: Layer, node: int) -> int:
    """Mixer and channel read the same input and are added together (GPT-J, PaLM arXiv:2204.02311 section 2)."""
    entry = scope.norm("norm_in", node, part="norm")
    second = entry if layer.norms == "parallel-shared" else scope.norm("channel.norm_in", node, part="norm")
    if layer.mixer is not None:
        node = scope.add("mixer.add", node, _lower_block(scope, layer.mixer, entry), part="norm")
    if layer.channel is not None:
        node = scope.add("channel.add", node, _lower_block(scope, layer.channel, second), part="norm")
    return node


def _modulate(scope: Scope, modulation: Modulation) -> None:
    """Shift, scale and gate vectors for one block (adaLN-zero, arXiv:2212.09748 section 3.2)."""
    wide = modulation.chunks * scope.hidden
    if modulation.kind == "own":
        scope.linear("modulation", scope.hidden, wide, None, part="modulation", bias=wide, over=scope.sequences)
    else:
        scope.builder.add(
            Operator(
                name="modulation.table",
                kind=Kind.ELEMENTWISE,
                part=scope.part("modulation"),
                weights=(Weight("modulation.table", (modulation.chunks, scope.hidden), Role.VECTOR),),
                touched=scope.once,
                pointwise=per(scope.sequences, wide),
            )
        )
