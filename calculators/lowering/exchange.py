"""What ranks with tokens of their own send each other: to shared experts, around attention, and from stage to stage."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Measure, Tokens
from calculators.operators import Exchange
from calculators.shares import Copies, Pooled, Routed, copies_of

FEWER = 2
"""How much less an all-to-all must send before it replaces a gather: it starts later (``calculators.collectives``)."""


def pooled(scope: Scope, measure: Measure) -> Measure:
    """A measure over the tokens of all ranks."""
    return Pooled(measure) if scope.layout.ranks > 1 else measure


def gathers(scope: Scope, visits: int) -> bool:
    """Whether tokens reach their experts by a gather over all ranks rather than by an all-to-all.

    With few ranks a token visits most of them anyway. vLLM's default and TensorRT-LLM's attention data parallelism
    gather and scatter; DeepEP's all-to-all is for large groups.
    """
    layout = scope.layout
    return layout.ep == 1 or layout.ranks <= FEWER * copies_of(visits, layout.ep)


def dispatch(scope: Scope, experts: int, visits: int, width: int, source: int) -> int:
    """Bring tokens of ``width`` numbers to the devices whose experts they visit (arXiv:2006.16668 section 3.2)."""
    layout = scope.layout
    if layout.ranks == 1:
        return source
    if gathers(scope, visits):
        message = per(Pooled(scope.tokens), width)
        exchange = Exchange("all_gather", layout.ranks, layout.group)
        return scope.collective("experts.gather", exchange, message, source, part="experts")
    exchange = Exchange("dispatch", layout.group, layout.group)
    arrived = per(Routed(Pooled(scope.tokens), layout.ep, experts, visits), visits * width)
    return scope.collective(
        "experts.dispatch", exchange, _copies(scope, visits, width), source, part="experts", writes=arrived
    )


def combine(scope: Scope, visits: int, width: int, source: int) -> int:
    """Bring what the experts made of tokens back to the ranks that own them, summed."""
    layout = scope.layout
    if layout.ranks == 1:
        return source
    own = per(scope.tokens, width)
    if gathers(scope, visits):
        message, exchange = per(Pooled(scope.tokens), width), Exchange("reduce_scatter", layout.group, layout.group)
        node = scope.collective("experts.scatter", exchange, message, source, part="experts", writes=own)
    else:
        message, exchange = _copies(scope, visits, width), Exchange("combine", layout.group, layout.group)
        node = scope.collective("experts.return", exchange, message, source, part="experts", writes=own)
    if layout.tp == 1:
        return node
    return scope.collective("experts.spread", Exchange("all_gather", layout.tp, layout.tp), own, node, part="experts")


def _copies(scope: Scope, visits: int, width: int) -> Form:
    """What one device sends: the devices of a rank divide its tokens, and each slice of an expert needs them."""
    layout = scope.layout
    tokens = scope.tokens if layout.tp == 1 else Routed(scope.tokens, layout.tp)
    return per(Copies(tokens, layout.ep, visits), width * layout.moe_tp)


def gather_context(scope: Scope, kept: int, queries: int, source: int) -> int:
    """Before attention over a context that ``cp`` devices share.

    Of a fresh prompt every device gathers all keys and values (``kept`` numbers per token; arXiv:2407.21783 section
    3.3.2). Where a context is cached it stays in place and queries travel (pass-Q, arXiv:2411.01783 section 3.4).
    """
    layout = scope.layout
    if layout.cp == 1:
        return source
    message = per(Tokens(scope.stream, "fresh"), kept) + per(Tokens(scope.stream, "cached"), queries)
    exchange = Exchange("all_gather", layout.cp, layout.cp * layout.tp)
    return scope.collective("attention.gather", exchange, message, source, part="context")


def merge_context(scope: Scope, outputs: int, source: int) -> int:
    """After it: partial outputs over a cached context are weighted and summed where their token lives."""
    layout = scope.layout
    if layout.cp == 1:
        return source
    message = per(Tokens(scope.stream, "cached"), outputs)
    exchange = Exchange("reduce_scatter", layout.cp, layout.cp * layout.tp)
    return scope.collective(
        "attention.merge", exchange, message, source, part="context", writes=per(scope.tokens, outputs)
    )


def send(scope: Scope, source: int) -> int:
    """Hand activations from stage to stage: each of the ``tp`` devices sends its part, then they gather it.

    Source: vLLM, ``send_tensor_dict`` with ``all_gather_group``; arXiv:2104.04473 section 4.1 (scatter and gather).
    """
    layout, builder = scope.layout, scope.builder
    if layout.pp == 1:
        return source
    builder.repeat = layout.pp - 1
    tokens = scope.tokens if layout.tp == 1 else Routed(scope.tokens, layout.tp)
    whole = per(scope.tokens, scope.hidden)
    exchange = Exchange("send", layout.pp, layout.devices)
    node = scope.collective("stage.send", exchange, per(tokens, scope.hidden), source, part="stages", writes=whole)
    if layout.tp > 1:
        node = scope.collective(
            "stage.spread", Exchange("all_gather", layout.tp, layout.tp), whole, node, part="stages"
        )
    builder.repeat = 1
    return node
