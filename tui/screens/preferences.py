"""A dialog with the settings; every change takes effect at once and is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from catalog.errors import BadInput
from tui.screens.dialog import Dialog
from tui.settings import Settings
from tui.widgets.form import Choice, Entry, Form

NO_MACHINE = ""


def _rate(text: str, label: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise BadInput(f"{label}: {text!r} is no positive number; write 0.92 for €0.92 a dollar")
    return value


def _currency(text: str, label: str) -> str:
    if len(text) > 5:
        raise BadInput(f"{label}: {text!r} is longer than five characters; write € or CHF")
    return f"{text} " if text[-1:].isalpha() else text


class PreferencesScreen(Dialog[None]):
    """Theme, units, currency, default machine; where keys are remapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.dismiss", "Close", id="preferences.close", priority=True)
    ]

    HELP = """
    # Settings

    Every change takes effect at once, on all pages, and is kept for the next time.

    - **memory in** and **currency** change what is shown and what Markdown holds. CSV, JSON and formulas stay in bytes
      and dollars.
    - **machine** is the one that pages start with.
    """

    class Changed(Message):
        """Settings were changed."""

        def __init__(self, values: dict[str, Any]) -> None:
            super().__init__()
            self.values = values

    def __init__(self, now: Settings, themes: list[str], machines: list[str], path: str) -> None:
        super().__init__()
        self._now, self._themes, self._machines, self._path = now, themes, machines, path

    def compose(self) -> ComposeResult:
        """A form and a line."""
        now = self._now
        machines = ((("page's own", NO_MACHINE)), *((name, name) for name in self._machines))
        fields = (
            Choice("theme", "theme", tuple((name, name) for name in self._themes), now.theme),
            Choice("units", "memory in", (("GiB (2³⁰ bytes)", "GiB"), ("GB (10⁹ bytes)", "GB")), now.units),
            Choice(
                "machine", "machine", machines, now.machine if now.machine in self._machines else NO_MACHINE,
                help="The machine that pages start with.",
            ),
            Entry("currency", "currency", _currency, now.currency.strip(), "$", help="Before amounts: $, €, CHF."),
            Entry(
                "per_usd", "per dollar", _rate, f"{now.per_usd:g}", "1",
                help="How many of that currency a US dollar is. Catalogs, formulas and files stay in dollars.",
            ),
        )  # fmt: skip
        with Vertical(id="preferences", classes="dialog") as box:
            box.border_title = "Settings"
            box.border_subtitle = "[@click=screen.dismiss]esc closes[/]"
            yield Form(fields)
            yield Static(
                Content.styled("Keys are remapped in the same file, under “keys”, by the names that ? shows:", "dim")
            )
            yield Static(Content(self._path))

    @on(Form.Changed)
    def _edited(self, event: Form.Changed) -> None:
        event.stop()
        usual = {"currency": "$", "per_usd": 1.0}
        values = {name: usual.get(name) if value is None else value for name, value in event.values.items()}
        changed: dict[str, Any] = {name: value for name, value in values.items() if getattr(self._now, name) != value}
        self._now = replace(self._now, **changed)
        self.post_message(self.Changed(changed))
