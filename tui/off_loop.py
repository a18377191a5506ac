"""Work off the event loop: in a thread, one thing at a time where wanted; what was overtaken is dropped, and failures
become messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial, wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual.dom import DOMNode
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, get_current_worker

from catalog.errors import BadInput

Node = TypeVar("Node", bound=DOMNode)
P = ParamSpec("P")
_GIVING = Lock()


@dataclass
class Failed(Message):
    """Something could not be worked out."""

    sentence: str
    ours: bool
    """Whether it is a failure of ours rather than of what was asked."""
    worker: Worker[None]
    """What failed; once it is cancelled, nobody wants to know."""


def off_loop(
    group: str, *, alone: bool = False, overtakes: bool = True, about: Callable[..., str] | None = None
) -> Callable[[Callable[Concatenate[Node, P], Message | None]], Callable[Concatenate[Node, P], Worker[None]]]:
    """Make a method run in a thread and post the message that it returns to its own widget or page.

    ``BadInput`` and every other exception that the method does not catch itself is posted as ``Failed``.

    Args:
        group: A newer call of the same group overtakes the older: that one does not begin if it still waits, and what
            it answers is dropped.
        alone: Whether it waits until nothing else that is alone runs on the same page.
        overtakes: ``False`` where every call counts, as in writing files.
        about: From the arguments to what a failure of ours is about.
    """

    def decorate(
        method: Callable[Concatenate[Node, P], Message | None],
    ) -> Callable[Concatenate[Node, P], Worker[None]]:
        @wraps(method)
        def begin(node: Node, /, *args: P.args, **more: P.kwargs) -> Worker[None]:
            turn = _turn(node) if alone else nullcontext()
            subject = partial(about, *args, **more) if about is not None else None

            def work() -> None:  # no partial: Textual describes what it runs, and a catalog among arguments takes 0.2 s
                _work_out(node, partial(method, node, *args, **more), turn, subject)

            return node.run_worker(
                work, name=method.__name__, group=group, exclusive=overtakes, exit_on_error=False, thread=True
            )

        return begin

    return decorate


def _turn(node: DOMNode) -> Lock:
    """The lock of a page, which its widgets share."""
    owner = node.screen if isinstance(node, Widget) else node
    with _GIVING:
        turn: Lock = owner.__dict__.setdefault("_turn_off_loop", Lock())
    return turn


def _work_out(
    node: DOMNode,
    answer: Callable[[], Message | None],
    turn: AbstractContextManager[Any],
    subject: Callable[[], str] | None,
) -> None:
    worker: Worker[None] = get_current_worker()
    with turn:
        if worker.is_cancelled:
            return
        news: Message | None
        try:
            news = answer()
        except BadInput as error:
            news = Failed(str(error), False, worker)
        except Exception as error:
            named = f"{subject()}: " if subject is not None else ""
            news = Failed(f"{named}{type(error).__name__}: {error}", True, worker)
    if news is not None and not worker.is_cancelled:
        node.post_message(news)
