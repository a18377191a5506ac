"""What could serve: models × formats × caches × machines × layouts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from advisor.candidates import generates
from advisor.machines import engine_reading, rentable
from advisor.planning.money import Terms, terms_of
from advisor.planning.schema import Layouts, MachineChoice, PlanFile
from advisor.readable import formats_for
from advisor.scenario import Scenario
from calculators.collectives import network_problem
from calculators.efficiency import class_of
from calculators.memory import CACHE_BITS
from calculators.params import architecture_of
from calculators.plan import Layout, layout_problem
from catalog.engine import Engine
from catalog.errors import BadInput, unknown
from catalog.loader import all_machines, load, load_engine, load_format, machine_classes
from catalog.machine import Machine
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat


@dataclass(frozen=True, eq=False)
class Candidate:
    """One kind of replica."""

    spec: ModelSpec
    terms: Terms
    weights: WeightFormat
    cache: str
    engine: Engine
    layout: Layout
    speculate: str = ""
    """How tokens are guessed ahead; empty: not at all."""
    speculative_tokens: int = 3
    """Guessed per round."""

    @property
    def most_per_round(self) -> int:
        """Tokens of one pass of a sequence at most."""
        return 1 + self.speculative_tokens if self.speculate else 1

    @property
    def devices(self) -> int:
        """Of a replica."""
        return self.layout.devices

    @property
    def usd_per_hour(self) -> float:
        """Of a replica."""
        return self.terms.usd_per_hour * self.devices

    @property
    def scenario(self) -> Scenario:
        """For the simulator."""
        return Scenario(
            model=self.spec.id,
            machine=self.terms.machine.id,
            tp=self.layout.tp,
            pp=self.layout.pp,
            ep=self.layout.ep,
            dp=self.layout.dp,
            weights=self.weights.id,
            cache=self.cache,
            engine=self.engine.id,
            speculate=self.speculate,
            speculative_tokens=self.speculative_tokens,
        )

    @property
    def way(self) -> str:
        """In one line."""
        parts = [f"{self.spec.id} {self.weights.id}"]
        if self.cache != "bf16":
            parts.append(f"cache {self.cache}")
        machine = self.terms.machine.id
        parts.append(f"{self.devices} × {machine}" if self.devices > 1 else machine)
        if self.layout.pp > 1 or self.layout.ep > 1 or self.layout.dp > 1:
            parts.append(str(self.layout))
        if self.speculate:
            parts.append(f"speculating by {self.speculate}")
        if self.terms.pricing != "on-demand":
            parts.append(self.terms.pricing)
        return ", ".join(parts)


@dataclass(eq=False)
class Space:
    """Candidates, by model and layout, and what was left out."""

    groups: dict[tuple[str, Layout], list[Candidate]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Candidate]:
        for group in self.groups.values():
            yield from group

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups.values())


def space_of(plan: PlanFile) -> Space:
    """All candidates.

    Raises:
        BadInput: If a name is unknown, a model is closed, or nothing can be combined.
    """
    space = Space()
    machines = _machines(plan)
    for name in _models(plan, machines):
        spec = load(name)
        if not spec.is_disclosed:
            raise BadInput(f"models: {spec.id} is behind an API; list it under apis to compare prices")
        _add(space, plan, spec, machines)
    if not len(space):
        why = f": {'; '.join(space.left_out[:4])}" if space.left_out else ""
        raise BadInput(f"no model, format and machine can be combined{why}")
    return space


def _machines(plan: PlanFile) -> list[Terms]:
    if plan.machines:
        return [terms_of(choice, plan.power) for choice in plan.machines]
    classes = machine_classes()
    usual = [
        m for m in all_machines() if m.memory_gib and rentable(m) and (m.roofline or class_of(m, classes) is not None)
    ]
    return [terms_of(MachineChoice(id=m.id), plan.power) for m in usual]


def _models(plan: PlanFile, machines: Sequence[Terms]) -> tuple[str, ...]:
    if plan.requirements is None:
        return plan.models
    from advisor.recommend import recommend

    wanted = plan.requirements
    if not wanted.machines:
        wanted = wanted.model_copy(update={"machines": tuple(t.machine.id for t in machines)})
    if wanted.max_gpus is None:
        most = max(plan.layouts.tp) * max(plan.layouts.pp)
        wanted = wanted.model_copy(update={"max_gpus": min(most, plan.max_devices)})
    advice = recommend(wanted, limit=4 * plan.most_models)
    found = dict.fromkeys(r.model for r in advice.recommendations if r.machine is not None)
    if not found:
        raise BadInput("requirements: no model meets them; whicharch recommend says what would admit one")
    return tuple(found)[: plan.most_models]


def _add(space: Space, plan: PlanFile, spec: ModelSpec, machines: Sequence[Terms]) -> None:
    architecture = architecture_of(spec)
    writes = generates(spec)
    for cache in plan.caches:
        if cache not in CACHE_BITS:
            raise unknown("cache type", cache, CACHE_BITS)
    for layout in layouts_of(plan.layouts):
        if layout_problem(architecture, layout) is not None:
            continue
        for terms in machines:
            machine = terms.machine
            if layout.group > machine.link.max_gpus or network_problem(machine, layout) is not None:
                continue
            if layout.devices > min(plan.max_devices, terms.available or plan.max_devices):
                continue
            for name in plan.formats or _usual(machine, spec):
                weights = load_format(name)
                if plan.formats and weights.bits > load_format(spec.published_weights).bits:
                    continue
                engine = load_engine(plan.engine or engine_reading(weights, machine, writes))
                group = space.groups.setdefault((spec.id, layout), [])
                for cache, way in product(plan.caches, plan.speculate) if writes else [(plan.caches[0], "")]:
                    group.append(Candidate(spec, terms, weights, cache, engine, layout, way, plan.speculative_tokens))


def _usual(machine: Machine, spec: ModelSpec) -> list[str]:
    """Formats worth trying that cost no quality to speak of: as published, and down to 8 bits."""
    names = formats_for(machine, spec)
    return [n for n in names if n == spec.published_weights or load_format(n).nominal_bits >= 8]


def layouts_of(wanted: Layouts) -> list[Layout]:
    """Every combination of degrees."""
    found = []
    for pp, dp, tp in product(wanted.pp, wanted.dp, wanted.tp):
        degrees = (1, tp * dp) if wanted.ep == "auto" else wanted.ep
        for ep in dict.fromkeys(degrees):
            if tp * dp % ep == 0:
                found.append(Layout(tp, pp, ep, dp))
    return found
