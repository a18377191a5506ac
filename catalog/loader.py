"""Where specs come from: the shipped catalog (compiled), the user's own overlay, and any file by its path.

What reads text stands in ``parsing`` and is imported only when something must be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from catalog.base import Spec
from catalog.compiled import content_of, derived, load_or_compile
from catalog.engine import Engine, ErrorBand
from catalog.errors import BadInput, not_fields, unknown
from catalog.machine import Machine, MachineClass
from catalog.price import MachinePrice, PriceList
from catalog.spec import ModelSpec
from catalog.task import Task
from catalog.weight_format import WeightFormat

if TYPE_CHECKING:
    from catalog.acceptance import AcceptanceCurves
    from catalog.knowledge import FamilyPage, Innovation
    from catalog.power import PowerModel

ROOT = Path(__file__).parent
T = TypeVar("T", bound=BaseModel)


def checked(kind: type[T], data: dict[str, Any], where: str) -> T:
    """Data from a caller as a spec.

    Raises:
        BadInput: With the field.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        from catalog.parsing import sentence

        raise BadInput(sentence(error, where, None, kind.__name__, kind)) from error


def overlay() -> Path:
    """The user's own catalog: ``$WHICHARCH_HOME/catalog`` or the platform's data folder."""
    home = os.environ.get("WHICHARCH_HOME")
    if home:
        return Path(home) / "catalog"
    from platformdirs import user_data_path

    return user_data_path("whicharch") / "catalog"


@lru_cache(maxsize=16)
def shipped_files(folder: str) -> dict[str, Path]:
    """The files of one folder of the shipped catalog, by entry."""
    base = ROOT / folder
    names = sorted(name for name in os.listdir(base) if name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): base / name for name in names}


@lru_cache(maxsize=32)
def _files(folder: str) -> dict[str, Path]:
    files = dict(shipped_files(folder))
    extra = overlay() / folder
    if extra.is_dir():
        files |= {path.stem: path for path in sorted(extra.glob("*.yaml"))}
    return files


@lru_cache(maxsize=4096)
def _own(kind: type[T], path: Path, stamp: int) -> T:
    """An entry of the user's, read again when its time stamp changes."""
    from catalog.parsing import read_entry

    return read_entry(kind, path)


def _load(kind: type[T], folder: str, what: str, name: str) -> T:
    files = _files(folder)
    if name not in files:
        raise unknown(what, name, files, _spoken(folder))
    path = files[name]
    shipped = path is shipped_files(folder).get(name)
    loaded: T = _compiled(kind, folder)[name] if shipped else _own(kind, path, path.stat().st_mtime_ns)
    return loaded


def _spoken(folder: str) -> dict[str, tuple[str, ...]]:
    """Other names of the entries of a folder: what a misspelt one may have meant."""
    from catalog.asking import vocabulary

    words = vocabulary()
    match folder:
        case "machines":
            return {**{entry.name: (entry.id,) for entry in all_machines()}, **words.machines}
        case "tasks":
            return {phrase: (task,) for task, phrases in words.tasks.items() for phrase in phrases}
        case "formats":
            return words.formats
    return {}


@lru_cache(maxsize=16)
def _compiled(kind: type[T], folder: str) -> dict[str, T]:
    files = shipped_files(folder)
    return load_or_compile(folder, files, lambda: _parse(kind, files))


def _parse(kind: type[T], files: dict[str, Path]) -> dict[str, T]:
    from catalog.parsing import read_entry

    return {name: read_entry(kind, path, trusted=True) for name, path in files.items()}


def _all(kind: type[T], folder: str) -> Iterator[tuple[str, T | BadInput]]:
    """All entries by name; the user's own replace shipped ones, and one that is broken yields its error."""
    shipped, ours = _compiled(kind, folder), shipped_files(folder)
    for name, path in _files(folder).items():
        if path is ours.get(name):
            yield name, shipped[name]
            continue
        try:
            yield name, _own(kind, path, path.stat().st_mtime_ns)
        except BadInput as error:
            yield name, error


def refresh() -> None:
    """Look at the files again, after the user's own catalog has changed."""
    for cached in (_files, shipped_files, _compiled, _own, price_lists):
        cached.cache_clear()


def model_ids() -> list[str]:
    """Ids of all models."""
    return list(_files("models"))


