"""What the catalog holds, read once in a worker and handed to every page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.facets import Index
    from calculators.params import Params
    from catalog.machine import Machine
    from catalog.spec import ModelSpec
    from catalog.task import Task


@dataclass(frozen=True)
class Model:
    """A model as pages list it."""

    spec: ModelSpec
    params: Params | None
    """``None`` where the publisher does not disclose the architecture."""
    words: str
    """Everything that a search looks through, in lower case (``words``)."""

    @property
    def id(self) -> str:
        """The catalog id."""
        return self.spec.id


@dataclass(frozen=True)
class Library:
    """The catalog, ready to be listed."""

    models: tuple[Model, ...]
    machines: tuple[Machine, ...]
    tasks: tuple[Task, ...]
    formats: tuple[str, ...]
    """Ids of weight formats."""
    caches: tuple[str, ...]
    """Ids of cache types."""
    problems: tuple[str, ...]
    """What is wrong with the user's own files."""

    @cached_property
    def index(self) -> Index:
        """What the search of models looks through."""
        from advisor.facets import Index

        return Index(
            [model.spec for model in self.models],
            [model.params for model in self.models],
            [model.words for model in self.models],
            self.tasks,
            [machine.id for machine in self.machines],
        )

    def model(self, name: str) -> Model | None:
        """The model of that id."""
        return next((model for model in self.models if model.id == name), None)


def read_library() -> Library:
    """Read everything; a second or less, so never on the event loop."""
    from advisor.kept.counts import counts_of
    from calculators.memory import CACHE_BITS
    from catalog.loader import all_formats, all_machines, all_models, all_tasks, overlay_problems

    specs = list(all_models())
    models = tuple(Model(spec, params, words(spec)) for spec, params in zip(specs, counts_of(specs), strict=True))
    return Library(
        models=models,
        machines=tuple(all_machines()),
        tasks=tuple(all_tasks()),
        formats=tuple(entry.id for entry in all_formats()),
        caches=tuple(CACHE_BITS),
        problems=tuple(overlay_problems()),
    )


def words(spec: ModelSpec) -> str:
    """Everything that a search looks through."""
    return " ".join([spec.id, spec.name, spec.family, spec.organisation or "", *spec.aliases]).lower()
