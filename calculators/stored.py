"""The weight format of a file: exact bytes as effective bits per role."""

from __future__ import annotations

from calculators.operators import Role
from calculators.params import elements_by_role
from catalog.base import Source
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat

STORED = "stored"
"""The name by which a model's own file is chosen as its weight format."""


PACKED = ("I32", "U32", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2")
"""Types of safetensors in which one element may hold several weights, or whose scales are tensors of their own."""


def stored_bytes(spec: ModelSpec) -> int:
    """Exact bytes of the tensors in the file."""
    return sum(row.size_bytes for row in spec.stored)


def stored_elements(spec: ModelSpec) -> int | None:
    """Parameters in the file; ``None`` where there is none, or its tensors are packed words or come with scales."""
    if not spec.stored or any(row.format in PACKED for row in spec.stored):
        return None
    return sum(row.elements for row in spec.stored)


def stored_format(spec: ModelSpec) -> WeightFormat:
    """Effective bits of each role, such that they times the elements that calculators see are what the file holds.

    Where a role has elements but no bytes, or bytes but no elements (tensors named unlike their role), every role takes
    the average, so that the sum is exact all the same.
    """
    elements = elements_by_role(spec)
    held = dict.fromkeys(Role, 0)
    for row in spec.stored:
        held[Role(row.role)] += row.size_bytes
    average = 8 * stored_bytes(spec) / sum(elements.values())
    agree = all(bool(held[role]) == bool(n) for role, n in elements.items())
    bits = {role: 8 * held[role] / n if agree and n else average for role, n in elements.items()}
    main = max(spec.stored, key=lambda row: row.size_bytes)
    return WeightFormat(
        id=STORED,
        name=f"as stored ({', '.join(dict.fromkeys(row.format for row in spec.stored))})",
        sources=(Source(where=f"tensor table of the file of {spec.id}"),),
        bits=bits[Role.MATRIX],
        expert_bits=bits[Role.EXPERT],
        embedding_bits=bits[Role.EMBEDDING],
        head_bits=bits[Role.HEAD],
        vector_bits=bits[Role.VECTOR],
        nominal_bits=8 * main.size_bytes / main.elements,
        compute="fp8" if main.format.startswith("F8") else "bf16",
    )
