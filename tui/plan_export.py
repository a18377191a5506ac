"""What the Plan page gives away: the form as plan.yaml, the answer as Markdown, JSON and CSV, and the command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from catalog.errors import BadInput
from tui.widgets.plan_result import csv_rows

if TYPE_CHECKING:
    from advisor.planning.result import Plan

EXPORTED = "whicharch-plan.yaml"
"""How the form is called once it is exported."""


def command(path: str) -> str:
    """The command that plans what a file holds."""
    return shlex.join(("whicharch", "plan", path))


def texts(
    plan: Plan | None, data: Mapping[str, Any] | None, tab: str, warning: str = ""
) -> dict[str, Callable[[], str]]:
    """Files by suffix: the answer, with the table of the tab in view as CSV, and the form.

    A ``warning`` stands at the top of every answer, in CSV as a comment; the form is what it is.
    """
    found: dict[str, Callable[[], str]] = {}
    if plan is not None:
        found["md"] = lambda: (f"> {warning}\n\n" if warning else "") + _markdown(plan)
        found["json"] = lambda: _json(plan, warning)
        if (table := csv_rows(plan, tab)) is not None:
            found["csv"] = lambda: (f"# {warning}\n" if warning else "") + _csv(*table)
    if data is not None:
        found["yaml"] = lambda: _yaml(data)
    return found


def _markdown(plan: Plan) -> str:
    from advisor.planning.text import plan_lines

    return "\n".join(plan_lines(plan, markdown=True)) + "\n"


def _json(plan: Plan, warning: str) -> str:
    import json

    data = {**({"warning": warning} if warning else {}), **plan.to_dict()}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _csv(heads: list[str], rows: list[list[Any]]) -> str:
    from tui.machine_export import csv_text

    return csv_text(heads, rows)


def _yaml(data: Mapping[str, Any]) -> str:
    from advisor.planning.draft import plan_of
    from catalog.writer import to_yaml

    try:
        return to_yaml(plan_of(data))
    except BadInput as error:
        return f"# {error}\n"
