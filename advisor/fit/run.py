"""Everything that ``whicharch fit`` fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.fit import attention, experts, links, products, rings, streams
from advisor.fit.classes import KIN, Default, Kin, defaults
from advisor.fit.entries import entry_of
from advisor.fit.robust import solver
from advisor.fit.solve import Fit, Kernels, solve
from calculators.efficiency import class_of
from catalog.errors import BadInput
from catalog.loader import all_machines, machine_classes
from catalog.machine import Machine, Roofline

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """The fits of a run."""

    fits: tuple[Fit, ...]
    classes: tuple[tuple[Kin, tuple[Default, ...]], ...]
    """Of the classes whose members were all fitted in this run."""
    eager_us: Mapping[str, tuple[float, int]]


NO_TABLES = (
    "{}: holds no folder 'measured'; --facts takes a folder with measured/gemm.csv, moe.csv, attention_context.csv and "
    "the like: NVIDIA aiconfigurator's published tables of kernels (github.com/ai-dynamo/aiconfigurator, "
    "systems/data), all machines in one CSV, told apart by a column 'system'"
)


def fit_all(facts: Path, only: Sequence[str] = (), tell: Tell = lambda text: None) -> Fitted:
    """Fit every kind of kernels of every machine in the tables.

    Args:
        facts: Folder with ``measured/*.csv``.
        only: Ids of machines; all by default.
        tell: Told of progress.

    Raises:
        BadInput: If SciPy or the tables are missing, or a machine is in none of them.
    """
    solver()
    machines = {m.id: m for m in all_machines() if not only or m.id in only}
    if not (facts / "measured").is_dir():
        raise BadInput(NO_TABLES.format(facts))
    fits: list[Fit] = []
    for kernels in products.kernels(facts, machines):
        fits.append(_solved(kernels, tell))
    plain = {f.kernels.machine: entry_of(f) for f in fits if f.kernels.kind == "gemm bf16"}
    for kernels in _others(facts, machines, {name: e for name, e in plain.items() if isinstance(e, Roofline)}):
        fits.append(_solved(kernels, tell))
    missing = sorted(set(only) - {f.kernels.machine for f in fits})
    if missing:
        raise BadInput(f"{facts}: no kernels of {', '.join(missing)} were measured there")
    whole = {f.kernels.machine for f in fits}
    kin = tuple((k, tuple(defaults(fits, k))) for k in KIN if set(k.members) <= whole)
    return Fitted(tuple(fits), kin, links.eager_launch_us(facts, machines))


def _others(facts: Path, machines: Mapping[str, Machine], plain: Mapping[str, Roofline]) -> Iterator[Kernels]:
    yield from experts.kernels(facts, machines, {**_class_plain(machines), **plain})
    yield from attention.kernels(facts, machines)
    yield from streams.kernels(facts, machines)
    yield from links.kernels(facts, machines)
    yield from rings.kernels(facts, machines)


def _class_plain(machines: Mapping[str, Machine]) -> dict[str, Roofline]:
    """Constants of light kernels for machines whose products were not measured: those of their class."""
    classes = machine_classes()
    found = {name: class_of(machine, classes) for name, machine in machines.items()}
    return {name: own.roofline["bf16"] for name, own in found.items() if own is not None and "bf16" in own.roofline}


def _solved(kernels: Kernels, tell: Tell) -> Fit:
    tell(f"{kernels.machine} {kernels.kind}")
    return solve(kernels)
