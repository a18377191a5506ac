"""Where a page to learn from leads: models, other pages, and answers of the guide, all rows of one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from advisor.report import count_text
from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.learn import Page, Topic
    from tui.library import Library

Kind = Literal["model", "page", "answer", "ask"]


@dataclass(frozen=True)
class Link:
    """One row."""

    kind: Kind
    id: str
    label: str
    about: str


LINKS: tuple[Column[Link], ...] = (
    Column("leads to", lambda link: link.label, 0, left=True, most=34),
    Column("", lambda link: link.about, 1, left=True, most=120),
)
ANSWERS: tuple[Column[Link], ...] = (
    Column("answer", lambda link: link.label, 0, left=True, most=44),
    Column("what follows", lambda link: link.about, 1, left=True, most=120),
)


def links(page: Page, topics: dict[str, Topic], library: Library | None) -> list[Link]:
    """Pages and models that a page names, without doubles; only models that the catalog holds."""
    data = page.data
    task = data.get("task") or {}
    pages = [*data.get("innovations", ()), *data.get("families", ())]
    pages += [suits["family"] for suits in task.get("families", ()) if suits["grade"] != "poor"]
    models = [*data.get("models", ())]
    models += [entry["model"] for entry in (*data.get("effects", ()), *data.get("numbers", ()))]
    found = []
    if page.kind == "task":
        found.append(Link("ask", page.id, "→ Ask for this task", "the shortlist, with the task filled in"))
    for name in dict.fromkeys(models):
        model = library.model(name) if library else None
        if model is not None:
            size = f", {count_text(model.params.total)}" if model.params else ""
            found.append(Link("model", name, name, f"{model.spec.family}{size}"))
    for name in dict.fromkeys(pages):
        if (topic := topics.get(name)) is not None:
            found.append(Link("page", name, topic.name, topic.kind))
    return found