def is_shipped(name: str) -> bool:
    """Whether a model is the catalog's own and not the user's."""
    return name in shipped_files("models") and _files("models")[name] is shipped_files("models")[name]


def load(name: str | Path) -> ModelSpec:
    """A model by catalog id, alias, or path: a YAML spec, a ``config.json``, a GGUF or safetensors file, or a folder.

    Raises:
        BadInput: If the id is unknown (the message names the nearest) or the file is wrong (file, line and field).
    """
    text = str(name)
    if text in _files("models"):
        return _load(ModelSpec, "models", "model", text)
    path = Path(os.path.expanduser(text))  # these three, unlike Path's own, never raise for what no file is called
    if (
        path.suffix in (".yaml", ".yml", ".json", ".gguf", ".safetensors")
        or os.path.exists(path)
        or (os.sep in text and os.path.isdir(path.parent))
    ):
        return load_file(path)
    wanted = text.lower()
    for spec in all_models():
        if wanted in (spec.id, *(alias.lower() for alias in spec.aliases)):
            return spec
    raise unknown("model", text, model_ids(), {alias: (spec.id,) for spec in all_models() for alias in spec.aliases})


def load_file(path: Path) -> ModelSpec:
    """A model from a file: our YAML, a Hugging Face configuration, GGUF, or safetensors; or from a folder of these.

    Raises:
        BadInput: With file, line and field.
    """
    if path.suffix == ".gguf":
        from catalog.importers.gguf import read_gguf

        return read_gguf(path)
    if path.name.endswith((".safetensors", ".safetensors.index.json")) or any(path.glob("*.safetensors")):
        from catalog.importers.safetensors import read_checkpoint

        return read_checkpoint(path)
    if path.is_dir():
        path = path / "config.json"
    from catalog.parsing import parse_object, parse_yaml, read_text, validated

    text = read_text(path)
    if path.suffix in (".yaml", ".yml"):
        data = parse_yaml(text, str(path))
        if not isinstance(data, dict):
            raise not_fields(path, data, "a model spec with named fields")
        return validated(ModelSpec, data, str(path), text)
    from catalog.importers.huggingface import from_hf_config

    data = parse_object(text, str(path))
    name = path.parent.name if path.name == "config.json" and path.parent.name else path.stem
    return from_hf_config(data, name=name, where=str(path))


def all_models() -> list[ModelSpec]:
    """Every model that loads; broken overlay files are left out (``overlay_problems`` names them)."""
    return [spec for _, spec in _all(ModelSpec, "models") if not isinstance(spec, BadInput)]


LISTED = "listed"
"""Stands for the composition of a model that is only listed."""


def listed_models() -> list[ModelSpec]:
    """Every model as ``all_models`` has it, shipped ones without what they are made of (``load`` has that).

    A tenth of the whole: for looking through the catalog by what is said of models.
    """
    files, ours = _files("models"), shipped_files("models")
    light = derived("listed", content_of("models", ours), _listed)
    found = (light[name] if path is ours.get(name) else _or_none(path) for name, path in files.items())
    return [spec for spec in found if spec is not None]


def _listed() -> dict[str, ModelSpec]:
    entries = _compiled(ModelSpec, "models")
    missing = {"architecture": LISTED, "reference": None, "stored": ()}
    return {
        name: entries[name].model_copy(update=missing if entries[name].is_disclosed else {"reference": None})
        for name in shipped_files("models")
    }


def _or_none(path: Path) -> ModelSpec | None:
    try:
        own: ModelSpec = _own(ModelSpec, path, path.stat().st_mtime_ns)
    except BadInput:
        return None
    return own


def has_own(folder: str) -> bool:
    """Whether the user's own catalog has something in a folder such as ``models``."""
    return _files(folder) != shipped_files(folder)


def overlay_problems() -> list[str]:
    """What is wrong with the user's own files, a line each."""
    kinds: tuple[tuple[type[BaseModel], str], ...] = ((ModelSpec, "models"), (Machine, "machines"))
    return [str(entry) for kind, folder in kinds for _, entry in _all(kind, folder) if isinstance(entry, BadInput)]


def load_machine(name: str) -> Machine:
    """A machine by id, or by path to a YAML file.

    Raises:
        BadInput: As ``load``.
    """
    if name.endswith((".yaml", ".yml")):
        from catalog.parsing import read_entry

        return read_entry(Machine, Path(name).expanduser())
    return _load(Machine, "machines", "machine", name)


