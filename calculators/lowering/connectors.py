"""From a tower's tokens to the language model's."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.extras import extra
from calculators.lowering.scope import Scope
from calculators.measures import Kept, Tokens
from calculators.operators import Kind, Operator, Role, Weight
from calculators.workload import Stream
from catalog.connectors import Connector, Convolve, Drop, Join, Learned, Map, Merge, Normalise, Pool, after


def connector(scope: Scope, spec: Connector, source: int) -> int:
    """``2·inputs·outputs`` per token and map, on as many tokens as the steps before have left (LLaVA, 2304.08485)."""
    builder = scope.builder
    repeat, builder.repeat = builder.repeat, builder.repeat * spec.repeat
    tokens, width, narrowed = scope.stream.tokens, scope.hidden, 1
    for index, step in enumerate(spec.steps):
        left, wide = after(step, tokens, width)
        narrowed *= step.factor if isinstance(step, Merge | Pool) else 1
        stream = Stream(scope.stream.kind, left, narrowed)
        name, unit = f"{spec.name}.{index}", Tokens(stream)
        match step:
            case Map():
                matrices = 2 if step.gated else 1
                each = 2 * (step.inputs or width) * matrices * wide
                source = scope.linear(
                    name, step.inputs or width, matrices * wide, source, part="projector",
                    bias=matrices * wide if step.bias else 0, over=unit, needed=per(unit, each),
                    executed=per(Kept(stream) if step.again else unit, each),
                )  # fmt: skip
            case Normalise():
                source = scope.norm(name, source, part="projector", kind=step.norm, width=width, over=unit)
            case Pool():
                source = builder.add(
                    Operator(
                        name=name,
                        kind=Kind.GEMM if step.product else Kind.ELEMENTWISE,
                        part=scope.part("projector"),
                        executed=per(unit, 2 * tokens * width) if step.product else Form(),
                        pointwise=per(unit, step.factor * width),
                        reads=per(unit, step.factor * width),
                        writes=per(unit, width),
                    ),
                    source,
                )
            case Convolve():
                flops = per(unit, 2 * step.kernel**2 * (width // step.groups) * wide)
                source = builder.add(
                    Operator(
                        name=name,
                        kind=Kind.CONVOLUTION,
                        part=scope.part("projector"),
                        weights=(
                            Weight(f"{name}.weight", (wide, width // step.groups, step.kernel, step.kernel)),
                            *((Weight(f"{name}.bias", (wide,), Role.VECTOR),) if step.bias else ()),
                        ),
                        executed=flops,
                        needed=flops,
                        touched=scope.once,
                        reads=per(unit, step.stride**2 * width),
                        writes=per(unit, wide),
                    ),
                    source,
                )
            case Learned():
                extra(scope, step)
            case Merge() | Drop() | Join():
                pass
        tokens, width = left, wide
    builder.repeat = repeat
    return source
