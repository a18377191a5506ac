"""What a question leaves open: what it may mean, which of that is assumed, and what another meaning changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from advisor.requirements import Requirements
from catalog.values import dataclass

if TYPE_CHECKING:
    from advisor.asking.draft import Reading

FIELDS = {
    "first token": "ttft_s", "whole answer": "e2e_s", "per token": "tpot_s",
    "context": "context_tokens", "prompt": "input_tokens", "answer": "output_tokens",
}  # fmt: skip
"""What a time or a length may limit, and the requirement that it then is."""


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Words with several meanings."""

    kind: str
    """``machine``, ``task``, ``time`` or ``length``."""
    words: str
    options: tuple[str, ...]
    """The assumed one first."""
    assumption: str
    """As it stands among the reading's assumptions."""

    @property
    def question(self) -> str:
        """Asked of a person."""
        return {
            "machine": f"Which {self.words}?",
            "task": "Which task first?",
            "time": f"What may take {self.words} at most?",
            "length": f"What is {self.words} long?",
        }[self.kind]


def answered(reading: Reading, point: OpenPoint, option: str) -> Reading:
    """The reading where an open point means ``option``; the same where that was assumed anyway."""
    rest = tuple(other for other in reading.unsure if other != point)
    assumed = tuple(text for text in reading.assumed if text != point.assumption)
    if option == point.options[0]:
        return replace(reading, unsure=rest, assumed=assumed)
    if point.kind == "task":
        from advisor.asking.reading import read

        again = read(f"task {option}, {reading.text}")
        return replace(again, text=reading.text, unsure=tuple(p for p in again.unsure if p.kind != "task"))
    wanted = reading.requirements
    if point.kind == "machine":
        named = tuple(option if name == point.options[0] else name for name in wanted.machines)
        changed = _changed(wanted, {"machines": tuple(dict.fromkeys(named))})
    else:
        before, after = FIELDS[point.options[0]], FIELDS[option]
        changed = _changed(wanted, {before: None, after: getattr(wanted, before)})
    return replace(reading, requirements=changed, unsure=rest, assumed=(*assumed, f"{point.words!r} is {option}"))


def _changed(wanted: Requirements, fields: dict[str, object]) -> Requirements:
    return Requirements(**{**wanted.model_dump(exclude_unset=True), **fields})  # type: ignore[arg-type]


def settled(reading: Reading, answers: Iterable[tuple[OpenPoint, str]]) -> Reading:
    """All answers, in turn."""
    for point, option in answers:
        reading = answered(reading, point, option)
    return reading
