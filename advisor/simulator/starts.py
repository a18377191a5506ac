"""How clients that wait for their answers begin: when each sends its first request, and how many places they find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from advisor.estimating.resolve import resolve
from advisor.scenario import Scenario
from advisor.simulator.rules import PRESETS, Rules
from advisor.simulator.service import Service
from advisor.simulator.traffic import Traffic


def round_s(service: Service, clients: int, replicas: int = 1, given: float = 1.0, written: float = 1.0) -> float:
    """Seconds of one answer while so many clients keep the replicas busy, each asking again at once.

    The steps of the answer with all places taken, half of it cached, and the prompts of the others that are read in
    between; longer by the share of clients that find no place.
    """
    steps, rules = service.steps, service.rules
    given = service.input_tokens or given
    written = service.output_tokens or written
    places = max(1, min(-(-clients // replicas), rules.max_sequences, len(steps.step_s) - 1))
    cached = given + written / 2
    step_s = steps.step_s[places]
    for cap, rate in zip(steps.caps, steps.token_s, strict=True):
        step_s += rate[places] * places * (min(cached, cap) if cap else cached)
    made, passes = steps.advance
    reading_s = max(0.0, steps.prompt_s(max(1, round(given)), places) - steps.step_s[places])
    one = (written - 1) * passes / made * step_s + places * reading_s
    return one * max(1.0, clients / (places * replicas))


def spread(classes: Sequence[Traffic], service: Service, replicas: int) -> tuple[Traffic, ...]:
    """The same classes, their clients' first requests spread over one round: an answer and the pause after it.

    So they are in a steady state from the first round on, as users are and as load generators with a ramp; clients that
    all start together stay together where their requests are equal.
    """
    clients = sum(c.clients for c in classes)

    def started(c: Traffic) -> Traffic:
        if c.clients < 2 or c.stagger_s:
            return c
        given, written = c.input.mean + c.shared_tokens, c.output.mean
        return replace(c, stagger_s=c.think_s + round_s(service, clients, replicas, given, written))

    return tuple(map(started, classes))


def places_for(scenario: Scenario, scheduler: str | Rules | None, clients: int, replicas: int) -> int | None:
    """Places of each replica for so many clients, where the engine is started for them; ``None``: its usual ones.

    That is llama.cpp: its server has 4 slots unless it is told how many (``-np``), as the launch lines of ``ask`` and
    ``recommend`` do, one for each user.

    Source:
        ggml-org/llama.cpp, pull requests 16736 and 17997: 4 slots where ``-np`` is not given.
    """
    each = -(-clients // max(1, replicas))
    if each < 2 or (scheduler or resolve(scenario).engine.id) != "llama.cpp":
        return None
    return each if each > PRESETS["llama.cpp"].max_sequences else None


def notes(classes: Sequence[Traffic], services: Sequence[Service]) -> list[str]:
    """What the reader should know of this."""
    found = []
    for c in classes:
        equal = {c.input.kind, c.output.kind, c.turns.kind} == {"fixed"} and not (c.think_varies and c.think_s)
        name = f" of {c.name}" if len(classes) > 1 else ""
        if c.clients > 1 and c.stagger_s:
            found.append(
                f"{c.clients:,} clients{name} start spread over {c.stagger_s:.3g} s (--stagger; 0: all together)"
            )
        elif c.clients > 1 and equal:
            found.append(
                f"{c.clients:,} clients{name} with equal requests start together and march in step: all prompts of a "
                "round come at once and wait for each other (--stagger spreads the starts)"
            )
    slots = {s.rules.max_sequences for s in services if s.rules.label == PRESETS["llama.cpp"].label}
    for count in sorted(slots):
        usual = "" if count == PRESETS["llama.cpp"].max_sequences else "; it has 4 otherwise"
        found.append(f"llama.cpp's server with {count} slots (-np {count}, here --max-sequences {count}){usual}")
    return found
