"""Finding models by words and facets: ``moe <30b ctx>100k licence:apache fits:rtx-4090``.

All words must hold. A plain word is looked for in id, name, family, organisation and aliases; a minus before a word or
a facet turns it round. An index is built once; each word's answer is kept: typing on costs one pass over one column.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor import quantities
from advisor.report import count_text, tokens_text
from calculators.params import Params
from catalog.errors import BadInput
from catalog.loader import all_machines, all_tasks
from catalog.near import nearest
from catalog.spec import ModelSpec
from catalog.task import Task

Mask = NDArray[np.bool_]
_COMPARED = re.compile(r"^(params|active|ctx|context|released)?([<>]=?)(.*)$")
_AMOUNT = re.compile(r"^([0-9]*\.?[0-9]+)([kmbt]?)$")
_DATE = re.compile(r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")
_UNFINISHED_DATE = re.compile(r"^[0-9]{0,4}(-[0-9]{0,2}){0,2}$")
_SCALE = {"": 1e9, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
"""A bare number of parameters is billions."""
SIGNS = {"<": "under", "<=": "at most", ">": "over", ">=": "at least"}
DATES = {"<": "before", "<=": "until", ">": "after", ">=": "from"}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
SPELLED = {"license": "licence", "by": "org", "machine": "fits", "language": "lang", "in": "reads", "out": "writes"}
"""Other names of facets."""
FACETS = ("family", "org", "task", "licence", "commercial", "fits", "lang", "reads", "writes")
KEPT = 256
"""Words whose answers are kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query."""

    places: Sequence[int]
    """Indices of the models, in the order of the index."""
    said: tuple[str, ...] = ()
    """How each word was understood."""
    problems: tuple[str, ...] = ()
    """A sentence for each word that means nothing; such a word leaves nothing out."""
    waits_for: tuple[str, ...] = ()
    """Machines about which ``fits`` is not told yet; it leaves nothing out until then."""


@dataclass(frozen=True, slots=True)
class _Word:
    """One word, understood."""

    said: str = ""
    mask: Mask | None = None
    """``None`` leaves nothing out: it is still being typed, wrong, or waited for."""
    problem: str = ""
    waits_for: str = ""


class _Texts:
    """A column of texts of which many are equal."""

    def __init__(self, values: Iterable[str]) -> None:
        rows = list(values)
        self.known = sorted(set(rows))
        place = {text: i for i, text in enumerate(self.known)}
        self._codes = np.array([place[text] for text in rows], dtype=np.intp)

    def where(self, test: Callable[[str], bool]) -> Mask:
        hits = np.array([test(text) for text in self.known], dtype=bool)
        return hits[self._codes] if len(hits) else np.zeros(0, dtype=bool)


@dataclass
class Index:
    """Columns to search in, one entry per model."""

    specs: Sequence[ModelSpec]
    params: Sequence[Params | None]
    words: Sequence[str]
    """What plain words are looked for in, in lower case."""
    tasks: Sequence[Task] = field(default_factory=lambda: tuple(all_tasks()))
    machines: Sequence[str] = field(default_factory=lambda: tuple(m.id for m in all_machines()))

    def __post_init__(self) -> None:
        """Lay the columns out."""
        specs = self.specs
        total = [p.total if p else np.nan for p in self.params]
        active = [p.active if p else np.nan for p in self.params]
        self._numbers = {
            "params": np.array(total, dtype=np.float64),
            "active": np.array(active, dtype=np.float64),
            "ctx": np.array([s.context_tokens or np.nan for s in specs], dtype=np.float64),
        }
        self._texts = {
            "family": _Texts(s.family for s in specs),
            "org": _Texts((s.organisation or "").lower() for s in specs),
            "licence": _Texts(s.licence.name.lower() if s.licence else "" for s in specs),
            "commercial": _Texts(s.licence.commercial if s.licence else "unknown" for s in specs),
            "released": _Texts(s.released or "" for s in specs),
            "lang": _Texts(" ".join(s.languages) for s in specs),
            "reads": _Texts(" ".join(s.inputs) for s in specs),
            "writes": _Texts(" ".join(s.outputs) for s in specs),
        }
        self._kept: dict[str, _Word] = {}

    def find(self, query: str, fits: Mapping[str, frozenset[str]]) -> Found:
        """Models for which every word holds.

        Args:
            query: Words and facets.
            fits: Ids of the models that fit, by machine, as far as that is known (``advisor.room.fitting``).
        """
        words = [self._word(word, fits) for word in query.lower().split()]
        mask = np.ones(len(self.specs), dtype=bool)
        for word in words:
            if word.mask is not None:
                mask &= word.mask
        return Found(
            np.flatnonzero(mask).tolist(),
            tuple(word.said for word in words if word.said),
            tuple(word.problem for word in words if word.problem),
            tuple(word.waits_for for word in words if word.waits_for),
        )

    def near(self, query: str) -> list[str]:
        """Ids like the longest plain word of a query that finds nothing."""
        plain = [word for word in query.lower().split() if ":" not in word and word[0] not in "<>-"]
        return nearest(max(plain, key=len), [spec.id for spec in self.specs]) if plain else []

    def _word(self, word: str, fits: Mapping[str, frozenset[str]]) -> _Word:
        if word in self._kept:
            return self._kept[word]
        turned = len(word) > 1 and word[0] == "-"
        found = self._read(word[1:] if turned else word, fits)
        if turned and found.mask is not None:
            found = _Word(f"not {found.said}", ~found.mask)
        if not found.waits_for:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[word] = found
        return found

    def _read(self, word: str, fits: Mapping[str, frozenset[str]]) -> _Word:
        if compared := _COMPARED.match(word):
            return self._compare(compared[1] or "params", compared[2], compared[3])
        name, colon, value = word.partition(":")
        if not colon or "/" in name:
            return _Word(f"“{word}”", np.array([word in text for text in self.words], dtype=bool))
        name = SPELLED.get(name, name)
        if name not in FACETS:
            near = nearest(name, [*FACETS, *SPELLED], n=2)
            hint = f"; did you mean {' or '.join(f'{n}:' for n in near)}?" if near else f"; known: {_list(FACETS)}"
            return _Word(problem=f"unknown facet {name!r}{hint}")
        if not value:
            return _Word()
        if name == "fits":
            return self._fits(value, fits)
        return self._task(value) if name == "task" else self._text(name, value)

    def _compare(self, name: str, sign: str, text: str) -> _Word:
        if not text or text.endswith("."):
            return _Word()
        if name == "released":
            return self._released(sign, text)
        if name in ("ctx", "context"):
            try:
                bound, column = float(quantities.tokens(text)), self._numbers["ctx"]
            except BadInput:
                return _Word(problem=f"ctx{sign}{text}: no length; write it like ctx{sign}100k")
            said = f"context {SIGNS[sign]} {tokens_text(int(bound))}"
        else:
            amount = _AMOUNT.match(text)
            if amount is None:
                return _Word(problem=f"{sign}{text}: no size; write it like {sign}30b")
            bound, column = float(amount[1]) * _SCALE[amount[2]], self._numbers[name]
            said = f"{SIGNS[sign]} {count_text(bound)} {'active ' if name == 'active' else ''}parameters"
        return _Word(said, COMPARE[sign](column, bound))

    def _released(self, sign: str, text: str) -> _Word:
        if not _DATE.match(text):
            wrong = f"released{sign}{text}: no date; write it like 2025 or 2025-06"
            return _Word(problem="" if _UNFINISHED_DATE.match(text) else wrong)
        mask = self._texts["released"].where(lambda date: bool(date) and COMPARE[sign](date[: len(text)], text))
        return _Word(f"released {DATES[sign]} {text}", mask)

    def _fits(self, value: str, fits: Mapping[str, frozenset[str]]) -> _Word:
        if value not in self.machines:
            near = [name for name in self.machines if name.startswith(value)]
            if near:
                return _Word(said=f"fits: {_list(near, 4)}")
            similar = nearest(value, self.machines)
            return _Word(problem=f"unknown machine {value!r}{_did_you_mean(similar)}")
        if value not in fits:
            return _Word(said=f"fits {value}: being computed", waits_for=value)
        ids = fits[value]
        return _Word(f"fits one {value}", np.array([spec.id in ids for spec in self.specs], dtype=bool))

    def _task(self, value: str) -> _Word:
        task = next((task for task in self.tasks if task.id == value), None)
        if task is None:
            names = [task.id for task in self.tasks]
            near = [name for name in names if name.startswith(value)]
            if near:
                return _Word(said=f"task: {_list(near, 4)}")
            return _Word(problem=f"unknown task {value!r}{_did_you_mean(nearest(value, names))}")
        return _Word(f"for {task.id}", np.array([suits(spec, task) for spec in self.specs], dtype=bool))

    def _text(self, name: str, value: str) -> _Word:
        column = self._texts[name]
        mask = column.where(lambda text: value in text)
        if mask.any():
            return _Word(f"{name} {value}", mask)
        near = nearest(value, [text for text in column.known if text])
        hint = _did_you_mean(near) or f"; known: {_list([text for text in column.known if text])}"
        return _Word(problem=f"no model has {name} {value!r}{hint}", mask=mask)


def suits(spec: ModelSpec, task: Task) -> bool:
    """Whether a model's family is preferred or acceptable for a task, and it was trained for it and takes its input."""
    grades = {suit.family: suit.grade for suit in task.families}
    if grades.get(spec.family, "poor") == "poor" or not set(task.inputs) <= set(spec.inputs):
        return False
    return task.tuning is None or task.tuning in spec.tuned_for


def _did_you_mean(near: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _list(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
