"""A small catalog and fixed answers, so that what is tested is the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.widgets import Input

from advisor.answer import Band, Cost, Estimate, Flops, Memory, Share, Throughput, Time
from advisor.breakdown import Breakdown, Part, Pass
from advisor.figures import figures, sizes
from advisor.growing import Growth, Held
from advisor.layering import layer_lines
from advisor.recommend import Advice, Recommendation
from advisor.rejection import Rejection
from advisor.scaling import Curve, Point
from advisor.sight import sights
from calculators.params import Params, count_params
from catalog.machine import Machine
from catalog.spec import ModelSpec
from catalog.task import Task
from tui.findings import UNDISCLOSED, Findings
from tui.library import Library, Model, words
from tui.reasons import Reasons
from tui.widgets.form import ChoiceField, EntryField, Form
from tui.widgets.tab_bar import TabBar

EVIL = "a[/foo] [bold]x[/] \x1b[31m\nb"
"""A name that would end the application if it were read as markup, and spoil the screen if it were printed."""


def field(page: DOMNode, name: str) -> EntryField | ChoiceField:
    """A field of whichever form of the page has it."""
    name = name.replace("-", "_")
    return next(form.field(name) for form in page.query(Form) if form.holds(name))


async def click_tab(pilot: Pilot[None], page: DOMNode, name: str) -> None:
    """Click a tab."""
    bar = page.query_one(TabBar)
    await pilot.click(bar, offset=(bar.span(name)[0] + 1, 0))


async def click_end(pilot: Pilot[None], page: DOMNode, name: str, cells: int) -> None:
    """Click so many cells before the end of a field: 1 is the arrow up, 2 the one down."""
    asked = field(page, name)
    place = asked.fields.place(asked)
    assert place is not None
    await pilot.click(asked.fields, offset=(place.region.right - cells, place.region.y))


def decoder(name: str, *, family: str = "decoder", layers: int = 2, title: str | None = None, **more: Any) -> ModelSpec:
    layer = {"mixer": {"kind": "attention", "heads": 4, "kv_heads": 2, "head_dim": 16}, "channel": CHANNELS[family]}
    stack = {
        "name": "decoder", "role": "decoder", "hidden": 64, "embedding": {"kind": "token", "vocab": 1000},
        "groups": [{"repeat": layers, "layer": layer}], "heads": [{"kind": "lm"}],
    }  # fmt: skip
    fields = {
        "id": name, "name": title or name, "family": family, "sources": ["tests"], "context_tokens": 4096,
        "licence": {"name": "Apache-2.0", "commercial": "yes"}, "architecture": {"stacks": [stack]},
    }  # fmt: skip
    return ModelSpec.model_validate(fields | more)


CHANNELS = {
    "decoder": {"kind": "dense", "width": 256},
    "moe": {"kind": "moe", "experts": 4, "top_k": 2, "width": 128},
}
SECRET = ModelSpec.model_validate(
    {
        "id": "secret-1", "name": "Secret 1", "family": "api", "sources": ["tests"], "context_tokens": 200_000,
        "architecture": "undisclosed", "licence": {"name": "API terms"},
        "prices": [{"provider": "someone", "input_usd_per_mtok": 3, "output_usd_per_mtok": 15, "source": "tests"}],
    }
)  # fmt: skip
SPECS = [
    decoder("tiny-2l", aliases=("lab/tiny",)),
    decoder("mixed-4l", family="moe", layers=4, licence={"name": "MIT"}),
    decoder("tiny-32l", layers=32, context_tokens=131072),
    decoder("evil", title=EVIL, organisation=EVIL, notes=EVIL, licence={"name": EVIL}),
    SECRET,
]


def machine(name: str, gib: float) -> Machine:
    return Machine.model_validate(
        {
            "id": name, "name": name, "vendor": "nvidia", "kind": "datacenter gpu", "memory_gib": gib,
            "bandwidth_gb_per_s": 1000, "peak_tflops": {"bf16": 100}, "link": {"name": "none"}, "sources": ["tests"],
        }
    )  # fmt: skip


def task(name: str) -> Task:
    family = {"family": "decoder", "grade": "preferred", "reason": "It writes one token after the other."}
    return Task.model_validate(
        {
            "id": name, "name": name, "what_matters": "words", "sees": "past", "families": [family],
            "targets": {"grade": "C", "source": "tests"}, "sources": ["tests"],
        }
    )  # fmt: skip


def library() -> Library:
    return Library(
        models=tuple(Model(s, count_params(s) if s.is_disclosed else None, words(s)) for s in SPECS),
        machines=(machine("rtx-4090", 24), machine("h100-sxm", 80)),
        tasks=(task("chat"), task("code")),
        formats=("bf16", "fp8"),
        caches=("bf16", "fp8"),
        problems=(),
    )


def recommendation(name: str, **more: Any) -> Recommendation:
    fields: dict[str, Any] = {
        "family": "decoder", "model": name, "weights": "fp8", "kv": "bf16", "machine": "rtx-4090", "n_gpus": 1,
        "engine": "vllm", "badge": "calibrated", "memory_bytes_per_gpu": 12.5 * 2**30, "usable_bytes": 22 * 2**30,
        "ttft_s": 0.25, "full_context_ttft_s": 4.5, "tpot_s": 0.03, "tokens_per_s": 260.0,
        "usd_per_million_input_tokens": 0.02, "usd_per_million_output_tokens": 0.32, "usd_per_hour": 0.36,
        "total_params": 8_000_000_000, "active_params": 8_000_000_000, "quality": 0.8, "evidence": ("MMLU 70",),
        "score": 0.6, "reason": "It writes one token after the other.", "binding": "memory: 57 % of the limit",
        "margins": {"memory": 0.43, "first token": 0.75, "per token": 0.5}, "notes": ("a note",),
    }  # fmt: skip
    return Recommendation(**fields | {"users_per_copy": 8} | more)


REJECTED = (
    Rejection("mixed-4l", "moe", "fp8, cache bf16, rtx-4090", ("needs 30 GiB of 22 GiB per device",), "users ≤ 5", 1.3),
    Rejection("tiny-32l", "decoder", "bf16 on rtx-4090", ("context 16,384 is above its 8,192",), "context ≤ 8k", 2.0),
)


def advice(*names: str, **asked: Any) -> Advice:
    return Advice(
        requirements={
            "task": "chat", "context_tokens": 16384, "input_tokens": 1024, "output_tokens": 256, "users": 8,
            "ttft_s": 1.0, "tpot_s": 0.06, "defaults": ("output 256 tokens (assumed)",), **asked,
        },
        recommendations=tuple(recommendation(name) for name in names),
        rejected=REJECTED,
        considered=120,
        unsuited={"encoder": "It cannot write an answer of free length."},
    )  # fmt: skip


def reasons(model: str) -> Reasons:
    return Reasons(
        model, f"{model} on one rtx-4090.", ("It writes one token after the other.",), ("It scores 0.60, number 1.",),
        "$263 a month: rtx-4090 for 730 hours", ("memory is tight",), (("cheaper", "mixed-4l: saves"),), (),
        ("vllm", f"vllm serve {model}", ""), (f"whicharch estimate {model}",), "chat  [task]",
    )  # fmt: skip


def findings(name: str) -> Findings:
    spec = next(spec for spec in SPECS if spec.id == name)
    if not spec.is_disclosed:
        return Findings(refusal=UNDISCLOSED, breakdown_refusal=UNDISCLOSED, growth_refusal=UNDISCLOSED)
    share = [Share(f"decoder.{n}", k, r, 1e12 * r, 2e9 * r, 1e-3 * r, 1e-4 * r) for n, k, r in KERNELS]
    memory = Memory(15e9, 1e9, 1e9, 0, 2e8, 1.5e9, 17.7e9, 78e9, True, 200)
    estimate = Estimate(
        scenario={"batch": 1, "input_tokens": 2048, "output_tokens": 500}, model=name, family="decoder",
        machine="h100-sxm", n_gpus=1, weights="bf16", kv="bf16", engine="vllm", params=Params(8, 8, 1),
        flops=Flops(4 * 10**13, 2 * 10**10, 3 * 10**13, 10**10), memory=memory,
        time=Time(Band(0.05, 0.04, 0.06, "calibrated", "tests"), Band(0.007, None, None, "calibrated", "tests"),
                  *(Band(s, None, None, "calibrated", "tests") for s in (3.5, 0.05, 0.007))),
        throughput=Throughput("tok/s", 140.0, 140.0, 140.0, Band(140.0, None, None, "calibrated", "tests")),
        cost=Cost(0.05, 12.0, 6.0, 3.6, "tests"),
        breakdown=tuple(share), notes=("times are those of a test",),
    )  # fmt: skip
    points = tuple(
        Point(n, 1e10 * n + 1e6 * n * n, 1e10 * n, 1e6 * n * n, 1.5, 1e5 * n, 1.5e10 + 1e5 * n, 1e-5 * n, 5e-3)
        for n in (1024 * 2**k for k in range(9))
    )
    curve = Curve(name, points, 10_000)
    full = {
        p.context: {"kv_cache_bytes": 4e5 * p.context, "total_bytes_per_gpu": 16.7e9 + 4e5 * p.context} for p in points
    }
    held = tuple(Held(n, replace(memory, **sizes_, fits=n < 153_000)) for n, sizes_ in full.items())
    return Findings(
        layers=tuple(layer_lines(spec)), sights=sights(spec),
        parts=(("decoder.attention", 3_000), ("decoder.channel", 9_000)), estimate=estimate,
        sizes=sizes(estimate), figures=figures(estimate), breakdown=PASSES,
        growth=Growth(curve, curve, held, 131072, "O(n²)", "O(n)", 1, 78e9, 153_000),
    )  # fmt: skip


def _pass(name: str, what: str, each: float) -> Pass:
    parts = tuple(
        Part(f"decoder.0.{n}", k, r, each * r, r / 12, "memory", {"memory": each * r}, 1e9 * r, 1e9, 1.0, 1e12, 0.75)
        for n, k, r in sorted(KERNELS, key=lambda kernel: -kernel[2])
    )
    return Pass(name, what, 12 * each, {"memory": 12 * each, "engine": 0.0}, parts)


KERNELS = (("attention.qkv", "gemm", 2), ("attention.core", "attention", 2), ("channel.up", "gemm", 8))
PASSES = Breakdown((_pass("prefill", "one prompt of 2,048 tokens", 1e-3), _pass("decode", "a step", 1e-4)), ())


class World:
    """What stands in for the catalog and the advisor."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Callable[..., Advice] = lambda **asked: advice("tiny-2l", "evil", "tiny-32l")

    def recommend(self, *, limit: int, **asked: Any) -> Advice:
        self.asked.append(asked)
        return self.answer(**asked)


async def settle(pilot: Pilot[None]) -> None:
    """Wait until nothing is computing, no message waits and everything is drawn."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    quiet = 0
    while quiet < 3:  # one message leads to the next
        await pilot.pause(0)
        quiet = 0 if _busy(pilot.app) else quiet + 1
        if not quiet:
            await asyncio.sleep(0.005)
    await pilot.app.animator.wait_for_idle()
    await pilot.pause()


def _busy(app: App[None]) -> bool:
    """Whether a worker runs, or a message waits for the application or for anything in view."""
    if any(not worker.is_finished for worker in app.workers):
        return True
    return any(pump.message_queue_size for pump in (app, *app.screen.walk_children(with_self=True)))
