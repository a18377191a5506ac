"""Copies of a model that share the users, where one copy cannot serve them all.

Copies are tried in powers of two, and as many as there are devices; each has its share of the users, of the devices, of
the budget and of the throughput. Whoever says a rate has copies counted by that (``promises.copies_needed``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.candidates import DEGREES, Outcomes, Space, degrees
from advisor.ranking.promises import one_keeps
from advisor.ranking.ways import DEVICES, PRICE, keys_of
from advisor.requirements import Needs
from catalog.spec import ModelSpec
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """One way of a model, and how many copies run so."""

    outcome: Outcomes
    index: int
    needs: Needs
    """What is asked of one copy."""
    copies: int = 1

    @property
    def key(self) -> tuple[float, ...]:
        """By what runs of a model are ordered: as ways are, all copies together."""
        keys = keys_of(self.outcome, self.needs)[:, self.index].copy()
        keys[[PRICE, DEVICES]] *= self.copies
        return tuple(keys.tolist())


def shared(needs: Needs) -> bool:
    """Whether copies may share the users: several were said, and no rate."""
    wanted = needs.requirements
    return wanted.users > 1 and wanted.requests_per_s is None


def of_one(needs: Needs, copies: int) -> Needs:
    """What is asked of one of so many copies."""
    wanted = needs.requirements
    parts = {
        name: value / copies
        for name in ("budget_usd_per_hour", "tokens_per_s")
        if (value := getattr(wanted, name)) is not None
    }
    return needs.model_copy(
        update={
            "requirements": wanted.model_copy(update=parts),
            "users": -(-needs.users // copies),
            "max_gpus": max(1, needs.max_gpus // copies),
        }
    )


def counts(needs: Needs) -> Iterator[int]:
    """Numbers of copies to try beyond one: as many as devices and users allow."""
    if not shared(needs):
        return
    most = min(needs.max_gpus, needs.users)
    copies = 2
    while copies < most:
        yield copies
        copies *= 2
    if most > 1:
        yield most


def to_share(best: Mapping[str, Run], needs: Needs) -> frozenset[str]:
    """Models that keep every promise, but take as many devices at once as may be had: copies may need fewer."""
    widest = max(count for count in DEGREES if count <= needs.max_gpus)
    return frozenset(name for name, run in best.items() if run.outcome.devices == widest)


MOST_COPIES = 64
"""As many are tried where it is told what would admit a model."""


def copies_that_keep(spec: ModelSpec, needs: Needs, where: Space, index: int) -> str | None:
    """Copies on one machine, on the fewest devices beyond those allowed, that keep every promise; ``None``: none do."""
    best: tuple[int, str] | None = None
    for layout in degrees(spec, needs, where) if shared(needs) else ():
        copies = 2
        while copies <= min(needs.users, MOST_COPIES):
            total = copies * layout.devices
            if best is not None and total >= best[0]:
                break
            if total > needs.max_gpus and one_keeps(spec, where, index, of_one(needs, copies), layout):
                many = f"{layout.devices} × " if layout.devices > 1 else "one "
                on = f"{many}{where.choices[index].machine.id}"
                best = (total, f"{copies} copies on {on} each ({total} devices in all)")
            copies *= 2
    return None if best is None else best[1]
