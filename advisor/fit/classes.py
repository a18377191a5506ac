"""Defaults for machines that nobody measured kernel by kernel: medians of their measured kin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from advisor.fit.entries import entry, like_fp8, place
from advisor.fit.solve import Errors, Fit, judge, rounded
from advisor.fit.tables import Array
from catalog.machine import MachineClass, Roofline


@dataclass(frozen=True)
class Kin:
    """A class of machines and those of its members whose kernels were measured."""

    id: str
    kinds: tuple[str, ...]
    members: tuple[str, ...]
    needs: tuple[str, ...] = ()
    memory: str | None = None


HOPPER = ("h100-sxm", "h200-sxm")
BLACKWELL = ("b200-sxm", "b300-sxm", "gb200-nvl72", "gb300-nvl72")
GDDR = ("l40s", "rtx-pro-6000-blackwell-server")
AMPERE = ("a100-sxm4-80gb",)
KIN = (
    Kin("nvidia-datacenter-blackwell", ("datacenter gpu",), BLACKWELL, ("fp8", "fp4"), "HBM"),
    Kin("nvidia-datacenter-hopper", ("datacenter gpu",), HOPPER, ("fp8",), "HBM"),
    Kin("nvidia-datacenter", ("datacenter gpu",), AMPERE, memory="HBM"),
    Kin("nvidia-gddr", ("datacenter gpu", "workstation gpu", "consumer gpu"), GDDR),
)
"""Kin by generation and memory, where that predicts a machine better from the others than all machines together do.
Errors of machines left out, all of NVIDIA's against kin: attention prefill on L40S 45 and 16 %, encoders on RTX PRO
6000 45 and 16 %, fp8 experts on H100 72 and 36 %, scans on H100 21 and 9 %; about equal: products (8 and 8 %)."""
LEFT_TO_LINKS = ("allreduce", "ring")
"""Collectives are a matter of the links, not of the class."""


@dataclass(frozen=True)
class Default:
    """Constants of a class for one kind of kernels."""

    kind: str
    values: dict[str, float]
    members: tuple[str, ...]
    rows: int
    errors: dict[str, Errors]
    """Of each member under the medians of the others: the median over members; empty for a single one."""


def defaults(fits: Sequence[Fit], kin: Kin) -> list[Default]:
    """Medians of the members' constants, and what they would have been worth for each member."""
    by_kind: dict[str, list[Fit]] = defaultdict(list)
    for fit in fits:
        if fit.kernels.machine in kin.members and place(fit.kernels.kind)[0] not in LEFT_TO_LINKS:
            by_kind[fit.kernels.kind].append(fit)
    return [_default(kind, own) for kind, own in by_kind.items()]


def _default(kind: str, own: Sequence[Fit]) -> Default:
    judged: dict[str, list[Errors]] = defaultdict(list)
    for fit in own:
        others = [other for other in own if other is not fit]
        if others:
            errors, _ = judge(fit.kernels, medians(others))
            for phase, each in errors.items():
                judged[phase].append(each)
    names = own[0].kernels.formula.constants
    return Default(
        kind,
        dict(zip(names, map(float, medians(own)), strict=True)),
        tuple(fit.kernels.machine for fit in own),
        sum(fit.rows for fit in own),
        {phase: _middle(each) for phase, each in judged.items()},
    )


def _middle(errors: Sequence[Errors]) -> Errors:
    return Errors(
        sum(e.n for e in errors),
        median(e.median for e in errors),
        median(e.p90 for e in errors),
        median(e.bias for e in errors),
    )


def medians(fits: Sequence[Fit]) -> Array:
    """Middle of each constant."""
    return rounded(np.median([fit.constants for fit in fits], axis=0))


def class_of(kin: Kin, found: Sequence[Default]) -> MachineClass:
    """As the catalog holds it."""
    blocks: dict[str, Any] = defaultdict(dict)
    for default in found:
        block, key = place(default.kind)
        made = entry(default.kind, default.values, default.errors, default.rows, _source(default))
        if key:
            blocks[block][key] = made.model_dump()
        else:
            blocks[block] = made.model_dump()
    if "fp8" in blocks["roofline"] and "fp4" in blocks.get("experts", {}):
        blocks["roofline"]["fp4"] = like_fp8(Roofline.model_validate(blocks["roofline"]["fp8"])).model_dump()
    return MachineClass.model_validate(
        {
            "id": kin.id,
            "vendor": "nvidia",
            "kinds": list(kin.kinds),
            **({"needs": list(kin.needs)} if kin.needs else {}),
            **({"memory": kin.memory} if kin.memory else {}),
            "members": sorted({name for default in found for name in default.members}),
            **blocks,
            "sources": [_source(found[0])],
        }
    )


def _source(default: Default) -> str:
    start = "measured neighbour" if len(default.members) == 1 else "median of measured neighbours"
    return f"{start} {', '.join(default.members)}; aiconfigurator 0.12 tables (Apache-2.0), whicharch fit"
