"""From files to specs: the shipped catalog, the user's own overlay, and any file by its path.

YAML is parsed by the C loader with aliases refused (an alias bomb expands to gigabytes), sizes are limited before
anything is parsed, and every error says file, line and field.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from catalog.compiled import load_or_compile
from catalog.engine import Engine
from catalog.errors import BadInput, nearest, unknown
from catalog.machine import Machine, MachineClass
from catalog.price import MachinePrice, PriceList
from catalog.spec import ModelSpec
from catalog.task import Task
from catalog.weight_format import WeightFormat

ROOT = Path(__file__).parent
MAX_BYTES = 4 * 2**20
"""Longer specs and configurations are refused unread."""
MAX_DEPTH = 60

T = TypeVar("T", bound=BaseModel)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(path: Path) -> str:
    """The text of a small UTF-8 file.

    Raises:
        BadInput: If it is missing, a folder, too large or no text.
    """
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder; give a file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(
                f"{path}: is {size / 1e6:.0f} MB; a spec or configuration has at most {MAX_BYTES / 2**20:.0f} MiB"
            )
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is no UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise BadInput(f"{path}: {(error.strerror or str(error)).lower()}") from error


def parse_yaml(text: str, where: str, *, trusted: bool = False) -> Any:
    """Parse YAML without aliases; the shipped catalog is ``trusted`` and parsed once instead of twice.

    Raises:
        BadInput: With line and column, if it is malformed, nested too deeply or uses aliases.
    """
    depth = 0
    try:
        for event in () if trusted else yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.AliasEvent):
                raise BadInput(f"{where}, line {line}: aliases (*{event.anchor}) are not allowed; write the value out")
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise BadInput(f"{where}, line {line}: nested more than {MAX_DEPTH} deep")
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                depth -= 1
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        start = error.context_mark
        began = f"; it began in line {start.line + 1}" if start and mark and start.line != mark.line else ""
        raise BadInput(f"{where}{place}: not valid YAML: {error.problem or error.context}{began}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not valid YAML: {' '.join(str(error).split())[:120]}") from error


def parse_json(text: str, where: str) -> Any:
    """Parse JSON.

    Raises:
        BadInput: With line and column, if it is malformed, truncated or nested too deeply.
    """
    if not text.strip():
        raise BadInput(f"{where}: is empty; expected a JSON object")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise BadInput(f"{where}: nested too deeply for a configuration") from error
    except json.JSONDecodeError as error:
        end = " (the file ends too early)" if error.pos >= len(text.rstrip()) else ""
        raise BadInput(
            f"{where}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}{end}"
        ) from error


def line_of(text: str, loc: tuple[int | str, ...]) -> int | None:
    """The line on which a field stands in a YAML text, or its nearest parent that exists."""
    try:
        node: Any = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None
    line = None
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            names = (step, "layer") if step == "layers" else (step,)
            found = next(((k, v) for k, v in node.value if k.value in names), None)
            if found is None:
                continue  # a discriminator's tag, or a missing field
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def validated(kind: type[T], data: Any, where: str, text: str | None = None) -> T:
    """Check data against a schema.

    Raises:
        BadInput: With file, line and field, and the known names where one is misspelt.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise BadInput(_sentence(error, where, text, kind.__name__)) from error


_RANK = {"extra_forbidden": 0, "missing": 2, "literal_error": 3}
"""What to report first: a misspelt field explains the one that is missing; alternatives of a union come last."""


def _sentence(error: ValidationError, where: str, text: str | None, kind: str) -> str:
    errors = error.errors()
    first = min(errors, key=lambda e: (_RANK.get(e["type"], 1), -len(e["loc"])))
    loc = tuple(part for part in first["loc"] if "[" not in str(part))
    line = line_of(text, loc) if text is not None else None
    place = f"{where}, line {line}" if line else where
    field = ".".join(str(part) for part in loc) or kind
    message = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    if first["type"] == "extra_forbidden":
        siblings = [str(e["loc"][-1]) for e in errors if e["type"] == "missing" and e["loc"][:-1] == first["loc"][:-1]]
        near = nearest(str(loc[-1]), siblings, 1) or siblings[:1]
        message = f"unknown field {loc[-1]!r}" + (f"; did you mean {near[0]}?" if near else "")
    elif first["type"] == "missing":
        message = "is missing"
    elif given is not None and not isinstance(given, dict | list | tuple):
        message += f" (got {str(given)[:40]!r})"
    return f"{place}: {field}: {message}"


def overlay() -> Path:
    """The user's own catalog: ``$WHICHARCH_HOME/catalog`` or the platform's data folder."""
    home = os.environ.get("WHICHARCH_HOME")
    if home:
        return Path(home) / "catalog"
    from platformdirs import user_data_path

    return user_data_path("whicharch") / "catalog"


@lru_cache(maxsize=16)
def _shipped_files(folder: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((ROOT / folder).glob("*.yaml"))}


