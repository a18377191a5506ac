from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def compiled_shapes() -> Iterator[None]:
    """Small models spend their time in torch's Python functions for shapes."""
    from calculators.reference import shapes

    with shapes.compiled_shapes():
        yield
