"""Why a model was rejected, and the smallest change that would admit it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from advisor.candidates import DEGREES, Outcomes, Space, degrees, generates, memory
from advisor.ranking.copies import copies_that_keep
from advisor.ranking.promises import (
    copies_needed,
    devices_in_all,
    excesses,
    hourly_usd,
    least_rate,
    one_keeps,
    whole_s,
)
from advisor.report import bytes_text, rate_text, seconds_text, tokens_text
from advisor.requirements import Needs
from catalog.spec import ModelSpec
from catalog.values import dataclass


@dataclass(frozen=True)
class Rejection:
    """A model that keeps no promise-keeping way open.

    What would admit it may be found when it is asked for (``later``): it takes longer than ranking, and few are shown.
    """

    model: str
    family: str
    way: str
    """The way that came closest: format, cache, devices and machine."""
    violations: tuple[str, ...]
    smallest_change: str
    severity: float
    """By what factor the worst broken limit is exceeded."""

    @classmethod
    def later(
        cls, model: str, family: str, way: str, violations: tuple[str, ...], severity: float, find: Callable[[], str]
    ) -> Rejection:
        """One whose smallest change ``find`` finds."""
        made = object.__new__(cls)
        vars(made).update(
            model=model, family=family, way=way, violations=violations, severity=severity, _find=find
        )  # fmt: skip
        return made

    def __getattr__(self, name: str) -> str:
        own = vars(self)
        find = own.get("_find") if name == "smallest_change" else None
        if find is None:
            if name in own:  # found meanwhile by another thread
                return str(own[name])
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found: str = find()
        own["smallest_change"] = found
        own.pop("_find", None)
        return found

    @property
    def change_known(self) -> bool:
        """Whether the smallest change has been found already: asking for it takes no time then."""
        return "smallest_change" in vars(self)

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


def reject(spec: ModelSpec, needs: Needs, outcomes: Sequence[Outcomes], blocked: str | None) -> Rejection:
    """Explain the way that came closest to keeping all promises.

    Args:
        spec: The model.
        needs: What was asked.
        outcomes: Every way that was tried.
        blocked: A reason that no way of running it can cure (licence, context).
    """
    if not outcomes:
        return Rejection(spec.id, spec.family, "–", ("no device count divides it",), "more devices", np.inf)
    outcome, index, ratios = _closest(outcomes, needs)
    choice = outcome.space.choices[index]
    if len(outcome.space.choices) > 1:  # what would admit it concerns this way alone
        outcome, index = outcome.take(np.array([index])), 0
    devices = f"{outcome.devices} × " if outcome.devices > 1 else ""
    broken = [name for name, ratio in ratios.items() if ratio > 1]
    violations = [_violation(name, outcome, index, needs, ratios[name]) for name in broken]
    if blocked:
        return Rejection(
            spec.id, spec.family, f"{choice.weights.id} on {devices}{choice.machine.id}", (blocked, *violations),
            _unblock(spec, needs, blocked, broken), _blocked_severity(spec, needs, ratios),
        )  # fmt: skip
    return Rejection.later(
        model=spec.id,
        family=spec.family,
        way=f"{choice.weights.id}, cache {choice.cache}, {devices}{choice.machine.id}",
        violations=tuple(violations),
        severity=max(ratios.values()),
        find=lambda: smallest_change(spec, needs, outcome, index, ratios),
    )


def severity(spec: ModelSpec, needs: Needs, outcomes: Sequence[Outcomes], blocked: str | None) -> float:
    """By what factor the worst broken limit of the closest way is exceeded; infinite where there is no way."""
    if not outcomes:
        return np.inf
    ratios = _closest(outcomes, needs)[2]
    return _blocked_severity(spec, needs, ratios) if blocked else max(ratios.values())


def _closest(outcomes: Sequence[Outcomes], needs: Needs) -> tuple[Outcomes, int, dict[str, float]]:
    best: tuple[float, Outcomes, int, dict[str, float]] | None = None
    for outcome in outcomes:
        ratios = excesses(outcome, needs)
        worst = np.nanmax(np.stack([np.where(np.isfinite(r), r, 1e9) for r in ratios.values()]), axis=0)
        index = int(np.argmin(worst))
        if best is None or worst[index] < best[0]:
            best = (float(worst[index]), outcome, index, {name: float(r[index]) for name, r in ratios.items()})
    assert best is not None
    return best[1], best[2], best[3]


def _violation(name: str, outcome: Outcomes, index: int, needs: Needs, ratio: float) -> str:
    match name:
        case "memory":
            have, need = outcome.space.usable_bytes[index], outcome.total_bytes[index]
            return f"needs {bytes_text(need)} of {bytes_text(have)} per device"
        case "first token":
            return _late("first token", outcome.ttft_s[index], needs.ttft_s or 0, ratio)
        case "per token":
            return _late("per token", outcome.tpot_s[index], needs.tpot_s or 0, ratio)
        case "budget":
            return f"${hourly_usd(outcome, needs)[index]:.2f} per hour is over the budget"
        case "devices in all":
            copies = copies_needed(outcome, needs)[index]
            return f"{copies:,.0f} copies for the rate need {copies * outcome.devices:,.0f} devices of {needs.max_gpus}"
        case "whole answer":
            return _late("whole answer", whole_s(outcome, needs)[index], _e2e(needs), ratio)
        case "throughput":
            least = least_rate(outcome, needs) or 0
            return f"{rate_text(outcome.tokens_per_s[index], '/s')} of {rate_text(least, '/s')} asked for"
        case _:
            return f"{outcome.devices} devices are more than one node has"


def _late(name: str, seconds: float, limit: float, ratio: float) -> str:
    """A time over its limit, or one that errors of predictions bring over it too often."""
    said = f"{seconds_text(seconds)} per token" if name == "per token" else f"{name} {seconds_text(seconds)}"
    if seconds > limit:
        return f"{said} (limit {seconds_text(limit)})"
    return f"{said} may become {seconds_text(ratio * limit)} by the errors of predictions (limit {seconds_text(limit)})"


def _e2e(needs: Needs) -> float:
    return needs.requirements.e2e_s or 0


def _unblock(spec: ModelSpec, needs: Needs, blocked: str, broken: list[str]) -> str:
    more = f", and it also misses {' and '.join(broken)}" if broken else ""
    if blocked.startswith("context") and spec.context_tokens:
        return f"context ≤ {tokens_text(spec.context_tokens)}{more}"
    if blocked.startswith("context"):
        return f"no particular context asked for{more}"
    return f"another licence{more}"


def _blocked_severity(spec: ModelSpec, needs: Needs, ratios: dict[str, float]) -> float:
    over = needs.context_tokens / spec.context_tokens if spec.context_tokens else 2.0
    return max(over, 1.5, *ratios.values())


def smallest_change(spec: ModelSpec, needs: Needs, outcome: Outcomes, index: int, ratios: dict[str, float]) -> str:
    """One change, or the few together, after which the closest way keeps every promise; checked, not guessed."""
    options = []
    broken = [name for name, ratio in ratios.items() if ratio > 1]
    if "memory" in broken and generates(spec):
        options += _memory_changes(spec, needs, outcome, index)
    if broken == ["per token"]:
        users = _fewer_users(spec, needs, outcome, index)
        if users:
            options.append(f"users ≤ {users}")
    if set(broken) & {"memory", "first token", "per token", "whole answer", "throughput"}:
        from advisor.decision.narrower import narrower_weights

        if format_ := narrower_weights(spec, needs, outcome, index):
            options.append(f"{format_} weights")
        devices = _more_devices(spec, needs, outcome.space, index)
        if devices:
            options.append(f"{devices} × {outcome.space.choices[index].machine.id}")
    if copies := copies_that_keep(spec, needs, outcome.space, index):
        options.append(copies)
    relaxed = []
    wanted = needs.requirements
    times = (("first token", needs.ttft_s), ("per token", needs.tpot_s), ("whole answer", wanted.e2e_s))
    for name, limit in times:
        if name in broken and limit is not None:
            relaxed.append(f"{name} ≤ {seconds_text(limit * ratios[name] * LOOSE)}")
    if "throughput" in broken and wanted.tokens_per_s is not None:
        relaxed.append(f"throughput ≤ {rate_text(wanted.tokens_per_s / ratios['throughput'] / LOOSE, '/s')}")
    if "budget" in broken:
        relaxed.append(f"budget ≥ ${hourly_usd(outcome, needs)[index] + 0.005:.2f} per hour")
    if "devices in all" in broken:
        relaxed.append(f"{devices_in_all(outcome, needs)[index]:,.0f} devices in all")
    if relaxed and "memory" not in broken:
        options.append(" and ".join(relaxed))
    if not options and "memory" in broken:
        options.append(f"≥ {bytes_text(outcome.total_bytes[index])} usable per device")
    return ", or ".join(options) or "no single change"


LOOSE = 1.0005
"""By what limits are loosened besides, so that rounding them for print still admits the model."""


def _memory_changes(spec: ModelSpec, needs: Needs, outcome: Outcomes, index: int) -> list[str]:
    """Fewer users or a shorter context, where the cache is what does not fit."""
    free = float(outcome.space.usable_bytes[index] - outcome.fixed_bytes[index])
    cache = float(outcome.cache_bytes[index])
    if free <= 0 or cache <= 0:
        return []
    changes = []
    users = int(needs.users * free / cache)
    if 1 <= users < needs.users:
        changes.append(f"users ≤ {users}")
    context = int(needs.context_tokens * free / cache) // 1024 * 1024
    if context >= max(1024, needs.input_tokens):
        shorter = needs.model_copy(update={"context_tokens": context})
        again = memory(spec, outcome.space, shorter, outcome.layout, needs.users)
        if again.fixed_bytes[index] + again.cache_bytes[index] <= outcome.space.usable_bytes[index]:
            changes.append(f"context ≤ {tokens_text(context)}")
    return changes


def _fewer_users(spec: ModelSpec, needs: Needs, outcome: Outcomes, index: int) -> int | None:
    """The most users for which every promise is kept, by bisection."""
    low, high = 0, needs.users
    while high - low > 1:
        middle = (low + high) // 2
        if one_keeps(spec, outcome.space, index, needs, outcome.layout, middle):
            low = middle
        else:
            high = middle
    return low or None


def _more_devices(spec: ModelSpec, needs: Needs, where: Space, index: int) -> int | None:
    """The fewest devices, beyond those allowed, with which the same machine keeps every promise."""
    wider = needs.model_copy(update={"max_gpus": DEGREES[-1]})
    for layout in degrees(spec, wider, where):
        if layout.devices > needs.max_gpus and one_keeps(spec, where, index, needs, layout):
            return layout.devices
    return None
