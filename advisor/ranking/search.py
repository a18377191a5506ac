"""The best way of every model that writes, and for those that have none the one that comes closest.

Ways are timed only as far as needed. What memory, nodes and prices say of a way is known beforehand; so the ways of a
model are tried in the order of their price until none that is left can be better, and of a model that keeps no way open
in the order of what it breaks anyhow, until none that is left can come closer. The answers are those of trying all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from advisor.candidates import Outcomes
from advisor.ranking.chance import Floats
from advisor.ranking.many import Many, Ways
from advisor.ranking.promises import copies_are_limited, excesses
from advisor.ranking.ways import DEVICES, PRICE, TIMELESS, keeps, keys_of, timeless_keys
from advisor.requirements import Needs
from calculators.stacked import Indices
from catalog.values import dataclass

AT_ONCE = (8, 32, 128, 1 << 30)
"""Ways of each model that a round times, where times are limited."""
UNPRICED = 1e9
"""What an excess counts as that cannot be told."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a model, among outcomes of many."""

    outcome: Outcomes
    index: int

    @property
    def alone(self) -> Outcomes:
        """Its outcome on its own."""
        return self.outcome.take(np.array([self.index]))


@dataclass(frozen=True, eq=False, slots=True)
class Settled:
    """Best ways by model id, and on demand the closest of those that have none."""

    best: dict[str, Way]
    considered: int
    many: Many
    needs: Needs
    ways: Ways
    broken: Floats
    """By how much each way breaks the worst of the limits that need no timing."""

    def closest(self, names: Iterable[str]) -> dict[str, Way]:
        """The ways of some models that come closest to keeping all promises."""
        asked = frozenset(names)
        rest = np.array([name in asked for name in self.many.names])[self.ways.model]
        found = _closest(self.many, self.needs, self.ways.take(rest), self.broken[rest])
        return {self.many.names[m]: way for m, way in found.items()}


@dataclass(frozen=True, slots=True)
class Beaten:
    """What copies of a model must beat: how many there are, and by model id the order of what is known already."""

    copies: int
    keys: Mapping[str, tuple[float, ...]]


def settle(many: Many, needs: Needs, blocked: frozenset[str], beaten: Beaten | None = None) -> Settled:
    """Find them.

    Args:
        many: Models, machines, lengths and users.
        needs: The limits, of these lengths and users.
        blocked: Models that no way of running can save; of these only the closest way on the fewest devices counts.
        beaten: Ways that all copies together cannot beat need no timing.
    """
    names = many.names
    ways = _held_somewhere(many, many.ways, np.array([name in blocked for name in names]))
    broken = _timeless_excess(many, needs, ways)
    saved = np.array([name not in blocked for name in names])
    open_ways = ways.take((broken <= 1) & saved[ways.model])
    best = _cheapest(many, needs, open_ways, beaten or Beaten(1, {}))
    return Settled({names[m]: way for m, way in best.items()}, len(ways), many, needs, ways, broken)


def _times_are_limited(needs: Needs) -> bool:
    wanted = needs.requirements
    limits = (needs.ttft_s, needs.tpot_s, wanted.e2e_s, wanted.tokens_per_s)
    dear = wanted.budget_usd_per_hour is not None and wanted.requests_per_s is not None  # copies hang on their speed
    return dear or copies_are_limited(wanted) or any(limit is not None for limit in limits)


def _held_somewhere(many: Many, ways: Ways, first_only: NDArray[np.bool_]) -> Ways:
    """Ways on device counts that hold the weights somewhere; where none does, on the largest."""
    where, layouts = many.space, len(many.layouts)
    fits = ways.weights_bytes + where.overhead_bytes[ways.choice] < where.usable_bytes[ways.choice]
    fits &= _nodes(many, ways) <= 1
    pair = ways.model * layouts + ways.layout
    shape = (len(many.names), layouts)
    fitting = np.zeros(shape, dtype=bool)
    fitting.reshape(-1)[pair[fits]] = True
    there = np.zeros(shape, dtype=bool)
    there.reshape(-1)[pair] = True
    largest = there & (np.cumsum(there[:, ::-1], axis=1)[:, ::-1] == 1)
    kept = np.where(fitting.any(axis=1, keepdims=True), fitting, largest)
    first = kept & (np.cumsum(kept, axis=1) == 1)
    kept = np.where(first_only[:, None], first, kept)
    return ways.take(kept.reshape(-1)[pair])


def _devices(many: Many, ways: Ways) -> Floats:
    return np.array([float(layout.devices) for layout in many.layouts])[ways.layout]


def _nodes(many: Many, ways: Ways) -> Floats:
    return np.asarray(_devices(many, ways) / many.together(ways))


def _timeless_excess(many: Many, needs: Needs, ways: Ways) -> Floats:
    """By how much each way breaks the worst of the limits that need no timing."""
    where = many.space
    parts = [(ways.fixed_bytes + ways.cache_bytes) / where.usable_bytes[ways.choice], _nodes(many, ways)]
    budget = needs.requirements.budget_usd_per_hour
    if budget is not None:
        parts.append(where.usd_per_hour[ways.choice] * _devices(many, ways) / budget)
    return np.asarray(np.max([np.where(np.isfinite(part), part, UNPRICED) for part in parts], axis=0))


