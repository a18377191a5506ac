"""How many bits llama.cpp gives each tensor of a model in one of its file types.

A file type such as Q4_K_M is a recipe: the head, the values and part of the down projections get more bits than the
rest, and how many depends on the model (grouped heads, experts, depth). Layers are folded here, so a recipe that treats
some layers better gives each the average.

Source:
    ggml-org/llama.cpp src/llama-quant.cpp at commit 007dbbf: ``llama_tensor_get_type_impl``, ``tensor_type_fallback``
    and ``tensor_allows_quantization``, for files made with an importance matrix where the type asks for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from calculators.operators import Operator, Role, Weight
from catalog.gguf_blocks import BLOCKS, DEFAULTS, fitting
from catalog.values import dataclass

LOW = ("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M")
"""Types that share one set of rules in ``llama-quant.cpp``."""
UNQUANTISED = ("altup", "bypass", "router")
"""Small matrices that stay in 32 bits: altup, laurel, gates of experts."""
MANY_LAYERS = 80
"""Layers of the 70B models, whose values get more bits."""

Mix = Mapping[str, float]
"""Layouts and the share of layers in which a tensor has them."""


@dataclass(frozen=True)
class Shape:
    """What of a model decides how its tensors are quantized."""

    layers: int
    attention_layers: int
    grouping: float
    """Query heads per key-value head."""
    experts: int
    tied: bool
    towers: tuple[str, ...] = ()
    """Stacks that see or hear: llama.cpp keeps them in a file of their own (``mmproj``), usually in fp16."""

    @classmethod
    def of(cls, operators: Iterable[Operator], layers: int, towers: tuple[str, ...] = ()) -> Shape:
        """Read off a lowered model.

        Args:
            operators: All operators of the model.
            layers: Layers of its deepest stack.
            towers: Names of stacks for images and sound.
        """
        grouping, attention, experts, tied = 1.0, 0, 0, True
        for op in operators:
            if op.part.partition(".")[0] in towers:
                continue
            rows = {w.name.rpartition("attention.")[2]: w.shape[0] for w in op.weights if "attention." in w.name}
            if "q.weight" in rows and "k.weight" in rows:
                grouping = max(grouping, rows["q.weight"] / rows["k.weight"])
            attention += op.repeat * any(category(w) == "v" for w in op.weights)
            experts = max(experts, op.active[1] if op.active != (1, 1) else 0)
            tied &= not any(w.role is Role.HEAD for w in op.weights)
        return cls(max(layers, 1), max(attention, 1), grouping, experts, tied, towers)

    @cached_property
    def more(self) -> float:
        """Share of layers whose down projections get more bits in _M mixes."""
        return _share(self.layers, lambda i, n: i < n // 8 or i >= 7 * n // 8 or (i - n // 8) % 3 == 2)

    @cached_property
    def more_values(self) -> float:
        """The same of value projections, counted among the layers that have one."""
        return _share(self.attention_layers, lambda i, n: i < n // 8 or i >= 7 * n // 8 or (i - n // 8) % 3 == 2)

    def first(self, part: int) -> float:
        """Share of layers before the first ``1/part`` of the depth."""
        return (self.layers // part) / self.layers


def _share(n: int, chosen: Callable[[int, int], bool]) -> float:
    return sum(bool(chosen(i, n)) for i in range(n)) / n


def category(weight: Weight) -> str:
    """llama.cpp's category of a tensor: ``v``, ``k``, ``q``, ``output``, ``up``, ``down``, ``head`` ..."""
    name = weight.name
    if weight.role is Role.HEAD:
        return "head"
    if weight.role is Role.EMBEDDING:
        return "embedding"
    tail = name.removesuffix(".weight").rpartition(".")[2]
    if "attention." in name:
        return {"q": "q", "k": "k", "v": "v", "o": "output", "qkv": "v", "kv_up": "v"}.get(tail, "other")
    return {"down": "down", "up": "up", "gate": "up", "gate_up": "up"}.get(tail, "other")


def mix_of(file_type: str, weight: Weight, shape: Shape) -> Mix:
    """Layouts of one tensor, with the share of layers that have each; blocks that do not fit its rows replaced."""
    if weight.role is Role.VECTOR or len(weight.shape) < 2 or any(part in weight.name for part in UNQUANTISED):
        return {"f32": 1.0}
    default = DEFAULTS[file_type]
    mix: Mix = (
        {default: 1.0} if default in ("f16", "bf16") else _chosen(file_type, default, category(weight), weight, shape)
    )
    fitted: dict[str, float] = {}
    for layout, share in mix.items():
        name = fitting(layout, weight.shape[-1])
        fitted[name] = fitted.get(name, 0.0) + share
    return fitted


def _either(share: float, first: str, second: str) -> Mix:
    return {first: share, second: 1 - share} if first != second else {first: 1.0}


def _chosen(kind: str, default: str, what: str, weight: Weight, shape: Shape) -> Mix:
    if what == "head" or (what == "embedding" and shape.tied):
        return {_head(kind, default, weight): 1.0}
    if kind == "MXFP4_MOE":
        return {"mxfp4" if weight.role is Role.EXPERT else "q8_0": 1.0}
    if what == "embedding":
        return {_embedding(kind, default): 1.0}
    rules = {"v": _values, "k": _keys, "q": _queries, "down": _down, "output": _output, "up": _up}
    return rules[what](kind, default, shape) if what in rules else {default: 1.0}


