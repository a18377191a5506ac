"""The Ask page's answer as a document in Markdown: the question, how it was read, the shortlist, the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.ask_cells import SHORTLIST
from tui.ask_export import command, sentence_of
from tui.exports import markdown_of

if TYPE_CHECKING:
    from advisor.asking.draft import Reading
    from advisor.ranking.rows import Advice
    from tui.reasons import Reasons

REJECTED = 4
"""Rejected models that are named, the nearest first; JSON has all."""


@dataclass(frozen=True)
class Question:
    """What was asked."""

    text: str
    """In the person's words; empty where only the form was filled in."""
    reading: Reading | None
    asked: Mapping[str, Any]
    """The requirements that the answer is to."""
    edited: bool
    """Whether the form was changed after the question was read."""


def explained_document(question: Question, advice: Advice, names: Sequence[str], known: Mapping[str, Reasons]) -> str:
    """The whole answer, with reasons for the first model and the named ones; ``known`` need not be found again."""
    from tui import reasons

    wanted = dict.fromkeys((*(row.model for row in advice.recommendations[:1]), *names))
    decision = reasons.decision_of(advice) if wanted.keys() - known.keys() else None
    found = [known[n] if decision is None or n in known else reasons.reasons_of(decision, n) for n in wanted]
    return document(question, advice, found)


def document(question: Question, advice: Advice, explained: Sequence[Reasons]) -> str:
    """The whole answer.

    Args:
        question: What was asked.
        advice: The answer.
        explained: Recommendations with their reasons.
    """
    lines = ["# Which model on which machine", "", *_asked(question, advice)]
    if advice.recommendations:
        lines += ["## Shortlist", "", *markdown_of(SHORTLIST, advice.recommendations).splitlines(), ""]
    else:
        lines += ["## Nothing keeps every promise", ""]
    for reasons in explained:
        lines += _reasons(reasons, advice)
    if nearest := advice.rejected[:REJECTED]:
        lines += ["## Nearest rejected, and what would admit them", ""]
        lines += _points(f"{r.model} ({r.way}): {'; '.join(r.violations)} → {r.smallest_change}" for r in nearest)
    if same := command(question.asked):
        lines += ["## The same from the command line", "", *_code([same])]
    return "\n".join(lines).rstrip() + "\n"


def _asked(question: Question, advice: Advice) -> list[str]:
    lines: list[str] = []
    if question.text:
        lines += [f"**Question:** {question.text}", ""]
    if question.text and question.edited:
        lines += ["The form was changed after the question was read; the answer is to what the form says.", ""]
    if said := sentence_of(question.asked):
        lines += [f"**Asked:** {said}", ""]
    reading = question.reading
    if reading is not None:
        lines += ["## Understood", ""]
        lines += _points(f"{u.name}: {u.value}, from “{u.words}”" for u in reading.understood) or ["Nothing.", ""]
        left = [f"read as: “{wrong}” as “{right}”" for wrong, right in reading.corrected.items()]
        left += [f"noted, not applied: {n.what} (“{n.words}”): {n.why}" for n in reading.noted]
        left += [f"not understood: “{words}”" for words in reading.not_understood]
        lines += _points(left)
    assumed = dict.fromkeys((*(reading.assumed if reading else ()), *advice.requirements.get("defaults", ())))
    if assumed:
        lines += ["## Assumed", "", *_points(assumed)]
    return [*lines, f"{advice.considered:,} ways were considered.", ""]


def _reasons(reasons: Reasons, advice: Advice) -> list[str]:
    row = next(row for row in advice.recommendations if row.model == reasons.model)
    lines = [f"## {reasons.model}", "", reasons.short, ""]
    lines += [f"### Why {row.family}", "", *_points(reasons.family)]
    binds = [f"Binds: {row.binding}."] if row.binding else []
    costs = [f"Costs {reasons.month}."] if reasons.month else []
    lines += [f"### Why {reasons.model}", "", *_points([*reasons.about, *binds, *costs, *row.notes])]
    for title, points in (
        ("Risks", reasons.risks),
        ("Instead", [f"{kind}: {text}" for kind, text in reasons.instead]),
        ("Own machines against an API", [f"{name}: {text}" for name, text in reasons.trade_offs]),
    ):
        if points:
            lines += [f"### {title}", "", *_points(points)]
    engine, launch, note = reasons.launch
    if launch:
        lines += [f"### Start it ({engine})", "", *_code([launch]), *([f"{note}.", ""] if note else [])]
    return lines + (["### In detail", "", *_code(reasons.commands)] if reasons.commands else [])


def _points(texts: Iterable[str]) -> list[str]:
    lines = [f"- {text}" for text in texts]
    return [*lines, ""] if lines else []


def _code(commands: Iterable[str]) -> list[str]:
    return ["```sh", *commands, "```", ""]
