"""The front end of a stack that hears."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import NORM_VECTORS, Scope
from calculators.operators import Kind, Operator, Role, Weight
from calculators.scan_measures import Chunks
from catalog.audio import AudioEmbedding, Convolution

CHANNEL_NORMS = {"channel": 2, "rms": 1, None: 0}
"""Learned vectors of the norm behind a convolution."""


def audio_embedding(scope: Scope, embedding: AudioEmbedding) -> int:
    """Convolutions over frames, perhaps a projection, and positions; returns the last operator.

    A convolution costs ``2·k·C_in·C_out/g`` per frame that it computes, ``2·k²·C_in·C_out/g`` per frame and bin in a
    plane; a token takes ``stride`` frames. Source: arXiv:2212.04356 section 2.2; arXiv:2006.11477 section 2.
    """
    if embedding.chunk:
        pieces = Chunks(scope.stream, embedding.chunk_lengths[-1])
        lengths = [per(pieces, length) for length in embedding.chunk_lengths]
    else:
        lengths = [_frames(scope, *length) for length in embedding.lengths()]
    channels, bins, plane = (1, embedding.features, True) if embedding.plane else (embedding.features, 1, False)
    node: int | None = None
    for index, convolution in enumerate(embedding.convolutions):
        seen = (channels, bins)
        bins = convolution.bins(bins) if plane else 1
        node = _convolution(
            scope, f"embedding.conv{index}", convolution, seen, bins, plane, lengths[index], lengths[index + 1], node
        )
        channels = convolution.kept
    joined = embedding.joined
    if embedding.input_norm:
        node = scope.norm("embedding.norm_in", node, part="embedding", width=joined)
    if embedding.projection:
        bias = scope.hidden if embedding.projection_bias else 0
        node = scope.linear("embedding.project", joined, scope.hidden, node, part="embedding", bias=bias)
    tables = (Weight("positions", (embedding.positions, scope.hidden), Role.EMBEDDING),) if embedding.positions else ()
    if tables or node is None:
        node = scope.builder.add(
            Operator(
                name="embedding.positions",
                kind=Kind.EMBEDDING,
                part=scope.part("embedding"),
                weights=tables,
                touched=scope.once,
                writes=per(scope.tokens, scope.hidden),
                launches=0,
            ),
            node,
        )
    if embedding.positional:
        node = _positional(scope, embedding.positional, node)
    return scope.norm("embedding.norm", node, part="embedding") if embedding.norm else node


def _frames(scope: Scope, per_token: int, per_sequence: int) -> Form:
    return per(scope.tokens, per_token) + per(scope.sequences, per_sequence)


def _convolution(
    scope: Scope,
    name: str,
    convolution: Convolution,
    seen: tuple[int, int],
    bins: int,
    plane: bool,
    entering: Form,
    leaving: Form,
    source: int | None,
) -> int:
    """``seen`` is (channels, bins) before it, ``bins`` what it leaves."""
    channels, k = seen[0] // convolution.groups, convolution.kernel
    flops = leaving * (2 * bins * convolution.outputs * channels * (k * k if plane else k))
    kernel = (k, k) if plane else (k,)
    vectors = CHANNEL_NORMS[convolution.norm]
    return scope.builder.add(
        Operator(
            name=name,
            kind=Kind.CONVOLUTION,
            part=scope.part("embedding"),
            leaf=source is None,
            weights=(
                Weight(f"{name}.weight", (convolution.outputs, channels, *kernel)),
                *((Weight(f"{name}.bias", (convolution.outputs,), Role.VECTOR),) if convolution.bias else ()),
                *(Weight(f"{name}.norm.{i}", (convolution.kept,), Role.VECTOR) for i in range(vectors)),
            ),
            executed=flops,
            needed=flops,
            pointwise=leaving * (bins * convolution.kept * (5 + 8 * bool(vectors))),
            touched=scope.once,
            reads=entering * (seen[0] * seen[1]),
            writes=leaving * (bins * convolution.kept),
        ),
        source,
    )


def _positional(scope: Scope, convolution: Convolution, source: int) -> int:
    """A grouped convolution over tokens: with an even kernel it computes one token more, which is cut off."""
    h, k = scope.hidden, convolution.kernel
    inputs, more = h // convolution.groups, convolution.padding - k + 1
    flops = 2 * k * inputs * h
    return scope.builder.add(
        Operator(
            name="embedding.positional",
            kind=Kind.CONVOLUTION,
            part=scope.part("embedding"),
            weights=(
                Weight("positional.direction", (h, inputs, k)),
                Weight("positional.length", (k,), Role.VECTOR),
                *((Weight("positional.bias", (h,), Role.VECTOR),) if convolution.bias else ()),
                *(
                    Weight(f"positional.norm.{i}", (h,), Role.VECTOR)
                    for i in range(NORM_VECTORS["layer"] * bool(convolution.norm))
                ),
            ),
            executed=_frames(scope, 1, more) * flops,
            needed=per(scope.tokens, flops),
            pointwise=per(scope.tokens, 6 * h),
            touched=scope.once,
            reads=per(scope.tokens, h),
            writes=per(scope.tokens, h),
        ),
        source,
    )
