"""A line that runs the proof against PyTorch in another process, and says how it stands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import work
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from catalog.errors import BadInput
from tui.widgets.bars import bar

if TYPE_CHECKING:
    from advisor.proving import Proven

Check = dict[str, Any]
"""A quantity of ours beside that of the real model."""
WIDTH = 20
"""Cells of the bar."""


class ProofLine(Static):
    """Invitation, progress, or verdict."""

    @dataclass
    class Ended(Message):
        """A proof came to its end."""

        checks: tuple[Check, ...]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._proof: Worker[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a proof runs."""
        return self._proof is not None and self._proof.is_running

    def start(self, models: tuple[str, ...]) -> None:
        """Prove models; a proof that runs is ended."""
        self._proof = self.prove(models)

    def stop(self) -> None:
        """End the proof."""
        if self._proof is not None:
            self._proof.cancel()

    def invite(self) -> None:
        """Say what can be done."""
        self.tell(
            Content.from_markup("[@click=screen.prove]P proves its counts against PyTorch[/], in another process")
        )

    def tell(self, sentence: str | Content) -> None:
        """Say how the proof stands."""
        self.update(Content(sentence) if isinstance(sentence, str) else sentence, layout=False)

    @work(exclusive=True, group="proof", exit_on_error=False)
    async def prove(self, models: tuple[str, ...]) -> None:
        """Follow a proof."""
        from advisor import proving

        began = monotonic()
        news: Proven | None = None

        def tick() -> None:
            if news is not None:
                self._progress(news, monotonic() - began)

        clock = self.set_interval(1, tick)
        try:
            async for found in proving.prove(models):
                news = found
                tick()
            if news is not None and news.checks is not None:
                self._verdict(news.checks, monotonic() - began)
                self.post_message(self.Ended(news.checks))
        except BadInput as error:
            self.tell(Content.styled(f"✗ {error}", "$text-error"))
        except asyncio.CancelledError:
            if self._proof is get_current_worker():  # else another one was started
                self.tell("ended")
            raise
        finally:
            clock.stop()

    def _progress(self, news: Proven, elapsed_s: float) -> None:
        what = f"proven {news.model}" if news.model else "building the real model in another process"
        self.tell(
            Content.assemble(
                (bar(news.done / max(news.total, 1), WIDTH).replace(" ", "░"), "$primary"),
                f" {news.done} of {news.total}, {elapsed_s:.0f} s: {what} …  ", ("esc ends it", "dim"),
            )
        )  # fmt: skip

    def _verdict(self, checks: tuple[Check, ...], elapsed_s: float) -> None:
        equal = sum(check["status"] == "equal" for check in checks)
        wrong = sum(check["status"] in ("differs", "failed") for check in checks)
        colour = "$text-error" if wrong else "$text-success"
        said = f"{'✗' if wrong else '✓'} {equal} counts equal, {wrong} not, in {elapsed_s:.0f} s"
        self.tell(Content.styled(said, colour))
