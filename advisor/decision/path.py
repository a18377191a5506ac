"""The path that led to an answer: task, needs, family, model, format, machine, devices, each with rule and reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from advisor.decision.suited import Suited, suited
from advisor.ranking.rows import Recommendation
from advisor.report import bytes_text, percent_text, rate_text, seconds_text, tokens_text, usd_text
from advisor.requirements import Needs
from catalog.loader import load, load_format, load_machine, load_task
from catalog.spec import Family
from catalog.task import Task
from catalog.values import dataclass

Kind = Literal["task", "need", "family", "model", "format", "machine", "parallelism"]
SEES = {
    "past": "each token sees what came before it",
    "all": "each token sees every other",
    "input then past": "the input is seen in full, then what was written before",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One station, with the rule that leads to it."""

    kind: Kind
    label: str
    rule: str
    reason: str
    met: str = ""
    """Of a need: how the answer meets it, in numbers where there are some."""
    of: Literal["family", "model"] = "model"
    """Of a need: what it decides on."""

    @property
    def id(self) -> str:
        """Unique in a graph."""
        return f"{self.kind} {self.label}"


def needs_of(needs: Needs) -> tuple[Step, ...]:
    """What is asked for: given limits, wishes, and the defaults that stand in for what is not."""
    wanted = needs.requirements
    assumed = {text.split(" ", 1)[0]: text for text in needs.defaults}
    task = load_task(needs.task)
    pattern = f"In this work {SEES[task.sees]}."
    found = [Step("need", f"sees {task.sees}", "attention pattern", pattern, of="family")]

    def length(name: str, label: str, tokens: int) -> None:
        said = assumed.get(name)
        rule = "default" if said else "given"
        found.append(Step("need", f"{label} {tokens_text(tokens)}", rule, said or "Your number."))

    if "text" in task.inputs or "text" in task.outputs:
        length("context", "context", needs.context_tokens)
        length("prompt", "prompt", needs.input_tokens)
        if "text" in task.outputs:
            length("output", "answer", needs.output_tokens)
    users = "users" if needs.users > 1 else "user"
    found.append(
        Step("need", f"{needs.users} {users} at a time", "batch", "Each holds a cache; all share the weights.")
    )
    limits = (
        ("first token", wanted.ttft_s, seconds_text), ("per token", wanted.tpot_s, seconds_text),
        ("whole answer", wanted.e2e_s, seconds_text), ("memory per device", wanted.memory_bytes, bytes_text),
    )  # fmt: skip
    found += [
        Step("need", f"{name} ≤ {text(value)}", "hard limit", "What breaks it is rejected.")
        for name, value, text in limits
        if value is not None
    ]
    if wanted.budget_usd_per_hour is not None:
        money = f"{usd_text(wanted.budget_usd_per_hour * 730)} a month"
        found.append(Step("need", f"budget {money}", "hard limit", "What breaks it is rejected."))
    if wanted.tokens_per_s is not None:
        found.append(
            Step("need", f"≥ {rate_text(wanted.tokens_per_s, '/s')}", "hard limit", "What breaks it is rejected.")
        )
    if wanted.requests_per_s is not None:
        rate = rate_text(wanted.requests_per_s, "requests/s")
        found.append(Step("need", rate, "volume", "Says how many copies run and what a month costs."))
    return (*found, *_wishes(needs))


def _wishes(needs: Needs) -> list[Step]:
    wanted = needs.requirements
    found = []
    said = {
        "deployment": wanted.deployment if wanted.deployment != "any" else "",
        "privacy": wanted.privacy if wanted.privacy != "any" else "",
        "commercial": "commercial use" if wanted.commercial else "",
        "fine-tuning": "weights are trained further" if wanted.fine_tuning else "",
        "languages": ", ".join(wanted.languages), "takes": ", ".join(wanted.modalities),
        "licence": " or ".join(wanted.licences), "makers": " or ".join(wanted.organisations),
        "quality": f"at least {percent_text(wanted.quality_floor)}" if wanted.quality_floor else "",
        "as good as": wanted.at_least,
    }  # fmt: skip
    for name, text in said.items():
        if text:
            found.append(Step("need", f"{name}: {text}", "wish", "Models that do not fulfil it are left out."))
    said_of = "May turn the usual answer round."
    found += [Step("need", trait, "trait", said_of, of="family") for trait in wanted.traits]
    return found


def path_of(r: Recommendation, needs: Needs, ranked: Sequence[Recommendation]) -> tuple[Step, ...]:
    """The path to one recommendation.

    Args:
        r: The recommendation.
        needs: The requirements.
        ranked: Everything that keeps every promise, the best score first.
    """
    task = load_task(needs.task)
    return (
        Step("task", task.name, "asked for", task.what_matters),
        *(replace(step, met=_met(step, r, needs)) for step in needs_of(needs)),
        family_step(r.family, suited(task, needs), task),
        model_step(r, ranked),
        *([] if r.machine is None else [format_step(r, needs), machine_step(r, needs), parallel_step(r)]),
    )


