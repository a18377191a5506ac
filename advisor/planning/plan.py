"""``advisor.plan``: from traffic and a promise to machines, percentiles and money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import Any

from advisor import quantities
from advisor.launch import launches
from advisor.planning.breakeven import apis_of, terms_of_plan
from advisor.planning.day import day_of
from advisor.planning.demand import classes_of, growth, promises_of, requests_of
from advisor.planning.front import front_of
from advisor.planning.growth import Grown, grown_of, headroom_of
from advisor.planning.miss import grows_over_budget, nearest_miss, nothing_serves, over_budget, reason, smallest_changes
from advisor.planning.mixed import mixed_of
from advisor.planning.money import HOURS
from advisor.planning.result import Choice, MixedChoice, Part, Percentile, Plan, RunnerUp, SplitChoice
from advisor.planning.schema import PlanFile, read_plan, share
from advisor.planning.search import Found, Lost, Search, counted, search
from advisor.planning.space import Space, space_of
from advisor.planning.split import split_of
from advisor.planning.ties import settle
from advisor.planning.trials import Trial, Trials
from advisor.report import seconds_text, usd_text
from advisor.simulator.rules import preset
from catalog.loader import checked

MOST_RUNNERS_UP = 8
NAMES = ("ttft.p50", "ttft.p95", "ttft.p99", "tpot.p50", "tpot.p95", "e2e.p50", "e2e.p95", "e2e.p99")


def plan(
    given: PlanFile | str | Path | None = None,
    /,
    *,
    progress: Callable[[str], None] | None = None,
    check: Callable[[], None] | None = None,
    series: int = 0,
    **fields: Any,
) -> Plan:
    """The cheapest machines that keep a promise under traffic.

    Args:
        given: A plan, or the path of a ``plan.yaml``; or give its fields: ``plan(traffic=[...], slo=..., ...)``.
        progress: Told what is going on.
        check: Called before every simulated run; what it raises ends the planning.
        series: In how many intervals to tell what the plan's first run did over time; 0: not at all.
        fields: Fields of ``PlanFile``, on top of what is given.

    Raises:
        BadInput: If a name is unknown or a value impossible, with what would be right.
    """
    if isinstance(given, str | Path):
        given = read_plan(given)
    if given is None or fields:
        given = checked(PlanFile, (given.model_dump() if given else {}) | fields, "plan")
    return _Planner(given, progress, check, series).answer()


class _Planner:
    def __init__(
        self,
        given: PlanFile,
        progress: Callable[[str], None] | None,
        check: Callable[[], None] | None = None,
        series: int = 0,
    ) -> None:
        self.given, self.progress, self.check, self.series = given, progress, check, series
        if given.scheduler:
            preset(given.scheduler)
        self.promises = promises_of(given)
        self.factor = 1 + share(given.headroom, "headroom")
        self.spare = given.redundancy
        self.budget = quantities.usd_per_hour(str(given.budget), "budget") if given.budget else inf
        classes = classes_of(given, factor=self.factor)
        self.requests = requests_of(given, classes, self.promises)
        self.trials = self.month(0, seeds=given.seeds)
        self.later: dict[int, Trials] = {}
        self.cheapest_later: Found | None = None

    def month(self, month: int, factor: float | None = None, seeds: int = 1) -> Trials:
        """Runs under the traffic of a month, headroom included; one seed unless more are asked for."""
        classes = classes_of(self.given, month, factor=self.factor if factor is None else factor)
        clients = sum(c.clients for c in classes)
        return Trials(
            classes, self.promises, max(self.requests, 2 * clients), seeds, self.given.seed,
            self.given.router, self.given.scheduler, check=self.check,
        )  # fmt: skip

    def grown(self, month: int) -> Trials:
        """Runs under the traffic of a later month, the same ones for every candidate."""
        if month not in self.later:
            self.later[month] = self.month(month)
        return self.later[month]

    def tell(self, text: str) -> None:
        if self.progress is not None:
            self.progress(text)

    def answer(self) -> Plan:
        given = self.given
        space = space_of(given)
        self.tell(f"{len(space):,} candidates, {self.requests:,} requests a run, {given.seeds} seed(s)")
        found = search(space, self.trials, spare=self.spare, max_devices=given.max_devices, progress=self.progress)
        notes = list(space.left_out)
        if found.best is None or found.best.usd_per_hour > self.budget:
            return self._nothing(found, notes)
        self.tell("growth")
        best, grown, said = self._grow(found, space)
        notes += said
        months = grown.months
        dear = grown.over(self.budget)
        miss, changes = grows_over_budget(grown, dear, self.budget, self.cheapest_later) if dear else ("", ())
        self.tell("cost against latency")
        front = front_of(found, space, self.trials, self.spare, given.max_devices)
        split, apart = self._split(found, best.usd_per_hour)
        notes += [apart] if apart else []
        day = None
        if given.day:
            delay_s = quantities.seconds(str(given.provisioning), "provisioning")
            times = [tuple(growth(m, c) for c in given.traffic) for m in range(given.months)]
            day = day_of(given.day, best, months, self.month, self.trials, self.factor, delay_s, times, self.tell)
        mixed, together = self._mixed(found, 0, best.usd_per_hour)
        notes += [together] if together else []
        beyond = self._mixed(found, grown.ends - 1)[0] if grown.ends else None
        headroom = headroom_of(best, lambda factor: self.month(0, factor), self.factor, self.trials)
        apis = apis_of(given, best, months)
        terms = terms_of_plan(given, best, months)
        service = self.trials.service(best.candidate)
        assert not isinstance(service, str)
        c = best.candidate
        lines = launches(
            c.spec, c.terms.machine, c.engine, c.weights, c.cache, c.layout, service.rules,
            int(self.trials.asked(best.candidate.spec).longest), c.speculate, c.speculative_tokens,
        )  # fmt: skip
        notes += self._notes(best)
        return Plan(
            name=given.name,
            promises=self.promised,
            best=self.choice(best),
            split=split,
            nearest=None,
            miss=miss,
            smallest_changes=changes,
            over_budget=dear is not None,
            budget_breaks_in=dear.month if dear else None,
            front=tuple(self.choice(f) for f in front),
            runners_up=self._runners_up(found, best),
            months=months,
            breaks_in=grown.breaks,
            ends_in=grown.ends,
            headroom=headroom,
            apis=apis,
            terms=terms,
            launches=lines,
            considered=found.considered,
            built=found.built,
            simulated=found.simulated,
            runs=self.trials.count,
            requests=self.requests,
            notes=tuple(notes),
            day=day,
            mixed=mixed,
            beyond=beyond,
            series=self.trials.over_time(c, best.trial.replicas, self.series) if self.series else {},
        )

    def _grow(self, found: Search, space: Space) -> tuple[Found, Grown, list[str]]:
        """(the plan, it month by month, what is to be said): cheapest over all months, within the budget if any is."""
        assert found.best is not None
        grown = grown_of(self.given, found.best, self.grown, self.trials, self.spare, self.tell)
        settled = settle(self.given, found, grown, self.grown, self.trials, self.tell)
        best, grown, notes = settled.best, settled.grown, [settled.note] if settled.note else []
        dear = grown.over(self.budget)
        if dear is None:
            return best, grown, notes
        self.tell(f"what stays within the budget in month {dear.month}")
        within = self._within(found, space, grown)
        if within is None:
            return best, grown, notes
        other, theirs = within
        first = f"{usd_text(best.usd_per_hour * HOURS)} in the first month"
        why = f"costs less now ({first}), but more than the budget from month {dear.month} on"
        found.lost[id(best.candidate)] = Lost(best.candidate, why, best.usd_per_hour, True)
        found.lost.pop(id(other.candidate), None)
        found.best = other
        found.kept.append(other)
        return other, theirs, [*notes, f"{best.candidate.way} {why}"]

    def _within(self, found: Search, space: Space, grown: Grown) -> tuple[Found, Grown] | None:
        """What is cheapest in the dearest month, where that stays within the budget in every month."""
        peak = max(grown.months, key=lambda m: (m.usd or 0.0, m.requests_per_s or m.users or 0.0))
        trials = self.grown(peak.month - 1)
        runs = trials.count
        later = search(space, trials, spare=self.spare, max_devices=self.given.max_devices, progress=self.progress)
        self.trials.count += trials.count - runs
        if later.best is None:
            return None
        self.cheapest_later = later.best
        c = later.best.candidate
        if later.best.usd_per_hour > self.budget * (1 + 1e-9):
            return None
        alone = Space({(c.spec.id, c.layout): [c]})
        other = search(alone, self.trials, spare=self.spare, max_devices=self.given.max_devices).best
        if other is None or other.usd_per_hour > self.budget * (1 + 1e-9):
            return None
        theirs = grown_of(self.given, other, self.grown, self.trials, self.spare, self.tell)
        keeps = theirs.over(self.budget) is None and (theirs.ends is None or grown.ends is not None)
        return (other, theirs) if keeps else None

    def _split(self, found: Search, limit: float) -> tuple[SplitChoice | None, str]:
        if not self.given.disaggregation:
            return None, ""
        self.tell("separate replicas for prompts and answers")
        split, said = split_of(found, self.trials, self.spare, self.given.max_devices, limit)
        if split is None:
            return None, said
        choice = self.choice(Found(split.candidate, split.trial, 2 * split.spare))
        prompts, answers = split.prompts + split.spare, split.answers + split.spare
        if split.reader is split.candidate:
            return SplitChoice(choice, prompts, answers, split.link), ""
        usd, million = split.usd_per_hour, choice.usd_per_million_tokens
        choice = replace(
            choice, devices=split.devices, usd_per_hour=usd, usd_per_month=usd * HOURS,
            usd_per_million_tokens=None if million is None else million * usd / choice.usd_per_hour,
        )  # fmt: skip
        return SplitChoice(choice, prompts, answers, split.link, split.reader.way, split.candidate.way), ""

    def _mixed(self, found: Search, month: int, limit: float = inf) -> tuple[MixedChoice | None, str]:
        if not self.given.mixed:
            return None, ""
        self.tell("replicas of two kinds")
        trials = self.month(month) if month else self.trials
        mixed, said = mixed_of(found, trials, self.spare, self.given.max_devices, limit, self.trials)
        if trials is not self.trials:
            self.trials.count += trials.count
        if mixed is None:
            return None, said
        parts = tuple(
            Part(n, extra, c.way, n * c.usd_per_hour)
            for c, n, extra in zip(mixed.kinds, mixed.replicas, mixed.spare, strict=True)
        )
        busy = mixed.trial.mean(lambda o: o.utilisation) or 0.0
        return MixedChoice(month + 1, parts, mixed.usd_per_hour, self._percentiles(mixed.trial), busy), ""

    def _nothing(self, found: Search, notes: list[str]) -> Plan:
        nearest = None
        if found.best is None:
            nearest = nearest_miss(found, self.trials, self.given.max_devices, self.spare)
        choice, miss, changes = None, nothing_serves(found), smallest_changes(found)
        if found.best is not None:
            choice, miss, changes = self.choice(found.best), *over_budget(found.best, self.budget)
        elif nearest is not None:
            candidate, trial = nearest
            choice = self.choice(Found(candidate, trial, self.spare))
            miss = reason(found, candidate, trial)
        split, _ = self._split(found, self.budget)
        mixed, _ = self._mixed(found, 0, self.budget) if found.lost or found.missed else (None, "")
        return Plan(
            name=self.given.name, promises=self.promised, best=None, over_budget=found.best is not None,
            mixed=mixed, split=split, nearest=choice, miss=miss,
            smallest_changes=changes, front=(), runners_up=self._runners_up(found, None), months=(),
            breaks_in=None, ends_in=None, headroom=None, apis=(), terms=(), launches=(), considered=found.considered,
            built=found.built, simulated=found.simulated, runs=self.trials.count, requests=self.requests,
            notes=tuple(notes),
        )  # fmt: skip

    @property
    def promised(self) -> tuple[str, ...]:
        """All promises in words."""
        return tuple(f"{p.name} < {seconds_text(p.limit.seconds)}" for p in self.promises)

    def choice(self, found: Found) -> Choice:
        """A verified plan in plain words and numbers."""
        c, trial = found.candidate, found.trial
        return Choice(
            model=c.spec.id,
            weights=c.weights.id,
            cache=c.cache,
            machine=c.terms.machine.id,
            pricing=c.terms.pricing,
            price_basis=c.terms.basis,
            tp=c.layout.tp,
            pp=c.layout.pp,
            ep=c.layout.ep,
            engine=c.engine.id,
            replicas=found.replicas,
            spare=found.spare,
            devices=found.devices,
            usd_per_hour=found.usd_per_hour,
            usd_per_month=found.usd_per_hour * HOURS,
            percentiles=self._percentiles(trial),
            utilisation=trial.mean(lambda o: o.utilisation) or 0.0,
            mean_batch=trial.mean(lambda o: o.mean_batch) or 0.0,
            cache_peak=trial.mean(lambda o: o.cache_peak) or 0.0,
            preemptions=trial.mean(lambda o: float(o.preemptions)) or 0.0,
            usd_per_million_tokens=self._per_million(found),
            joules_per_token=trial.mean(lambda o: o.joules_per_token),
            promise_used=trial.worst,
            dp=c.layout.dp,
            speculate=c.speculate,
        )

    def _per_million(self, found: Found) -> float | None:
        rate = found.trial.mean(lambda o: o.input_tokens_per_s + o.output_tokens_per_s)
        return found.usd_per_hour / 3600 / rate * 1e6 if rate else None

    def _percentiles(self, trial: Trial) -> tuple[Percentile, ...]:
        rows = []
        promised = {p.name: p for p in self.promises if p.kind < 0}
        writes = any(o.tpot_s is not None for o in trial.outcomes)
        usual = [name for name in NAMES if writes or name.startswith("ttft")]  # else both are the one answer
        for name in dict.fromkeys([*usual, *promised]):
            spread = trial.interval(name)
            if not isfinite(spread.mean):
                continue
            limit = promised.get(name)
            known = isfinite(spread.low)
            rows.append(
                Percentile(
                    name, spread.mean, max(spread.low, 0.0) if known else None, spread.high if known else None,
                    limit.limit.seconds if limit else None, trial.value(limit) if limit else None,
                )
            )  # fmt: skip
        for promise in self.promises:
            if promise.kind >= 0:
                value = trial.value(promise)
                if isfinite(value):
                    rows.append(Percentile(promise.name, value, None, None, promise.limit.seconds, value))
        return tuple(rows)

    def _runners_up(self, found: Search, best: Found | None) -> tuple[RunnerUp, ...]:
        lost = [x for x in found.lost.values() if best is None or x.candidate is not best.candidate]
        able = sorted(lost, key=lambda x: (x.usd_per_hour, not x.verified))
        picked: list[RunnerUp] = []
        seen: set[tuple[str, str, str]] = set()
        for entry in able:
            c = entry.candidate
            key = (c.spec.id, c.terms.machine.id, entry.why if entry.usd_per_hour == inf else "")
            if key in seen:
                continue
            seen.add(key)
            usd = entry.usd_per_hour if entry.usd_per_hour < inf else None
            picked.append(RunnerUp(c.way, entry.why, usd, entry.verified))
            if len(picked) == MOST_RUNNERS_UP:
                break
        return tuple(picked)

    def _notes(self, best: Found) -> list[str]:
        notes = []
        c = best.candidate
        if c.weights.nominal_bits < 8 and c.weights.id != c.spec.published_weights:
            notes.append(f"{c.weights.name} costs quality: check it on your task")
        if cut := self.trials.asked(c.spec).cut:
            notes.append(f"{cut} of {self.requests:,} drawn requests are longer than the model's context and end there")
        if self.spare:
            notes.append(f"{counted(self.spare)} more than keep the promises, so that as many may fail")
        if self.factor > 1:
            notes.append(f"promises are kept at {100 * (self.factor - 1):.0f} % more traffic than is expected")
        notes.append("times carry the error bands of whicharch estimate; a plan near a limit should be measured")
        return notes
