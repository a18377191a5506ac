"""What was counted on a real model, as one operator."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Held, Live
from calculators.operators import Kind, Operator, State, Weight
from calculators.pairs import Pairs
from catalog.mixers.traced import Traced


def traced(scope: Scope, mixer: Traced, source: int) -> int:
    """``a·B + b·B·S + c·B·S·(P + S)`` FLOPs, with a, b and c as counted; needed is what is executed.

    Source: FlopCounterMode on the model that the configuration names, at four lengths and one step.
    """
    executed = Form(
        {
            scope.sequences: mixer.flops_per_sequence,
            scope.tokens: mixer.flops_per_token,
            Pairs(scope.stream, "executed"): mixer.flops_per_pair,
        }
    )
    states = []
    if mixer.cache_per_token:
        states.append(State("cache", per(Held(scope.stream), mixer.cache_per_token), "cache"))
    if mixer.state:
        states.append(State("state", per(Live(), mixer.state), "model", recurrent=True))
    return scope.builder.add(
        Operator(
            name="traced",
            kind=Kind.GEMM,
            part=scope.part("traced"),
            weights=(Weight("traced", (mixer.parameters,)),),
            executed=executed,
            needed=executed,
            touched=scope.once,
            reads=per(scope.tokens, scope.hidden),
            writes=per(scope.tokens, scope.hidden),
            cache_reads=per(Held(scope.stream), mixer.cache_per_token),
            cache_writes=per(scope.tokens, mixer.cache_per_token),
            states=tuple(states),
        ),
        source,
    )
