"""Pages to learn from: architecture families, innovations and tasks, with numbers computed when they are read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from advisor.pictures import beside, cells, flow_lines, mask_lines
from advisor.report import bytes_text, count_text, flops_text, rate_text, seconds_text
from catalog.errors import BadInput, unknown
from catalog.knowledge import FamilyPage, Innovation, Mask
from catalog.loader import all_families, all_innovations, all_tasks, load, load_family, load_innovation, load_task
from catalog.task import Task

Kind = Literal["family", "innovation", "task"]
SEES: dict[str, Mask] = {
    "past": Mask(label="each token sees what came before it", sees="past"),
    "all": Mask(label="each token sees every other", sees="all"),
    "input then past": Mask(label="the input in full, then what came before", sees="prefix", prompt=4),
}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers, all text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page; what is empty is not shown."""

    title: str
    paragraphs: tuple[str, ...] = ()
    picture: tuple[str, ...] = ()
    """Lines to be shown as they are."""
    table: Table | None = None
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page, ready to be shown by any face."""

    id: str
    kind: Kind
    title: str
    sections: tuple[Section, ...]
    sources: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    """The same as data: masks as cells, the flow as nodes and edges, every computed number."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Topic:
    """Something there is a page about."""

    id: str
    kind: Kind
    name: str
    about: str


def topics() -> tuple[Topic, ...]:
    """Every page: families, then innovations, then tasks."""
    return (
        *(Topic(page.id, "family", page.name, page.summary) for page in all_families()),
        *(Topic(page.id, "innovation", page.name, page.summary) for page in all_innovations()),
        *(Topic(task.id, "task", task.name, task.what_matters) for task in all_tasks()),
    )


def learn(name: str) -> Page:
    """The page about a family, an innovation or a task, by id; case and dashes do not matter.

    Raises:
        BadInput: If there is none; the message names the nearest.
    """
    wanted = _plain(name)
    known = {_plain(topic.id): topic for topic in topics()}
    if wanted not in known:
        raise unknown("topic", name, [topic.id for topic in known.values()])
    topic = known[wanted]
    match topic.kind:
        case "family":
            return _family(load_family(topic.id))
        case "innovation":
            return _innovation(load_innovation(topic.id))
        case "task":
            return _task(load_task(topic.id))


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _cut(text: str) -> str:
    """The first sentence."""
    return text.split(". ")[0].rstrip(".") + "."


def _masks(masks: tuple[Mask, ...]) -> Section:
    numbered = len(masks) > 1
    labels = tuple(f"{f'{i}. ' if numbered else ''}{mask.label}" for i, mask in enumerate(masks, 1))
    picture = beside([mask_lines(mask) for mask in masks])
    said = "; ".join(labels)
    return Section("What it sees (rows see columns)", (f"{said[0].upper()}{said[1:]}.",), tuple(picture))


def _mask_data(masks: tuple[Mask, ...]) -> list[dict[str, Any]]:
    return [mask.model_dump() | {"cells": cells(mask)} for mask in masks]


def _family(page: FamilyPage) -> Page:
    costs, data = _costs(page)
    ideas = [load_innovation(name) for name in page.innovations]
    return Page(
        page.id,
        "family",
        page.name,
        (
            Section("", (page.summary,)),
            _masks(page.sees),
            Section("How data flows", (), tuple(flow_lines(page.flow))),
            Section("What it is trained to do", (page.objective,)),
            Section("Strengths", points=page.strengths),
            Section("Weaknesses", points=page.weaknesses),
            costs,
            Section("How it scales", (f"{page.scaling.text} [{page.scaling.source}]",)),
            Section("Choose it when", points=page.choose),
            Section("Do not when", points=page.avoid),
            Section("What made it cheaper", points=tuple(f"{idea.id}: {_cut(idea.summary)}" for idea in ideas)),
            Section("Models to know", (", ".join(page.models) + ".",)),
        ),
        tuple(map(str, page.sources)),
        {
            "masks": _mask_data(page.sees),
            "flow": page.flow.model_dump(),
            "cost": data,
            "models": list(page.models),
            "innovations": list(page.innovations),
        },
    )


