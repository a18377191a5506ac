"""The Lab page."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from tui.screens.page import Page
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.reader import Reader


class LabScreen(Page):
    """Not built yet."""

    AUTO_FOCUS = "#text"
    BINDINGS: ClassVar[list[BindingType]] = []
    HELP = """
    # Lab
    """

    def compose(self) -> ComposeResult:
        """A sentence."""
        yield PageBar("lab")
        yield Reader(id="text")
        yield KeyBar()

    def on_mount(self) -> None:
        """Say so."""
        self.query_one(Reader).read(Content("Lab"), [("", "This page is being built.")])
