"""The weight format of a file: exact bytes as effective bits per role."""

from __future__ import annotations

from calculators.lowering import lower
from calculators.operators import Role
from calculators.params import architecture_of
from catalog.base import Source
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat

STORED = "stored"
"""The name by which a model's own file is chosen as its weight format."""


def stored_bytes(spec: ModelSpec) -> int:
    """Exact bytes of the tensors in the file."""
    return sum(row.size_bytes for row in spec.stored)


def stored_format(spec: ModelSpec) -> WeightFormat:
    """Effective bits of each role, such that ours times the elements that calculators see is what the file holds.

    Tied heads and tensors named unlike their role shift bytes between roles, never out of the sum.
    """
    elements = dict.fromkeys(Role, 0)
    for operator in lower(architecture_of(spec)):
        for weight in operator.weights:
            elements[weight.role] += weight.elements * operator.repeat
    held = dict.fromkeys(Role, 0)
    for row in spec.stored:
        held[Role(row.role)] += row.size_bytes
    lost = sum(size for role, size in held.items() if not elements[role])
    largest = max(elements, key=lambda role: elements[role])
    held[largest] += lost
    bits = {role: 8 * held[role] / n if n else 16.0 for role, n in elements.items()}
    main = max((row for row in spec.stored), key=lambda row: row.size_bytes)
    return WeightFormat(
        id=STORED,
        name=f"as stored ({', '.join(dict.fromkeys(row.format for row in spec.stored))})",
        sources=(Source(where=f"tensor table of the file of {spec.id}"),),
        bits=bits[Role.MATRIX] or 16,
        expert_bits=bits[Role.EXPERT] if elements[Role.EXPERT] else None,
        embedding_bits=bits[Role.EMBEDDING] or 16,
        head_bits=bits[Role.HEAD] or 16,
        vector_bits=bits[Role.VECTOR] or 16,
        nominal_bits=8 * main.size_bytes / main.elements,
        compute="fp8" if main.format.startswith("F8") else "bf16",
    )
