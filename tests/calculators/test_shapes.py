"""Compiled kernels tell the shapes that torch's Python functions tell, and these are there again afterwards."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from calculators.reference import shapes  # noqa: E402


def laid() -> set[str]:
    from importlib import import_module

    return set(getattr(import_module(shapes.PLACE), shapes.NAME)._op_impls)


def told() -> list[tuple[object, ...]]:
    a = torch.empty(2, 5, 8, dtype=torch.bfloat16, device="meta")
    b = torch.empty(4, 1, 5, 1, dtype=torch.float32, device="meta")
    made = [
        a + b, a.transpose(1, 2) * 2, a.softmax(-1), a.float().mean((0, 2), keepdim=True), torch.where(b > 0, b, a),
        torch.cat([a, a], 1), a @ a.mT, torch.nn.functional.layer_norm(a, (8,)), torch.nn.functional.gelu(a),
        torch.conv1d(a, a), torch.fft.rfft(b), a.cumsum(1).clamp_(min=0), a.argmax(-1),
    ]  # fmt: skip
    return [(tuple(t.shape), t.stride(), t.dtype) for t in made]


def test_shapes_strides_and_types_are_the_same_and_the_functions_come_back():
    before, expected = laid(), told()
    assert "aten/add.Tensor/Meta" in before
    with shapes.compiled_shapes():
        inside = laid()
        with shapes.compiled_shapes():
            assert told() == expected
        assert laid() == inside
    assert "aten/add.Tensor/Meta" not in inside
    assert inside < before
    assert laid() == before
    assert told() == expected
