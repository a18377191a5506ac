"""What the Why pane says of a recommendation beyond its row: computed off the event loop, plain words only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.decision.details import Decision
    from advisor.ranking.rows import Advice


@dataclass(frozen=True)
class Reasons:
    """One recommendation explained."""

    model: str
    short: str
    family: tuple[str, ...]
    about: tuple[str, ...]
    """Why this model."""
    month: str
    risks: tuple[str, ...]
    instead: tuple[tuple[str, str], ...]
    """Kind of alternative, and what it changes."""
    trade_offs: tuple[tuple[str, str], ...]
    launch: tuple[str, str, str]
    """Engine, command line, note; empty where nothing is launched."""
    commands: tuple[str, ...]
    path: str
    """From the task to this way of running it, as a tree."""


def decision_of(advice: Advice) -> Decision:
    """What explains the rows of an answer; keep it as long as the answer."""
    from advisor.decision.details import Decision

    return Decision(advice)


def reasons_of(decision: Decision, model: str) -> Reasons:
    """Explain a recommended model."""
    from advisor.decision.draw import path_text
    from advisor.report import usd_text

    d = decision.details(model)
    first = d.launches[0] if d.launches else None
    return Reasons(
        model=model,
        short=d.short,
        family=d.why_family,
        about=d.why_model,
        month="" if d.month is None else f"{usd_text(d.month.usd)} a month: {d.month.basis}",
        risks=d.risks,
        instead=tuple(
            (a.kind, f"none: {a.said}" if a.recommendation is None
             else f"{a.recommendation.model}: {', '.join(a.differences) or 'no difference in numbers'} ({a.said})")
            for a in d.alternatives
        ),
        trade_offs=tuple((c.name, f"{c.own}; API: {c.api}") for c in d.trade_offs),
        launch=(first.engine, first.command, first.note) if first else ("", "", ""),
        commands=tuple(d.commands.values()),
        path=path_text(d.path, 58),
    )  # fmt: skip