def _met(step: Step, r: Recommendation, needs: Needs) -> str:
    """How a recommendation meets a need."""
    name, _, _ = step.label.partition(" ")
    limit = step.label.split(" ≤ ")[0]
    left = r.margins.get({"memory per device": "memory", "budget": "budget"}.get(limit, limit))
    numbers = {
        "first token": r.ttft_s and seconds_text(r.ttft_s), "per token": r.tpot_s and seconds_text(r.tpot_s),
        "whole answer": r.latency_s and seconds_text(r.latency_s),
        "memory per device": r.memory_bytes_per_gpu and bytes_text(r.memory_bytes_per_gpu),
    }  # fmt: skip
    if limit in numbers and step.rule == "hard limit":
        room = f", {percent_text(left)} left" if left is not None else ""
        return f"{numbers[limit] or 'not known'}{room}"
    if step.label.startswith("budget") and left is not None:
        return f"{percent_text(left)} left"
    if name == "≥" and (left := r.margins.get("throughput")) is not None:
        return f"{percent_text(left)} of what it can is left"
    if name == "context" and (left := r.margins.get("context")) is not None:
        return f"{percent_text(left)} of its length is left"
    if name == "prompt" and r.ttft_s is not None:
        return f"read in {seconds_text(r.ttft_s)}"
    if name == "answer" and r.latency_s is not None:
        return f"written by {seconds_text(r.latency_s)}"
    if step.rule == "batch" and r.tokens_per_s:
        return f"{rate_text(r.tokens_per_s, 'tok/s' if r.tpot_s is not None else 'requests/s')} together"
    return "fulfilled" if step.rule == "wish" else ""


def family_step(family: str, found: Mapping[Family, Suited], task: Task) -> Step:
    """Why a family."""
    entry = next(entry for name, entry in found.items() if name == family)
    if entry.reversal is not None:
        when = " and ".join(map(str, entry.reversal.when))
        turned = "chosen" if entry.reversal.choose == family else "replaced"
        return Step("family", family, f"{entry.grade}; {turned} since {when}", entry.reversal.reason)
    return Step("family", family, f"{entry.grade} for {task.name.lower()}", entry.reason)


def model_step(r: Recommendation, ranked: Sequence[Recommendation]) -> Step:
    """Why a model."""
    place = next((i for i, x in enumerate(ranked, 1) if x.model == r.model), None)
    among = f"of {len(ranked)} that keep every promise" if len(ranked) > 1 else "the only one that keeps every promise"
    counted = f" ({percent_text(r.grade_share)} of it, as {r.grade})" if r.grade_share < 1 else ""
    rule = f"score {r.score:.2f}{counted}, number {place} {among}" if len(ranked) > 1 else among
    parts = [f"quality {percent_text(r.quality)}" if r.quality is not None else "no published score speaks for it here"]
    if r.on_front:
        parts.append("nothing is at least as good in quality, latency and cost")
    return Step("model", r.model, rule, "; ".join(parts) + ".")


def format_step(r: Recommendation, needs: Needs) -> Step:
    """Why a weight format, as the choice among ways (``ranking.ways``) has it."""
    weights, published = load_format(r.weights), load(r.model).published_weights
    cache = f", cache {r.kv}" if r.kv != "–" else ""
    if r.weights == published:
        rule, reason = "as published", "Nothing is lost, and the publisher tested it."
    elif weights.nominal_bits < 8:
        rule = "fewer than 8 bits only where 8 do not do"
        reason = "No way with 8 bits or more keeps every promise on the machines asked for."
    else:
        rule = "8 bits and more before fewer, then the cheapest way"
        reason = f"{weights.nominal_bits:g} bits a weight keep every promise on the cheapest way."
    if r.kv not in ("–", "bf16"):
        reason += f" A cache of {r.kv} leaves room that 16 bits would not."
    return Step("format", f"{r.weights}{cache}", rule, reason)


def machine_step(r: Recommendation, needs: Needs) -> Step:
    """Why a machine."""
    assert r.machine is not None
    wanted = needs.requirements
    machine = load_machine(r.machine)
    usual = ((r.ttft_s, needs.usual_ttft_s), (r.tpot_s, needs.usual_tpot_s))
    kept = [mine <= limit for mine, limit in usual if mine is not None and limit is not None]
    speed = " as fast as is usual" if kept and all(kept) else ""
    price = "no price is known" if r.usd_per_hour is None else f"{usd_text(r.usd_per_hour)} an hour"
    named = len(wanted.machines)
    rule = (
        "the one named"
        if named == 1
        else f"the cheapest{speed} of {named} named"
        if named
        else f"the cheapest way{speed}"
    )
    use = r.memory_bytes_per_gpu
    room = f"{bytes_text(use)} of {bytes_text(r.usable_bytes)} used" if use and r.usable_bytes else "memory not limited"
    return Step("machine", machine.id, rule, f"{price}; {room}.")


def parallel_step(r: Recommendation) -> Step:
    """Why so many devices."""
    engine = f"under {r.engine}"
    copies = f"{r.copies} copies of " if r.copies > 1 else ""
    shared = f" {r.copies} copies share the requests, {r.users_per_copy} at a time on each." if copies else ""
    if r.n_gpus == 1:
        keeps = f"One device keeps every promise{' of its share' if copies else ''}.{shared}"
        return Step("parallelism", f"{copies}1 device {engine}", "as few as do", keeps)
    shape = f"{r.n_gpus} devices" if r.pp == 1 else f"{r.pp} stages of {r.n_gpus // r.pp} devices"
    reason = "The devices share each layer: its weights are divided, and after each they add up what they have."
    if r.pp > 1:
        reason = "More devices than a node has: each stage holds a part of the layers on a node of its own."
    return Step(
        "parallelism", f"{copies}{shape} {engine}", "the cheapest count that keeps every promise", reason + shared
    )
