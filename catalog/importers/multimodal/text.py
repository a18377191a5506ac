"""The language model inside: read by the importer of its own type."""

from __future__ import annotations

from collections.abc import Callable

from catalog.errors import unknown
from catalog.importers import decoders, mixtures
from catalog.importers.fields import Fields
from catalog.spec import Architecture, LmHead, Stack

Read = Callable[[Fields, bool], Architecture]


def ernie(f: Fields, lm: bool = True) -> Architecture:
    """PaddleOCR-VL: ERNIE 4.5 with rotary positions in three axes."""
    return decoders.ernie4_5(f, lm)


INNER: dict[str, Read] = {
    "paddleocr_vl_text": ernie,
    "qwen2_5_vl_text": decoders.qwen2,
    "qwen2_vl_text": decoders.qwen2,
    "qwen3_vl_moe_text": mixtures.qwen3_moe,
    "qwen3_vl_text": decoders.qwen3,
    "hyperclovax": decoders.llama,
}
"""Types that only stand inside others, and the decoders whose layers they have."""


def language(f: Fields, text: Fields, tied: bool) -> Stack:
    """The decoder, with logits tied as the outer configuration says.

    Raises:
        BadInput: If nobody reads its type.
    """
    from catalog.importers.huggingface import TYPES

    if text.kind in INNER:
        architecture = INNER[text.kind](text, True)
    elif text.kind in TYPES:
        entry = TYPES[text.kind]
        architecture = entry.read(text, entry.class_name)
    else:
        raise unknown(f"model_type in {text.where}:", text.kind, sorted({*INNER, *TYPES}))
    stack = architecture.stacks[-1]
    heads = tuple(h.model_copy(update={"tied": tied}) if isinstance(h, LmHead) else h for h in stack.heads)
    return stack.model_copy(update={"heads": heads})
