"""Small plans for tests."""

from __future__ import annotations

from advisor.planning.demand import classes_of, promises_of, requests_of
from advisor.planning.schema import PlanFile
from advisor.planning.trials import Trials


def plan_of(**fields):
    data = {
        "traffic": [{"rate": "12/s", "input": "lognormal:600,0.6", "output": "lognormal:120,0.5"}],
        "slo": "ttft.p95<500ms,tpot.p95<40ms",
        "models": ["llama-3.1-8b", "gpt-oss-20b"],
        "machines": ["l4", "l40s"],
        "layouts": {"tp": [1, 2]},
        "requests": 800,
        "seeds": 2,
    }
    return PlanFile.model_validate(data | fields)


def trials_of(plan):
    classes, promises = classes_of(plan), promises_of(plan)
    return Trials(classes, promises, requests_of(plan, classes, promises), plan.seeds, plan.seed, plan.router)
