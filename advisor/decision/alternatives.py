"""One cheaper, one better, one simpler, and one of the other kind (API or own machines), with what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from advisor.decision.month import Month, Volume, dollars_text, month_of
from advisor.ranking.rows import Recommendation
from advisor.report import percent_text, seconds_text
from advisor.requirements import Needs
from catalog.loader import load
from catalog.values import dataclass

Kind = Literal["cheaper", "better", "simpler", "api", "own machines"]
CHEAPER = 0.8
"""Of the recommendation's cost: what saves less is no alternative."""
BETTER = 0.02
"""Of quality: what gains less is within the noise of the scores."""
EXOTIC = {"decoder": 0, "encoder": 0, "encoder-decoder": 0, "vision": 0, "dual-encoder": 0, "moe": 1,
          "vision-language": 1, "speech": 1, "diffusion": 1, "hybrid": 2, "ssm": 2}  # fmt: skip
"""Parts that an engine must have besides dense layers: 1 for experts or a second tower, 2 for states."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another recommendation, seen from the first."""

    kind: Kind
    recommendation: Recommendation | None
    month: Month | None
    differences: tuple[str, ...]
    """What changes, from and to."""
    said: str
    """What it is an alternative in, or why there is none."""

    @property
    def model(self) -> str | None:
        """Its model; ``None`` where there is none."""
        return self.recommendation.model if self.recommendation else None


def alternatives(
    r: Recommendation, feasible: Sequence[Recommendation], hosted: Sequence[Recommendation], no_api: str, needs: Needs,
    volume: Volume | None,
) -> tuple[Alternative, ...]:  # fmt: skip
    """One of each kind.

    Args:
        r: What they are alternatives to.
        feasible: Everything that keeps every promise, the best score first.
        hosted: Models behind an API that could do the task, the best score first.
        no_api: Why there are none, where the wishes rule them out.
        needs: The requirements.
        volume: Requests of a month.
    """
    others = [x for x in feasible if x.model != r.model and (x.quality is not None or r.quality is None)]
    found = [_cheaper(r, others, needs, volume), _better(r, others, needs, volume), _simpler(r, others, needs, volume)]
    if r.machine is None:
        own = next((x for x in others if x.machine is not None), None)
        found.append(_other("own machines", r, own, "no model on own machines keeps every promise", needs, volume))
    else:
        api = next((x for x in hosted if x.quality is not None), next(iter(hosted), None))
        found.append(_other("api", r, api, no_api or "no hosted model with a known price does this", needs, volume))
    return tuple(found)


def _cost(r: Recommendation, needs: Needs, volume: Volume | None) -> float | None:
    month = month_of(r, needs, volume)
    return None if month is None else month.usd


def _cheaper(r: Recommendation, others: Sequence[Recommendation], needs: Needs, volume: Volume | None) -> Alternative:
    here = _cost(r, needs, volume)
    if here is None:
        return _absent("cheaper", f"no price of {r.machine or r.model} is known")
    saving = [x for x in others if (cost := _cost(x, needs, volume)) is not None and cost <= CHEAPER * here]
    if not saving:
        return _absent("cheaper", f"nothing that keeps every promise costs {percent_text(1 - CHEAPER)} less")
    best = max(saving, key=lambda x: (x.quality or 0, x.score))
    return _found("cheaper", r, best, f"the best that saves at least {percent_text(1 - CHEAPER)}", needs, volume)


def _better(r: Recommendation, others: Sequence[Recommendation], needs: Needs, volume: Volume | None) -> Alternative:
    if r.quality is None:
        return _absent("better", "no scores say how good it is")
    ahead = [x for x in others if x.quality is not None and x.quality >= r.quality + BETTER]
    if not ahead:
        return _absent("better", "nothing that keeps every promise scores clearly higher")
    best = max(ahead, key=lambda x: (x.score, x.quality))
    return _found("better", r, best, "the best trade among those that score clearly higher", needs, volume)


def _simplicity(r: Recommendation) -> tuple[int, int, int]:
    """Devices; whether weights must be converted first; parts that not every engine has. Less is simpler."""
    return r.devices, int(load(r.model).published_weights != r.weights), EXOTIC.get(r.family, 0)


def _simpler(r: Recommendation, others: Sequence[Recommendation], needs: Needs, volume: Volume | None) -> Alternative:
    if r.machine is None:
        return _absent("simpler", "an API is the simplest there is: nothing to run")
    here = _simplicity(r)
    less = [x for x in others if x.machine is not None and _simplicity(x) < here]
    if not less:
        return _absent("simpler", "nothing that keeps every promise needs fewer devices, conversions or special parts")
    best = max(less, key=lambda x: x.score)
    there = _simplicity(best)
    gains = [
        f"{there[0]} device{'s' * (there[0] > 1)} instead of {here[0]}" if there[0] < here[0] else "",
        "weights as published" if there[1] < here[1] else "",
        f"a plain {best.family}" if there[2] < here[2] else "",
    ]
    return _found("simpler", r, best, ", ".join(filter(None, gains)), needs, volume)


def _other(
    kind: Kind, r: Recommendation, x: Recommendation | None, absent: str, needs: Needs, volume: Volume | None
) -> Alternative:
    if x is None:
        return _absent(kind, absent)
    said = "the best hosted model; latency is its provider's" if kind == "api" else "the best on own machines"
    return _found(kind, r, x, said, needs, volume)


def _absent(kind: Kind, why: str) -> Alternative:
    return Alternative(kind, None, None, (), why)


def _found(
    kind: Kind, r: Recommendation, x: Recommendation, said: str, needs: Needs, volume: Volume | None
) -> Alternative:
    return Alternative(kind, x, month_of(x, needs, volume), differences(r, x, needs, volume), said)


def differences(r: Recommendation, x: Recommendation, needs: Needs, volume: Volume | None) -> tuple[str, ...]:
    """What changes from one recommendation to another, in numbers."""
    found = [
        _change("quality", r.quality, x.quality, percent_text),
        _change("per month", _cost(r, needs, volume), _cost(x, needs, volume), dollars_text),
        _change("first token" if r.tpot_s is not None else "answer", r.ttft_s, x.ttft_s, seconds_text),
        _change("per token", r.tpot_s, x.tpot_s, seconds_text),
        f"on {_where(x)} instead of {_where(r)}" if _where(x) != _where(r) else "",
        f"{x.weights} weights instead of {r.weights}" if x.machine and r.machine and x.weights != r.weights else "",
        f"{x.family} instead of {r.family}" if x.family != r.family else "",
    ]
    return tuple(filter(None, found))


def _change(name: str, a: float | None, b: float | None, text: Callable[[float], str]) -> str:
    if a is None or b is None or text(a) == text(b):
        return ""
    return f"{name} {text(a)} → {text(b)}"


def _where(r: Recommendation) -> str:
    if r.machine is None:
        return f"{r.engine}'s API"
    copies = f"{r.copies} copies on " if r.copies > 1 else ""
    return f"{copies}{r.n_gpus} × {r.machine}" if r.n_gpus > 1 else f"{copies}{r.machine}"
