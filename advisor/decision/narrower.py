"""The weight format that would admit a rejected model: one that is not among those tried by itself."""

from __future__ import annotations

from advisor.candidates import Outcomes, offered
from advisor.ranking.promises import one_keeps
from advisor.readable import formats_for, reader
from advisor.requirements import Needs
from advisor.tensor_split import splits_tensors
from catalog.loader import load_format
from catalog.spec import ModelSpec

SERVED = ("awq-int4", "gptq-int3")
"""Of vLLM, the widest first."""
FILES = ("gguf-q4_k_m", "gguf-q3_k_m", "gguf-q2_k")
"""Of llama.cpp."""
TEXT = ("decoder", "moe", "ssm", "hybrid", "vision-language")


def narrower_weights(spec: ModelSpec, needs: Needs, outcome: Outcomes, index: int) -> str | None:
    """The widest format, of fewer bits than the closest way's, with which that machine keeps every promise.

    Formats under 4 bits, and conversions of weights that are published in 8, are only proposed here: they cost more
    quality than is chosen for anybody, so the person decides.
    """
    closest = outcome.space.choices[index]
    machine = closest.machine
    if spec.family not in TEXT:
        return None
    tried = set(formats_for(machine, spec))
    reads = reader(machine)
    names = (SERVED if reads.awq else ()) + (FILES if reads.gguf else ())
    bits = closest.weights.nominal_bits
    found = [n for n in names if n not in tried and load_format(n).nominal_bits <= bits and n != closest.weights.id]
    for name in sorted(found, key=lambda n: -load_format(n).bits):
        where = offered([machine], ((name,),), writes=outcome.writes, needs=needs, splits=splits_tensors(spec))
        if any(one_keeps(spec, where, i, needs, outcome.layout) for i in range(len(where.choices))):
            return name
    return None
