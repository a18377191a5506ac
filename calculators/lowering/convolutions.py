"""Chains of steps over a grid of cells: convolutions and what stands between them.

A convolution from C to D channels with a kernel of k by k in g groups costs ``2·cells·k²·C·D/g`` FLOPs, cells being
those that leave it. Weights are not divided over devices: what images cost is small, and engines run it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from calculators.form import per
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from catalog.convolutions import (
    Attended,
    Branches,
    Convolution,
    Convolutions,
    ConvolvedEmbedding,
    Fold,
    Grid,
    Norm,
    Pool,
    Skip,
    Squeeze,
    Steer,
    Step,
    Take,
    after,
    entry,
)
from catalog.extras import Learned


def convolved_embedding(scope: Scope, embedding: ConvolvedEmbedding) -> int:
    """The steps into a stack, with class tokens, positions and a norm behind them.

    Source: arXiv:1512.03385, section 3.3; arXiv:2103.14030, section 3.1, where cells are folded.
    """
    source = scope.outputs.get(embedding.source or "")
    node = chain(scope, embedding.steps, entry(embedding, scope.grids), source, "embedding", "embedding")
    weights = []
    if embedding.extra_tokens:
        weights.append(Weight("extra_tokens", (embedding.extra_tokens, scope.hidden), Role.VECTOR))
    if embedding.positions:
        weights.append(Weight("positions", (scope.stream.tokens, scope.hidden), Role.EMBEDDING))
    if weights or node is None:
        node = scope.builder.add(
            Operator(
                name="embedding",
                kind=Kind.EMBEDDING,
                part=scope.part("embedding"),
                weights=tuple(weights),
                touched=scope.once,
                writes=per(scope.tokens, scope.hidden) if weights else per(scope.tokens, 0),
                launches=1 if weights else 0,
            ),
            node,
        )
    return scope.norm("embedding.norm", node, part="embedding") if embedding.norm else node


def convolutions(scope: Scope, spec: Convolutions, source: int, part: str = "channel") -> int:
    """A feed-forward or a head made of steps: ``2·cells·k²·C·D/g`` for each convolution.

    Source: arXiv:1512.03385, section 3.3 and table 1; arXiv:1704.04861, section 3.1, for depthwise ones.
    """
    node = chain(scope, spec.steps, scope.grids[scope.stack], source, part, part)
    assert node is not None
    return node


def chain(scope: Scope, steps: Sequence[Step], grid: Grid, node: int | None, name: str, part: str) -> int | None:
    """Append the steps one behind the other; returns the last operator."""
    for index, step in enumerate(steps):
        node = _step(scope, step, grid, node, f"{name}.{index}", part)
        grid = after(grid, (step,))
    return node


def _step(scope: Scope, step: Step, grid: Grid, node: int | None, name: str, part: str) -> int | None:
    done = after(grid, (step,))
    match step:
        case Convolution():
            return _convolution(scope, step, grid, done, node, name, part)
        case Squeeze():
            return _squeeze(scope, step, grid, node, name, part)
        case Steer():
            steer = scope.linear(
                f"{name}.steer", step.width, grid.channels, None, part=part, bias=grid.channels, over=scope.sequences
            )
            return _cells(scope, f"{name}.add", done, node, part, factor=1, second=steer)
        case Attended():
            return _attended(scope, step, done, node, name, part)
        case Norm():
            vectors = ("scale", "shift") if step.bias else ("scale",)
            return _norm(scope, f"{name}.norm", done, node, part, vectors)
        case Learned():
            return _cells(scope, f"{name}.{step.name}", done, node, part, factor=1, learned=step.elements)
        case Branches():
            ends = [chain(scope, b, grid, node, f"{name}.{i}", part) for i, b in enumerate(step.branches)]
            factor = (len(ends) if step.join == "add" else 0) + (1 if step.activation else 0)
            first, second = ends[0], ends[1] if len(ends) > 1 else None
            return _cells(scope, f"{name}.{step.join}", done, first, part, factor=factor, second=second)
        case Pool():
            return _cells(scope, f"{name}.pool", done, node, part, factor=step.kernel**2)
        case Fold() | Skip() | Take():
            return _cells(scope, f"{name}.{step.kind}", done, node, part, factor=0)


def _convolution(
    scope: Scope, step: Convolution, grid: Grid, done: Grid, node: int | None, name: str, part: str
) -> int:
    kernel = step.kernel if isinstance(step.kernel, tuple) else (step.kernel, step.kernel)
    shape = (step.out, grid.channels // step.groups, *kernel)
    flops = per(scope.sequences, 2 * done.cells * prod(shape))
    outputs = done.cells * done.channels
    bias = (Weight(f"{name}.bias", (step.out,), Role.VECTOR),) if step.bias else ()
    node = scope.builder.add(
        Operator(
            name=f"{name}.convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part(part),
            leaf=node is None,
            weights=(Weight(f"{name}.weight", shape), *bias),
            executed=flops,
            needed=flops,
            pointwise=per(scope.sequences, outputs * (step.bias + (5 if step.activation else 0))),
            touched=scope.once,
            reads=per(scope.sequences, grid.cells * grid.channels),
            writes=per(scope.sequences, outputs),
        ),
        node,
    )
    return _norm(scope, f"{name}.norm", done, node, part, ("scale", "shift")) if step.norm else node


def _norm(scope: Scope, name: str, grid: Grid, node: int | None, part: str, vectors: tuple[str, ...]) -> int:
    elements = grid.cells * grid.channels
    return scope.builder.add(
        Operator(
            name=name,
            kind=Kind.NORM,
            part=scope.part(part),
            weights=tuple(Weight(f"{name}.{vector}", (grid.channels,), Role.VECTOR) for vector in vectors),
            pointwise=per(scope.sequences, 8 * elements),
            touched=scope.once,
            reads=per(scope.sequences, elements),
            writes=per(scope.sequences, elements),
        ),
        node,
    )


def _attended(scope: Scope, step: Attended, grid: Grid, node: int | None, name: str, part: str) -> int:
    """Scores and their sums: ``4·C`` for each cell and each that it sees."""
    flops = per(scope.sequences, 4 * grid.cells * grid.channels * step.keys)
    return scope.builder.add(
        Operator(
            name=f"{name}.attended",
            kind=Kind.ATTENTION,
            part=scope.part(part),
            executed=flops,
            needed=flops,
            pointwise=per(scope.sequences, 5 * step.heads * grid.cells * step.keys),
            reads=per(scope.sequences, 3 * grid.cells * grid.channels),
            writes=per(scope.sequences, grid.cells * grid.channels),
            scores=per(scope.sequences, step.heads * grid.cells * step.keys),
        ),
        node,
    )


def _squeeze(scope: Scope, step: Squeeze, grid: Grid, node: int | None, name: str, part: str) -> int:
    c, width, over = grid.channels, step.width, scope.sequences
    mean = _cells(scope, f"{name}.mean", Grid(1, c), node, part, factor=grid.cells)
    narrow = scope.linear(f"{name}.in", c, width, mean, part=part, bias=width if step.bias else 0, over=over)
    factors = scope.linear(f"{name}.out", width, c, narrow, part=part, bias=c if step.bias else 0, over=over)
    return _cells(scope, f"{name}.scale", grid, node, part, factor=1, second=factors)


def _cells(
    scope: Scope,
    name: str,
    grid: Grid,
    node: int | None,
    part: str,
    *,
    factor: int,
    second: int | None = None,
    learned: int = 0,
) -> int:
    """Elementwise work on every cell: ``factor`` FLOPs per element that leaves it."""
    elements = grid.cells * grid.channels
    return scope.builder.add(
        Operator(
            name=name,
            kind=Kind.ELEMENTWISE,
            part=scope.part(part),
            weights=(Weight(name, (learned,), Role.VECTOR),) if learned else (),
            pointwise=per(scope.sequences, factor * elements),
            touched=scope.once,
            reads=per(scope.sequences, elements),
            writes=per(scope.sequences, elements),
        ),
        node,
        second,
    )
