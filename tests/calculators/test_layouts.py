"""Layouts: what devices hold and compute adds up to the model, with what is held more than once named."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculators.lowering import lower
from calculators.memory import weight_bytes
from calculators.plan import Layout, layout_problem
from calculators.stages import layers_of_stages, stage_repeats
from calculators.table import Table, compile_table
from calculators.workload import Workload
from catalog import load
from catalog.loader import load_format

BF16 = load_format("bf16")
MIXTURES = ("mixtral-8x7b", "qwen3-30b-a3b", "deepseek-v3")
DENSE = ("llama-3.1-70b", "llama-3-8b", "gemma-2-9b")


def flops(table: Table, w: Workload) -> np.ndarray:
    return (table.coefficients["needed"] @ table.values(w)).sum(axis=0)


def split_elements(model: str) -> tuple[int, int]:
    """(all parameters, those that tensor parallelism leaves whole: norms, routers, biases of outputs)."""
    graph = lower(load(model).architecture)
    halves = {(op.name, w.name): w.elements for op in lower(load(model).architecture, 2) for w in op.weights}
    whole = sum(op.repeat * w.elements for op in graph for w in op.weights if halves[op.name, w.name] == w.elements)
    return sum(op.repeat * w.elements for op in graph for w in op.weights), whole


@pytest.mark.parametrize("model", [*MIXTURES, *DENSE])
@pytest.mark.parametrize("tp", [2, 4])
def test_shards_of_all_devices_are_the_weights_and_the_replicas_of_what_is_not_split(model: str, tp: int):
    everything, whole = split_elements(model)
    assert weight_bytes(load(model), BF16, tp) * tp == 2 * (everything + (tp - 1) * whole)


@pytest.mark.parametrize("model", MIXTURES)
@pytest.mark.parametrize("layout", [Layout(dp=8, ep=8), Layout(dp=8), Layout(dp=8, ep=4), Layout(dp=4, ep=2)], ids=str)
def test_experts_are_held_once_by_the_group_and_everything_else_by_every_rank(model: str, layout: Layout):
    graph = lower(load(model).architecture)
    experts = sum(op.repeat * w.elements for op in graph for w in op.weights if w.role == "expert")
    rest = sum(op.repeat * w.elements for op in graph for w in op.weights if w.role != "expert")
    assert weight_bytes(load(model), BF16, layout) * layout.devices == 2 * (experts + layout.devices * rest)


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3", "jamba-v0.1", "gemma-2-9b", "qwen3-30b-a3b"])
@pytest.mark.parametrize("pp", [2, 3, 4, 7])
def test_pipeline_stages_add_up_and_the_last_copies_a_tied_table(model: str, pp: int):
    spec = load(model)
    graph = lower(spec.architecture, Layout(pp=pp))
    counts = stage_repeats(graph.operators, spec.architecture, Layout(pp=pp))
    assert all(sum(stages) == op.repeat for op, stages in zip(graph, counts, strict=True))
    table, one = compile_table(spec.architecture, Layout(pp=pp)), compile_table(spec.architecture)
    distinct = list(dict.fromkeys(zip(*counts, strict=True)))
    times = [list(zip(*counts, strict=True)).count(stage) for stage in distinct]
    tied = {w: op for op in lower(spec.architecture) for w in op.borrowed if op.name.endswith("head")}
    copies = sum(2 * w.elements for w in tied)
    total = sum(n * stage.weight_bytes(BF16) for n, stage in zip(times, table.stages, strict=True))
    assert total == one.weight_bytes(BF16) + copies
    held = Workload.of([3], 0, 1000)
    parts = [sum(x[0] for x in stage.held_bytes(held, 16)) for stage in table.stages]
    assert sum(n * part for n, part in zip(times, parts, strict=True)) == sum(x[0] for x in one.held_bytes(held, 16))


@given(layers=st.integers(1, 200), stages=st.integers(1, 64))
def test_layers_are_spread_evenly_over_stages(layers: int, stages: int):
    counts = layers_of_stages(layers, stages)
    assert sum(counts) == layers
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(("tp", "heads"), [(1, 8), (4, 2), (8, 1), (16, 1), (32, 1)])
def test_key_value_heads_are_replicated_beyond_their_number(tp: int, heads: int):
    architecture = load("llama-3.1-70b").architecture  # 8 key-value heads of 128, 80 layers
    growing, _ = compile_table(architecture, tp).held_bytes(Workload.of([2], 0, 512), 16)
    assert growing[0] == 2 * 512 * 80 * 2 * heads * 128 * 2


def test_latents_are_whole_on_every_tensor_parallel_device_and_divided_among_ranks():
    architecture = load("deepseek-v3").architecture
    held = Workload.of([64], 0, 4096)
    whole = 64 * 4096 * 61 * 576 * 2
    for layout, share in ((Layout(tp=8), 1), (Layout(dp=8, ep=8), 8), (Layout(tp=2, cp=4), 4), (Layout(tp=2, dp=4), 4)):
        assert compile_table(architecture, layout).held_bytes(held, 16)[0][0] * share == whole, layout


@settings(max_examples=40, deadline=None)
@given(
    model=st.sampled_from(MIXTURES),
    dp=st.sampled_from([1, 2, 4, 8]),
    ep=st.sampled_from([1, 2, 4, 8]),
    each=st.integers(1, 40),
    step=st.booleans(),
    past=st.integers(1, 5000),
)
def test_ranks_compute_together_what_one_device_would(model: str, dp: int, ep: int, each: int, step: bool, past: int):
    if dp % ep:
        ep = dp
    architecture = load(model).architecture
    w = Workload.of([dp * each], 1 if step else past, past if step else 0)
    together = dp * flops(compile_table(architecture, Layout(dp=dp, ep=ep)), w)
    assert together[0] == pytest.approx(flops(compile_table(architecture), w)[0], rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    model=st.sampled_from(("llama-3-8b", "llama-3.1-70b")),
    tp=st.sampled_from([1, 2, 4, 8]),
    pp=st.sampled_from([1, 2, 4]),
    batch=st.integers(1, 64),
    new=st.integers(1, 2000),
)
def test_tensor_and_pipeline_parallelism_divide_the_work_of_a_dense_model(
    model: str, tp: int, pp: int, batch: int, new: int
):
    architecture, w = load(model).architecture, Workload.of([batch], new, 0)
    table = compile_table(architecture, Layout(tp=tp, pp=pp))
    vocabulary = flops(compile_table(architecture, 1), w)  # 128,256 divides by all of these
    assert tp * flops(table, w)[0] == pytest.approx(vocabulary[0], rel=1e-12)


@pytest.mark.parametrize("cp", [2, 4, 8])
def test_context_parallelism_divides_prompts_and_caches(cp: int):
    architecture, w = load("llama-3-8b").architecture, Workload.of([8], 4096, 0)
    one, part = compile_table(architecture), compile_table(architecture, Layout(cp=cp))
    head = next(i for i, op in enumerate(part.operators) if op.name.endswith("head"))
    shared = part.coefficients["needed"] @ part.values(w)
    alone = one.coefficients["needed"] @ one.values(w)
    head_alone = next(i for i, op in enumerate(one.operators) if op.name.endswith("head"))
    assert shared[head, 0] == alone[head_alone, 0]  # whoever has the last tokens
    rest = cp * (shared.sum(axis=0)[0] - shared[head, 0])
    assert rest == pytest.approx(alone.sum(axis=0)[0] - alone[head_alone, 0], rel=1e-12)
    assert cp * part.held_bytes(w, 16)[0][0] == one.held_bytes(w, 16)[0][0]


def test_a_single_prompt_is_attended_on_one_rank_and_its_experts_run_on_all():
    architecture, w = load("mixtral-8x7b").architecture, Workload.of([1], 1024, 0)
    one, rank = compile_table(architecture), compile_table(architecture, Layout(dp=8, ep=8))
    for kind, share in (("attention", 1), ("experts", 8)):
        a, b = ((t.coefficients["needed"] @ t.values(w))[t.of_kind(kind)].sum() for t in (one, rank))  # type: ignore[arg-type]
        assert a == share * b


def test_a_device_reads_the_distinct_experts_that_tokens_of_all_ranks_visit():
    architecture = load("qwen3-30b-a3b").architecture  # 48 layers, 128 experts, 8 per token, 3 matrices of 2048 x 768
    w = Workload.of([64], 1, 1000)
    table = compile_table(architecture, Layout(dp=8, ep=8))
    rows = table.of_kind("experts")  # type: ignore[arg-type]
    read = (table.read_elements.sum(axis=1)[:, None] * (table.touched @ table.values(w)))[rows].sum()
    visited = 128 * (1 - (1 - 8 / 128) ** 64) / 8
    assert read == pytest.approx(48 * visited * 3 * 2048 * 768, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "layout", "why"),
    [
        ("llama-3-8b", Layout(tp=3), "32 heads of decoder do not divide by 3; possible: 1, 2, 4"),
        ("llama-3-8b", Layout(pp=33), "decoder has 32 layers"),
        ("llama-3-8b", Layout(tp=2, ep=2), "the model has no experts; possible: 1"),
        ("mixtral-8x7b", Layout(dp=16, ep=16), "layers have 8 experts; possible: 2, 4, 8"),
        (
            "mixtral-8x7b",
            Layout(tp=4, ep=8),
            r"it must divide the 4 devices of a stage \(tp·cp·dp\); possible: 1, 2, 4",
        ),
        ("mamba-2.8b", Layout(cp=2), "engines do not divide mamba"),
        ("t5-base", Layout(pp=2), "an encoder and its decoder"),
        ("albert-base-v2", Layout(pp=2), "share their weights"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_with_what_can(model: str, layout: Layout, why: str):
    problem = layout_problem(load(model).architecture, layout)
    assert re.search(why, problem or "")


@pytest.mark.parametrize("field", ["tp", "pp", "ep", "dp", "cp"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_layout_needs_positive_numbers(field: str, value: int):
    with pytest.raises(ValueError, match=f"{field} must be a positive integer"):
        Layout(**{field: value})
