"""Commands of the palette that come from the catalog."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.widget import Widget
from textual.widgets import Input

from tui.cells import total
from tui.pages import PAGES
from tui.screens.page import OpenPage
from tui.widgets.choice import Select
from tui.widgets.form import Form
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from tui.app import WhicharchApp
    from tui.library import Model

COMMON = (RowTable, Reader, Form, Select, Input)
"""Widgets whose keys move and choose: offered only where they have the focus."""
AWAY = 0.8
"""What an action of another page counts less."""


class ModelCommands(Provider):
    """Open any model by name."""

    @property
    def _models(self) -> tuple[Model, ...]:
        library = cast("WhicharchApp", self.app).library
        return () if library is None else library.models

    async def discover(self) -> Hits:
        """One line that says that models can be opened by name."""
        if self._models:
            first = self._models[0].id
            yield DiscoveryHit(f"Open model {first}", self._command(first), help="type any model's name")

    async def search(self, query: str) -> Hits:
        """Models that contain every word; the fuzzy matcher would miss 'qwen 7b'."""
        matcher = self.matcher(query)
        words = [word for word in query.lower().split() if word not in ("open", "model")]
        for model in self._models:
            title = f"Open model {model.id}"
            score = max(matcher.match(title), 0.3 if all(word in model.words for word in words) else 0.0)
            if score > 0:
                what = f"{model.spec.family}, {total(model)}"
                yield Hit(score, matcher.highlight(title), self._command(model.id), help=what)
            if "lab" in query.lower() and model.spec.is_disclosed:
                title = f"Change {model.id} in the Lab"
                if (score := matcher.match(title)) > 0:
                    change = partial(self.app.post_message, OpenPage("lab", {"base": model.id}))
                    yield Hit(score, matcher.highlight(title), change, help="layers, width, heads, experts …")

    def _command(self, name: str) -> Callable[[], Awaitable[None]]:
        return partial(cast("WhicharchApp", self.app).open_model, name)


class MachineCommands(Provider):
    """Open any machine by name."""

    async def search(self, query: str) -> Hits:
        """Machines that contain every word."""
        library = cast("WhicharchApp", self.app).library
        matcher = self.matcher(query)
        words = [word for word in query.lower().split() if word not in ("open", "machine")]
        for machine in library.machines if library else ():
            title = f"Open machine {machine.id}"
            score = max(matcher.match(title), 0.3 if all(word in title.lower() for word in words) else 0.0)
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._command(machine.id), help=machine.name)

    def _command(self, name: str) -> Callable[[], object]:
        return partial(self.app.post_message, OpenPage("machines", {"machine": name}))


def _listed(action: str) -> bool:
    """Whether the application's own commands have it, by another name: going to pages, settings, lists."""
    return action.startswith("go(") or action in ("preferences", "bookmarks", "history")


class PageCommands(Provider):
    """Every action of the page in view, also those that the key bar has no room for, and those of the other pages."""

    def _actions(self) -> list[tuple[str, str, Callable[[], Awaitable[object]]]]:
        found: dict[str, tuple[str, str, Callable[[], Awaitable[object]]]] = {}
        active = [(a.binding, a.node, a.enabled) for a in self.screen.active_bindings.values()]
        for binding, node, enabled in (*active, *self._in_view()):
            named = binding.description and enabled and not binding.system
            if named and not _listed(binding.action) and binding.action not in found:
                shown = self.app.get_key_display(binding)
                about = f"{binding.tooltip} (key {shown})" if binding.tooltip else f"key {shown}"
                found[binding.action] = (
                    binding.description, about, partial(self.app.run_action, binding.action, node)
                )  # fmt: skip
        return list(found.values())

    def _in_view(self) -> Iterator[tuple[Binding, DOMNode, bool]]:
        """Actions of panes that do not have the focus, such as to start a measurement."""
        for widget in self.screen.query("*").results(Widget):
            if widget.region and not isinstance(widget, COMMON):
                for binding in type(widget).__dict__.get("BINDINGS", ()):
                    if isinstance(binding, Binding) and binding.id:
                        yield binding, widget, self.app._check_action_state(binding.action, widget) is True

    def _elsewhere(self) -> list[tuple[str, str, Callable[[], Awaitable[object]]]]:
        """Actions of the other pages, which are opened for them."""
        found: list[tuple[str, str, Callable[[], Awaitable[object]]]] = []
        for page in PAGES:
            if page.mode != self.app.current_mode:
                for binding in page.loaded().BINDINGS:
                    if isinstance(binding, Binding) and binding.description:
                        run = partial(self._go_and_run, page.mode, binding.action)
                        found.append((f"{page.title}: {binding.description}", binding.tooltip or page.about, run))
        return found

    async def _go_and_run(self, mode: str, action: str) -> None:
        app = cast("WhicharchApp", self.app)
        await app.action_go(mode)
        app.call_after_refresh(app.run_action, action, app.screen)

    async def discover(self) -> Hits:
        """Those of the page in view."""
        for title, about, run in self._actions():
            yield DiscoveryHit(title, run, help=about)

    async def search(self, query: str) -> Hits:
        """Those that match; of other pages below those of this one."""
        matcher = self.matcher(query)
        for title, about, run in self._actions():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, help=about)
        for title, about, run in self._elsewhere():
            if (score := matcher.match(title)) > 0:
                yield Hit(score * AWAY, matcher.highlight(title), run, help=about)
