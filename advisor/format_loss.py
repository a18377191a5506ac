"""What a weight format costs in quality, in log-odds of answering right, from what somebody measured.

MMLU before and after says it directly. Where only perplexity was measured, a rise counts as the same rise between
siblings of one family: from LLaMA 65B to 7B perplexity on Wikitext-2 goes from 3.53 to 5.68 (FP16 column of
IST-DASLab/gptq README) and MMLU from 63.4 to 35.1 (arXiv:2302.13971, table 9), which is ``PER_LOG_PERPLEXITY``. Held
against formats of which both are known that is about right or too strict (see the tests), never too kind.

Of several measurements the one on the model nearest in size counts. A format that nobody measured costs what the worst
measured format of its class of bits costs, and says so. At or above the width in which the model is published nothing
is lost that its scores do not hold already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from math import log

from catalog.loader import all_formats, load_format
from catalog.values import dataclass
from catalog.weight_format import QualityLoss, WeightFormat

CHANCE = 25.0
MMLU = {
    "Llama-3.1-8B-Instruct": 69.4, "Llama-3.1-70B-Instruct": 83.6,  # llama_models llama3_1/MODEL_CARD.md, 5-shot
    "Qwen-1.8B-Chat": 43.3, "Qwen-7B-Chat": 55.8, "Qwen-14B-Chat": 64.6, "Qwen-72B-Chat": 74.4,  # QwenLM/Qwen README
}  # fmt: skip
"""MMLU in 16 bits of the models that formats were measured on."""
PERPLEXITY = {
    "Llama-3-8B": 6.2332,  # llama.cpp tools/perplexity/README.md
    "LLaMA-7B": 5.68, "LLaMA-13B": 5.09, "LLaMA-30B": 4.10, "LLaMA-65B": 3.53,  # IST-DASLab/gptq README
}  # fmt: skip
"""Wikitext-2 perplexity in 16 bits, each as its source ran it."""


def _odds(score: float) -> float:
    share = (score - CHANCE) / (100 - CHANCE)
    return log(share / (1 - share))


PER_LOG_PERPLEXITY = (_odds(63.4) - _odds(35.1)) / log(5.68 / 3.53)
"""Log-odds of MMLU per unit of the logarithm of perplexity."""


@dataclass(frozen=True, slots=True)
class FormatLoss:
    """What a model loses in a format."""

    odds: float
    """Log-odds of a right answer, at least 0."""
    measured: bool
    """Whether somebody measured this format; otherwise the worst of its class stands in."""
    said: str
    """The measurement and its source, in words; empty where nothing is lost."""


def loss_of(weights: WeightFormat, parameters: float, published: str) -> FormatLoss:
    """The loss of a model of so many parameters in a format, against its published one.

    Args:
        weights: The format.
        parameters: All parameters of the model.
        published: Id of the format it is published in, of which its scores are.
    """
    if weights.id == published or weights.nominal_bits >= min(16.0, load_format(published).nominal_bits):
        return FormatLoss(0.0, True, "")
    own = _nearest(weights, parameters)
    if own is not None:
        return FormatLoss(own[0], True, f"{_words(own[1])} ({own[1].source})")
    worst = _worst(weights.nominal_bits, parameters)
    if worst is None:
        return FormatLoss(0.0, False, f"nobody measured {weights.name} or a format of its width")
    odds, of, loss = worst
    return FormatLoss(odds, False, f"nobody measured {weights.name}; {of.name}, the worst of its width: {_words(loss)}")


def _words(loss: QualityLoss) -> str:
    return f"{loss.value:+g} {loss.metric} on {loss.model}"


def log_odds_lost(loss: QualityLoss) -> float | None:
    """One measurement as log-odds lost; ``None`` where the metric or the model's level in 16 bits is not known."""
    level = MMLU.get(loss.model)
    if loss.metric == "MMLU loss in % of bf16" and level is not None:
        return max(0.0, _odds(level) - _odds(level * (1 - loss.value / 100)))
    if loss.metric == "MMLU points lost" and level is not None:
        return max(0.0, _odds(level) - _odds(level - loss.value))
    if loss.metric.startswith("Wikitext perplexity rise in %"):
        return PER_LOG_PERPLEXITY * log(1 + max(0.0, loss.value) / 100)
    if loss.metric.startswith("Wikitext-2 perplexity rise") and loss.model in PERPLEXITY:
        return PER_LOG_PERPLEXITY * log(1 + max(0.0, loss.value) / PERPLEXITY[loss.model])
    return None


def _size(model: str) -> float:
    found = re.search(r"([\d.]+)B", model)
    return float(found.group(1)) * 1e9 if found else 8e9


@lru_cache(maxsize=512)
def _known(weights: str) -> tuple[tuple[float, QualityLoss], ...]:
    """What is known of a format: answers before perplexity, and perplexity without calibration before that with."""
    found = [(odds, loss) for loss in load_format(weights).loss if (odds := log_odds_lost(loss)) is not None]
    answers = [pair for pair in found if pair[1].metric.startswith("MMLU")]
    plain = [pair for pair in found if "imatrix" not in pair[1].metric]
    return tuple(answers or plain or found)


def _nearest(weights: WeightFormat, parameters: float) -> tuple[float, QualityLoss] | None:
    known = _known(weights.id)
    return min(known, key=lambda pair: abs(log(_size(pair[1].model) / parameters)), default=None)


@lru_cache(maxsize=64)
def _class(bits: float) -> tuple[WeightFormat, ...]:
    return tuple(other for other in all_formats() if bits - 0.5 < other.nominal_bits <= bits + 0.5 and _known(other.id))


def _worst(bits: float, parameters: float) -> tuple[float, WeightFormat, QualityLoss] | None:
    found: Iterable[tuple[float, WeightFormat, QualityLoss]] = (
        (near[0], other, near[1]) for other in _class(bits) if (near := _nearest(other, parameters)) is not None
    )
    return max(found, key=lambda item: item[0], default=None)
