"""Kernels to calibrate a machine by: what each is, how many FLOPs it needs, what it moves, and how long it takes.

A case makes several sets of inputs, together larger than the device's caches, so that weights come from memory as they
do between the layers of a model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Any

import torch
from torch.nn import functional

from calculators.reference.timing import Call, Timer, cache_bytes, memory_bytes

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SIZES = {"fp32": 4, "bf16": 2, "fp16": 2}
LARGEST_SET = 48
"""Sets of inputs at most."""
LEAST_CASES = 8
"""Timed even where the budget is spent: fewer say nothing."""
POOL = 2**20
"""Random numbers drawn; larger tensors repeat them, in memory of their own."""


@dataclass(frozen=True)
class Case:
    """A kernel at one size."""

    kernel: str
    dtype: str
    sizes: Mapping[str, int]
    flops: float
    bytes: float
    """Each input read once, each output written once."""
    make: Callable[[str], Call]
    """A call on fresh inputs on a device."""
    held: float = 0.0
    """Bytes of one set of inputs; ``bytes`` where 0."""


@dataclass(frozen=True)
class Timing:
    """How long a case took."""

    kernel: str
    dtype: str
    mode: str
    """``eager`` or ``graph``."""
    sizes: Mapping[str, int]
    flops: float
    bytes: float
    seconds: float
    failed: str = field(default="", compare=False)


def random(shape: Sequence[int], dtype: str, device: str) -> torch.Tensor:
    """Random numbers, never zeros: arithmetic on zeros is faster on some devices."""
    count = math.prod(shape)
    pool = _pool(dtype, device)
    return pool.repeat(-(-count // POOL))[:count].view(*shape) if count > POOL else pool[:count].clone().view(*shape)


@lru_cache(maxsize=8)
def _pool(dtype: str, device: str) -> torch.Tensor:
    return torch.randn(POOL, device=device, dtype=torch.float32).to(DTYPES[dtype])


# --- cases -------------------------------------------------------------------------------------------------------


def copies(megabytes: Sequence[int]) -> Iterator[Case]:
    """Copies from memory to memory."""
    for size in megabytes:
        n = size * 10**6 // 4

        def make(device: str, n: int = n) -> Call:
            a, b = random((n,), "fp32", device), random((n,), "fp32", device)
            return lambda: b.copy_(a)

        yield Case("copy", "fp32", {"elements": n}, 0.0, 8.0 * n, make)


def products(dtype: str, rows: Sequence[int], weights: Sequence[tuple[int, int]]) -> Iterator[Case]:
    """``m`` rows times a weight of ``k`` inputs and ``n`` outputs, as a linear layer multiplies them."""
    size = SIZES[dtype]
    for n, k in weights:
        for m in rows:

            def make(device: str, m: int = m, n: int = n, k: int = k) -> Call:
                x, w = random((m, k), dtype, device), random((n, k), dtype, device)
                return lambda: functional.linear(x, w)

            yield Case("gemm", dtype, {"m": m, "n": n, "k": k}, 2.0 * m * n * k, size * (m * k + n * k + m * n), make)


def attention(
    dtype: str, shapes: Sequence[tuple[int, int, int, int]], *, prefill: bool, kv_heads: int | None = None
) -> Iterator[Case]:
    """Causal attention of (batch, heads, head_dim, length): all positions at once, or one step over a cache."""
    size = SIZES[dtype]
    for batch, heads, dim, length in shapes:
        kv, new = kv_heads or heads, length if prefill else 1
        pairs = length * (length + 1) / 2 if prefill else length
        cache, queries = size * 2 * batch * kv * length * dim, size * 2 * batch * heads * new * dim

        def make(
            device: str, b: int = batch, h: int = heads, g: int = kv, d: int = dim, n: int = new, s: int = length
        ) -> Call:
            q, k, v = (random((b, x, y, d), dtype, device) for x, y in ((h, n), (g, s), (g, s)))
            grouped = {"enable_gqa": True} if g != h else {}
            return lambda: functional.scaled_dot_product_attention(q, k, v, is_causal=n > 1, **grouped)

        sizes = {"batch": batch, "heads": heads, "kv_heads": kv, "head_dim": dim, "new": new, "length": length}
        name = "attention_prefill" if prefill else "attention_decode"
        yield Case(name, dtype, sizes, 4.0 * batch * heads * dim * pairs, cache + queries, make)


def elementwise(dtype: str, shapes: Sequence[tuple[int, int]]) -> Iterator[Case]:
    """Norms, activations and additions over (rows, width)."""
    size = SIZES[dtype]
    kinds: dict[str, tuple[int, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Any]]] = {
        "add": (3, lambda x, y, w: x + y),
        "gelu": (2, lambda x, y, w: functional.gelu(x)),
        "swiglu": (3, lambda x, y, w: functional.silu(x) * y),
        "rms_norm": (2, lambda x, y, w: functional.rms_norm(x, (x.shape[-1],), w)),
        "layer_norm": (2, lambda x, y, w: functional.layer_norm(x, (x.shape[-1],), w, w)),
        "softmax": (2, lambda x, y, w: functional.softmax(x, -1)),
        "argmax": (1, lambda x, y, w: x.argmax(-1)),
    }
    for rows, width in shapes:
        for name, (passes, operation) in kinds.items():

            def make(device: str, r: int = rows, c: int = width, f: Any = operation) -> Call:
                x, y, w = random((r, c), dtype, device), random((r, c), dtype, device), random((c,), dtype, device)
                return lambda: f(x, y, w)

            moved = float(size * passes * rows * width)
            yield Case(name, dtype, {"rows": rows, "width": width}, 0.0, moved, make)


def lookups(dtype: str, vocabulary: int, width: int, tokens: Sequence[int]) -> Iterator[Case]:
    """Rows of an embedding table by token."""
    size = SIZES[dtype]
    for count in tokens:

        def make(device: str, n: int = count) -> Call:
            table = random((vocabulary, width), dtype, device)
            index = torch.randint(vocabulary, (n,), device=device)
            return lambda: functional.embedding(index, table)

        sizes = {"tokens": count, "vocabulary": vocabulary, "width": width}
        yield Case("embedding", dtype, sizes, 0.0, 2.0 * size * count * width, make, float(size * vocabulary * width))


def launches(dtype: str = "fp32") -> Iterator[Case]:
    """The least that one kernel costs: a number added to a number."""

    def make(device: str) -> Call:
        x = torch.ones(1, device=device)
        return lambda: x.add_(1.0)

    yield Case("launch", dtype, {"elements": 1}, 0.0, 8.0, make)


def images(dtype: str, shapes: Sequence[tuple[int, int, int, int, int, int, int]]) -> Iterator[Case]:
    """Convolutions of (batch, channels in, channels out, side, kernel, stride, groups) over square images."""
    size = SIZES[dtype]
    for batch, inputs, outputs, side, kernel, stride, groups in shapes:
        after = (side + 2 * (kernel // 2) - kernel) // stride + 1

        def make(device: str, s: tuple[int, ...] = (batch, inputs, outputs, side, kernel, stride, groups)) -> Call:
            b, ci, co, n, k, step, g = s
            x, w = random((b, ci, n, n), dtype, device), random((co, ci // g, k, k), dtype, device)
            if device != "cpu":
                x, w = x.to(memory_format=torch.channels_last), w.to(memory_format=torch.channels_last)
            return lambda: functional.conv2d(x, w, stride=step, padding=k // 2, groups=g)

        weight = outputs * (inputs // groups) * kernel**2
        flops = 2.0 * batch * after**2 * weight
        moved = float(size * (batch * (inputs * side**2 + outputs * after**2) + weight))
        names = ("batch", "inputs", "outputs", "side", "kernel_size", "stride", "groups")
        sizes = dict(zip(names, (batch, inputs, outputs, side, kernel, stride, groups), strict=True))
        yield Case("convolution", dtype, sizes, flops, moved, make)


# --- running -----------------------------------------------------------------------------------------------------


def run(cases: Sequence[Case], timer: Timer, budget_s: float, modes: Sequence[str] = ("eager",)) -> Iterator[Timing]:
    """Time cases until the budget is spent, but a few in any case; one that cannot be run is given with the reason.

    Cases are taken in strides, so that a short budget still sees small and large.
    """
    end = perf_counter() + budget_s
    free = memory_bytes(timer.device)
    for number, case in enumerate(_alternating(cases)):
        if perf_counter() > end and number >= LEAST_CASES:
            return
        one = max(case.held or case.bytes, 1.0)
        if free is not None and one > 0.4 * free:
            continue
        sets = int(max(1, min(LARGEST_SET, 2 * cache_bytes(timer.device) // one)))
        calls = None
        for mode in modes:
            if mode == "graph" and not timer.captures:
                continue
            try:
                calls = calls or [case.make(timer.device) for _ in range(sets)]
                seconds = timer.seconds(calls, captured=mode == "graph")
            except (RuntimeError, NotImplementedError, TypeError) as error:
                yield Timing(case.kernel, case.dtype, mode, case.sizes, case.flops, case.bytes, 0.0, str(error)[:200])
                break
            yield Timing(case.kernel, case.dtype, mode, case.sizes, case.flops, case.bytes, seconds)
        calls = None


def _alternating(cases: Sequence[Case]) -> Iterator[Case]:
    """In an order that covers the range early: the first of every eighth, then the second of every eighth, …"""
    step = 8
    for offset in (0, 4, 2, 6, 1, 5, 3, 7):
        yield from cases[offset::step]
