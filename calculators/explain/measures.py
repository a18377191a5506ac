"""Measures in words: what a coefficient is multiplied by."""

from __future__ import annotations

import numpy as np

from calculators.measures import (
    Chosen,
    Context,
    Distinct,
    Handed,
    Held,
    Live,
    Measure,
    One,
    Policy,
    Runs,
    Sequences,
    Tokens,
)
from calculators.pairs import CrossPairs, Pairs
from calculators.scan_measures import ChunkPairs, Chunks, ChunkSquares, Padded
from calculators.selections import ChosenBlockPairs
from calculators.summaries import ChosenSummaries, HeldAgain, Summaries, SummaryPairs, Unsummarised
from calculators.workload import Workload


def unit_of(measure: Measure) -> str:
    """What one of it is called."""
    match measure:
        case Tokens(stream=stream) if stream.kind == "text" and stream.narrowed > 1:
            return "patch"
        case Tokens(stream=stream):
            return {"text": "token", "source": "source token", "image": "image token"}.get(stream.kind, "position")
        case Pairs(count="executed"):
            return "pair of the full square"
        case Pairs(blocks=True):
            return "pair in a block"
        case Pairs(prefix=True):
            return "pair of prompt or text"
        case Pairs(causal=True, window=None):
            return "causal pair"
        case Pairs(causal=True):
            return "pair in the window"
        case Pairs():
            return "pair"
        case CrossPairs():
            return "pair with the source"
        case ChosenBlockPairs():
            return "pair in chosen blocks"
        case SummaryPairs():
            return "pair with a summarised block"
        case HeldAgain():
            return "position held twice"
        case Summaries():
            return "block held"
        case ChosenSummaries():
            return "block read"
        case Unsummarised():
            return "token held open"
        case Context() | Chosen() | Handed():
            return "position read"
        case Held():
            return "position held"
        case Live() | Sequences():
            return "sequence"
        case Distinct():
            return "expert visited"
        case Padded():
            return "column of the convolution"
        case Chunks():
            return "block of tokens"
        case ChunkPairs(count="needed"):
            return "causal pair in a block"
        case ChunkPairs():
            return "pair in a block"
        case ChunkSquares():
            return "pair of blocks"
        case One() | Runs():
            return "pass"
        case _:
            return type(measure).__name__.lower()


def amount_text(measure: Measure, w: Workload, policy: Policy) -> str:
    """Its amount, and how it comes about: ``524,800 causal pairs (B·(S·P + S·(S+1)/2), S=1,024)``."""
    value = np.asarray(measure.value(w, policy)).item()
    number = f"{value:,.4g}" if isinstance(value, float) and value != int(value) else f"{int(value):,}"
    unit = unit_of(measure)
    plural = unit if int(value) == 1 else _plural(unit)
    how = _how(measure)
    return f"{number} {plural}" + (f" [{how}]" if how else "")


def _plural(unit: str) -> str:
    head, _, rest = unit.partition(" ")
    return f"{head}s {rest}".strip() if rest.startswith(("of", "in", "with", "read", "held", "visited")) else f"{unit}s"


def _how(measure: Measure) -> str:
    match measure:
        case Pairs(count="executed", window=None):
            return "B·S·(P + S)"
        case Pairs(count="executed", causal=True):
            return "B·S·(min(P, W-1) + S)"
        case Pairs(blocks=True, window=w):
            return f"each token sees its own block, W={w:,}"
        case Pairs(prefix=True):
            return "a prompt's square, B·S²; behind it B·(S·P + S·(S+1)/2)"
        case Pairs(causal=True, window=None):
            return "B·(S·P + S·(S+1)/2)"
        case Pairs(causal=True):
            return "each token sees at most W"
        case Distinct(experts=e, top_k=k):
            return f"E·(1-(1-k/E)^T), E={e}, k={k}, experts chosen at random"
        case Chunks(chunk=c):
            return f"B·⌈S/C⌉, C={c}"
        case ChunkPairs(chunk=c, count="executed"):
            return f"B·⌈S/C⌉·C², C={c}"
        case ChunkPairs(chunk=c, count="needed"):
            return f"the triangle of each block, C={c}"
        case ChunkPairs(chunk=c, count="whole"):
            return f"B·⌊S/C⌋·C², C={c}"
        case ChunkPairs(chunk=c):
            return f"the square of each block, C={c}"
        case Held(window=w) if w is not None:
            return f"at most {w:,}"
        case _:
            return ""
