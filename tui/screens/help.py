"""Help over a page: what it means, and the keys that work where the focus is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from inspect import cleandoc
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content

from tui.screens.dialog import Dialog
from tui.widgets.reader import Reader, Section, facts, listed

_INLINE = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")


class HelpScreen(Dialog[None]):
    """A page's help; Escape, q or ? closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "dismiss", "Close", id="help.close"),
    ]

    def __init__(self, text: str, bindings: Iterable[tuple[str, ActiveBinding]], keys: dict[str, str]) -> None:
        """Prepare the help.

        Args:
            text: What the page means: a title, paragraphs and bullets in Markdown, ``**bold**`` and ``code`` in them.
            bindings: The active bindings by key.
            keys: How each key is shown.
        """
        super().__init__()
        title, self._sections = prose(text)
        self._title = Content.styled(title, "bold $text-primary")
        bindings = [(key, active) for key, active in bindings if active.binding.action != "help"]
        self._sections.append(("Keys", facts(key_list((b for b in bindings if b[1].binding.id), keys))))
        if typing := key_list((b for b in bindings if not b[1].binding.id), keys):
            self._sections.append(("Keys of the field, and of the application", facts(typing)))

    def compose(self) -> ComposeResult:
        """The text, in a pane that scrolls."""
        pane = Reader(id="help")
        pane.border_title = "Help"
        pane.border_subtitle = "[@click=screen.dismiss]esc close[/]"
        yield pane

    def on_mount(self) -> None:
        """Fill the pane."""
        self.query_one(Reader).read(self._title, self._sections)


def prose(text: str) -> tuple[str, list[Section]]:
    """A title, and sections without headings: one per paragraph and per run of bullets."""
    title, *blocks = re.split(r"\n\s*\n", cleandoc(text))
    sections: list[Section] = []
    for block in blocks:
        if block.startswith("- "):
            bullets = re.split(r"\n- ", block[2:])
            sections.append(("", listed(_inline(" ".join(bullet.split())) for bullet in bullets)))
        else:
            sections.append(("", _inline(" ".join(block.split()))))
        sections.append(("", " "))
    return title.removeprefix("# "), sections[:-1]


def _inline(text: str) -> Text:
    result, at = Text(), 0
    for match in _INLINE.finditer(text):
        result.append(text[at : match.start()])
        result.append(match[1] or match[2], style="bold")
        at = match.end()
    return result.append(text[at:])


def key_list(bindings: Iterable[tuple[str, ActiveBinding]], keys: dict[str, str]) -> list[tuple[str, str]]:
    """Every action once: all its keys, and what it does."""
    found: dict[tuple[str, str], list[str]] = {}
    for key, active in bindings:
        binding = active.binding
        if binding.system or not binding.description or not active.enabled:
            continue
        text = f"{binding.description}: {binding.tooltip}" if binding.tooltip else binding.description
        text += f"  ({binding.id})" if binding.id else ""
        found.setdefault((binding.action, text), []).append(keys.get(key, key))
    return [("  ".join(names), text) for (_, text), names in found.items()]
