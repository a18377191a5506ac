"""``advisor.simulate``: a model on machines under traffic, request by request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.scenario import Scenario
from advisor.simulator.arrivals import profile
from advisor.simulator.dispatch import Failure, Scaling
from advisor.simulator.jobs import Jobs
from advisor.simulator.largest import largest_rate
from advisor.simulator.lengths import lengths
from advisor.simulator.limits import Limit, limits, per_request, rate_per_s
from advisor.simulator.promises import Promise
from advisor.simulator.result import Simulation
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service, service_of
from advisor.simulator.setup import USUAL_REQUESTS, Link, Setup
from advisor.simulator.starts import places_for, spread
from advisor.simulator.traces import load_trace
from advisor.simulator.traffic import Traffic, traffic_preset
from catalog.errors import BadInput, unknown
from catalog.loader import checked


def simulate(
    scenario: Scenario | None = None,
    /,
    *,
    rate: float | str | None = None,
    clients: int | None = None,
    input: str | int | None = None,
    output: str | int | None = None,
    traffic: str | Traffic | Sequence[Traffic] | None = None,
    trace: str | Path | Jobs | None = None,
    requests: int | None = None,
    seeds: int = 1,
    seed: int = 0,
    arrivals: str = "poisson",
    burstiness: float = 1.0,
    shape: str = "flat",
    think_s: float = 0.0,
    stagger_s: float | None = None,
    turns: str | int | None = None,
    shared_tokens: int | None = None,
    replicas: int | Sequence[Service] = 1,
    prompt_replicas: int | Sequence[Service] = 0,
    link: Link | None = None,
    router: str = "least-loaded",
    failures: Sequence[Failure] = (),
    scaling: Scaling | None = None,
    scheduler: str | Rules | None = None,
    limits_of_rules: Mapping[str, Any] | None = None,
    memory_share: float | None = None,
    cache_tokens: int | None = None,
    slo: str | Sequence[Limit] = (),
    find: str | None = None,
    progress: Callable[[str], None] | None = None,
    **fields: Any,
) -> Simulation:
    """Serve requests on replicas of a model, pass by pass. For what a YAML file describes: ``simulate_file``.

    Args:
        scenario: Model, machine, layout and formats; or give its fields: ``simulate(model="llama-3.1-8b", ...)``.
        rate: Requests per second, or ``5/s``; conversations where the traffic has turns.
        clients: Instead: so many clients that each wait for their answer.
        input: Prompt lengths: ``800``, ``lognormal:800,1.2``, … (``lengths``).
        output: Answer lengths.
        traffic: A preset's name, a class of traffic, or several.
        trace: Instead: a recorded trace.
        requests: How many; by default 10,000, of a trace all.
        seeds: Independent runs, for confidence intervals.
        seed: The first seed.
        arrivals: ``poisson``, ``constant`` or ``gamma`` (with ``burstiness``, the gaps' deviation over their mean).
        burstiness: See ``arrivals``.
        shape: ``flat``, ``diurnal:4`` or ``spike:5,60,30``.
        think_s: From an answer to the client's next request.
        stagger_s: Over how long ``clients`` start; 0: all together; by default one answer and its pause.
        turns: Turns of a conversation, a number or a distribution; each prompt holds all before it.
        shared_tokens: A common start of all prompts, on top of ``input``.
        replicas: How many, or services of different kinds.
        prompt_replicas: Further replicas that only read prompts; the others then only write answers.
        link: Between the two; by default the machine's network.
        router: ``round-robin``, ``least-loaded`` or ``prefix-aware``.
        failures: Replicas that stop.
        scaling: Replicas that come and go; ``replicas`` is then what there is at most.
        scheduler: Preset or rules of the engine; by default its own.
        limits_of_rules: Fields of ``Rules`` to set.
        memory_share: Share of the nominal memory that the engine takes.
        cache_tokens: Room for cache where it is known.
        slo: Promises such as ``ttft.p95<1s,tpot.p95<50ms``.
        find: ``max-rate``: the largest rate at which they are kept.
        progress: Told what is being tried.
        fields: Fields of ``Scenario``.

    Raises:
        BadInput: If anything is unknown or impossible, with what would be right.
    """
    if scenario is None:
        scenario = checked(Scenario, fields, "scenario")
    elif fields:
        scenario = checked(Scenario, scenario.model_dump() | fields, "scenario")
    recorded = trace if isinstance(trace, Jobs) else load_trace(trace, most=requests) if trace else None
    if sum(x is not None for x in (rate, clients, recorded)) > 1:
        raise BadInput("give one of rate, clients and trace")
    found = () if not slo else limits(slo) if isinstance(slo, str) else tuple(slo)
    classes: tuple[Traffic, ...] = ()
    if recorded is None:
        changes = _changes(
            {"input": input, "output": output, "turns": turns}, arrivals, burstiness, shape, clients,
            think_s=think_s, stagger_s=stagger_s or 0.0, shared_tokens=shared_tokens,
        )  # fmt: skip
        classes = at_rate([replace(c, **changes) for c in _classes(traffic, input, output)], rate)
        default = per_request(found)
        classes = tuple(replace(c, slo=dict(c.slo) or default) for c in classes)
    mean_in, mean_out = typical(classes, recorded)
    scenario = scenario.model_copy(update={"input_tokens": mean_in, "output_tokens": mean_out})
    changed = {name: value for name, value in (limits_of_rules or {}).items() if value is not None}
    copies = replicas if isinstance(replicas, int) else len(replicas)
    waiting = sum(c.clients for c in classes)
    if "max_sequences" not in changed and (places := places_for(scenario, scheduler, waiting, copies)):
        changed["max_sequences"] = places
    service = service_of(scenario, scheduler, memory_share=memory_share, cache_tokens=cache_tokens, **changed)
    if clients is not None and stagger_s is None:
        classes = spread(classes, service, copies)
    setup = Setup(
        [service] * replicas if isinstance(replicas, int) else list(replicas),
        classes,
        recorded,
        readers=[service] * prompt_replicas if isinstance(prompt_replicas, int) else list(prompt_replicas),
        link=link,
        router=router,
        failures=tuple(failures),
        scaling=scaling,
        requests=USUAL_REQUESTS if requests is None else requests,
    )
    return served(setup, [Promise(limit) for limit in found], seeds, seed, find, progress)


def served(
    setup: Setup,
    promises: Sequence[Promise],
    seeds: int = 1,
    seed: int = 0,
    find: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Simulation:
    """All seeds of a setup, or the largest rate that it bears (``find="max-rate"``).

    Raises:
        BadInput: If there is nothing to run or to find.
    """
    if seeds < 1 or setup.requests < 1:
        raise BadInput("requests and seeds must be at least 1")
    if find is not None:
        if find != "max-rate":
            raise unknown("thing to find", find, ("max-rate",))
        return largest_rate(setup, promises, range(seed, seed + seeds), progress)
    count = seeds if setup.recorded is None else 1
    return setup.answer(promises, [setup.weighed(setup.classes, seed + k) for k in range(count)])


def typical(classes: Sequence[Traffic], recorded: Jobs | None) -> tuple[int, int]:
    """Typical lengths, for models whose times depend on the scenario's own."""
    if recorded is not None:
        return max(1, sum(recorded.input) // len(recorded)), max(1, sum(recorded.output) // len(recorded))
    given = sum(c.input.mean for c in classes) / len(classes)
    written = sum(c.output.mean for c in classes) / len(classes)
    return max(1, round(given)), max(1, round(written))


def at_rate(classes: Sequence[Traffic], rate: float | str | None) -> tuple[Traffic, ...]:
    """Classes that send so many requests per second together; ``None``: as they are."""
    if rate is None:
        return tuple(classes)
    value = rate_per_s(rate) if isinstance(rate, str) else float(rate)
    total = sum(c.rate for c in classes)
    return tuple(replace(c, rate=c.rate * value / total) for c in classes)


def _classes(
    traffic: str | Traffic | Sequence[Traffic] | None, given: str | int | None, written: str | int | None
) -> Sequence[Traffic]:
    if isinstance(traffic, str):
        return [traffic_preset(traffic)]
    if isinstance(traffic, Traffic):
        return [traffic]
    if traffic is None:
        return [Traffic(lengths(given or "normal:512,128", "input"), lengths(written or "normal:256,64", "output"))]
    if not traffic:
        raise BadInput("at least one class of traffic is needed")
    return traffic


def _changes(
    distributions: Mapping[str, str | int | None],
    arrivals: str,
    burstiness: float,
    shape: str,
    clients: int | None,
    **plain: float | int | None,
) -> dict[str, Any]:
    """What is said besides the classes, and holds for all of them."""
    changes: dict[str, Any] = {name: value for name, value in plain.items() if value}
    changes |= {name: lengths(text, name) for name, text in distributions.items() if text is not None}
    if arrivals != "poisson" or burstiness != 1.0:
        changes |= {"arrivals": "gamma" if arrivals == "poisson" else arrivals, "burstiness": burstiness}
    if shape != "flat":
        changes["profile"] = profile(shape)
    if clients is not None:
        if clients < 1:
            raise BadInput(f"clients must be at least 1, got {clients}")
        changes["clients"] = clients
    return changes
