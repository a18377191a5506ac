"""Promises: how far each way of running a model is over each limit, and with what probability it keeps them."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Outcomes, Space, evaluate, memory
from advisor.estimating.measured import band_for
from advisor.ranking.chance import Errors, Floats, levels
from advisor.ranking.together import joint_chance
from advisor.requirements import Needs, Requirements
from calculators.plan import Layout
from catalog.loader import load_task
from catalog.spec import ModelSpec
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """One promise and how much of it is used."""

    name: str
    value: float
    limit: float
    unit: str
    chance: float | None = None
    """Probability that it is kept, by measured errors of predictions; ``None`` where nobody measured any."""

    @property
    def used(self) -> float:
        """1 is exactly at the limit."""
        return self.value / self.limit


def errors_of(where: Space, *, writes: bool) -> tuple[Errors, Errors | None]:
    """Measured errors of the first token and of further ones, or of the pass that answers."""
    found = where.kept.setdefault("errors", {})
    if writes not in found:
        found[writes] = (_errors(where, "ttft"), _errors(where, "tpot")) if writes else (_errors(where, "pass"), None)
    both: tuple[Errors, Errors | None] = found[writes]
    return both


def _errors(where: Space, quantity: str) -> Errors:
    settings = where.settings.settings
    pairs = zip(where.choices, settings, strict=True)
    return Errors.of([band_for(choice.engine, quantity, setting.eff.badge) for choice, setting in pairs])


def excesses(outcome: Outcomes, needs: Needs) -> dict[str, Floats]:
    """How far each choice is over each limit, as value / limit; at most 1 keeps the promise.

    Times count as long as they take at the confidence asked for, and at least as predicted; where first and further
    tokens are both limited, at the levels (``chance.levels``) with which both are kept together.
    """
    wanted, confidence = needs.requirements, needs.requirements.confidence
    ratios = {"memory": outcome.total_bytes / outcome.space.usable_bytes}
    ratios["devices"] = outcome.space.nodes_used(outcome.layout)
    first, each = errors_of(outcome.space, writes=outcome.writes)
    of_first = None if needs.ttft_s is None else outcome.ttft_s / needs.ttft_s
    of_each = None if needs.tpot_s is None else outcome.tpot_s / needs.tpot_s
    level_first: Floats | float = confidence
    level_each: Floats | float = confidence
    if of_first is not None and of_each is not None and each is not None:
        level_first, level_each = levels(first.chance(of_first), each.chance(of_each), confidence)
    if of_first is not None:
        ratios["first token"] = of_first * first.factor(level_first)
    if of_each is not None:
        ratios["per token"] = of_each * (1.0 if each is None else each.factor(level_each))
    if wanted.e2e_s is not None:
        ratios["whole answer"] = whole_s(outcome, needs, confidence) / wanted.e2e_s
    if (least := least_rate(outcome, needs)) is not None:
        slower = whole_s(outcome, needs, confidence) / whole_s(outcome, needs)
        ratios["throughput"] = least / outcome.tokens_per_s * slower
    if wanted.budget_usd_per_hour is not None:
        ratios["budget"] = hourly_usd(outcome, needs) / wanted.budget_usd_per_hour
    if copies_are_limited(wanted):
        ratios["devices in all"] = devices_in_all(outcome, needs) / needs.max_gpus
    return ratios


def one_keeps(
    spec: ModelSpec, where: Space, index: int, needs: Needs, layout: Layout, users: int | None = None
) -> bool:
    """Whether one way keeps every promise; it is timed only where nodes, price and memory allow it."""
    wanted = needs.requirements
    if where.nodes_used(layout)[index] > 1:
        return False
    if wanted.budget_usd_per_hour is not None and wanted.requests_per_s is None:
        hourly = where.usd_per_hour[index] * layout.devices
        if hourly / wanted.budget_usd_per_hour > 1:
            return False
    held = memory(spec, where, needs, layout, users or needs.users)
    if (held.fixed_bytes[index] + held.cache_bytes[index]) / where.usable_bytes[index] > 1:
        return False
    ratios = excesses(evaluate(spec, where, needs, layout, users, held), needs)
    return all(ratio[index] <= 1 for ratio in ratios.values())


def copies_are_limited(wanted: Requirements) -> bool:
    """Whether the copies that a rate needs must do with a number of devices that the user gave."""
    return wanted.requests_per_s is not None and wanted.max_gpus is not None


def devices_in_all(outcome: Outcomes, needs: Needs) -> Floats:
    """Devices of as many copies as the rate asked for needs."""
    return copies_needed(outcome, needs) * outcome.devices


def hourly_usd(outcome: Outcomes, needs: Needs) -> Floats:
    """US dollars an hour of as many copies as the rate asked for needs at full use; of one where none is."""
    return np.asarray(outcome.usd_per_hour * copies_needed(outcome, needs))


def copies_needed(outcome: Outcomes, needs: Needs) -> Floats:
    """Copies of a model that serve the rate asked for at full use; 1 where none is."""
    rate = needs.requirements.requests_per_s
    if rate is None:
        return np.ones(len(outcome.ttft_s))
    each = outcome.tokens_per_s / needs.output_tokens if outcome.writes else outcome.tokens_per_s
    return np.maximum(1.0, np.ceil(rate / each))


def least_rate(outcome: Outcomes, needs: Needs) -> float | None:
    """The throughput asked for, in the unit of ``outcome.tokens_per_s``.

    Of a task that ends in a label or a vector answers per second are asked for; a model that writes the label counts
    tokens.
    """
    least = needs.requirements.tokens_per_s
    if least is None or not outcome.writes or "text" in load_task(needs.task).outputs:
        return least
    return least * needs.output_tokens


def whole_s(outcome: Outcomes, needs: Needs, confidence: float | None = None) -> Floats:
    """From the request to the last token: as predicted, or what so large a share of cases does not exceed.

    First and further tokens then err alike, as in an estimate (``estimating.bands.whole_answer``).
    """
    further = (needs.output_tokens - 1) * outcome.tpot_s
    if confidence is None:
        return outcome.ttft_s + further
    first, each = errors_of(outcome.space, writes=outcome.writes)
    return outcome.ttft_s * first.factor(confidence) + (further if each is None else further * each.factor(confidence))


STEPS = 40
"""Halvings with which the probability of a sum is found."""


def _chance_of_whole(outcome: Outcomes, index: int, needs: Needs, limit: float) -> float:
    """Probability that the whole answer takes at most ``limit`` seconds."""
    one = np.array([index])
    first, each = (e and e.take(one) for e in errors_of(outcome.space, writes=outcome.writes))
    further = (needs.output_tokens - 1) * float(outcome.tpot_s[index])
    assert first is not None

    def at(level: float) -> float:
        seconds = float(outcome.ttft_s[index]) * float(first.quantile(level)[0])
        return seconds + (0.0 if each is None else further * float(each.quantile(level)[0]))

    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle) <= limit else (low, middle)
    return low


def limits(outcome: Outcomes, index: int, needs: Needs, spec: ModelSpec) -> list[Limit]:
    """Every promise with what is used of it and its probability."""
    wanted, found = needs.requirements, []
    first, each = errors_of(outcome.space, writes=outcome.writes)
    usable = outcome.space.usable_bytes[index]
    if np.isfinite(usable):
        found.append(Limit("memory", float(outcome.total_bytes[index]), float(usable), "bytes"))
    if needs.ttft_s is not None:
        found.append(_timed("first token", outcome.ttft_s, needs.ttft_s, first, index))
    if needs.tpot_s is not None and each is not None:
        found.append(_timed("per token", outcome.tpot_s, needs.tpot_s, each, index))
    known = first.known(index) and (each is None or each.known(index))
    if wanted.e2e_s is not None:
        whole = float(whole_s(outcome, needs)[index])
        chance = _chance_of_whole(outcome, index, needs, wanted.e2e_s) if known else None
        found.append(Limit("whole answer", whole, wanted.e2e_s, "s", chance))
    if (least := least_rate(outcome, needs)) is not None:
        rate = float(outcome.tokens_per_s[index])
        slowest = float(whole_s(outcome, needs)[index]) * rate / least
        chance = _chance_of_whole(outcome, index, needs, slowest) if known else None
        found.append(Limit("throughput", least, rate, "/s", chance))
    if spec.context_tokens is not None:
        found.append(Limit("context", float(context_of(spec, needs)), float(spec.context_tokens), "tokens"))
    if wanted.budget_usd_per_hour is not None:
        found.append(Limit("budget", float(hourly_usd(outcome, needs)[index]), wanted.budget_usd_per_hour, "$/h"))
    return found


def _timed(name: str, seconds: Floats, limit: float, errors: Errors, index: int) -> Limit:
    one = np.array([index])
    chance = float(errors.take(one).chance(seconds[one] / limit)[0]) if errors.known(index) else None
    return Limit(name, float(seconds[index]), limit, "s", chance)


def chance_of_all(outcome: Outcomes, index: int, needs: Needs, promises: list[Limit]) -> float | None:
    """Probability that all promises of time are kept; ``None`` where that of one is unknown."""
    first, each = errors_of(outcome.space, writes=outcome.writes)
    one = np.array([index])
    further = (needs.output_tokens - 1) * float(outcome.tpot_s[index]) if each is not None else 0.0
    return joint_chance(
        promises, first.take(one), None if each is None else each.take(one), float(outcome.ttft_s[index]), further
    )


def context_of(spec: ModelSpec, needs: Needs) -> int:
    """Tokens that must fit its context; audio has an encoder of its own, and only the transcript counts."""
    hears_only = spec.family == "speech" and "text" not in spec.inputs
    return needs.output_tokens if hears_only else needs.context_tokens


def context_problem(spec: ModelSpec, needs: Needs) -> str | None:
    """Why its context is too short; ``None`` if it is not."""
    context = context_of(spec, needs)
    if spec.context_tokens is not None and context > spec.context_tokens:
        return f"context {context:,} is above its {spec.context_tokens:,}"
    unstated = spec.context_tokens is None and spec.family in ATTENDING
    if unstated and needs.requirements.context_tokens is not None:
        return f"context {context:,} is asked for, and nobody states its own"
    return None


ATTENDING = ("decoder", "moe", "hybrid", "encoder-decoder", "vision-language")
"""Families whose context ends somewhere, stated or not; what keeps a state alone reads on."""
