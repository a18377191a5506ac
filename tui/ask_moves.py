"""What a change of the question did to the shortlist: who moved, who came, who went."""

from __future__ import annotations

from collections.abc import Sequence

UP, DOWN, NEW = "▲", "▼", "+"


def moves(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """A sign for each model that came or moved past others that stayed; none where the lists have nothing in common."""
    was = {name: place for place, name in enumerate(name for name in before if name in set(after))}
    if not was:
        return {}
    signs = {name: NEW for name in after if name not in was}
    for place, name in enumerate(name for name in after if name in was):
        if place != was[name]:
            signs[name] = UP if place < was[name] else DOWN
    return signs


def told(before: Sequence[str], after: Sequence[str]) -> str:
    """The change in words; empty where nothing changed, or there was nothing before."""
    if not before or list(before) == list(after):
        return ""
    new, gone = len(set(after) - set(before)), len(set(before) - set(after))
    found = [f"{count} {what}" for count, what in ((new, "new"), (gone, "gone")) if count]
    if after and after[0] != before[0]:
        found.append(f"{after[0]} leads, before {before[0]}")
    return ", ".join(found or ["in another order"])
