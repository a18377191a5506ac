"""The Learn page: families, innovations and tasks with numbers computed when they are read, and the guide to walk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from tui import learn_export
from tui.guide import OWN, SKIP, Place, told
from tui.learn_links import ANSWERS, LINKS, Link, links
from tui.learn_topics import GUIDE, KINDS, TOPICS, WALK, Entry, explained, read_lesson, read_place, read_topics
from tui.off_loop import off_loop
from tui.screens.page import Explanation, OpenModel, OpenPage, Page, State
from tui.widgets.columns import Column
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.learn import Page as Lesson
    from advisor.learn import Topic
    from tui.library import Library

PAUSE_S = 0.08
"""How long the cursor must rest before a page is computed."""


class LearnScreen(Page):
    """List, page, and where it leads."""

    AUTO_FOCUS = "#topics"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", tooltip="Find a page by its words", id="learn.search"),
        Binding("w", "walk", "Guide", tooltip="Walk the decision guide from its start", id="learn.walk"),
        Binding("t", "screen.focus('#links')", "Leads to", tooltip="Models and pages it names", id="learn.links"),
        Binding("backspace,h", "step_back", "Back", tooltip="The question or page before", id="learn.back"),
        Binding("s", "skip", "Leave open", tooltip="Go on without an answer", id="learn.skip"),
    ]
    HELP = """
    # Learn

    What an engineer should know of each family of architectures, of the ideas that made them cheaper, and of the tasks
    that they are for. Every number is computed from the catalog when the page is opened, none is written into it.

    - Masks show what each token (row) sees of each other (column): `██` exactly, `░░` through a state, `·` not.
    - `e` shows how its numbers were got: formulas with the numbers put in, and sources.
    - Below the page stands where it leads: models open on the Models page, other pages here.
    - **The guide** asks from what goes in to the families that suit, says what follows from each answer, and ends in
      Ask with the requirements filled in. Where a number is asked for, your own can be typed. Backspace goes back,
      `s` leaves a question open.
    """

    @dataclass
    class TopicsRead(Message):
        """The list is there."""

        topics: tuple[Topic, ...]

    @dataclass
    class Learned(Message):
        """A page was computed."""

        name: str
        lesson: Lesson
        edition: int

    @dataclass
    class Walked(Message):
        """A place of the guide was made."""

        place: Place

    def __init__(self) -> None:
        super().__init__()
        self.topic = ""
        """What is shown: a page's id, or the guide."""
        self.place: Place | None = None
        self.lesson: Lesson | None = None
        self._topics: dict[str, Topic] = {}
        self._lessons: dict[str, Lesson] = {}
        self._answers: tuple[str, ...] = ()
        self._trail: list[str] = []
        self._wanted: State = {}
        self._edition = 0
        """Counts what makes every page another one: a catalog that is read anew, other units."""

    def compose(self) -> ComposeResult:
        """Search and list; page, own value, links."""
        yield PageBar("learn")
        with Horizontal(id="learn"):
            with Vertical(id="list"):
                yield Input(placeholder="search: words", id="search", compact=True)
                yield RowTable(TOPICS, lambda e: e.id, id="topics", empty="reading the catalog …")
            with Vertical(id="reading"):
                yield Reader(id="page")
                yield Input(placeholder="your own value, then Enter", id="own", compact=True)
                yield RowTable(LINKS, lambda link: f"{link.kind} {link.id}", id="links", empty="leads nowhere")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the panes."""
        self.query_one("#topics").border_title = "Learn"
        self.query_one("#links").border_title = "Leads to \\[t]"
        self.query_one("#own").display = False

    # The list

    def library_read(self, library: Library) -> None:
        """Read the list; a catalog that was read anew may change every number."""
        self._forget()
        self.list_topics()

    def _forget(self) -> None:
        """What was computed, or is being computed, holds no longer."""
        self._lessons.clear()
        self._edition += 1

    @off_loop("topics")
    def list_topics(self) -> TopicsRead:
        """Read off the event loop."""
        return self.TopicsRead(read_topics())

    @on(TopicsRead)
    def _listed(self, event: TopicsRead) -> None:
        self._topics = {topic.id: topic for topic in event.topics}
        entries = [WALK, *(Entry(t.id, t.name, KINDS[t.kind], t.about) for t in event.topics)]
        table = self.query_one("#topics", RowTable)
        table.empty = "no page has all of these words"
        table.show_rows(entries)
        table.border_subtitle = f"{len(entries)} pages"
        if self._wanted:
            self.restore(self._wanted)

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        table = self.query_one("#topics", RowTable)
        table.keep(
            (lambda e: all(w in f"{e.id} {e.name} {e.kind} {e.about}".lower() for w in words)) if words else None
        )
        table.border_subtitle = f"{len(table.order)} of {len(table.rows)} pages"

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self.query_one("#topics").focus()

    @on(RowTable.Highlighted, "#topics")
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        if event.row is not None and event.row.id != self.topic:
            self._turn_to(event.row.id)

    @on(RowTable.Selected, "#topics")
    def _opened(self, event: RowTable.Selected) -> None:
        self.query_one("#links" if event.row.id == GUIDE else "#page").focus()

    # From a topic to its page

    def _turn_to(self, name: str, answers: tuple[str, ...] | None = None) -> None:
        """Show a page or the guide; what is known at once is shown at once."""
        self.topic = name
        self.lesson = None
        if name == GUIDE:
            self._answers = self._answers if answers is None else answers
            self._went()
            self.walk(self._answers)
            return
        self.query_one("#own").display = False
        if name in self._lessons:
            self._show(self._lessons[name])
            return
        topic = self._topics[name]
        self.query_one("#page", Reader).read(
            Content.styled(topic.name, "bold $text-primary"),
            [("", topic.about), ("", Content.styled("computing …", "dim"))],
        )
        self._show_links(LINKS, (), "Leads to \\[t]")
        self.settle(name)

    @work(exclusive=True, group="settle")
    async def settle(self, name: str) -> None:
        """Wait until the cursor rests."""
        await asyncio.sleep(PAUSE_S)
        self.compute(name, self._edition)

    @off_loop("compute", alone=True, about=lambda name, edition: name)
    def compute(self, name: str, edition: int) -> Learned:
        """Compute off the event loop."""
        return self.Learned(name, read_lesson(name), edition)

    @on(Learned)
    def _learned(self, event: Learned) -> None:
        if event.edition != self._edition:
            return
        self._lessons[event.name] = event.lesson
        if event.name == self.topic:
            self._show(event.lesson)

    def _show(self, lesson: Lesson) -> None:
        from tui.widgets.lesson import lesson as sections

        self.lesson = lesson
        self._went()
        with self.app.batch_update():
            title = Content.assemble((lesson.title, "bold $text-primary"), f"  {lesson.kind}")
            self.query_one("#page", Reader).read(title, sections(lesson))
            self.query_one("#page").border_title = Content(lesson.title)
            self._show_links(LINKS, links(lesson, self._topics, self.library), "Leads to \\[t]")

    def _show_links(self, columns: tuple[Column[Link], ...], rows: Sequence[Link], title: str) -> None:
        table = self.query_one("#links", RowTable)
        table.columns = columns
        table.border_title = title
        table.border_subtitle = "enter opens" if columns is LINKS else "enter answers, backspace goes back"
        table.show_rows(rows, follow=False)

    # The guide

    @off_loop("compute", alone=True, about=lambda answers: GUIDE)
    def walk(self, answers: tuple[str, ...]) -> Walked:
        """Find the place off the event loop: the first time imports a little."""
        return self.Walked(read_place(answers))

    @on(Walked)
    def _walked(self, event: Walked) -> None:
        if self.topic != GUIDE:
            return
        place = self.place = event.place
        self._answers = place.answers
        self._went()
        own = self.query_one("#own", Input)
        focused = self.focused
        with self.app.batch_update():
            own.display = place.takes_value
            own.value = ""
            title = "Answers \\[t]" if place.question else "Where it leads \\[t]"
            self._show_links(ANSWERS if place.question else LINKS, place.rows, title)
            self._tell()
        if focused is own:
            self.query_one("#links").focus()
        self.refresh_bindings()

    def _tell(self) -> None:
        """The question, what follows from the answer under the cursor, and what suits so far."""
        place = self.place
        if place is None:
            return
        page = self.query_one("#page", Reader)
        page.border_title = "Which architecture?"
        page.read(*told(place, self.query_one("#links", RowTable).row))

    @on(RowTable.Highlighted, "#links")
    def _pointed(self, event: RowTable.Highlighted) -> None:
        if self.topic == GUIDE and self.place is not None and event.row in self.place.rows:
            self._tell()

    @on(Input.Submitted, "#own")
    def _own(self, event: Input.Submitted) -> None:
        if value := event.value.strip():
            self._answer(OWN + value)

    def _answer(self, answer: str) -> None:
        if self.topic == GUIDE and self.place is not None and self.place.question:
            self.walk((*self.place.answers, answer))

    def action_skip(self) -> None:
        """Leave the question open."""
        if self.place is not None and self.place.may_skip:
            self._answer(SKIP)

    def action_walk(self) -> None:
        """Start the guide anew."""
        self._trail.clear()
        self._answers = ()
        self.topic = ""
        self._point_at(GUIDE)
        self.call_after_refresh(self.query_one("#links").focus)

    def action_step_back(self) -> None:
        """Back to the question before, or to the page that led here."""
        if self.topic == GUIDE and self._answers:
            self.walk(self._answers[:-1])
        elif self._trail:
            self._point_at(self._trail.pop())

    # Links

    @on(RowTable.Selected, "#links")
    def _followed(self, event: RowTable.Selected) -> None:
        link: Link = event.row
        match link.kind:
            case "answer":
                self._answer(link.id)
            case "model":
                self.post_message(OpenModel(link.id, {}))
            case "page":
                self._trail.append(self.topic)
                self._point_at(link.id)
            case "ask":
                wishes: dict[str, Any] = {"task": link.id}
                if not link.id and self.place is not None:
                    wishes = self.place.wishes
                self.post_message(OpenPage("ask", {"wishes": wishes}))

    def _point_at(self, name: str) -> None:
        """Put the cursor on a topic, which shows it; a search that hides it is cleared."""
        table = self.query_one("#topics", RowTable)
        if not table.go_to(name):
            self.query_one("#search", Input).value = ""
            table.keep(None)
            table.go_to(name)
        if self.topic != name:
            self._turn_to(name)

    # Keys and states

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        """In a small window the page takes the list's place while it is read."""
        reading = self.query_one("#reading")
        self.set_class(reading in event.widget.ancestors_with_self, "-reading")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Questions are left open where there is one."""
        if action == "skip":
            return self.topic == GUIDE and self.place is not None and self.place.may_skip
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Go to the search line."""
        self.query_one("#search").focus()

    def action_back(self) -> None:
        """Escape clears the search, then leaves it; from the page it returns to the list."""
        search = self.query_one("#search", Input)
        if search.has_focus and search.value:
            search.value = ""
        else:
            super().action_back()

    def _went(self) -> None:
        state: State = {"topic": self.topic}
        if self.topic == GUIDE:
            state["answers"] = list(self._answers)
        self.past.went(state)

    def restore(self, state: State) -> None:
        """Show a page, or a place of the guide."""
        if not self._topics:
            self._wanted = state
            return
        self._wanted = {}
        name = str(state.get("topic", GUIDE))
        if name != GUIDE and name not in self._topics:
            self.notify(f"There is no page called {name}.", markup=False)
            return
        if name == GUIDE:
            self._answers = tuple(map(str, state.get("answers", ())))
            self.topic = ""
        self._point_at(name)

    def bookmark(self) -> str | None:
        """The page, or where the guide stands."""
        if self.topic == GUIDE:
            return f"guide: {self.place.so_far[-1]}" if self.place and self.place.so_far else "guide"
        return self.lesson.title if self.lesson else None

    def equivalent(self) -> str:
        """The command that prints the page."""
        return f"whicharch learn {self.lesson.id}" if self.lesson else ""

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The page as Markdown or data."""
        if self.lesson is None:
            return {}
        return learn_export.texts(self.lesson)

    def copied(self) -> str:
        """The page as Markdown, or the walk so far."""
        if self.topic == GUIDE and self.place is not None:
            return "\n".join((*self.place.so_far, *self.place.suits))
        return learn_export.markdown(self.lesson) if self.lesson else ""

    def explained(self) -> Explanation | None:
        """Formulas behind the page's numbers."""
        if self.lesson is None:
            return None
        return Explanation(f"Numbers of: {self.lesson.title}", partial(explained, self.lesson))

    def display_changed(self) -> None:
        """Units changed: compute anew."""
        self._forget()
        if self.topic:
            self._turn_to(self.topic)
