"""Columns of the Ask page's tables. Every number goes through ``advisor.report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.report import percent_text, rate_text, usd_text
from tui.cells import NONE, maybe_bytes, maybe_seconds
from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.recommend import Recommendation
    from advisor.rejection import Rejection


def place(r: Recommendation) -> str:
    """Where it runs."""
    if r.machine is None:
        return f"API ({r.engine})"
    copies = f"{r.copies} copies on " if r.copies > 1 else ""
    return f"{copies}{r.n_gpus} × {r.machine}" if r.n_gpus > 1 else f"{copies}{r.machine}"


def rate(r: Recommendation) -> str:
    """Output tokens per second; with its unit where requests are counted."""
    if r.tokens_per_s is None:
        return NONE
    return rate_text(r.tokens_per_s, "" if r.tpot_s is not None else "/s").strip()


def quality(r: Recommendation) -> str:
    """The index, or a dash where there is no evidence."""
    return NONE if r.quality is None else percent_text(r.quality)


def kept(r: Recommendation) -> str:
    """The probability that every promise is kept."""
    return NONE if r.p_meets is None else percent_text(r.p_meets)


def shortlist_columns(*, several: bool) -> tuple[Column[Recommendation], ...]:
    """Columns of the shortlist; where it runs matters more where there are ``several`` places."""
    return (
        Column("model", lambda r: r.model, 0, left=True, most=30, key=lambda r: r.model),
        Column("family", lambda r: r.family, 4, left=True, key=lambda r: r.family),
        Column("weights", lambda r: r.weights, 8, left=True, key=lambda r: r.weights),
        Column("cache", lambda r: r.kv, 10, left=True, key=lambda r: r.kv),
        Column("machine", place, 2 if several else 11, left=True, most=26, key=place),
        Column("memory", lambda r: maybe_bytes(r.memory_bytes_per_gpu), 7, key=lambda r: r.memory_bytes_per_gpu),
        Column("first token", lambda r: maybe_seconds(r.ttft_s), 5, key=lambda r: r.ttft_s),
        Column("per token", lambda r: maybe_seconds(r.tpot_s), 3, key=lambda r: r.tpot_s),
        Column("tok/s", rate, 9, key=lambda r: r.tokens_per_s, descending=True),
        Column(
            "cost/M out", lambda r: usd_text(r.usd_per_million_output_tokens), 6,
            key=lambda r: r.usd_per_million_output_tokens,
        ),
        Column("quality", quality, 1, key=lambda r: r.quality, descending=True),
        Column("kept", kept, 12, key=lambda r: r.p_meets, descending=True),
        Column("score", lambda r: f"{r.score:.2f}", 13, key=lambda r: r.score, descending=True),
    )  # fmt: skip


SHORTLIST = shortlist_columns(several=True)

BEING_FOUND = "being found …"


def change(r: Rejection) -> str:
    """What would admit it, as far as that is known: finding it may take a hundred times as long as drawing it."""
    return r.smallest_change if r.change_known else BEING_FOUND


REJECTED: tuple[Column[Rejection], ...] = (
    Column("model", lambda r: r.model, 0, left=True, most=30, key=lambda r: r.model),
    Column("would be admitted by", change, 1, left=True, least=44, most=44),
    Column("broken", lambda r: "; ".join(r.violations), 2, left=True, most=52),
    Column("closest way", lambda r: r.way, 3, left=True, most=44),
)
