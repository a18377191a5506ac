"""One kind of error for everything a user can get wrong: what, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SHOWN = 12
"""Known words that a message lists at most."""


class BadInput(ValueError):
    """Something given from outside is wrong; the message is one sentence meant for the person who gave it."""


class DoesNotFit(BadInput):
    """A question that was well put and whose answer is no: the model needs more memory than there is."""


def not_fields(where: object, data: object, wanted: str = "fields with names") -> BadInput:
    """An error for a file that holds something else than a mapping."""
    given = "is empty" if data is None else "holds a list" if isinstance(data, list) else f"holds {str(data)[:40]!r}"
    return BadInput(f"{where}: {given}; expected {wanted}")


def unknown(what: str, word: str, known: Iterable[str], spoken: Mapping[str, Iterable[str]] | None = None) -> BadInput:
    """An error that names the nearest known words; ``spoken``: other ways of saying them."""
    from catalog.near import nearest

    names = sorted(known)
    near = nearest(word, names, spoken=spoken)
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(names[:SHOWN])}{more}"
    return BadInput(f"unknown {what} {word!r}{hint}")
