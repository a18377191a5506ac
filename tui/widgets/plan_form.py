"""The form of the Plan page: a plan as data, of which one class of traffic is in view at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message

from catalog.errors import BadInput
from tui.plan_fields import TRAFFIC, WHOLE
from tui.widgets.form import Form

PAUSE_S = 0.15
"""How long a person must pause in typing before the form is checked."""


class PlanForm(VerticalScroll, can_focus=False):
    """Fields of one class of traffic, and of the whole."""

    class Changed(Message):
        """The fields were edited: the plan is another one, or ``problem`` says why it is none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.data: dict[str, Any] | None = None
        """As in ``plan.yaml``; what cannot be read of the fields is not in it."""
        self.index = 0
        """Which class of traffic is in view."""
        self.problem = ""

    def compose(self) -> ComposeResult:
        """Two forms."""
        yield Form(TRAFFIC, id="traffic")
        yield Form(WHOLE, id="whole")

    def on_mount(self) -> None:
        """Name them."""
        self._traffic.border_title = "Traffic"
        self._whole.border_title = "Promises, machines, money"

    @property
    def _traffic(self) -> Form:
        return self.query_one("#traffic", Form)

    def edit(self) -> None:
        """Go to the first field to type into."""
        self._traffic.field("class_rate").focus()

    @property
    def _whole(self) -> Form:
        return self.query_one("#whole", Form)

    def offer_tasks(self, names: Sequence[str]) -> None:
        """Tasks to choose from."""
        self._whole.offer("task", [(name, name) for name in names])

    # From data to fields

    def fill(self, data: dict[str, Any], index: int = 0) -> None:
        """Show data in the fields, and check them."""
        from advisor.planning import draft

        self.data, self.index = data, min(index, len(data["traffic"]) - 1)
        known = draft.names(data)
        shown = draft.texts(data, self.index)
        with self.prevent(Form.Changed):
            classes = [(f"{k} of {len(known)}: {name}", f"{k} {name}") for k, name in enumerate(known, 1)]
            self._traffic.offer("class", classes)
            self._traffic.put({name: text for name, text in shown.items() if name.startswith("class_")})
            self._traffic.field("class").put(classes[self.index][1])
            self._whole.put({name: text for name, text in shown.items() if not name.startswith("class_")})
        self._check()

    def put(self, texts: Mapping[str, str]) -> None:
        """Write texts into fields, by name.

        Raises:
            BadInput: If they cannot be read.
        """
        from advisor.planning import draft

        assert self.data is not None
        self.take_over()
        shown = draft.texts(self.data, self.index) | dict(texts)
        self.fill(draft.put(self.data, self.index, shown), self.index)

    def add_traffic(self) -> None:
        """One more class of traffic, like the last."""
        from advisor.planning import draft

        if self.data is not None and self.take_over():
            data = draft.with_class(self.data)
            self.fill(data, len(data["traffic"]) - 1)

    def drop_traffic(self) -> bool:
        """Remove the class in view; ``False`` where it is the last."""
        from advisor.planning import draft

        if self.data is None or len(self.data["traffic"]) == 1:
            return False
        if self.take_over():
            self.fill(draft.without_class(self.data, self.index), max(0, self.index - 1))
        return True

    # From fields to data

    def read(self) -> dict[str, Any] | None:
        """The data with what was typed a moment ago; ``None`` before there is any."""
        if self.data is not None:
            self.take_over()
        return self.data

    def take_over(self) -> bool:
        """Read the fields into the data; ``False`` where that cannot be done, as ``problem`` says then."""
        from advisor.planning import draft

        assert self.data is not None
        shown = self._traffic.written() | self._whole.written()
        try:
            self.data = draft.put(self.data, self.index, {name: str(text or "") for name, text in shown.items()})
        except BadInput as error:
            self.refuse(str(error))
            return False
        self._check()
        return True

    def _check(self) -> None:
        from advisor.planning import draft

        assert self.data is not None
        try:
            draft.plan_of(self.data)
        except BadInput as error:
            self.refuse(str(error))
        else:
            self.problem = ""
            self._whole.remark("")

    def refuse(self, sentence: str) -> None:
        """Say why this cannot be planned; until the next edit."""
        self.problem = sentence
        self._whole.refuse(sentence)

    @on(Form.Changed)
    def _edited(self, event: Form.Changed) -> None:
        event.stop()
        if self.data is None:
            return
        number = str(event.values.get("class") or "").partition(" ")[0]
        if event.form.id == "traffic" and number and int(number) - 1 != self.index:
            self._turn_to(int(number) - 1)
        else:
            self.settle()

    def _turn_to(self, index: int) -> None:
        """Show another class; what was typed a moment ago stays, and what cannot be read is mended first."""
        from advisor.planning import draft

        assert self.data is not None
        if self.take_over():
            self.fill(self.data, index)
        else:
            self._traffic.field("class").put(f"{self.index + 1} {draft.names(self.data)[self.index]}")
        self.post_message(self.Changed())

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait for a pause in typing."""
        await asyncio.sleep(PAUSE_S)
        self.take_over()
        self.post_message(self.Changed())


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the fields show the same of both, in every class of traffic, and the rest is the same too."""
    from advisor.planning import draft

    def shown(data: Mapping[str, Any]) -> Mapping[str, Any]:
        for index in range(len(data["traffic"])):
            data = draft.put(data, index, draft.texts(data, index))
        return data

    try:
        return shown(one) == shown(other)
    except BadInput:
        return False
