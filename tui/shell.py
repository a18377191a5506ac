"""What every page offers through the application: settings, undo's neighbours, copying, exporting, explaining,
bookmarks and history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from tui.ahead import Ahead
from tui.screens.page import OpenPage, Page, State
from tui.settings import Place, Store
from tui.typing_ahead import TypingAhead

if TYPE_CHECKING:
    from textual.theme import Theme

    from tui.screens.preferences import PreferencesScreen


class Shell(Ahead, TypingAhead):
    """Actions that ask the page in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", tooltip="Copy what is shown", id="app.copy"),
        Binding("x", "export", "Export", tooltip="Write it to a file; shows the command", id="app.export"),
        Binding("e", "explain", "Explain", show=False, tooltip="The formula of the focused figure", id="app.explain"),
        Binding("f", "bookmark", "Bookmark", show=False, tooltip="Keep what is asked now", id="app.bookmark"),
        Binding("F", "bookmarks", "Bookmarks", show=False, tooltip="Return to what was kept", id="app.bookmarks"),
        Binding("H", "history", "History", show=False, tooltip="Return to what was asked before", id="app.history"),
        Binding("comma", "preferences", "Settings", show=False, tooltip="Theme, units, money", id="app.settings"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()

    # Settings

    def read_settings(self) -> None:
        """Take over what was kept; called before the first paint."""
        from tui.themes import THEMES

        for theme in THEMES:
            self.register_theme(theme)
        problems = self.store.read()
        kept = self.store.now
        if kept.theme in self.available_themes:
            self.theme = kept.theme
        else:
            problems.append(f"{self.store.path}: there is no theme {kept.theme}; the usual one is taken")
        if kept.keys:
            self.set_keymap(kept.keys)
        self._show_in()
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        for sentence in problems:
            self.notify(sentence, title="settings", severity="warning", timeout=15, markup=False)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: Any) -> None:
        """Said once by ``say_problems_of_keys``; Textual says it at every focus, and takes two keys of one for two."""

    def say_problems_of_keys(self, problems: Sequence[str]) -> None:
        """What of the settings' keys cannot be as it was meant."""
        for sentence in problems:
            self.notify(sentence, title="settings", severity="warning", timeout=15, markup=False)

    def _theme_changed(self, theme: Theme) -> None:
        if theme.name != self.store.now.theme:
            self.keep(theme=theme.name)

    def keep(self, **changes: Any) -> None:
        """Change settings and write them."""
        if problem := self.store.put(**changes):
            self.notify(problem, title="settings", severity="warning", markup=False)

    def _show_in(self) -> None:
        from advisor.report import DISPLAY

        kept = self.store.now
        DISPLAY.units = "GB" if kept.units == "GB" else "GiB"
        DISPLAY.currency, DISPLAY.per_usd = kept.currency, kept.per_usd

    def action_preferences(self) -> None:
        """Open the settings."""
        from tui.screens.preferences import PreferencesScreen

        library = getattr(self, "library", None)
        machines = [] if library is None else [machine.id for machine in library.machines]
        themes = sorted(self.available_themes)
        self.push_screen(PreferencesScreen(self.store.now, themes, machines, str(self.store.path)))

    def on_preferences_screen_changed(self, event: PreferencesScreen.Changed) -> None:
        """Take settings over at once."""
        if not event.values:
            return
        theme = event.values.pop("theme", None)
        if theme is not None:
            self.theme = theme
        if event.values:
            self.keep(**event.values)
            self._show_in()
            for page in self.pages_open():
                page.refresh(layout=True, recompose=False)
                page.display_changed()

    def pages_open(self) -> list[Page]:
        """Every page that has been opened."""
        return [screen for stack in self._screen_stacks.values() for screen in stack if isinstance(screen, Page)]

    # Copying, exporting, explaining

    @property
    def page(self) -> Page | None:
        """The page in view, also below a dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)

    def action_copy(self) -> None:
        """Copy what the page says is worth copying."""
        text = self.page.copied() if self.page else ""
        if text:
            self.copy_to_clipboard(text)
            first = text.strip().splitlines()[0]
            self.notify(f"Copied: {first[:60]}{'…' if len(first) > 60 or len(text.splitlines()) > 1 else ''}",
                        timeout=3, markup=False)  # fmt: skip
        else:
            self.notify("There is nothing to copy yet.", timeout=2)

    def action_export(self) -> None:
        """Write what the page shows."""
        from tui.screens.export import ExportScreen

        if (page := self.page) is None:
            return
        picture = self.export_screenshot()
        texts: dict[str, Callable[[], str]] = {**page.exports(), "svg": lambda: picture}
        mode = self.current_mode

        def written(path: str | None) -> None:
            if path:
                self.notify(f"Written: {path}", timeout=5, markup=False)

        self.push_screen(ExportScreen(f"whicharch-{mode}", texts, page.equivalent()), written)

    def action_explain(self) -> None:
        """Show the formula of the focused figure."""
        from tui.screens.explain import ExplainScreen

        explanation = self.page.explained() if self.page else None
        if explanation is None:
            self.notify("Nothing here has a formula: focus a figure first (Tab), then e.", timeout=4)
        else:
            self.push_screen(ExplainScreen(explanation))

    # Bookmarks and history

    def _place(self) -> Place | None:
        page = self.page
        title = page.bookmark() if page else None
        if page is None or title is None or page.past.now is None:
            return None
        return Place(title, self.current_mode, page.past.now)

    def action_bookmark(self) -> None:
        """Keep what the page asks now."""
        place = self._place()
        if place is None:
            self.notify("This page asks nothing that could be kept yet.", timeout=3)
        elif place in self.store.now.bookmarks:
            self.notify("Kept already; F lists the bookmarks.", timeout=3)
        else:
            self.keep(bookmarks=(place, *self.store.now.bookmarks))
            self.notify(f"Kept: {place.title}; F lists the bookmarks.", timeout=3, markup=False)

    def visited(self, title: str, mode: str, state: State) -> None:
        """Put something that was asked on top of the history."""
        place = Place(title, mode, state)
        before = tuple(p for p in self.store.now.history if (p.title, p.mode) != (title, mode))
        if before != self.store.now.history[1:] or place not in self.store.now.history[:1]:
            self.keep(history=(place, *before)[:200])

    def action_bookmarks(self) -> None:
        """List the bookmarks."""
        self._places("Bookmarks", "bookmarks", "No bookmarks yet: f keeps what a page asks.")

    def action_history(self) -> None:
        """List what was asked before."""
        self._places("History", "history", "Nothing has been asked yet.")

    def _places(self, title: str, name: str, empty: str) -> None:
        from tui.screens.places import PlacesScreen

        dialog = PlacesScreen(title, getattr(self.store.now, name), empty)

        def chosen(place: Place | None) -> None:
            if dialog.places != getattr(self.store.now, name):
                self.keep(**{name: dialog.places})
            if place is not None:
                self.post_message(OpenPage(place.mode, place.state))

        self.push_screen(dialog, chosen)
