"""Formulas behind the figures of the Plan page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tui.screens.page import Explanation

if TYPE_CHECKING:
    from advisor.planning.result import Plan


def formula(tab: str, row: Any, plan: Plan) -> Explanation | None:
    """What explains the figures of a tab; of a table those of the row under its cursor."""
    choice = plan.best or plan.nearest
    match tab:
        case "front" if row is not None:
            return Explanation(row.choice.way, partial(_choice, plan, row.choice))
        case "cost" if row is not None:
            return Explanation(f"Money, month {row.month} and all {len(plan.months)}", partial(_money, plan, row))
        case "others" if row is not None:
            return Explanation(row.way, partial(_other, row))
        case "answer" | "time" | "front" if choice is not None:
            return Explanation(choice.way, partial(_choice, plan, choice))
    return None


def _choice(plan: Plan, choice: Any) -> str:
    from advisor.planning.explaining import choice_text

    return choice_text(plan, choice)


def _money(plan: Plan, month: Any) -> str:
    from advisor.planning.explaining import api_text, month_text, terms_text

    others = [*(terms_text(plan, t) for t in plan.terms), *(api_text(plan, a) for a in plan.apis)]
    return "\n\n".join((month_text(plan, month), *others))


def _other(one: Any) -> str:
    from advisor.planning.explaining import runner_up_text

    return runner_up_text(one)
