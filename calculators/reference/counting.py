"""Two witnesses that count FLOPs of a forward pass: torch's dispatcher and fvcore's trace."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

PRODUCTS = frozenset({"addmm", "baddbmm", "bmm", "conv", "einsum", "linear", "matmul", "mm"})
"""What fvcore counts of what we count; its layer norms and resizings are left out."""

CONVOLUTIONS = {torch.conv1d: 1, torch.conv2d: 2, torch.conv3d: 3}
"""Convolutions by their dimensions."""

UNSEEN = ("_grouped_mm", "scaled_dot_product_attention", "mv", "dot", "outer")
"""Products that fvcore skips without a word in its total."""


def torch_flops(run: Callable[[], Any]) -> tuple[int, Any]:
    """FLOPs that ``FlopCounterMode`` sees, and what ``run`` returned; a multiply-add is two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = run()
    return int(counter.get_total_flops()), output


def torch_flops_by_module(run: Callable[[], Any]) -> dict[str, int]:
    """The same by module path, to find which layer differs."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}


class TraceableConvolutions(TorchFunctionMode):
    """Send convolutions to the inner operator.

    On the meta device the public ones run a Python shape function that fails while jit traces ("cond must be a bool,
    but got a Tensor"); ``_convolution`` is what a trace on a real device records anyway, and traces on both.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in CONVOLUTIONS:
            return func(*args, **kwargs)
        names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
        given: dict[str, Any] = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        given |= dict(zip(names, args, strict=False)) | kwargs
        n = CONVOLUTIONS[func]
        stride, padding, dilation = (_per_dimension(given[name], n) for name in ("stride", "padding", "dilation"))
        return torch._convolution(
            given["input"], given["weight"], given["bias"], stride, padding, dilation, False, [0] * n,
            int(given["groups"]), False, False, False, False,
        )  # fmt: skip


def _per_dimension(value: Any, dimensions: int) -> list[int]:
    """One number for each dimension; sizes are tensors while jit traces."""
    return [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)] * dimensions


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
    sizes = {
        i: n for term, shape in zip(terms.split(","), shapes, strict=True) for i, n in zip(term, shape, strict=True)
    }
    return prod(sizes.values()) if set(sizes) - set(result) else 0


def fvcore_flops(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> int:
    """FLOPs of matrix products and convolutions in fvcore's trace, times two, because it counts multiply-adds.

    Give it one sequence: its handle for ``matmul`` takes no account of a right operand with more batch dimensions.

    Raises:
        ValueError: If the trace holds products that fvcore does not count.
    """
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