def all_machines() -> list[Machine]:
    """Every machine."""
    return [entry for _, entry in _all(Machine, "machines") if not isinstance(entry, BadInput)]


def format_ids() -> list[str]:
    """Ids of all formats."""
    return list(_files("formats"))


def load_format(name: str) -> WeightFormat:
    """A weight or cache format by id.

    Raises:
        BadInput: If it is unknown.
    """
    return _load(WeightFormat, "formats", "format", name)


def all_formats() -> list[WeightFormat]:
    """Every format."""
    return [entry for _, entry in _all(WeightFormat, "formats") if not isinstance(entry, BadInput)]


def load_task(name: str) -> Task:
    """A task by id.

    Raises:
        BadInput: If it is unknown.
    """
    return _load(Task, "tasks", "task", name)


def all_tasks() -> list[Task]:
    """Every task."""
    return [entry for _, entry in _all(Task, "tasks") if not isinstance(entry, BadInput)]


def load_engine(name: str) -> Engine:
    """An inference engine by id.

    Raises:
        BadInput: If it is unknown.
    """
    return _load(Engine, "engines", "engine", name)


class _Bands(Spec):
    bands: tuple[ErrorBand, ...]


@lru_cache(maxsize=1)
def error_bands() -> tuple[ErrorBand, ...]:
    """Error bands of served models under all engines together, for engines without bands of their own."""
    files = {"error_bands": ROOT / "error_bands.yaml"}
    listed: _Bands = load_or_compile("error_bands", files, lambda: _parse(_Bands, files))["error_bands"]
    return listed.bands


def engine_ids() -> list[str]:
    """Ids of all engines."""
    return list(_files("engines"))


class _Classes(Spec):
    classes: tuple[MachineClass, ...]


def machine_prices(machine: str) -> tuple[MachinePrice, ...]:
    """Prices of one machine; empty where none is known."""
    return price_lists().get(machine, ())


@lru_cache(maxsize=1)
def price_lists() -> dict[str, tuple[MachinePrice, ...]]:
    """Prices of all machines, by machine id."""
    return {name: entry.prices for name, entry in _all(PriceList, "prices") if not isinstance(entry, BadInput)}


@lru_cache(maxsize=1)
def acceptance_curves() -> AcceptanceCurves:
    """Measured acceptance lengths of speculative decoding."""
    from catalog.acceptance import AcceptanceCurves

    files = {"acceptance": ROOT / "acceptance.yaml"}
    found: AcceptanceCurves = load_or_compile("acceptance", files, lambda: _parse(AcceptanceCurves, files))[
        "acceptance"
    ]
    return found


@lru_cache(maxsize=1)
def power_models() -> tuple[PowerModel, ...]:
    """Measured power of accelerators at work, by vendor and kind."""
    from catalog.power import PowerModels

    files = {"power": ROOT / "power.yaml"}
    found: PowerModels = load_or_compile("power", files, lambda: _parse(PowerModels, files))["power"]
    return found.models


@lru_cache(maxsize=1)
def machine_classes() -> tuple[MachineClass, ...]:
    """Efficiency defaults for machines that nobody measured, by vendor and kind."""
    files = {"machine_classes": ROOT / "machine_classes.yaml"}
    listed: _Classes = load_or_compile("machine_classes", files, lambda: _parse(_Classes, files))["machine_classes"]
    return listed.classes


def load_family(name: str) -> FamilyPage:
    """The page of an architecture family.

    Raises:
        BadInput: If it is unknown.
    """
    from catalog.knowledge import FamilyPage

    return _load(FamilyPage, "families", "family", name)


def load_innovation(name: str) -> Innovation:
    """The page of an innovation.

    Raises:
        BadInput: If it is unknown.
    """
    from catalog.knowledge import Innovation

    return _load(Innovation, "innovations", "innovation", name)


def all_families() -> list[FamilyPage]:
    """Every family's page."""
    from catalog.knowledge import FamilyPage

    return [entry for _, entry in _all(FamilyPage, "families") if not isinstance(entry, BadInput)]


def all_innovations() -> list[Innovation]:
    """Every innovation's page."""
    from catalog.knowledge import Innovation

    return [entry for _, entry in _all(Innovation, "innovations") if not isinstance(entry, BadInput)]
