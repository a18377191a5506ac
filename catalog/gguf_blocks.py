"""Bits per weight of ggml's block layouts, scales and minima included.

Source:
    ggml-org/llama.cpp ggml/src/ggml-common.h (``block_*``): bytes of a block over the weights it holds.
"""

from __future__ import annotations

from typing import NamedTuple


class Block(NamedTuple):
    """One layout: ``bytes`` hold ``weights`` consecutive weights of a row."""

    bytes: int
    weights: int

    @property
    def bits(self) -> float:
        """Bits per weight."""
        return 8 * self.bytes / self.weights


BLOCKS: dict[str, Block] = {
    "f32": Block(4, 1),
    "f16": Block(2, 1),
    "bf16": Block(2, 1),
    "q4_0": Block(18, 32),
    "q4_1": Block(20, 32),
    "q5_0": Block(22, 32),
    "q5_1": Block(24, 32),
    "q8_0": Block(34, 32),
    "mxfp4": Block(17, 32),
    "nvfp4": Block(36, 64),
    "iq4_nl": Block(18, 32),
    "q2_k": Block(84, 256),
    "q3_k": Block(110, 256),
    "q4_k": Block(144, 256),
    "q5_k": Block(176, 256),
    "q6_k": Block(210, 256),
    "iq1_s": Block(50, 256),
    "iq1_m": Block(56, 256),
    "iq2_xxs": Block(66, 256),
    "iq2_xs": Block(74, 256),
    "iq2_s": Block(82, 256),
    "iq3_xxs": Block(98, 256),
    "iq3_s": Block(110, 256),
    "iq4_xs": Block(136, 256),
    "tq1_0": Block(54, 256),
    "tq2_0": Block(66, 256),
}

NARROWER: dict[str, str] = {
    **dict.fromkeys(("iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s", "iq4_xs"), "iq4_nl"),
    **dict.fromkeys(("q2_k", "q3_k", "tq1_0", "tq2_0"), "q4_0"),
    "q4_k": "q5_0",
    "q5_k": "q5_1",
    "q6_k": "q8_0",
}
"""What llama.cpp takes where a row does not divide into blocks of 256 (``tensor_type_fallback``)."""

DEFAULTS: dict[str, str] = {
    "Q4_0": "q4_0",
    "Q4_1": "q4_1",
    "Q5_0": "q5_0",
    "Q5_1": "q5_1",
    "Q8_0": "q8_0",
    "F16": "f16",
    "BF16": "bf16",
    "MXFP4_MOE": "mxfp4",
    "NVFP4": "nvfp4",
    "Q2_K": "q2_k",
    "Q2_K_S": "q2_k",
    "Q3_K_S": "q3_k",
    "Q3_K_M": "q3_k",
    "Q3_K_L": "q3_k",
    "Q4_K_S": "q4_k",
    "Q4_K_M": "q4_k",
    "Q5_K_S": "q5_k",
    "Q5_K_M": "q5_k",
    "Q6_K": "q6_k",
    "TQ1_0": "tq1_0",
    "TQ2_0": "tq2_0",
    "IQ1_S": "iq1_s",
    "IQ1_M": "iq1_m",
    "IQ2_XXS": "iq2_xxs",
    "IQ2_XS": "iq2_xs",
    "IQ2_S": "iq2_xs",
    "IQ2_M": "iq2_s",
    "IQ3_XXS": "iq3_xxs",
    "IQ3_XS": "iq3_s",
    "IQ3_S": "iq3_s",
    "IQ3_M": "iq3_s",
    "IQ4_NL": "iq4_nl",
    "IQ4_XS": "iq4_xs",
}
"""The layout that a file type gives to most of its tensors (``llama_ftype_get_default_type``)."""


def fitting(layout: str, row: int) -> str:
    """The layout that rows of ``row`` weights can take: the asked one, else its substitute, else fp16."""
    if row % BLOCKS[layout].weights == 0:
        return layout
    other = NARROWER.get(layout, "f16")
    return other if row % BLOCKS[other].weights == 0 else "f16"
