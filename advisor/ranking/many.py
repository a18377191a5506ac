"""All ways to run all models that write, as arrays: what they hold in memory at once, what they take when asked.

``candidates.evaluate`` answers for one model and every choice; here any pairs of model and choice are answered
together, with the same formulas (``calculators.gathered``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from advisor.candidates import DEGREES, NODE, Outcomes
from advisor.ranking.facts import facts_of
from advisor.ranking.promises import errors_of
from advisor.ranking.tables import Tables, keeps_none, shares_layers
from advisor.requirements import Needs
from calculators.gathered import Constants, Gathered, Loaded, distinct
from calculators.imbalance import DEFAULT
from calculators.measures import NEEDED, Policy
from calculators.over_output import BENT, PARTS
from calculators.overlap import delay_share
from calculators.plan import Layout
from calculators.serving import closed_loop
from calculators.stacked import Indices, Sparse, Stack
from calculators.table import ACTIVATION_BYTES, Floats
from calculators.workload import Workload
from catalog.loader import load_task
from catalog.spec import ModelSpec
from catalog.values import dataclass

BUSIEST = replace(NEEDED, routing=DEFAULT)
"""Times are those of the device that all others wait for."""


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways to run models, one entry each; what can be told of them without timing anything."""

    model: Indices
    layout: Indices
    choice: Indices
    fixed_bytes: Floats
    weights_bytes: Floats
    cache_bytes: Floats
    number: Indices
    """By which what was timed is found again."""

    def take(self, indices: NDArray[np.intp] | NDArray[np.bool_]) -> Ways:
        """Some of them."""
        return Ways(*(getattr(self, name)[indices] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.model)


_NOBODY = np.zeros(0, dtype=np.intp)
_NO_WAYS = Ways(_NOBODY, _NOBODY, _NOBODY, np.zeros(0), np.zeros(0), np.zeros(0), _NOBODY)
_MEASURED = ("ttft_s", "full_ttft_s", "tpot_s", "decode_s", "prefill_s", "tokens_per_s")


def many(tables: Tables, needs: Needs) -> Many:
    """Models on machines; those of the last questions with the same lengths and users are kept with their times."""
    load = needs.input_tokens, needs.context_tokens, needs.output_tokens, needs.users
    return _many(tables, _Asked(needs, (*load, needs.task, needs.max_gpus, needs.requirements.memory_bytes)))


class _Asked:
    """Needs as a cache key: by what times and memory depend on."""

    def __init__(self, needs: Needs, key: tuple[object, ...]) -> None:
        self.needs = needs
        self._key = key

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key == other._key


@lru_cache(maxsize=2)
def _many(tables: Tables, asked: _Asked) -> Many:
    return Many(tables, asked.needs)


class Many:
    """Models that write, machines, and what is asked of them: lengths, users, devices and memory; no limits."""

    def __init__(self, tables: Tables, needs: Needs) -> None:
        self.tables = tables
        self.needs = needs
        self.names = tables.names
        self.space = tables.space(needs)
        self._choices = tables.choices(self.space)
        self._shares = shares_layers(self.space)
        self.layouts = tuple(Layout(tp=n) for n in DEGREES if n <= min(needs.max_gpus, NODE))
        self._no_bytes = keeps_none(self.space)
        self._signatures = [self._signature(spec) for spec in tables.models]
        self._groups = {signature: i for i, signature in enumerate(dict.fromkeys(self._signatures))}
        self._ready: dict[Layout, _InLayout] = {}
        self._one_at_a_time = Lock()
        self._rows = np.zeros(0, dtype=np.intp)
        self._times = np.zeros((len(_MEASURED), 0))

    def _signature(self, spec: ModelSpec) -> tuple[int, int, int, int, int]:
        """What models must share to read the same workloads: prompt, context, images, and the sources of encoders."""
        needs, own = self.needs, facts_of(spec)
        images = 1 if "image" in load_task(needs.task).inputs and own.takes_images else 0
        prompt = needs.input_tokens + images * own.image_tokens
        context = max(needs.context_tokens, prompt)
        if not own.reads_source:
            return prompt, context, images, 0, 0
        return prompt, context, images, own.source_tokens or prompt, own.source_tokens or context

    @cached_property
    def workloads(self) -> _Workloads:
        """What all of them are timed on."""
        return _Workloads(list(self._groups), self.needs)

    def in_layout(self, layout: Layout) -> _InLayout:
        """The models' stack in a layout, with workloads put in."""
        if layout not in self._ready:
            group = [self._groups[signature] for signature in self._signatures]
            self._ready[layout] = _InLayout(self.tables.stack(layout), self.names, group, self.workloads)
        return self._ready[layout]

    @cached_property
    def ways(self) -> Ways:
        """Everything that the models' layouts and the machines' nodes allow, by model and then by devices."""
        parts = [self._ways(i, layout) for i, layout in enumerate(self.layouts)]
        joined = Ways(*(np.concatenate([getattr(p, n) for p in parts]) for n in Ways.__dataclass_fields__))
        refused = self.tables.sinks[joined.model] & self._no_bytes[joined.choice]
        if refused.any():
            joined = joined.take(np.flatnonzero(~refused))
        ordered = joined.take(np.lexsort((joined.layout, joined.model)))
        self._rows = np.full(len(ordered), -1, dtype=np.intp)
        return replace(ordered, number=np.arange(len(ordered)))

    def _ways(self, index: int, layout: Layout) -> Ways:
        here, where = self.in_layout(layout), self.space
        found: list[tuple[NDArray[np.generic], ...]] = []
        bits, inverse = distinct(where.cache_bits)
        tokens, chunk = distinct(where.pass_tokens)
        if here.known is None:
            return _NO_WAYS
        columns = self._columns(here.stack)
        caches = np.stack([here.held_bytes(b) for b in bits], axis=1)
        peaks = np.stack([here.peak_bytes(t) for t in tokens], axis=1)
        for key, allowed in self._choices.items():
            held = here.place >= 0
            if layout.devices > 1:
                enough = where.max_gpus[allowed] >= layout.devices
                held &= np.any(enough & self._shares[allowed]) | (np.any(enough) & self.tables.splits)
            models = np.array([m for m, own in enumerate(self.tables.formats) if own == key and held[m]], dtype=np.intp)
            if not models.size:
                continue
            places = here.place[models]
            weights = here.weight_bytes[places][:, columns[allowed]]
            cache, active = caches[places][:, inverse[allowed]], peaks[places][:, chunk[allowed]]
            fixed = weights + active + where.overhead_bytes[allowed]
            shape = weights.shape
            found.append(
                (
                    np.repeat(models, shape[1]), np.full(weights.size, index), np.tile(allowed, shape[0]),
                    fixed.ravel(), weights.ravel(), cache.ravel(), np.zeros(weights.size, dtype=np.intp),
                )
            )  # fmt: skip
        if not found:
            return _NO_WAYS
        return Ways(*(np.concatenate(column) for column in zip(*found, strict=True)))  # type: ignore[arg-type]

    def together(self, ways: Ways) -> Floats:
        """Devices that may share each way's layers."""
        splits = self.tables.splits[ways.model] | self._shares[ways.choice]
        return np.where(splits, self.space.max_gpus[ways.choice], 1.0)

    def _columns(self, stack: Stack) -> Indices:
        """Each choice's weight format among the stack's."""
        order = {name: i for i, name in enumerate(stack.formats)}
        return np.array([order[f.id] for f in self.space.formats], dtype=np.intp)[self.space.format_index]

    @cached_property
    def _constants(self) -> Constants:
        kept = self.space.kept
        if "constants" not in kept:
            kept["constants"] = Constants.of(self.space.settings)
        found: Constants = kept["constants"]
        return found

    def measure(self, ways: Ways) -> list[tuple[Indices, Outcomes]]:
        """Times and costs of some ways: for each layout, which of them, and what they give."""
        found = []
        for index in range(len(self.layouts)):
            which = np.flatnonzero(ways.layout == index)
            if which.size:
                found.append((which, self._measured(ways.take(which), self.layouts[index])))
        return found

    def _measured(self, ways: Ways, layout: Layout) -> Outcomes:
        users, output = self.needs.users, self.needs.output_tokens
        where = replace(self.space.take(ways.choice), max_gpus=self.together(ways))
        errors = errors_of(self.space, writes=True)
        where.kept["errors"] = {True: tuple(e and e.take(ways.choice) for e in errors)}
        with self._one_at_a_time:
            missing = np.flatnonzero(self._rows[ways.number] < 0)
            if missing.size:
                some = ways.take(missing)
                self._rows[some.number] = self._times.shape[1] + np.arange(len(some))
                self._times = np.concatenate([self._times, self._timed(some, layout)], axis=1)
            ttft, full, tpot, decode, prefill, rate = self._times[:, self._rows[ways.number]]
        prompt = self.workloads.lengths[self.in_layout(layout).groups[ways.model], 0]
        hourly = where.usd_per_hour * layout.devices
        return Outcomes(
            space=where,
            layout=layout,
            weights_bytes=ways.weights_bytes,
            cache_bytes=ways.cache_bytes,
            fixed_bytes=ways.fixed_bytes,
            ttft_s=ttft,
            full_ttft_s=full,
            tpot_s=tpot,
            decode_s=decode,
            prefill_s=prefill,
            tokens_per_s=rate,
            usd_per_hour=hourly,
            usd_per_mtok_in=prefill / layout.pp / np.maximum(prompt, 1) * hourly / 3600 * 1e6,
            usd_per_mtok_out=decode / users * hourly / 3600 * 1e6,
            usd_per_thousand_requests=hourly / 3600 * 1e3 / (rate / output),
            writes=True,
        )

    def _timed(self, ways: Ways, layout: Layout) -> Floats:
        """What is measured of some ways, one row for each of ``_MEASURED``."""
        here, where, users, output = self.in_layout(layout), self.space, self.needs.users, self.needs.output_tokens
        choice = ways.choice
        place = here.place[ways.model]
        columns, bits = self._columns(here.stack)[choice], where.cache_bits[choice]
        alone, step, shared = np.empty((len(ways), 2)), np.empty(len(ways)), np.empty((len(ways), 2))
        for bent in (False, True):
            part = np.flatnonzero(here.bent[place] == bent)
            if part.size:
                loaded, inside = here.loaded(bent)
                gathered = Gathered(loaded.stack, where.settings, self._constants)
                alone[part], step[part], shared[part] = gathered.passes_s(
                    loaded, inside[place[part]], choice[part], columns[part], bits[part], 2
                )
        requests = np.array([1, users, users + 1])
        own_s = where.step_s[choice][:, None] + where.step_request_s[choice][:, None] * requests
        served = closed_loop(
            alone + own_s[:, :1], step[:, None] + own_s[:, 1:2], shared + own_s[:, 2:], users, output,
            where.request_s[choice][:, None],
            together=where.pass_tokens[choice][:, None] / self.workloads.lengths[here.groups[ways.model]],
            delay=delay_share(layout, users, output), steps_ahead=where.steps_ahead[choice][:, None],
        )  # fmt: skip
        of_prompt = (x[:, 0] for x in (served.tpot_s, served.decode_s, served.prefill_s, served.output_tokens_per_s))
        return np.stack([*served.ttft_s.T, *of_prompt])


class _Workloads:
    """Prompts, steps and what is held, in groups of models that read the same: shape (G, N)."""

    def __init__(self, signatures: Sequence[tuple[int, int, int, int, int]], needs: Needs) -> None:
        prompt, context, images, read, most = np.array(signatures, dtype=np.float64).T
        users, output = needs.users, needs.output_tokens
        self.span = float(output - 1)
        encoded = most > 0
        self.lengths = np.stack([prompt, context], axis=1)
        done = output / 2
        late = np.where(encoded, np.maximum(done, 1), np.maximum(context - output, 1) + done)
        both = np.stack([prompt, context], axis=1)
        source = np.stack([read, most], axis=1)
        self._prompts = Workload.of(
            1, np.where(encoded[:, None], 1.0, both), 0, source=source,
            images=np.where(encoded, 0.0, images)[:, None],
        )  # fmt: skip
        self._late, self._read, self._users = late, read, float(users)
        self.held = Workload.of(users, 0, np.where(encoded, output, context)[:, None], source=read[:, None], encode=0)
        self._active = prompt, images, read, encoded
        self.known: dict[str, dict[int, Floats]] = {}
        """What models in one layout have measured of these, by the workload's name: others measure much the same."""

    def steps(self, past: Floats) -> Workload:
        """Steps on so many cached tokens, shape (G, N)."""
        return Workload.of(self._users, 1, past, source=self._read[:, None], encode=0)

    @property
    def ends(self) -> Workload:
        """The first step, the one half-way and the last."""
        return self.steps(np.maximum(self._late[:, None] + self.span * np.array([-0.5, 0, 0.5]), 0))

    def passes(self, bent: bool) -> Workload:
        """The two prompts, and the step half-way or the middles of equal parts of the answer."""
        late = self._late[:, None]
        if bent:
            middles = (np.arange(PARTS) + 0.5) / PARTS - 0.5
            late = np.maximum(late + self.span * middles, np.minimum(late, 1))
        steps = self.steps(late)
        return Workload(*(np.concatenate([a, b], axis=1) for a, b in zip(
            self._prompts.fields().values(), steps.fields().values(), strict=True)))  # fmt: skip

    def active(self, tokens: float) -> Workload:
        """The pass that holds most activations, where so many tokens go through at once."""
        prompt, images, read, encoded = self._active
        new = np.where(encoded, 1.0, np.minimum(prompt * self._users, tokens))
        return Workload.of(1, new[:, None], 0, source=read[:, None], images=np.where(encoded, 0.0, images)[:, None])


class _InLayout:
    """A stack, where each model stands in it, and its workloads."""

    def __init__(self, stack: Stack | None, names: Sequence[str], group: Sequence[int], workloads: _Workloads) -> None:
        self.groups = np.array(group, dtype=np.intp)
        self.workloads = workloads
        known = {} if stack is None else stack.places
        self.known = stack
        self.place = np.array([known.get(name, -1) for name in names], dtype=np.intp)
        self._loaded: dict[bool, tuple[Loaded, Indices]] = {}
        self._groups = np.zeros(0 if stack is None else len(stack), dtype=np.intp)
        for index, place in enumerate(self.place.tolist()):
            if place >= 0:
                self._groups[place] = group[index]

    @property
    def stack(self) -> Stack:
        """The stack; only where some model can be laid out so."""
        assert self.known is not None
        return self.known

    @property
    def weight_bytes(self) -> Floats:
        """Weights on one device by format, shape (P, F)."""
        return self.stack.weight_bytes

    def _values(self, stack: Stack, name: str, w: Workload, policy: Policy, *only: Sparse) -> Floats:
        return stack.values(w, policy, self.workloads.known.setdefault(name, {}), *only)

    @cached_property
    def _held(self) -> tuple[Floats, Floats]:
        stack = self.stack
        forms = (stack.held_cached, stack.held_fixed)
        values = self._values(stack, "held", self.workloads.held, NEEDED, *forms)
        cached, fixed = (form.times(values, self._groups, len(stack))[:, 0] for form in forms)
        return cached, fixed

    def held_bytes(self, bits: float) -> Floats:
        """Cache and states of all users at full context, shape (P,)."""
        cached, fixed = self._held
        return cached * (bits / 8) + fixed

    def peak_bytes(self, tokens: float) -> Floats:
        """Activations of a pass of at most so many tokens, shape (P,)."""
        stack = self.stack
        values = self._values(stack, f"active {tokens}", self.workloads.active(tokens), NEEDED, stack.peaks)
        alive = stack.peaks.times(values, self._groups[stack.peak_of], len(stack.peak_of))[:, 0]
        most = np.zeros(len(stack))
        np.maximum.at(most, stack.peak_of, alive)
        return most * ACTIVATION_BYTES

    @cached_property
    def bent(self) -> NDArray[np.bool_]:
        """Whether a measure of a model grows unevenly over an answer (``over_output.bends``), shape (P,)."""
        stack = self.stack
        if self.workloads.span <= 1:
            return np.zeros(len(stack), dtype=bool)
        first, middle, last = np.moveaxis(self._values(stack, "ends", self.workloads.ends, NEEDED), 2, 0)
        uneven = np.abs(first + last - 2 * middle) > 2 * BENT * middle
        found = np.zeros(len(stack), dtype=bool)
        np.logical_or.at(found, stack.uses.row, uneven[stack.uses.measure, self._groups[stack.uses.row]])
        return found

    def loaded(self, bent: bool) -> tuple[Loaded, Indices]:
        """The models that bend, or the others, with passes put in; and where each model of the stack stands in it."""
        if bent not in self._loaded:
            chosen = self.bent == bent
            models = np.flatnonzero(chosen)
            stack = self.stack if chosen.all() else self.stack.subset(models)
            w = self.workloads.passes(bent)
            values = self._values(stack, f"passes {bent}", w, BUSIEST)
            put_in = Loaded.of(stack, w, values, self._groups[models])
            self._loaded[bent] = put_in, np.cumsum(chosen) - 1
        return self._loaded[bent]
