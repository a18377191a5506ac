"""What tables of all pages write into a cell. Every number goes through ``advisor.report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.report import bytes_text, count_text, seconds_text, tokens_text

if TYPE_CHECKING:
    from tui.library import Model

NONE = "–"
UNDISCLOSED = "undisclosed"


def maybe_bytes(value: float | None) -> str:
    """A size, or a dash."""
    return NONE if value is None else bytes_text(value)


def maybe_seconds(value: float | None) -> str:
    """A duration, or a dash."""
    return NONE if value is None else seconds_text(value)


def total(m: Model) -> str:
    """Parameters, or that nobody says."""
    return UNDISCLOSED if m.params is None else count_text(m.params.total)


def context(m: Model) -> str:
    """Advertised context."""
    return NONE if m.spec.context_tokens is None else tokens_text(m.spec.context_tokens)


def licence(m: Model) -> str:
    """The licence's name."""
    return NONE if m.spec.licence is None else m.spec.licence.name
