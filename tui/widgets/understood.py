"""How a question was read, in a line: what was understood, what was assumed, what was not used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from advisor.asking.draft import Reading


NOTHING = "nothing of this was understood; say a task, a machine or limits: chat on an l4 for 20 users, 8k context"


def line_of(reading: Reading) -> tuple[Content, str]:
    """The line, and the details with the words that each requirement came from."""
    if reading.problem:
        return Content.styled(f"✗ {reading.problem}", "$text-error"), reading.problem
    if not reading.understood:
        return Content.styled(f"✗ {NOTHING}", "$text-error"), NOTHING
    parts: list[str | Content | tuple[str, str]] = []
    if reading.not_understood:
        parts += [("✗ not used: ", "$text-warning bold"), (", ".join(reading.not_understood), "$text-warning"), "  "]
    if reading.noted:
        parts += [("not applied: ", "$text-warning"), "; ".join(f"{n.what}: {n.why}" for n in reading.noted), "  "]
    if reading.corrected:
        parts += [("read as: ", "dim"), ", ".join(f"{a} → {b}" for a, b in reading.corrected.items()), "  "]
    parts.append(("understood: ", "dim"))
    for index, entry in enumerate(reading.understood):
        parts += ["  " if index else "", (f"{entry.name} ", "dim"), (entry.value, "bold")]
    if reading.assumed:
        parts += [("  assumed: ", "dim"), "; ".join(reading.assumed)]
    details = [f"{u.name}: {u.value}, from “{u.words}”" for u in reading.understood]
    details += [f"assumed: {text}" for text in reading.assumed]
    details += [f"not applied: {n.what} (“{n.words}”): {n.why}" for n in reading.noted]
    details += [f"not understood: “{words}”" for words in reading.not_understood]
    return Content.assemble(*parts), "\n".join(details)
