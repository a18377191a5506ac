"""What the Learn page gives away: a page as Markdown and as data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.learn import Page as Lesson


def texts(lesson: Lesson) -> dict[str, Callable[[], str]]:
    """Files by suffix."""
    return {"md": partial(markdown, lesson), "json": partial(_json, lesson)}


def markdown(lesson: Lesson) -> str:
    """The page as ``whicharch learn`` prints it."""
    from advisor import page_text

    return page_text.markdown(lesson) + "\n"


def _json(lesson: Lesson) -> str:
    import json

    return json.dumps(lesson.to_dict(), indent=2, ensure_ascii=False, default=str) + "\n"
