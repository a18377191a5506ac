"""A spec from a real model: built on the meta device and counted, where no importer describes its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import torch

from calculators.reference.caches import cache_bytes
from calculators.reference.counting import torch_flops
from calculators.reference.models import build, label, parameters
from calculators.reference.subject import unchecked
from catalog.base import Source
from catalog.ends import TokenEmbedding
from catalog.errors import BadInput, unknown
from catalog.mixers.traced import Traced
from catalog.spec import Architecture, Group, Layer, ModelSpec, Reference, Stack

LENGTHS = (16, 32, 48, 80)
"""Three determine the square law, the fourth must obey it, and so must one beyond each window and chunk."""
LONGEST = 2**17


def trace(config: Mapping[str, Any], where: str) -> ModelSpec:
    """A decoder or encoder of text, counted as a whole.

    Raises:
        BadInput: If transformers does not know the type, cannot run it on text alone, or its cost does not follow
            ``a + b·S + c·S²`` (windows and chunks shorter than the lengths tried).
    """
    reference = Reference(class_name=_class_of(config, where), config=dict(config))
    try:
        model = build(reference)
        table = model.get_input_embeddings().weight  # type: ignore[operator, union-attr]
        counts = {n: _run(model, n) for n in (*LENGTHS, *_beyond(config))}
    except BadInput:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{where}: {reference.class_name} does not run on text alone: {reason}") from error
    constant, linear, square = _square_law({n: flops for n, (flops, _, _) in counts.items()}, where)
    held = {n: cache_bytes(cache) // 2 for n, (_, cache, _) in counts.items()}
    state, per_token, bent = _square_law(held, where)
    if bent:
        raise BadInput(f"{where}: the cache of {reference.class_name} does not grow in proportion to the length")
    vocab, hidden = int(table.shape[0]), int(table.shape[1])
    mixer = Traced(
        parameters=parameters(model) - vocab * hidden,
        flops_per_sequence=constant,
        flops_per_token=linear,
        flops_per_pair=square,
        cache_per_token=per_token,
        state=max(state, 0),
    )
    decodes = per_token > 0 or state > 0
    stack = Stack(
        name="decoder" if decodes else "encoder",
        role="decoder" if decodes else "encoder",
        hidden=hidden,
        embedding=TokenEmbedding(vocab=vocab),
        norm="plain",
        groups=(Group(layers=(Layer(mixer=mixer, norms="branch"),)),),
        final_norm=False,
    )
    title = str(config.get("_name_or_path") or config["model_type"])
    return ModelSpec(
        id=re.sub(r"[^a-z0-9._+-]+", "-", title.split("/")[-1].lower()).strip("-.") or "traced",
        name=title,
        family="decoder" if decodes else "encoder",
        architecture=Architecture(stacks=(stack,)),
        reference=reference,
        sources=(Source(where=f"traced on {label(reference)}, configuration {where}"),),
        notes="Traced: parameters, executed FLOPs and cache are those of the real class as a whole; how many "
        "parameters one token uses and what a better kernel would leave out are not known.",
    )


def _beyond(config: Mapping[str, Any]) -> list[int]:
    """Lengths past whatever the configuration calls a window or a chunk."""
    bounds = {v for k, v in config.items() if ("window" in k or "chunk" in k) and type(v) is int and 0 < v < LONGEST}
    return sorted(bound + 17 for bound in bounds)


def _class_of(config: Mapping[str, Any], where: str) -> str:
    import transformers
    from transformers.models.auto import modeling_auto

    kind = config.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        raise unknown(f"model_type in {where}:", str(kind), list(transformers.CONFIG_MAPPING))
    named = config.get("architectures")
    if isinstance(named, list) and named and isinstance(named[0], str):
        found = getattr(transformers, named[0], None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return named[0]
    for table in ("CAUSAL_LM", "MASKED_LM"):
        names = getattr(modeling_auto, f"MODEL_FOR_{table}_MAPPING_NAMES")
        if kind in names:
            return str(names[kind])
    raise BadInput(f"{where}: {kind} is no text model; tracing counts models that read text alone")


def _run(model: torch.nn.Module, tokens: int) -> tuple[int, Any, Any]:
    ids = torch.empty((1, tokens), dtype=torch.long, device="meta")
    with unchecked():
        flops, output = torch_flops(lambda: model(input_ids=ids))
    cache = getattr(output, "past_key_values", None)
    return flops, getattr(output, "cache_params", None) if cache is None else cache, output


def _square_law(values: Mapping[int, int], where: str) -> tuple[int, int, int]:
    """Whole numbers (a, b, c) with ``a + b·n + c·n²`` through every value.

    Raises:
        BadInput: If there are none.
    """
    at = _interpolated([(Fraction(n), Fraction(v)) for n, v in list(values.items())[:3]])
    first, second, third = (at(Fraction(x)) for x in (0, 1, 2))
    square = (third - 2 * second + first) / 2
    law = (first, second - first - square, square)
    if any(at(Fraction(n)) != v for n, v in values.items()) or any(part.denominator != 1 for part in law):
        raise BadInput(
            f"{where}: counts at {', '.join(map(str, values))} tokens follow no square law (windows or chunks are "
            "shorter), so a trace would not tell other lengths"
        )
    return int(law[0]), int(law[1]), int(law[2])


def _interpolated(points: list[tuple[Fraction, Fraction]]) -> Callable[[Fraction], Fraction]:
    def value(x: Fraction) -> Fraction:
        total = Fraction(0)
        for i, (xi, yi) in enumerate(points):
            term = yi
            for j, (xj, _) in enumerate(points):
                if i != j:
                    term *= (x - xj) / (xi - xj)
            total += term
        return total

    return value