def _costs(page: FamilyPage) -> tuple[Section, dict[str, Any] | None]:
    from advisor.families import profile

    found = profile(page)
    if found is None:
        return _prices(page)
    spec = load(found.model)
    active = f", of which {count_text(found.active_parameters)} work for a token"
    paragraphs = [
        f"{spec.name} ({found.model}): {count_text(found.parameters)} parameters"
        f"{active if found.active_parameters < 0.8 * found.parameters else ''}, {bytes_text(found.weights_bytes)} "
        f"in {found.weights}. Computed, not asserted."
    ]
    points = []
    for load_ in found.loads:
        token = f", then a token every {seconds_text(load_.token_s)}" if load_.token_s else ""
        first = f"first token after {seconds_text(load_.first_s)}" if load_.token_s else seconds_text(load_.first_s)
        usd = load_.usd_per_thousand_requests
        price = f"; ${usd:.2g} per 1,000 requests" if usd is not None else ""
        who = "one alone" if load_.requests == 1 else f"{load_.requests} at once"
        points.append(f"{who}: {first}{token}; {rate_text(load_.rate, load_.rate_unit)}{price}")
    if found.reading_growth is not None:
        held = f", what is kept {found.held_growth:.2g} times" if found.held_growth else ""
        points.append(
            f"Twice the text, {_tokens(found.lengths[-1].tokens // 2)} to {_tokens(found.lengths[-1].tokens)}: "
            f"reading takes {found.reading_growth:.2g} times the arithmetic{held}."
        )
    paragraphs.append(f"On one {found.machine}, {found.request}:")
    table = None
    if found.lengths:
        writes = found.lengths[0].step_flops is not None
        headers = ("tokens", "reading them", *(("one more token", "kept") if writes else ()))
        rows = []
        for length in found.lengths:
            more = (flops_text(length.step_flops or 0), bytes_text(length.held_bytes or 0)) if writes else ()
            rows.append((_tokens(length.tokens), flops_text(length.reading_flops), *more))
        table = Table(headers, tuple(rows))
    return Section("What it costs", tuple(paragraphs), table=table, points=tuple(points)), found.to_dict()


def _prices(page: FamilyPage) -> tuple[Section, dict[str, Any]]:
    """Of hosted models: what providers ask."""
    from advisor.families import profile, request_of

    rows, data = [], []
    for name in page.models:
        spec = load(name)
        for price in spec.prices[:1]:
            ins, out = price.input_usd_per_mtok, price.output_usd_per_mtok
            rows.append((name, f"${ins:.2f}", f"${out:.2f}" if out else "–", str(price.source.as_of or "")))
            data.append({"model": name, "usd_per_million_input": ins, "usd_per_million_output": out})
    table = Table(("model", "$/M tokens in", "$/M out", "as of"), tuple(rows))
    says = "What providers ask, from the catalog's price lists. Beside it, a machine of one's own, computed:"
    own = profile(load_family("decoder"))
    assert own is not None
    busy = own.loads[-1]
    fields = request_of("decoder")
    points = [
        f"{load(own.model).name} on one {own.machine}, {busy.requests} at once: "
        f"${busy.usd_per_thousand_requests or 0:.2g} per 1,000 requests of {own.request}, while it is busy.",
    ]
    read, written = fields["input_tokens"] / 1e3, fields["output_tokens"] / 1e3
    asked = [d["usd_per_million_input"] * read + (d["usd_per_million_output"] or 0) * written for d in data]
    for entry, usd in zip(data, asked, strict=True):
        entry["usd_per_thousand_requests"] = usd
    cheapest = min((i for i in range(len(asked)) if data[i]["usd_per_million_output"]), key=asked.__getitem__)
    points.append(f"The same requests at {data[cheapest]['model']}: ${asked[cheapest]:.2g} per 1,000.")
    return Section("What it costs", (says,), table=table, points=tuple(points)), {"prices": data}


def _innovation(page: Innovation) -> Page:
    from advisor.innovations import effects

    found = effects(page)
    points = tuple(f"{e.sentence} [Before: {e.without}; {e.setting}.]" for e in found)
    return Page(
        page.id,
        "innovation",
        page.name,
        (
            Section("", (page.summary,)),
            Section("Before and after, computed", points=points),
            Section("Why it works", (page.works,)),
            Section("What it costs", (page.price,)),
            Section("Where it is used", (", ".join(page.families) + ".",)),
        ),
        tuple(map(str, page.sources)),
        {"effects": [e.to_dict() for e in found], "families": list(page.families)},
    )


