"""The application: pages as modes, themes, the command palette, and the catalog read after the first paint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import PurePath
from typing import Any, ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen

from tui.library import Library
from tui.pages import MODES, PAGES
from tui.screens.page import OpenModel, OpenPage, Page
from tui.shell import Shell
from tui.styling import STYLES


def _models() -> type[Provider]:
    from tui.commands import ModelCommands

    return ModelCommands


def _machines() -> type[Provider]:
    from tui.commands import MachineCommands

    return MachineCommands


def _actions() -> type[Provider]:
    from tui.commands import PageCommands

    return PageCommands


class WhicharchApp(Shell):
    """Which architecture, which model and which machine."""

    TITLE = "whicharch"
    CSS_PATH: ClassVar[list[str | PurePath]] = [STYLES / "app.tcss"]
    MODES: ClassVar[dict[str, Any]] = dict(MODES)
    DEFAULT_MODE = "ask"
    COMMANDS: ClassVar[set[Any]] = App.COMMANDS | {_models, _machines, _actions}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{p.key},{p.twin}", f"go({p.mode!r})", p.title, tooltip=p.about, show=False, id=f"app.{p.mode}")
            for p in PAGES
        ),
        Binding(
            "ctrl+p",
            "command_palette",
            "palette",
            tooltip="Every action, model and machine",
            show=False,
            priority=True,
            id="app.palette",
        ),
        Binding("question_mark,f1", "help", "Help", tooltip="What this page means, and its keys", id="app.help"),
    ]
    library: var[Library | None] = var(None)

    @dataclass
    class LibraryRead(Message):
        """The catalog is ready."""

        library: Library

    class PagesImported(Message):
        """Every page can be opened without an import."""

    @dataclass
    class LibraryFailed(Message):
        """The catalog cannot be read."""

        sentence: str

    def on_load(self) -> None:
        """Take over the settings."""
        self.obey_signals()
        self.read_settings()
        self.style_first(self.DEFAULT_MODE)

    def on_ready(self) -> None:
        """Read the catalog once something is on the screen."""
        self.call_after_refresh(self.painted)

    def painted(self) -> None:
        """The first frame is out."""
        self.read_library()
        for entry in PAGES:
            self.call_later(self.read_styles, entry.mode)

    @work(thread=True, exit_on_error=False)
    def read_library(self) -> None:
        """Read the catalog off the event loop."""
        from tui import garbage, library

        news: Message
        try:
            with garbage.building():
                news = self.LibraryRead(library.read_library())
        except Exception as error:
            news = self.LibraryFailed(f"{type(error).__name__}: {error}")
        self.post_message(news)

    @on(LibraryRead)
    def _library_read(self, event: LibraryRead) -> None:
        self.library = event.library
        preferred = self.store.now.machine
        if preferred and preferred not in [machine.id for machine in event.library.machines]:
            sentence = f"there is no machine {preferred}; pages start with their own choice"
            self.notify(sentence, title="settings", severity="warning", markup=False)
        for sentence in event.library.problems:
            self.notify(sentence, title="left out of your own catalog", severity="warning", markup=False)
        self._hand_over()
        self.import_pages()

    @work(thread=True, exit_on_error=False)
    def import_pages(self) -> None:
        """Import the other pages while nobody waits: half of what opening one costs."""
        for entry in PAGES:
            import_module(f"tui.screens.{entry.mode}")
        if self.store.now.keys:
            from tui.keymap import problems

            self.call_from_thread(self.say_problems_of_keys, problems(self.store.now.keys))
        self.post_message(self.PagesImported())

    @on(PagesImported)
    def _pages_imported(self) -> None:
        self.open_ahead(*(entry.mode for entry in PAGES))

    @on(LibraryFailed)
    def _library_failed(self, event: LibraryFailed) -> None:
        self.notify(event.sentence, title="the catalog cannot be read", severity="error", timeout=30, markup=False)

    def _hand_over(self) -> None:
        """Give the catalog to the page in view; others get it when they are opened."""
        page = self.screen_stack[0] if self.screen_stack else None
        if self.library is not None and isinstance(page, Page) and page.is_mounted:
            page.receive(self.library)

    async def action_go(self, mode: str) -> None:
        """Switch to a page."""
        self.read_styles(mode)
        with self.batch_update():  # drawn once, with its content
            await self.opened(mode)
            self._hand_over()
        self.screen.refresh()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The page in view need not be gone to."""
        if action == "go" and parameters == (self.current_mode,):
            return None
        return True

    def action_help(self) -> None:
        """Explain the page and its keys."""
        from tui.screens.help import HelpScreen

        screen = self.screen
        if screen.HELP and not isinstance(screen, HelpScreen):
            bindings = dict(screen.active_bindings)
            shown = {key: self.get_key_display(active.binding) for key, active in bindings.items()}
            self.push_screen(HelpScreen(screen.HELP, bindings.items(), shown))

    @on(OpenModel)
    async def _open_model(self, event: OpenModel) -> None:
        await self.open_model(event.model, event.load)

    @on(OpenPage)
    async def _open_page(self, event: OpenPage) -> None:
        await self.action_go(event.mode)
        if isinstance(self.screen, Page):
            self.screen.restore(event.state)

    async def open_model(self, model: str, load: Any = None) -> None:
        """Show a model on the Models page."""
        from tui.screens.models import ModelsScreen

        await self.action_go("models")
        if isinstance(self.screen, ModelsScreen):
            self.screen.open_model(model, load or {})

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Pages first, then Textual's own: theme, keys, screenshot, quit."""
        for page in PAGES:
            yield SystemCommand(f"Go to {page.title}", page.about, partial(self.action_go, page.mode))
        yield SystemCommand("Settings", "Theme, units, money, default machine", self.action_preferences)
        yield SystemCommand("Bookmarks", "What was kept with f", self.action_bookmarks)
        yield SystemCommand("History", "What was asked before", self.action_history)
        yield from super().get_system_commands(screen)
