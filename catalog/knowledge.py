"""Pages of knowledge: architecture families, and the ideas that changed what they cost.

They hold words and names only. Every number on a page is computed when it is shown, so templates may not hold digits.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from catalog.base import Count, Entry, Identifier, Size, Source, Spec
from catalog.spec import Family

Text = Annotated[str, Field(min_length=20)]
View = Literal["past", "all", "window", "prefix", "source", "state", "state and past"]
"""What a token sees: what came before; everything; the last few; all of the prompt, then what came before; a source
text in full (cross-attention); what came before through a state of fixed size; that, and some of it exactly."""


class Mask(Spec):
    """One attention pattern, for a face to draw: rows see columns."""

    label: Annotated[str, Field(min_length=3, max_length=60)]
    sees: View
    window: Size | None = None
    """How many tokens back, itself included, for ``window``."""
    prompt: Size | None = None
    """How many tokens the prompt has, for ``prefix``."""

    @model_validator(mode="after")
    def _has_its_size(self) -> Mask:
        if (self.sees == "window") != (self.window is not None) or (self.sees == "prefix") != (self.prompt is not None):
            raise ValueError("a window needs window, a prefix prompt, and nothing else has either")
        return self


class Node(Spec):
    """One station of the data."""

    id: Identifier
    label: Annotated[str, Field(min_length=2, max_length=60)]
    inside: Identifier | None = None
    """The station that it is a part of."""


class Edge(Spec):
    """Data that goes from one station to another. In YAML a list is enough: ``[tokens, embedding]``."""

    start: Identifier
    end: Identifier
    label: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if isinstance(value, list):
            if len(value) not in (2, 3):
                raise ValueError("an edge is [start, end] or [start, end, label]")
            return dict(zip(("start", "end", "label"), value, strict=False))
        return value


class Flow(Spec):
    """How data flows through a model of the family; a graph without circles among stations of one level."""

    nodes: Annotated[tuple[Node, ...], Field(min_length=2)]
    edges: tuple[Edge, ...]

    @model_validator(mode="after")
    def _names_exist(self) -> Flow:
        ids = [node.id for node in self.nodes]
        if len(ids) != len(set(ids)):
            raise ValueError("two nodes have one id")
        named = {n.inside for n in self.nodes if n.inside} | {i for e in self.edges for i in (e.start, e.end)}
        if missing := sorted(named - set(ids)):
            raise ValueError(f"no node is called {missing[0]!r}")
        return self


class Law(Spec):
    """How quality follows size, data or compute."""

    text: Text
    source: Source


class FamilyPage(Entry):
    """What an engineer should know of a family; what it costs is computed from ``representative``."""

    id: Family
    summary: Text
    sees: Annotated[tuple[Mask, ...], Field(min_length=1)]
    flow: Flow
    objective: Text
    """What it is trained to do."""
    strengths: Annotated[tuple[Text, ...], Field(min_length=2)]
    weaknesses: Annotated[tuple[Text, ...], Field(min_length=2)]
    scaling: Law
    representative: Identifier | None = None
    """A model of the catalog whose cost stands for the family's; ``None`` where nothing is disclosed."""
    models: Annotated[tuple[Identifier, ...], Field(min_length=2)]
    """Notable ones of the catalog."""
    innovations: tuple[Identifier, ...] = ()
    choose: Annotated[tuple[Text, ...], Field(min_length=2)]
    avoid: Annotated[tuple[Text, ...], Field(min_length=2)]


Measure = Literal[
    "kv-cache", "parameters", "reading-flops", "token-flops", "weights", "attention-traffic", "scan-traffic", "tpot",
    "ttft", "requests",
]  # fmt: skip
Change = Literal[
    "one key-value head per query head", "whole keys and values", "every layer sees all", "a table of positions",
    "scores written to memory", "every expert works", "attention in place of scans", "states written to memory",
    "16-bit weights", "no guessing", "room for the longest request", "the whole prompt read",
]  # fmt: skip
"""What makes the model of before out of the model of today, with nothing else touched."""
PLACEHOLDERS = frozenset({"model", "before", "after", "ratio", "context", "batch", "machine", "weights", "output"})
_DIGIT = re.compile(r"\d")


class Comparison(Spec):
    """The same model with and without an idea; both numbers are computed when they are shown."""

    model: Identifier
    measure: Measure
    before: Change
    context: Size = 2048
    """Tokens read or held."""
    batch: Size = 1
    output: Size = 256
    """Tokens written, where times are compared."""
    cached: Count = 0
    """Tokens of the context that are cached already."""
    machine: Identifier | None = None
    devices: Size = 1
    weights: Identifier | None = None
    """Weight format; by default the publisher's."""
    speculate: str = ""
    says: Text
    """One sentence with placeholders: see ``PLACEHOLDERS``."""

    @field_validator("says")
    @classmethod
    def _holds_no_numbers(cls, value: str) -> str:
        used = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        if unknown := sorted(used - PLACEHOLDERS):
            raise ValueError(f"unknown placeholder {{{unknown[0]}}}; known are {', '.join(sorted(PLACEHOLDERS))}")
        if not {"before", "after"} <= used:
            raise ValueError("needs {before} and {after}")
        if _DIGIT.search(value):
            raise ValueError("holds a digit; numbers are computed, so write a placeholder")
        return value


class Innovation(Entry):
    """An idea that changed what models cost, with its effect computed on a model of the catalog."""

    summary: Text
    """What it does."""
    works: Text
    """Why that works."""
    price: Text
    """What it costs."""
    families: Annotated[tuple[Family, ...], Field(min_length=1)]
    """Where it is used."""
    comparisons: Annotated[tuple[Comparison, ...], Field(min_length=1)]


__all__ = ["Comparison", "Edge", "FamilyPage", "Flow", "Innovation", "Law", "Mask", "Node"]