def _head(kind: str, default: str, weight: Weight) -> str:
    if kind == "MXFP4_MOE" or weight.shape[-1] % BLOCKS[default].weights or default == "q8_0":
        return "q8_0"
    return "q5_k" if kind in (*LOW, "IQ3_XXS") else "q6_k"


def _embedding(kind: str, default: str) -> str:
    if kind in ("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"):
        return "q2_k"
    if kind in ("IQ2_S", "IQ2_M", "IQ3_XXS"):
        return "iq3_s"
    return "q4_k" if kind in ("TQ1_0", "TQ2_0") else default


def _values(kind: str, default: str, s: Shape) -> Mix:
    grouped = s.grouping >= 4
    if kind in LOW:
        few = "iq3_s" if kind in ("IQ2_S", "IQ2_M") else "q2_k"
        return {"q4_k" if grouped or s.experts >= 4 else few: 1.0}
    if s.experts == 8:
        return {"q8_0": 1.0}
    mix: Mix = {default: 1.0}
    if kind == "Q2_K":
        mix = {"q4_k" if grouped else "q3_k": 1.0}
    elif (kind in ("Q2_K_S", "IQ3_XXS", "IQ3_XS", "IQ3_S") and grouped) or kind == "IQ3_M":
        mix = {"q4_k": 1.0}
    elif kind == "Q3_K_M":
        mix = _either(min(1.0, 2 / s.attention_layers), "q5_k", "q4_k")
    elif kind == "Q3_K_L" or (kind in ("IQ4_NL", "IQ4_XS") and grouped):
        mix = {"q5_k": 1.0}
    elif kind in ("Q4_K_M", "Q5_K_M"):
        mix = _either(s.more_values, "q6_k", default)
    elif kind == "Q4_K_S":
        mix = _either(min(1.0, 4 / s.attention_layers), "q5_k", default)
    if s.layers == MANY_LAYERS and grouped:
        raised: dict[str, float] = {}
        for name, share in mix.items():
            name = "q5_k" if name in ("q3_k", "q4_k") else name
            raised[name] = raised.get(name, 0.0) + share
        return raised
    return mix


def _keys(kind: str, default: str, s: Shape) -> Mix:
    if s.experts == 8:
        return {"q4_k" if kind in LOW else "q8_0": 1.0}
    return _queries(kind, default, s)


def _queries(kind: str, default: str, s: Shape) -> Mix:
    return {{"IQ3_XS": "iq3_xxs", "IQ3_XXS": "iq2_s"}.get(kind, default): 1.0}


def _down(kind: str, default: str, s: Shape) -> Mix:
    if kind in LOW:
        return _either(s.first(8), "iq3_s" if kind in ("IQ2_S", "IQ2_M") else "q2_k", default)
    match kind:
        case "Q2_K":
            return {"q3_k": 1.0}
        case "Q2_K_S":
            return _either(s.first(8), "q4_k", default)
        case "Q3_K_M":
            return _either(s.first(16), "q5_k", "q4_k")
        case "Q3_K_L":
            return {"q5_k": 1.0}
        case "IQ3_M":
            return _either(s.more if s.experts == 8 else s.first(8), "q4_k", default)
        case "Q4_K_M" | "Q5_K_M":
            return _either(s.more, "q6_k", default)
        case "Q4_K_S" | "IQ4_NL" | "IQ4_XS":
            return _either(s.first(8), "q5_k", default)
    return {default: 1.0}


def _output(kind: str, default: str, s: Shape) -> Mix:
    if s.experts == 8:
        if kind in LOW:
            return {"q5_k": 1.0}
        small = ("Q2_K", "Q3_K_S", "Q3_K_M", "Q4_K_S", "Q4_K_M")
        return {"q5_k" if kind in small or kind.startswith(("IQ3", "IQ4")) else default: 1.0}
    if kind in ("IQ1_S", "IQ1_M"):
        return {"iq2_xxs": 1.0}
    if kind in ("IQ2_S", "IQ2_M", "IQ3_XXS"):
        return {"iq3_s": 1.0}
    return {{"Q2_K": "q3_k", "Q3_K_M": "q4_k", "Q3_K_L": "q5_k", "IQ3_M": "q4_k"}.get(kind, default): 1.0}


def _up(kind: str, default: str, s: Shape) -> Mix:
    if kind == "IQ3_XS":
        return _either((7 * s.layers // 8 - s.layers // 8) / s.layers, "iq3_xxs", "iq3_s")
    return {default: 1.0}


def bits_of(file_type: str, operator: Operator, weight: Weight, shape: Shape) -> float:
    """Bits per element of one tensor, averaged over the layers that hold it."""
    if operator.part.partition(".")[0] in shape.towers:
        return BLOCKS["f16"].bits
    return sum(BLOCKS[name].bits * share for name, share in mix_of(file_type, weight, shape).items())
