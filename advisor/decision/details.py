"""Everything about one recommendation, each part computed when it is first asked for."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from advisor.decision.alternatives import Alternative, alternatives
from advisor.decision.commands import estimate_command, recommend_command
from advisor.decision.month import Month, Volume, month_of, volume_of
from advisor.decision.path import Step, path_of
from advisor.decision.risks import risks_of
from advisor.decision.suited import Suited, suited
from advisor.decision.trade_offs import Criterion, trade_offs
from advisor.decision.why import short_answer, why_family, why_model
from advisor.ranking.rows import Advice, Recommendation
from advisor.requirements import Needs
from catalog.errors import BadInput, unknown
from catalog.loader import load, load_engine, load_format, load_machine, load_task
from catalog.spec import Family

if TYPE_CHECKING:
    from advisor.launch import Launch

ALL = 100_000
"""More models than any catalog has."""


class Details:
    """One recommendation explained; ``details(advice, model)`` makes it."""

    def __init__(self, r: Recommendation, decision: Decision) -> None:
        self.recommendation = r
        self._decision = decision

    @property
    def needs(self) -> Needs:
        """The requirements with every default filled in."""
        return self._decision.needs

    @cached_property
    def short(self) -> str:
        """The answer in one sentence."""
        return short_answer(self.recommendation, self.needs, self._decision.volume)

    @cached_property
    def why_family(self) -> tuple[str, ...]:
        """Why this family of architectures."""
        failing = {rejected.family for rejected in self._decision.advice.rejected}
        return why_family(self.recommendation, self._decision.suited, self._decision.ranked, failing)

    @cached_property
    def why_model(self) -> tuple[str, ...]:
        """Why this model."""
        return why_model(self.recommendation, self._decision.ranked, self.needs)

    @property
    def binds(self) -> str:
        """The promise that leaves least room."""
        return self.recommendation.binding

    @property
    def margins(self) -> dict[str, float]:
        """Share of each limit that is left."""
        return self.recommendation.margins

    @cached_property
    def risks(self) -> tuple[str, ...]:
        """What may go wrong."""
        return risks_of(self.recommendation, self.needs)

    @cached_property
    def month(self) -> Month | None:
        """A month's cost; ``None`` where no price is known."""
        return month_of(self.recommendation, self.needs, self._decision.volume)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """One cheaper, one better, one simpler, one API (or on own machines)."""
        d = self._decision
        return alternatives(self.recommendation, d.ranked, d.hosted, d.no_api, d.needs, d.volume)

    @cached_property
    def trade_offs(self) -> tuple[Criterion, ...]:
        """Open against closed: this against the alternative of the other kind; empty where there is none."""
        other = self.alternatives[-1].recommendation
        if other is None:
            return ()
        own, api = (other, self.recommendation) if self.recommendation.machine is None else (self.recommendation, other)
        return trade_offs(own, api, self.needs, self._decision.volume)

    @cached_property
    def launches(self) -> tuple[Launch, ...]:
        """Command lines of one copy, that of the recommended engine first; none for an API or a model without.

        ``recommendation.copies`` of it are started.
        """
        r = self.recommendation
        if r.machine is None or r.engine is None:
            return ()
        from advisor.launch import launches
        from advisor.simulator.rules import PRESETS
        from calculators.plan import Layout

        engine = load_engine(r.engine)
        rules = PRESETS.get(engine.id, PRESETS["vllm"]).with_(max_sequences=r.users_per_copy or 1)
        layout = Layout(tp=r.n_gpus // r.pp, pp=r.pp)
        cache = "bf16" if r.kv == "–" else r.kv
        return launches(
            load(r.model), load_machine(r.machine), engine, load_format(r.weights), cache, layout, rules,
            self.needs.context_tokens,
        )  # fmt: skip

    @cached_property
    def commands(self) -> dict[str, str]:
        """``recommend``: the same answer again; ``estimate``: this way to run this model, where it is run."""
        r = self.recommendation
        found = {"recommend": recommend_command(self.needs.requirements)}
        if r.machine is not None:
            images = int("image" in load_task(self.needs.task).inputs and r.family == "vision-language")
            found["estimate"] = estimate_command(
                self.needs, r.users_per_copy or 1, r.model, r.machine, r.weights, r.kv, r.n_gpus // r.pp, r.pp,
                r.engine or "", writes=r.tpot_s is not None, images=images,
            )  # fmt: skip
        return found

    @cached_property
    def path(self) -> tuple[Step, ...]:
        """From the task to this way of running it, each step with rule and reason."""
        return path_of(self.recommendation, self.needs, self._decision.ranked)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; alternatives name their models, which stand in ``recommendations`` or by themselves."""
        return {
            "model": self.recommendation.model,
            "short": self.short,
            "why_family": list(self.why_family),
            "why_model": list(self.why_model),
            "binds": self.binds,
            "margins": self.margins,
            "risks": list(self.risks),
            "month": None if self.month is None else asdict(self.month),
            "alternatives": [_plain(a) for a in self.alternatives],
            "trade_offs": [asdict(c) for c in self.trade_offs],
            "copies": self.recommendation.copies,
            "launches": [asdict(launch) for launch in self.launches],
            "commands": self.commands,
            "path": [asdict(step) for step in self.path],
        }


def _plain(a: Alternative) -> dict[str, Any]:
    r = a.recommendation
    way = None if r is None else {
        "family": r.family, "model": r.model, "machine": r.machine, "n_gpus": r.n_gpus, "copies": r.copies,
        "weights": r.weights, "kv": r.kv, "engine": r.engine, "quality": r.quality, "score": r.score, "grade": r.grade,
        "latency_s": r.latency_s,
        "usd_per_month": a.month.usd if a.month else None,
    }  # fmt: skip
    return {"kind": a.kind, "said": a.said, "differences": list(a.differences), "recommendation": way}


class Decision:
    """An advice with everything that keeps every promise, from which recommendations are explained."""

    def __init__(self, advice: Advice) -> None:
        self.advice = advice
        self.needs = Needs.model_validate(advice.requirements)

    @cached_property
    def ranked(self) -> tuple[Recommendation, ...]:
        """Every lineage that keeps every promise, the best score first."""
        if len(self.advice.recommendations) == len({point.lineage for point in self.advice.points}):
            return self.advice.recommendations
        from advisor.recommend import recommend

        return recommend(self.needs.requirements, limit=ALL, rejections=0).recommendations

    @cached_property
    def volume(self) -> Volume | None:
        """Requests of a month."""
        return volume_of(self.needs, self.ranked)

    @cached_property
    def suited(self) -> dict[Family, Suited]:
        """Families of the task with their grades in this case."""
        return suited(load_task(self.needs.task), self.needs)

    @cached_property
    def hosted(self) -> tuple[Recommendation, ...]:
        """Models behind an API, the best score first; also where machines are named and none would be recommended."""
        found = tuple(r for r in self.ranked if r.machine is None)
        wanted = self.needs.requirements
        if found or self.no_api or not (wanted.machines or wanted.memory_bytes):
            return found
        from advisor.recommend import hosted_models

        return hosted_models(self.needs)

    @cached_property
    def no_api(self) -> str:
        """Why no hosted model may be used; empty where one may."""
        wanted = self.needs.requirements
        if wanted.deployment not in ("any", "api"):
            return f"{wanted.deployment} is asked for"
        if wanted.privacy != "any":
            return "texts may not go to a provider"
        if wanted.fine_tuning:
            return "the weights are to be trained, and a provider's cannot be had"
        if "api" in wanted.without_families or (wanted.families and "api" not in wanted.families):
            return "hosted models are not among the families asked for"
        return ""

    def details(self, model: str | int = 0) -> Details:
        """Explain a recommendation by its place or its model's id.

        Raises:
            BadInput: If nothing is recommended, or that model is not.
        """
        if isinstance(model, int):
            if not 0 <= model < len(self.ranked):
                raise BadInput(f"details: there is no recommendation {model}; there are {len(self.ranked)}")
            return Details(self.ranked[model], self)
        found = next((r for r in self.ranked if r.model == model), None)
        if found is None:
            raise unknown("recommended model", model, [r.model for r in self.ranked])
        return Details(found, self)


def details(advice: Advice, model: str | int = 0) -> Details:
    """Why, path, alternatives, launch line and commands of one recommendation, each computed when it is asked for.

    Raises:
        BadInput: If nothing is recommended, or that model is not.
    """
    return Decision(advice).details(model)
