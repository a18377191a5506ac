"""Small learned things beside mixers and feed-forwards."""

from __future__ import annotations

from typing import assert_never

from calculators.form import Form, per
from calculators.lowering.hyper import hyper_connections
from calculators.lowering.patches import patch_attention
from calculators.lowering.residual import altup, layer_input, low_rank
from calculators.lowering.scope import Scope
from calculators.measures import Context
from calculators.operators import Kind, Operator, Role, Weight
from catalog.extras import Extra, Learned, Linear
from catalog.hyper import HyperConnections
from catalog.residual import AltUp, LayerInput, LowRank, PatchAttention


def extra(scope: Scope, spec: Extra) -> None:
    """Append what stands beside the layer; its FLOPs are ``2·inputs·outputs`` per vector."""
    match spec:
        case Learned():
            scope.builder.add(
                Operator(
                    name=spec.name,
                    kind=Kind.EMBEDDING if spec.table else Kind.ELEMENTWISE,
                    part=scope.part("embedding" if spec.table else "extras"),
                    weights=(Weight(spec.name, (spec.elements,), Role.EMBEDDING if spec.table else Role.VECTOR),),
                    touched=Form() if spec.table else scope.once,
                    rows=per(scope.tokens, spec.row),
                    writes=per(scope.tokens, spec.row),
                    launches=0,
                )
            )
        case Linear():
            measures = {"token": scope.tokens, "sequence": scope.sequences, "pass": next(iter(scope.once.terms))}
            unit, work = measures.get(spec.over, scope.tokens), 2 * spec.inputs * spec.outputs * spec.times
            executed = per(Context(scope.stream) if spec.over == "context" else unit, work)
            scope.linear(
                spec.name, spec.inputs, spec.outputs, None, part="extras",
                bias=spec.outputs if spec.bias else 0, over=unit, executed=executed, needed=per(unit, work),
            )  # fmt: skip
        case AltUp():
            altup(scope, spec)
        case LowRank():
            low_rank(scope, spec)
        case LayerInput():
            layer_input(scope, spec)
        case PatchAttention():
            patch_attention(scope, spec)
        case HyperConnections():
            hyper_connections(scope, spec)
        case _:
            assert_never(spec)
