"""Operators: the nodes of a lowered model, each with the closed forms of what it costs."""

from __future__ import annotations

from enum import StrEnum
from math import prod
from typing import Literal

from calculators.form import ZERO, Form
from calculators.measures import One
from catalog.values import dataclass

ONCE = Form({One(): 1})


class Kind(StrEnum):
    """What sort of kernel runs an operator; each has its own efficiency."""

    EMBEDDING = "embedding"
    GEMM = "gemm"
    EXPERTS = "experts"
    ATTENTION = "attention"
    SCAN = "scan"
    CONVOLUTION = "convolution"
    NORM = "norm"
    ELEMENTWISE = "elementwise"
    COLLECTIVE = "collective"


class Role(StrEnum):
    """What a weight is, because formats treat roles differently."""

    MATRIX = "matrix"
    EXPERT = "expert"
    EMBEDDING = "embedding"
    HEAD = "head"
    VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter tensor."""

    name: str
    shape: tuple[int, ...]
    role: Role = Role.MATRIX

    @property
    def elements(self) -> int:
        """Number of parameters."""
        return prod(self.shape)


Dtype = Literal["cache", "model", "fp32"]
"""Element type of a state: the cache format, the activations' type, or always 32 bits."""


@dataclass(frozen=True, slots=True)
class State:
    """What must be remembered between steps: elements as a form over held positions or sequences."""

    name: str
    elements: Form
    dtype: Dtype
    recurrent: bool = False
    """Recurrent state does not grow with context; a cache does."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What devices do together in a collective; ``bytes`` is the size of the message in NCCL's sense.

    all_reduce: the tensor that every device has; all_gather: the gathered tensor; reduce_scatter: the tensor before it
    is scattered; dispatch and combine: what one device sends to all others, its own part included; send: what one
    stage hands to the next.
    """

    op: Literal["all_reduce", "all_gather", "reduce_scatter", "dispatch", "combine", "send"]
    gpus: int
    """Devices that take part; of a pipeline its stages."""
    span: int
    """Consecutive devices among which they lie: where that is more than a node, the network carries a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One kernel of a layer, with everything it costs per execution; ``repeat`` says how often the model holds it."""

    name: str
    kind: Kind
    part: str
    """Which part of the model it belongs to, for grouping: ``decoder.attention`` ..."""
    repeat: int = 1
    origin: str = ""
    """Kind of the spec it was lowered from (``attention``, ``moe``, ``lm`` ...), for explanations."""
    leaf: bool = False
    """Whether its input is data (pixels, time steps), of which training needs no gradient."""
    weights: tuple[Weight, ...] = ()
    borrowed: tuple[Weight, ...] = ()
    """Weights it reads that another operator owns (tied embeddings)."""
    active: tuple[int, int] = (1, 1)
    """Share of the weights that one token uses, as (top_k, experts)."""
    executed: Form = ZERO
    """FLOPs of matrix products, attention and convolutions as eager PyTorch executes them (a multiply-add is two)."""
    needed: Form = ZERO
    """The same without work that the mask, the cache or a fused kernel makes superfluous."""
    pointwise: Form = ZERO
    """FLOPs of norms, activations, softmax and scans: counted by no tool, so never added to the others."""
    touched: Form = ONCE
    """How often its weights are read in a pass; for a mixture the expected number of experts, each a share of them."""
    rows: Form = ZERO
    """Rows looked up instead of whole tables read, in elements (embeddings)."""
    reads: Form = ZERO
    """Activation elements read."""
    writes: Form = ZERO
    """Activation elements written: the output, alive until its last reader is done."""
    scores: Form = ZERO
    """Elements that only eager attention materialises."""
    cache_reads: Form = ZERO
    """Elements of cache or state read, in the state's dtype."""
    cache_writes: Form = ZERO
    states: tuple[State, ...] = ()
    sent: Form = ZERO
    """Elements of the message that devices exchange."""
    exchange: Exchange | None = None
    """How they do, for a collective."""
    launches: int = 1
    """Kernels started per execution; 0 where engines fuse it into a neighbour."""

    @property
    def parameters(self) -> int:
        """Parameters of all repeats."""
        return self.repeat * sum(weight.elements for weight in self.weights)

    @property
    def active_parameters(self) -> int:
        """Parameters that one token uses, all repeats."""
        top_k, experts = self.active
        return self.repeat * sum(weight.elements * top_k // experts for weight in self.weights)
