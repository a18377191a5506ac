"""Tensor tables of weight files: the same model as its configuration says, with exact bytes by format and role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from catalog.importers.huggingface import from_hf_config
from catalog.spec import ModelSpec
from catalog.stored import Stored, StoredRole, role_of


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a table."""

    name: str
    shape: tuple[int, ...]
    format: str
    size_bytes: int

    @property
    def elements(self) -> int:
        """Numbers in it."""
        return prod(self.shape)


def stored(tensors: Iterable[Tensor]) -> tuple[Stored, ...]:
    """A table added up by format and role, the largest first."""
    sums: dict[tuple[str, StoredRole], list[int]] = {}
    for tensor in tensors:
        dimensions = sum(size > 1 for size in tensor.shape)
        total = sums.setdefault((tensor.format, role_of(tensor.name, dimensions)), [0, 0, 0])
        for i, amount in enumerate((1, tensor.elements, tensor.size_bytes)):
            total[i] += amount
    rows = (
        Stored(format=format, role=role, tensors=n, elements=elements, size_bytes=size)
        for (format, role), (n, elements, size) in sums.items()
    )
    return tuple(sorted(rows, key=lambda row: -row.size_bytes))


def spec_with_tensors(config: dict[str, Any], tensors: list[Tensor], *, name: str, where: str) -> ModelSpec:
    """The model that a configuration describes, with what its file holds.

    Raises:
        BadInput: As ``from_hf_config``.
    """
    return from_hf_config(config, name=name, where=where).model_copy(update={"stored": stored(tensors)})