def _cheapest(many: Many, needs: Needs, ways: Ways, beaten: Beaten) -> dict[int, Way]:
    """The best way of each model that has one."""
    where, devices = many.space, _devices(many, ways)
    hourly = where.usd_per_hour[ways.choice] * devices
    keys = timeless_keys(where.nominal_bits[ways.choice], where.cache_bits[ways.choice], hourly, devices)
    order = np.lexsort((*keys[::-1], ways.model))
    ways, keys = ways.take(order), keys[:, order]
    same = np.all(keys[:, 1:] == keys[:, :-1], axis=0) & (np.diff(ways.model) == 0)
    tied = np.concatenate([[False], same])[: len(ways)]
    queue = _Queue(ways.model, tied)
    total = np.ones((len(TIMELESS), 1))
    total[[PRICE, DEVICES]] = beaten.copies
    best: dict[int, tuple[tuple[float, ...], Way]] = {}

    def drop_beaten() -> None:
        for model in queue.waiting():
            following = keys[:, queue.at[model]]
            known = beaten.keys.get(many.names[model])
            if (model in best and best[model][0][: len(TIMELESS)] < tuple(following.tolist())) or (
                known is not None and known[: len(TIMELESS)] < tuple((following * total[:, 0]).tolist())
            ):
                queue.drop(model)

    if beaten.keys:
        drop_beaten()
    usual = needs.usual_ttft_s is not None or needs.usual_tpot_s is not None
    for at_once in AT_ONCE if usual or _times_are_limited(needs) else (1, *AT_ONCE):
        picked = queue.next(at_once)
        if not picked.size:
            break
        for which, outcome in many.measure(ways.take(picked)):
            good = np.flatnonzero(keeps(outcome, needs))
            if not good.size:
                continue
            full = keys_of(outcome, needs)[:, good]
            models = ways.model[picked[which[good]]]
            for place in _first_of_each(models, full).tolist():
                model, key = int(models[place]), tuple(full[:, place].tolist())
                if model not in best or key < best[model][0]:
                    best[model] = (key, Way(outcome, int(good[place])))
        drop_beaten()
    return {model: way for model, (_, way) in best.items()}


def _closest(many: Many, needs: Needs, ways: Ways, broken: Floats) -> dict[int, Way]:
    """The way of each model whose worst excess is least."""
    order = np.lexsort((broken, ways.model))
    ways, broken = ways.take(order), broken[order]
    queue = _Queue(ways.model, np.zeros(len(ways), dtype=bool))
    best: dict[int, tuple[float, Way]] = {}
    for at_once in AT_ONCE if _times_are_limited(needs) else (1,):
        picked = queue.next(at_once)
        if not picked.size:
            break
        for which, outcome in many.measure(ways.take(picked)):
            worst = worst_excess(excesses(outcome, needs))
            models = ways.model[picked[which]]
            for place in _first_of_each(models, worst[None]).tolist():
                model = int(models[place])
                if model not in best or worst[place] < best[model][0]:
                    best[model] = (float(worst[place]), Way(outcome, place))
        for model in queue.waiting():
            if model in best and best[model][0] <= broken[queue.at[model]]:
                queue.drop(model)
    return {model: way for model, (_, way) in best.items()}


def worst_excess(ratios: dict[str, Floats]) -> Floats:
    """The largest of each way's excesses."""
    return np.asarray(np.nanmax([np.where(np.isfinite(r), r, UNPRICED) for r in ratios.values()], axis=0))


def _first_of_each(models: Indices, keys: Floats) -> Indices:
    """Of each model the entry with the least key, the first of equal ones."""
    order = np.lexsort((*keys[::-1], models))
    ordered = models[order]
    return np.asarray(order[np.concatenate([[True], ordered[1:] != ordered[:-1]])])


class _Queue:
    """Entries of each model in order, taken some at a time; those tied with the last taken come along."""

    def __init__(self, models: Indices, tied: NDArray[np.bool_]) -> None:
        starts = np.flatnonzero(np.concatenate([[True], np.diff(models) != 0])) if models.size else np.zeros(0, int)
        ends = np.append(starts, models.size)[1:]
        self.at = {int(models[s]): int(s) for s in starts}
        self._end = {int(models[s]): int(e) for s, e in zip(starts, ends, strict=True)}
        free = np.flatnonzero(~tied)
        self._free = np.append(free, models.size)

    def next(self, count: int) -> Indices:
        """Up to ``count`` further entries of every model that is still waiting."""
        taken: list[NDArray[np.intp]] = []
        for model, at in list(self.at.items()):
            stop = min(at + count, self._end[model])
            stop = min(int(self._free[np.searchsorted(self._free, stop)]), self._end[model])
            taken.append(np.arange(at, stop))
            self.at[model] = stop
        for model in [m for m, at in self.at.items() if at >= self._end[m]]:
            self.drop(model)
        return np.concatenate(taken) if taken else np.zeros(0, dtype=np.intp)

    def waiting(self) -> Iterable[int]:
        """Models with entries left."""
        return list(self.at)

    def drop(self, model: int) -> None:
        """Leave the rest of a model's entries."""
        self.at.pop(model, None)
