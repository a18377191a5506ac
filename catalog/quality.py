"""Published scores: what each benchmark measures, and who printed which score for which model.

A model's own file holds what its own report says; ``quality/`` holds what tables across models print, a file per
benchmark, read only when somebody asks. Base weights, plain answers and answers after thinking are three groups that do
not compare: ``MMLU-Pro (base)``, ``MMLU-Pro``, ``MMLU-Pro (thinking)``.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from catalog.base import Identifier, Source, Spec
from catalog.compiled import load_or_compile
from catalog.loader import ROOT, shipped_files
from catalog.spec import ModelSpec, Score

Reporter = Literal["independent", "vendor", "rival", "relayed"]
"""Who says so: a leaderboard or the benchmark's authors; the model's maker; another maker; a site that quotes."""


class Benchmark(Spec):
    """One benchmark."""

    id: Identifier
    name: str
    measures: str
    domain: Literal[
        "language", "vision-language", "embedding", "encoder", "translation", "summary", "speech", "image", "zero-shot",
        "generation",
    ]  # fmt: skip
    """Benchmarks of one domain tell something of each other."""
    printed: tuple[str, ...] = ()
    """Other names in tables."""
    chance: float = 0
    """What guessing scores, in the score's unit."""
    better: Literal["higher", "lower"] = "higher"
    high: float = 100
    """The best or, where lower is better, the worst possible score."""
    unit: str = "%"
    modes: bool = True
    """Whether base, plain and thinking are kept apart."""
    setting: str | None = None
    """Which setting is taken for comparable."""
    source: Source


class Reported(Spec):
    """One score as somebody printed it."""

    model: Identifier
    value: float
    by: Reporter
    source: Annotated[int, Field(ge=0)]
    """Which of the file's sources."""
    setting: str | None = None
    """As printed, with the name of other weights or of a snapshot where not the entry's own."""
    other_weights: bool = False
    """Whether the weights are not the entry's own: another snapshot or somebody else's training."""
    rank: Annotated[int, Field(ge=0)] = 0
    """0 is taken for the model; others are kept to show how far reports differ."""


class Scores(Spec):
    """All scores of one comparable group of a benchmark."""

    benchmark: str
    """Its name with the group: ``MMLU-Pro (thinking)``."""
    sources: tuple[Source, ...]
    scores: tuple[Reported, ...]


class _Listed(Spec):
    benchmarks: tuple[Benchmark, ...]


@lru_cache(maxsize=1)
def benchmarks() -> dict[str, Benchmark]:
    """Every benchmark by its name."""
    path = ROOT / "benchmarks.yaml"

    def compile_all() -> dict[str, _Listed]:
        from catalog.parsing import read_entry

        return {"benchmarks": read_entry(_Listed, path, trusted=True)}

    listed: _Listed = load_or_compile("benchmarks", {"benchmarks": path}, compile_all)["benchmarks"]
    return {entry.name: entry for entry in listed.benchmarks}


def benchmark_of(group: str) -> Benchmark | None:
    """The benchmark that a group such as ``MMLU (base)`` belongs to."""
    known = benchmarks()
    return known.get(group.removesuffix(" (base)").removesuffix(" (thinking)"))


@lru_cache(maxsize=1)
def _tables() -> dict[str, Scores]:
    files = _files()
    return load_or_compile("quality", files, lambda: _read(files))


def _files() -> dict[str, Path]:
    return shipped_files("quality")


def _read(files: dict[str, Path]) -> dict[str, Scores]:
    from catalog.parsing import read_entry

    return {name: read_entry(Scores, path, trusted=True) for name, path in files.items()}


class Taken(NamedTuple):
    """The row taken for a model, without its words."""

    group: str
    model: str
    value: float
    by: Reporter
    other_weights: bool


@lru_cache(maxsize=1)
def taken() -> dict[str, tuple[Taken, ...]]:
    """The rows taken, by domain: what an index is made of, read at once."""
    files = {**_files(), "benchmarks": ROOT / "benchmarks.yaml"}

    def compile_all() -> dict[str, tuple[Taken, ...]]:
        found: dict[str, list[Taken]] = {}
        for name in _tables():
            table = _tables()[name]
            entry = benchmark_of(table.benchmark)
            rows = (Taken(table.benchmark, r.model, r.value, r.by, r.other_weights) for r in table.scores if not r.rank)
            found.setdefault(entry.domain if entry else "", []).extend(rows)
        return {domain: tuple(rows) for domain, rows in found.items()}

    return load_or_compile("quality_taken", files, compile_all)


def file_name(group: str) -> str:
    """The file of a group: the benchmark's id, and the group."""
    entry = benchmark_of(group)
    if entry is None:
        raise KeyError(group)
    return entry.id + group.removeprefix(entry.name).replace(" (", "-").replace(")", "")


def printed_scores(group: str) -> Scores | None:
    """All printed scores of one group; ``None`` if there are none."""
    tables = _tables()
    name = file_name(group) if benchmark_of(group) else group
    if name not in tables:
        return None
    return tables[name]  # not get(): entries unpack when asked for by key


def groups() -> list[str]:
    """Every group that has printed scores."""
    return [_tables()[name].benchmark for name in _tables()]


@lru_cache(maxsize=1)
def _by_model() -> dict[str, list[Score]]:
    found: dict[str, list[Score]] = {}
    for name in _tables():
        table = _tables()[name]
        for row in table.scores:
            if row.rank == 0:
                found.setdefault(row.model, []).append(_as_score(table, row))
    return found


def _as_score(table: Scores, row: Reported) -> Score:
    entry = benchmark_of(table.benchmark)
    return Score(
        benchmark=table.benchmark,
        value=row.value,
        unit=entry.unit if entry else "%",
        setting=row.setting,
        source=table.sources[row.source],
    )


def scores_of(spec: ModelSpec) -> tuple[Score, ...]:
    """One score per group: what the model's own file says, then what tables print of it."""
    own = {score.benchmark for score in spec.scores}
    return (*spec.scores, *(score for score in _by_model().get(spec.id, ()) if score.benchmark not in own))
