"""Spec to operator graph: one small function per layer kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from calculators.form import per
from calculators.graph import Builder, OperatorGraph
from calculators.lowering.channels import dense, side_convolution
from calculators.lowering.ends import conditioning, head, relative_table, token_table
from calculators.lowering.exchange import send
from calculators.lowering.extras import extra
from calculators.lowering.hybrids import shared_block
from calculators.lowering.kinds import lowering_of
from calculators.lowering.multi_token import multi_token
from calculators.lowering.recurrent import causal_convolution
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from calculators.plan import SINGLE, Layout, as_layout, deepest_stack
from calculators.shares import shared_out
from calculators.workload import Stream
from catalog.audio import AudioEmbedding
from catalog.connectors import Connector
from catalog.convolutions import Convolutions, ConvolvedEmbedding, Grid, grids
from catalog.embeddings import CaptionEmbedding, JoinedEmbedding
from catalog.mixers import Attention
from catalog.spec import Architecture, Group, Layer, Modulation, PatchEmbedding, QueryEmbedding, Stack, TokenEmbedding


def lower(architecture: Architecture, layout: Layout | int = SINGLE) -> OperatorGraph:
    """The operators of one device of a layout; on a single device the whole model.

    Raises:
        ValueError: If a bare number, which is tensor parallelism, is not positive.
    """
    return _lower(architecture, as_layout(layout))


def forget() -> None:
    """Let go of every graph: those of a whole catalog fill 40 MB."""
    _lower.cache_clear()


@lru_cache(maxsize=64)
def _lower(architecture: Architecture, layout: Layout) -> OperatorGraph:
    builder = Builder()
    found = grids(architecture.stacks)
    streams = streams_of(architecture)
    tables = {
        stack.name: token_table(stack.name, stack.embedding, stack.hidden)
        for stack in architecture.stacks
        if isinstance(stack.embedding, TokenEmbedding)
    }
    sources = {stack.name: _output(streams[stack.name], stack) for stack in architecture.stacks}
    for stack in architecture.stacks:
        condition = stack.conditioning
        if condition and condition.caption_width:
            width = stack.hidden if condition.caption_layers else condition.caption_width
            sources["caption"] = (Stream("sample", condition.caption_tokens), width)
        sources.setdefault("picture", (Stream("image"), stack.hidden))
    as_it_is = any(s.conditioning and not s.conditioning.caption_layers for s in architecture.stacks)
    given = frozenset({"caption"} if as_it_is else ())
    deepest = deepest_stack(architecture)
    outputs: dict[str, int] = {}
    for stack in architecture.stacks:
        stream = streams[stack.name]
        scope = Scope(builder, stack.name, stream, stack.hidden, stack.norm, layout, sources, found, outputs, given)
        shared = getattr(stack.embedding, "shared_with", None)
        _lower_stack(scope, stack, tables.get(shared or stack.name), staged=stack is deepest)
    graph = builder.build()
    if layout.ranks == 1:
        return graph
    return OperatorGraph(tuple(shared_out(operator, layout) for operator in graph), graph.edges)


def streams_of(architecture: Architecture) -> dict[str, Stream]:
    """Which tokens each stack sees."""
    found = grids(architecture.stacks)
    streams: dict[str, Stream] = {}
    for stack in architecture.stacks:
        streams[stack.name] = _stream(architecture, stack, found, streams)
    return streams


def _stream(
    architecture: Architecture, stack: Stack, found: Mapping[str, Grid], before: Mapping[str, Stream]
) -> Stream:
    decodes = any(other.role == "decoder" for other in architecture.stacks)
    image: Literal["image", "sample"] = "image" if decodes else "sample"
    match stack.embedding:
        case PatchEmbedding(tokens=tokens) | QueryEmbedding(tokens=tokens):
            return Stream(image, tokens)
        case ConvolvedEmbedding(extra_tokens=extra):
            return Stream(image, found[stack.name].cells + extra)
        case CaptionEmbedding(tokens=tokens):
            return Stream("sample", tokens)
        case JoinedEmbedding(sources=sources):
            return Stream("sample", sum(before[name].tokens for name in sources))
        case _:
            if stack.role in ("encoder", "audio") and decodes:
                return Stream("source", frames=_frames(architecture, stack.name))
            return Stream("text", narrowed=getattr(stack.embedding, "merged", 1))


def _frames(architecture: Architecture, name: str) -> tuple[int, int]:
    """Tokens of a stack per source token and per sequence: more where another stack takes them for its frames."""
    for reader in architecture.stacks:
        if isinstance(reader.embedding, AudioEmbedding) and reader.embedding.reads == name:
            tokens, more = _frames(architecture, reader.name)
            each, rest = reader.embedding.lengths()[0]
            return each * tokens, each * more + rest
    return 1, 0


def _output(stream: Stream, stack: Stack) -> tuple[Stream, int]:
    """What others read of a stack: its tokens and their width, behind its connector where it has one."""
    for end in stack.heads:
        if isinstance(end, Connector):
            tokens, width = end.shape(stream.tokens, stack.hidden)
            return Stream(stream.kind, tokens, end.narrowed), width
    return stream, stack.hidden


def _lower_stack(scope: Scope, stack: Stack, table: Weight | None, *, staged: bool) -> None:
    builder = scope.builder
    builder.prefix, builder.repeat, builder.origin = f"{stack.name}.", 1, stack.embedding.kind
    node = lowering_of(type(stack.embedding))(scope, stack.embedding)
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
    if staged:
        node = send(scope, node)
    scope.outputs[stack.name] = node
    if stack.final_norm:
        node = scope.outputs[stack.name] = scope.norm("final_norm", node, part="head")
    for end in stack.heads:
        builder.origin = end.kind
        head(scope, end, stack.embedding, table, node)
    builder.origin = ""
    if stack.multi_token is not None and table is not None:
        multi_token(scope, stack.multi_token, table, node, _lower_layer)


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
    if layer.macaron is not None:
        entry = scope.norm("macaron.norm_in", node, part="norm")
        node = scope.add("macaron.add", node, dense(scope, layer.macaron, entry, "macaron"), part="norm")
    blocks = {"mixer": layer.mixer, "cross": layer.cross, "local": layer.local, "channel": layer.channel}
    for name, block in blocks.items():
        if block is None:
            continue
        entry = node
        if name == "mixer" and layer.shared:
            entry = scope.add("shared.add", node, shared_block(scope, layer.shared, node), part="shared")
        if layer.norms in ("pre", "sandwich") or (layer.norms == "channel-only" and name == "channel"):
            entry = scope.norm(f"{name}.norm_in", entry, part="norm")
        result = _lower_block(scope, block, entry)
        if layer.smoothing:
            result = causal_convolution(
                scope, scope.hidden, layer.smoothing, False, result, f"{name}.smoothing", "fp32"
            )
        if layer.layer_scale:
            result = _layer_scale(scope, f"{name}.layer_scale", result)
        if layer.norms in ("sandwich", "branch"):
            result = scope.norm(f"{name}.norm_out", result, part="norm")
        adds = not isinstance(block, Convolutions) or block.residual
        node = scope.add(f"{name}.add", node, result, part="norm") if adds else result
        if layer.norms == "post":
            node = scope.norm(f"{name}.norm_out", node, part="norm")
    if layer.norm_out:
        node = scope.norm("norm_out", node, part="norm")
    return side_convolution(scope, layer.convolution, before, node) if layer.convolution else node


def _lower_block(scope: Scope, block: Any, entry: int) -> int:
    scope.builder.origin = block.kind
    result = lowering_of(type(block))(scope, block, entry)
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
