"""The five questions, answered in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.requirements import Requirements
from advisor.scenario import Scenario
from advisor.service.requests import Explained, PlanFile, Question, bounded, deadline, without_files
from catalog.loader import checked

if TYPE_CHECKING:
    from advisor.answer import Estimate
    from advisor.asking.ask import Answer
    from advisor.planning.result import Plan
    from advisor.recommend import Advice
    from calculators.explain import Explanation


def ask(asked: Question) -> Answer:
    """A question in English: what was understood, then models, machines and formats."""
    from advisor.asking.ask import ask as answer

    return answer(asked.question, limit=asked.limit)


def recommend(wanted: Requirements, limit: int) -> Advice:
    """Requirements in fields: models, machines and formats that keep them."""
    from advisor.recommend import recommend as answer

    without_files(wanted)
    return answer(wanted, limit=limit)


def estimate(scenario: Scenario) -> Estimate:
    """One model on one machine: memory, time, throughput, money and energy."""
    from advisor.estimate import estimate as answer

    without_files(scenario)
    return answer(scenario)


def plan(asked: PlanFile) -> Plan:
    """Traffic and a promise: the cheapest machines, simulated."""
    from advisor.planning.plan import plan as answer

    without_files(asked)
    return answer(bounded(asked), check=deadline())


def explain(asked: Explained) -> Explanation:
    """Where a number comes from."""
    without_files(asked)
    if asked.machine:
        from advisor.explain_time import explain_time

        fields = {
            "model": asked.model, "machine": asked.machine, "batch": asked.batch, "weights": asked.weights,
            "cache": asked.cache, "tp": asked.tp,
        }  # fmt: skip
        lengths = {"input_tokens": asked.context, "output_tokens": asked.output_tokens}
        fields |= {name: tokens for name, tokens in lengths.items() if tokens is not None}
        return explain_time(checked(Scenario, fields, "scenario"), asked.quantity)
    from advisor.explain import explain as answer
    from advisor.explain_time import TIMES
    from catalog.errors import BadInput

    if asked.quantity in TIMES:
        raise BadInput(f"explain: {asked.quantity} depends on where it runs; name a machine (such as h100-sxm)")
    return answer(
        asked.model, asked.quantity, context=asked.context, batch=asked.batch, step=asked.step, weights=asked.weights,
        cache=asked.cache, policy=asked.policy,
    )  # fmt: skip
