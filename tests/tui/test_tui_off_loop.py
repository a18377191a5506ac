"""What runs off the event loop, without any page: overtaken, waiting for its turn, failing."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from textual import on
from textual.app import App
from textual.message import Message
from tui_world import settle

from catalog.errors import BadInput
from tui.off_loop import Failed, off_loop


@dataclass
class Answered(Message):
    """What came back."""

    text: str


class Small(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.go_on = Event()
        self.begun: list[str] = []
        self.heard: list[str] = []

    @off_loop("ask", alone=True, about=lambda text: f"about {text}")
    def ask(self, text: str) -> Answered | None:
        self.begun.append(text)
        match text:
            case "slow":
                assert self.go_on.wait(20)
            case "bad":
                raise BadInput("write 1")
            case "broken":
                raise ZeroDivisionError("[/oops]")
            case "quiet":
                return None
        return Answered(text)

    @off_loop("write", overtakes=False)
    def write(self, text: str) -> Answered:
        assert self.go_on.wait(20)
        return Answered(text)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        self.heard.append(event.text)

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        self.heard.append(f"{'ours' if event.ours else 'theirs'}: {event.sentence}")


async def test_what_was_overtaken_is_not_heard_and_what_still_waited_is_not_begun():
    app = Small()
    async with app.run_test() as pilot:
        app.ask("slow")
        for _ in range(500):
            await pilot.pause(0.01)
            if app.begun:
                break
        app.ask("waits")
        app.ask("last")
        app.go_on.set()
        await settle(pilot)
        assert app.begun == ["slow", "last"]
        assert app.heard == ["last"]


async def test_failures_are_told_apart_and_what_is_written_is_never_overtaken():
    app = Small()
    async with app.run_test() as pilot:
        for text in ("bad", "broken", "quiet"):
            app.ask(text)
            await settle(pilot)
        assert app.heard == ["theirs: write 1", "ours: about broken: ZeroDivisionError: [/oops]"]
        app.heard.clear()
        app.write("one")
        app.write("two")
        app.go_on.set()
        await settle(pilot)
        assert sorted(app.heard) == ["one", "two"]


async def test_what_is_worked_on_is_never_described():
    class Endless:
        def __repr__(self) -> str:
            raise AssertionError("the catalog was written out")

    class Described(App[None]):
        done = False

        @off_loop("work")
        def work_on(self, thing: Endless) -> None:
            self.done = True

    app = Described()
    async with app.run_test() as pilot:
        app.work_on(Endless())
        await settle(pilot)
        assert app.done
