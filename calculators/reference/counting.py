"""Two witnesses that count FLOPs of a forward pass: torch's dispatcher and fvcore's trace."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial, partialmethod
from math import prod
from typing import Any
from unittest.mock import patch

import torch

PRODUCTS = frozenset({"addmm", "baddbmm", "bmm", "conv", "einsum", "linear", "matmul", "mm"})
"""What fvcore counts of what we count; its layer norms and resizings are left out."""

UNSEEN = ("_grouped_mm", "scaled_dot_product_attention", "mv", "dot")
"""Products that fvcore skips without a word in its total."""


def torch_flops(run: Callable[[], Any]) -> tuple[int, Any]:
    """FLOPs that ``FlopCounterMode`` sees, and what ``run`` returned; a multiply-add is two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = run()
    return int(counter.get_total_flops()), output


@contextmanager
def traceable() -> Iterator[None]:
    """While a model is traced: convolutions through the inner operator, fused attention written out, truth as numbers.

    On the meta device public convolutions run a Python shape function that fails in a trace ("cond must be a bool,
    but got a Tensor"); ``_convolution`` is what a trace on a real device records anyway, and traces on both.
    """
    with ExitStack() as stack:
        for dimensions in (1, 2, 3):
            inner = partial(_convolution, dimensions)
            stack.enter_context(patch.object(torch.nn.functional, f"conv{dimensions}d", inner))
        stack.enter_context(patch.object(torch.nn.functional, "scaled_dot_product_attention", _attention))
        scatter = torch.Tensor.scatter
        stack.enter_context(patch.object(torch.Tensor, "scatter", partialmethod(_scatter, scatter)))
        fill = torch.Tensor.masked_fill
        stack.enter_context(patch.object(torch.Tensor, "masked_fill", partialmethod(_masked_fill, fill)))
        clamp = torch.Tensor.clamp_
        stack.enter_context(patch.object(torch.Tensor, "clamp_", partialmethod(_clamp, clamp)))
        yield


def _scatter(self: torch.Tensor, scatter: Any, dim: int, index: torch.Tensor, value: Any, **rest: Any) -> Any:
    """A truth value as a number: jit has no ``scatter`` of the former, which sparse attention masks with."""
    return scatter(self, dim, index, int(value) if isinstance(value, bool) else value, **rest)


def _attention(query: Any, key: Any, value: Any, attn_mask: Any = None, *_: Any, **__: Any) -> torch.Tensor:
    """Fused attention written out: fvcore counts products and not the fused operator."""
    scores = torch.matmul(query, key.transpose(-2, -1))
    scores = scores if attn_mask is None else scores + attn_mask
    return torch.matmul(scores.softmax(-1), value)


def _masked_fill(self: torch.Tensor, fill: Any, mask: torch.Tensor, value: Any) -> Any:
    return fill(self, mask, _number(value))


def _clamp(self: torch.Tensor, clamp: Any, min: Any = None, max: Any = None) -> torch.Tensor:
    return clamp(self, _number(min), _number(max))


def _number(value: Any) -> Any:
    """A size, which is a tensor of its own while jit traces, as a number: that tensor does not lie on the device."""
    return value.item() if isinstance(value, torch.Tensor) and not value.is_meta else value


def _convolution(
    n: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> torch.Tensor:
    """Sizes are tensors while jit traces, so every number is made one; "same" and "valid" become numbers."""
    if isinstance(padding, str):
        padding = [(k - 1) // 2 for k in weight.shape[2:]] if padding == "same" else 0
    if padding == "same":  # of odd kernels
        padding = [
            (int(size) - 1) // 2 * int(dilation if isinstance(dilation, int) else dilation[0])
            for size in weight.shape[2:]
        ]
    steps, edges, gaps = (
        [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)] * n
        for value in (stride, padding, dilation)
    )
    return torch._convolution(
        input, weight, bias, steps, edges, gaps, False, [0] * n, int(groups), False, False, False, False
    )


def _baddbmm(inputs: list[Any], outputs: list[Any]) -> int:
    """Multiply-adds of ``(B, n, k) @ (B, k, m)``; fvcore has no handle of its own."""
    left, right = inputs[1].type().sizes(), inputs[2].type().sizes()
    return int(left[0] * left[1] * left[2] * right[2])


def _einsum(inputs: list[Any], outputs: list[Any]) -> int:
    """Multiply-adds of a contraction: the product of all its indices; 0 where nothing is summed (an outer product).

    fvcore's own handle reads the four digits that ``numpy.einsum_path`` prints.
    """
    terms, result = inputs[0].toIValue().replace(" ", "").split("->")
    shapes = [value.type().sizes() for value in inputs[1].node().inputs()]
    sizes: dict[str, int] = {}
    for term, shape in zip(terms.split(","), shapes, strict=True):
        more = len(shape) - len(term.replace("...", ""))
        named = [f"leading {i}" for i in range(-more, 0)] if "..." in term else []
        before, _, after = term.partition("...")
        sizes |= dict(zip([*before, *named, *after], shape, strict=True))
    summed = {name for name in sizes if len(name) == 1} - set(result)
    return prod(sizes.values()) if summed else 0


def fvcore_flops(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> int:
    """FLOPs of matrix products and convolutions in fvcore's trace, times two, because it counts multiply-adds.

    Give it one sequence: its handle for ``matmul`` takes no account of a right operand with more batch dimensions.
    It runs in a thread of its own: at every operator of a trace torch writes down the whole stack of Python calls.

    Raises:
        ValueError: If the trace holds products that fvcore does not count.
    """
    with ThreadPoolExecutor(1) as short_stack:
        return short_stack.submit(_traced_flops, module, inputs).result()


def _traced_flops(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> int:
    from fvcore.nn import FlopCountAnalysis

    for name in ("fvcore.nn.jit_analysis", "fvcore.common"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = FlopCountAnalysis(module, tuple(inputs))
        analysis.set_op_handle("aten::baddbmm", _baddbmm).set_op_handle("aten::einsum", _einsum)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        counts = analysis.by_operator()
        skipped = analysis.unsupported_ops()
    unseen = sorted(name for name in skipped if name.removeprefix("aten::") in UNSEEN)
    if unseen:
        raise ValueError(f"fvcore does not count {', '.join(unseen)}")
    return 2 * int(sum(count for name, count in counts.items() if name in PRODUCTS))