@lru_cache(maxsize=32)
def _files(folder: str) -> dict[str, Path]:
    files = dict(_shipped_files(folder))
    extra = overlay() / folder
    if extra.is_dir():
        files |= {path.stem: path for path in sorted(extra.glob("*.yaml"))}
    return files


def _entry(kind: type[T], path: Path) -> T:
    text = read_text(path)
    data = parse_yaml(text, str(path), trusted=path.is_relative_to(ROOT))
    if not isinstance(data, dict):
        raise BadInput(f"{path}: is {type(data).__name__}; expected fields with names")
    return validated(kind, data, str(path), text)


@lru_cache(maxsize=4096)
def _read(kind: type[T], path: Path, stamp: int) -> T:
    return _entry(kind, path)


def _load(kind: type[T], folder: str, what: str, name: str) -> T:
    files = _files(folder)
    if name not in files:
        raise unknown(what, name, files)
    path = files[name]
    loaded: T = _read(kind, path, path.stat().st_mtime_ns)
    return loaded


@lru_cache(maxsize=16)
def _compiled(kind: type[T], folder: str) -> dict[str, T]:
    files = _shipped_files(folder)
    return load_or_compile(folder, files, lambda: {name: _entry(kind, path) for name, path in files.items()})


def _all(kind: type[T], folder: str) -> Iterator[tuple[str, T | BadInput]]:
    """All entries by name; the user's own replace shipped ones, and one that is broken yields its error."""
    shipped, files = _compiled(kind, folder), _files(folder)
    for name, path in files.items():
        if path.is_relative_to(ROOT):
            yield name, shipped[name]
            continue
        try:
            yield name, _read(kind, path, path.stat().st_mtime_ns)
        except BadInput as error:
            yield name, error


def refresh() -> None:
    """Look at the files again, after the user's own catalog has changed."""
    for cached in (_files, _shipped_files, _compiled, _read, price_lists):
        cached.cache_clear()


def model_ids() -> list[str]:
    """Ids of all models."""
    return list(_files("models"))


def load(name: str | Path) -> ModelSpec:
    """A model by catalog id, alias, or path to a YAML spec or a Hugging Face ``config.json`` (or its folder).

    Raises:
        BadInput: If the id is unknown (the message names the nearest) or the file is wrong (file, line and field).
    """
    text = str(name)
    if text in _files("models"):
        return _load(ModelSpec, "models", "model", text)
    path = Path(text).expanduser()
    if path.suffix in (".yaml", ".yml", ".json") or path.exists() or (os.sep in text and path.parent.is_dir()):
        return load_file(path)
    wanted = text.lower()
    for spec in all_models():
        if wanted in (spec.id, *(alias.lower() for alias in spec.aliases)):
            return spec
    raise unknown("model", text, [*model_ids(), *(alias for spec in all_models() for alias in spec.aliases)])


def load_file(path: Path) -> ModelSpec:
    """A model from a file: our YAML, or a Hugging Face configuration (a file, or a folder that holds one).

    Raises:
        BadInput: With file, line and field.
    """
    if path.is_dir():
        path = path / "config.json"
    text = read_text(path)
    if path.suffix in (".yaml", ".yml"):
        data = parse_yaml(text, str(path))
        if not isinstance(data, dict):
            raise BadInput(f"{path}: is {type(data).__name__}; expected a model spec with named fields")
        return validated(ModelSpec, data, str(path), text)
    from catalog.importers.huggingface import from_hf_config

    data = parse_json(text, str(path))
    if not isinstance(data, dict):
        raise BadInput(f"{path}: is {type(data).__name__}; expected a JSON object")
    name = path.parent.name if path.name == "config.json" and path.parent.name else path.stem
    return from_hf_config(data, name=name, where=str(path))


def all_models() -> list[ModelSpec]:
    """Every model that loads; broken overlay files are left out (``overlay_problems`` names them)."""
    return [spec for _, spec in _all(ModelSpec, "models") if not isinstance(spec, BadInput)]


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
        return _entry(Machine, Path(name).expanduser())
    return _load(Machine, "machines", "machine", name)


def all_machines() -> list[Machine]:
    """Every machine."""
    return [entry for _, entry in _all(Machine, "machines") if not isinstance(entry, BadInput)]


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


class _Classes(BaseModel):
    classes: tuple[MachineClass, ...]


def machine_prices(machine: str) -> tuple[MachinePrice, ...]:
    """Prices of one machine; empty where none is known."""
    return price_lists().get(machine, ())


@lru_cache(maxsize=1)
def price_lists() -> dict[str, tuple[MachinePrice, ...]]:
    """Prices of all machines, by machine id."""
    return {name: entry.prices for name, entry in _all(PriceList, "prices") if not isinstance(entry, BadInput)}


@lru_cache(maxsize=1)
def machine_classes() -> tuple[MachineClass, ...]:
    """Efficiency defaults for machines that nobody measured, by vendor and kind."""
    return _entry(_Classes, ROOT / "machine_classes.yaml").classes
