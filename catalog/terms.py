"""What a model's licence allows, and how much of its advertised context evidence supports."""

from __future__ import annotations

from typing import Literal, NamedTuple

from catalog.quality import printed_scores
from catalog.spec import ModelSpec

EFFECTIVE = 85.6
"""RULER score from which a length counts as supported: that of Llama 2 7B at 4K (arXiv:2404.06654, section 4)."""
LENGTHS = {"4K": 4096, "8K": 8192, "16K": 16384, "32K": 32768, "64K": 65536, "128K": 131072}


class Terms(NamedTuple):
    """Terms of use as we read them; not legal advice."""

    commercial: Literal["yes", "no", "conditions", "unknown"]
    conditions: str | None
    """In our words; ``None`` where there are none or none are recorded."""
    open_weights: bool | None
    """Whether the weights can be had; ``None`` where our sources do not say."""


class Supported(NamedTuple):
    """Context that RULER supports."""

    tokens: int
    """The longest measured length up to which every measured length scores enough; 0 if the shortest does not."""
    measured_tokens: int
    """The longest length measured."""
    score: float
    """At ``measured_tokens``."""
    source: str


def terms_of(spec: ModelSpec) -> Terms:
    """Licence terms of a model; commercial use is unknown without a licence in the catalog."""
    if spec.licence is None:
        return Terms("unknown", None, True if _has_repository(spec) else None)
    return Terms(spec.licence.commercial, spec.licence.note, _open(spec))


def _open(spec: ModelSpec) -> bool | None:
    name = spec.licence.name.lower() if spec.licence else ""
    if name.startswith("proprietary"):
        return False
    if spec.family != "api" or "weights" in name:
        return True
    return None


def _has_repository(spec: ModelSpec) -> bool:
    return any("/" in alias for alias in spec.aliases)


def beyond(group: str, context_tokens: int | None) -> bool:
    """Whether a RULER score is of texts longer than a context; the mean over all lengths is of the longest, too."""
    longest = LENGTHS.get(group.removeprefix("RULER ").removeprefix("avg 4K-"))
    return group.startswith("RULER ") and None not in (longest, context_tokens) and longest > context_tokens  # type: ignore[operator]


def refuted(known: Supported, tokens: int) -> bool:
    """Whether a measurement at most as long as ``tokens`` scores too little; lengths under the shortest are not."""
    return tokens >= min(LENGTHS.values()) and known.tokens < min(tokens, known.measured_tokens)


def supported_context(spec: ModelSpec) -> Supported | None:
    """Context supported by RULER scores; ``None`` where nobody measured the model.

    Lengths beyond its own context do not count (Qwen3's ends at 40k): how its positions were stretched there, neither
    its entry nor our launch line says, and the tables do not print it.
    Advertised and supported contexts differ by up to eight times (``claimed 128K effective 16K``).
    """
    own = {score.benchmark: (score.value, str(score.source)) for score in spec.scores}
    found: list[tuple[int, float, str]] = []
    for label, tokens in LENGTHS.items():
        group = f"RULER {label}"
        if beyond(group, spec.context_tokens):
            continue
        if group in own:
            found.append((tokens, *own[group]))
            continue
        table = printed_scores(group)
        row = next((r for r in table.scores if r.model == spec.id and r.rank == 0), None) if table else None
        if table and row:
            found.append((tokens, row.value, str(table.sources[row.source])))
    if not found:
        return None
    supported = 0
    for tokens, score, _ in found:
        if score < EFFECTIVE:
            break
        supported = tokens
    tokens, score, source = found[-1]
    return Supported(supported, tokens, score, source)