def _task(task: Task) -> Page:
    from advisor.families import MACHINE

    targets = task.targets
    lengths = [
        f"{tokens:,} tokens {what}"
        for tokens, what in ((targets.input_tokens, "in"), (targets.output_tokens, "out"))
        if tokens
    ]
    first = "first token" if "text" in task.outputs else "answer"
    promised = ((targets.ttft_s, first), (targets.tpot_s, "each further token"), (targets.e2e_s, "the whole answer"))
    limits = [f"{what} within {seconds_text(limit)}" for limit, what in promised if limit]
    usual = []
    if lengths:
        usual.append(f"Lengths: {', '.join(lengths)} [grade {targets.grade}: {targets.source}]")
    if limits:
        grade, source = targets.latency_grade or targets.grade, targets.latency_source or targets.source
        said = f": {source}" if source != targets.source or not lengths else ""
        usual.append(f"Limits: {', '.join(limits)} [grade {grade}{said}]")
    if (t := task.traffic) is not None:
        usual.append(
            f"Traffic: {t.active_share:.0%} of users at work, {t.requests_per_minute:g} per minute and user, "
            f"{t.peak_factor:g} times as many at the peak: 1,000 users are {t.requests_per_s(1000):.2g} requests/s "
            f"[grade {t.grade}: {t.source}]"
        )
    order = {"preferred": 0, "acceptable": 1, "poor": 2}
    suits = sorted(task.families, key=lambda s: order[s.grade])
    engines, table, data = _in_numbers(task)
    reversals = tuple(
        f"{' and '.join(map(str, r.when))} → {r.choose} instead of {r.instead_of}"
        f"{f' (it is then {r.becomes})' if r.becomes else ''}. {r.reason}{f' [{r.source}]' if r.source else ''}"
        for r in task.reversals
    )
    mask = SEES[task.sees]
    numbers = Section(
        "In numbers",
        (
            f"A model of each family on one {task.shown_on or MACHINE}"
            f"{f' in {task.shown_in}' if task.shown_in else ''}, lengths as above or as assumed; {engines}. Computed:",
        ),
        table=table,
    )
    return Page(
        task.id,
        "task",
        task.name,
        (
            Section("What matters", (task.what_matters,)),
            Section("Usual requests; your own numbers always win", points=tuple(usual)),
            _masks((mask,)),
            Section("Families", points=tuple(f"{s.grade}: {s.family}. {s.reason}" for s in suits)),
            *((numbers,) if table.rows else ()),
            Section("When the usual answer is wrong", points=reversals),
            Section("Benchmarks that speak for it", (", ".join(task.benchmarks) + ".",) if task.benchmarks else
                    ("None with scores in the catalog; test on your own data.",)),
        ),
        tuple(map(str, task.sources)),
        {"masks": _mask_data((mask,)), "task": task.model_dump(), "numbers": data},
    )  # fmt: skip


def _in_numbers(task: Task) -> tuple[str, Table, list[dict[str, Any]]]:
    """The task's usual request with the representative of each family that suits it."""
    from advisor.estimate import estimate
    from advisor.families import MACHINE, MANY, served_weights
    from advisor.requirements import Requirements, complete
    from calculators.flops import reads_source
    from calculators.params import architecture_of

    needs = complete(Requirements(task=task.id), task)
    rows, data = [], []
    machine, most = task.shown_on or MACHINE, 1 if task.shown_on else MANY
    engines: dict[str, list[str]] = {}
    written = needs.output_tokens if {"text", "label"} & set(task.outputs) else 1
    for suits in task.families:
        if suits.grade == "poor" or suits.family == "api":
            continue
        name = suits.example or load_family(suits.family).representative
        if name is None or not set(task.inputs) - {"text"} <= set(load(name).inputs):
            continue
        spec = load(name)
        read = needs.input_tokens
        if "text" not in task.inputs:
            read = min(read, spec.context_tokens or read)
        length = read if reads_source(architecture_of(spec)) else read + (written if "text" in task.outputs else 0)
        if spec.context_tokens is not None and "text" in spec.inputs and length > spec.context_tokens:
            rows.append((suits.family, name, f"ends at {spec.context_tokens:,} tokens", "", "", ""))
            continue
        fields: dict[str, Any] = {"model": name, "machine": machine, "weights": task.shown_in or served_weights(spec)}
        fields |= {"input_tokens": read, "output_tokens": written}
        if suits.family == "vision-language":
            fields["images"] = 1
        try:
            alone = estimate(**fields)
            room = alone.memory.max_batch
            many = most if room is None else max(1, min(most, room))
            busy = estimate(**fields, batch=many)
        except BadInput:
            continue
        per_s = busy.throughput.total
        if busy.throughput.unit == "tok/s":
            per_s /= written
        engines.setdefault(busy.engine, []).append(suits.family)
        usd = busy.cost.usd_per_thousand_requests
        rows.append(
            (suits.family, name, seconds_text(alone.time.e2e_s.p50), str(many), f"{rate_text(per_s, '')}",
             f"${usd:.2g}" if usd is not None else "–")
        )  # fmt: skip
        data.append(
            {"family": suits.family, "model": name, "alone_s": alone.time.e2e_s.p50, "at_once": many,
             "requests_per_s": per_s, "usd_per_thousand_requests": usd, "input_tokens": read, "output_tokens": written,
             "engine": busy.engine}
        )  # fmt: skip
    said = "; ".join(f"{', '.join(families)} under {engine}" for engine, families in engines.items())
    return said, Table(("family", "model", "one alone", "at once", "requests/s", "$/1,000"), tuple(rows)), data


def _tokens(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens >= 1024 and tokens % 1024 == 0 else f"{tokens:,}"
