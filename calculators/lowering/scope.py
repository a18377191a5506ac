"""What every lowering function needs to know about where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from calculators.form import Form, per
from calculators.graph import Builder
from calculators.measures import Measure, One, Runs, Sequences, Tokens
from calculators.operators import Exchange, Kind, Operator, Role, Weight
from calculators.plan import Layout
from calculators.workload import Stream
from catalog.convolutions import Grid
from catalog.spec import NormKind
from catalog.values import dataclass

NORM_VECTORS = {"rms": 1, "layer": 2, "layer-no-bias": 1, "plain": 0}
"""Learned vectors per norm."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A stack while it is lowered for one device of a layout."""

    builder: Builder
    stack: str
    stream: Stream
    hidden: int
    norm_kind: NormKind
    layout: Layout
    sources: dict[str, tuple[Stream, int]]
    """Streams that cross-attention may read, with their widths."""
    grids: Mapping[str, Grid] = field(default_factory=dict)
    """Cells of the stacks that work on images."""
    outputs: dict[str, int] = field(default_factory=dict)
    """The last operator of each stack lowered so far."""
    given: frozenset[str] = frozenset()
    """Sources that are data: captions handed over as another model wrote them."""

    @property
    def tp(self) -> int:
        """Devices that share each layer."""
        return self.layout.tp

    @property
    def tokens(self) -> Measure:
        """B·S of this stack."""
        return Tokens(self.stream)

    @property
    def sequences(self) -> Measure:
        """B of this stack."""
        return Sequences(self.stream)

    @property
    def once(self) -> Form:
        """Weights are read once in a pass in which this stack runs."""
        always = self.stream.kind in ("text", "sample")
        return per(One() if always else Runs(self.stream), 1)

    def share(self, count: int) -> int:
        """What one device holds of ``count`` heads or columns, rounded up."""
        return -(-count // self.tp)

    def part(self, name: str) -> str:
        """Name of a part of the model."""
        return f"{self.stack}.{name}"

    def linear(
        self,
        name: str,
        inputs: int,
        outputs: int,
        source: int | None,
        *,
        part: str,
        bias: int = 0,
        weights: tuple[Weight, ...] | None = None,
        over: Measure | None = None,
        executed: Form | None = None,
        needed: Form | None = None,
        leaf: bool = False,
        launches: int = 1,
    ) -> int:
        """Append ``y = xW + b`` for every token (or every unit of ``over``).

        Args:
            name: The operator's name within its layer.
            inputs: Width of x on this device.
            outputs: Width of y on this device.
            source: Index of the operator that produces x.
            part: Which part of the stack it counts to.
            bias: Length of the bias, 0 for none.
            weights: Its tensors where it is several fused into one; by default one matrix.
            over: What it runs over; by default the stack's tokens.
            executed: FLOPs of the reference where they differ from ``2·inputs·outputs`` per unit.
            needed: The same for a good kernel.
            leaf: Whether x is data, of which training needs no gradient.
            launches: 0 where engines compute it together with its neighbour.
        """
        unit = over or self.tokens
        flops = per(unit, 2 * inputs * outputs)
        owned = weights if weights is not None else (Weight(f"{name}.weight", (outputs, inputs)),)
        if bias:
            owned = (*owned, Weight(f"{name}.bias", (bias,), Role.VECTOR))
        return self.builder.add(
            Operator(
                name=name,
                kind=Kind.GEMM,
                part=self.part(part),
                launches=launches,
                leaf=leaf,
                weights=owned,
                executed=flops if executed is None else executed,
                needed=flops if needed is None else needed,
                pointwise=per(unit, bias),
                touched=self.once,
                reads=per(unit, inputs),
                writes=per(unit, outputs),
            ),
            source,
        )

    def norm(
        self,
        name: str,
        source: int | None,
        *,
        part: str,
        kind: NormKind | None = None,
        width: int = 0,
        over: Measure | None = None,
    ) -> int:
        """Append a norm over ``width`` (default: the hidden width); about 5 FLOPs per element, 8 with mean and bias."""
        kind, width, unit = kind or self.norm_kind, width or self.hidden, over or self.tokens
        vectors = tuple(
            Weight(f"{name}.{suffix}", (width,), Role.VECTOR) for suffix in ("weight", "bias")[: NORM_VECTORS[kind]]
        )
        return self.builder.add(
            Operator(
                name=name,
                kind=Kind.NORM,
                part=self.part(part),
                weights=vectors,
                pointwise=per(unit, (5 if kind == "rms" else 8) * width),
                touched=self.once,
                reads=per(unit, width),
                writes=per(unit, width),
            ),
            source,
        )

    def add(self, name: str, left: int | None, right: int | None, *, part: str) -> int:
        """Append a residual sum; engines fuse it into the next norm, so it starts no kernel of its own."""
        return self.builder.add(
            Operator(
                name=name,
                kind=Kind.ELEMENTWISE,
                part=self.part(part),
                pointwise=per(self.tokens, self.hidden),
                reads=per(self.tokens, 2 * self.hidden),
                writes=per(self.tokens, self.hidden),
                launches=0,
            ),
            left,
            right,
        )

    def activation(self, name: str, inputs: int, outputs: int, source: int, *, part: str, scalars: int = 0) -> int:
        """Append an activation, gated where it halves its input, with so many learned ``scalars``."""
        return self.builder.add(
            Operator(
                name=name,
                kind=Kind.ELEMENTWISE,
                part=self.part(part),
                weights=(Weight(f"{name}.scalars", (scalars,), Role.VECTOR),) if scalars else (),
                pointwise=per(self.tokens, 5 * outputs),
                touched=self.once,
                reads=per(self.tokens, inputs),
                writes=per(self.tokens, outputs),
            ),
            source,
        )

    def reduce(self, name: str, source: int, *, part: str) -> int:
        """Sum partial results over the devices that share a layer; nothing on one device."""
        if self.tp == 1:
            return source
        message = per(self.tokens, self.hidden)
        return self.collective(name, Exchange("all_reduce", self.tp, self.tp), message, source, part=part)

    def collective(
        self, name: str, exchange: Exchange, message: Form, source: int, *, part: str, writes: Form | None = None
    ) -> int:
        """Append an exchange of ``message`` elements, which are also what it leaves behind unless ``writes`` says."""
        return self.builder.add(
            Operator(
                name=name,
                kind=Kind.COLLECTIVE,
                part=self.part(part),
                sent=message,
                exchange=exchange,
                writes=message if writes is None else writes,
            ),
            source,
        )
