"""Many models settled together come out as each of them evaluated alone."""

from dataclasses import fields

import numpy as np
import pytest

from advisor.candidates import Outcomes, evaluate, space
from advisor.ranking.many import Many
from advisor.ranking.search import settle
from advisor.ranking.tables import Tables
from advisor.ranking.ways import choose
from advisor.recommend import _outcomes
from advisor.rejection import severity
from advisor.requirements import Requirements, complete
from calculators.stacked import joined, stack_of
from calculators.table import compile_table
from catalog.loader import load, load_format, load_machine, load_task

MODELS = (
    "llama-3-8b", "deepseek-v3", "gpt-oss-120b", "gemma-3-27b", "jamba-v0.1", "falcon-mamba-7b", "qwen3-next-80b-a3b",
    "flan-t5-base", "nllb-200-3.3b", "qwen2-vl-7b", "whisper-large-v3",
)  # fmt: skip
"""Dense, latent, routed, windowed, hybrid, state-space, delta rule, encoder-decoders of text and sound, with images."""
MACHINES = ("h100-sxm", "rtx-4090", "mi300x", "apple-m4-max", "l4")


@pytest.mark.parametrize("asked", [{"users": 8, "context_tokens": 40_000}, {"task": "visual-qa", "output_tokens": 1}])
def test_times_and_memory_are_those_of_each_model_alone(asked):
    wanted = Requirements(**asked)
    needs = complete(wanted, load_task(wanted.task)).model_copy(update={"max_gpus": 2})
    models, machines = [load(name) for name in MODELS], [load_machine(name) for name in MACHINES]
    many = Many(Tables(models, machines), needs)
    ways = many.ways
    picked = np.arange(0, len(ways), 3)
    arrays = [f.name for f in fields(Outcomes) if f.type == "Floats"]
    seen = set()
    for which, found in many.measure(ways.take(picked)):
        for place, way in enumerate(picked[which].tolist()):
            spec, choice = models[ways.model[way]], found.space.choices[place]
            where = space(spec, [choice.machine], needs)
            alone = evaluate(spec, where, needs, found.layout)
            same = where.choices.index(choice)
            for name in arrays:
                assert getattr(found, name)[place] == pytest.approx(
                    getattr(alone, name)[same], rel=1e-12, nan_ok=True
                ), (spec.id, choice, name)
            seen.add(spec.id)
    assert len(seen) == len(models)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"users": 16, "ttft_s": 0.3, "tpot_s": 0.02},
        {"users": 4, "e2e_s": 3, "budget_usd_per_hour": 4, "confidence": 0.8},
        {"tokens_per_s": 3000, "users": 32},
    ],
)
def test_the_search_finds_what_trying_everything_finds(asked):
    needs = complete(Requirements(**asked), load_task("chat")).model_copy(update={"max_gpus": 4})
    models, machines = [load(name) for name in MODELS[:7]], [load_machine(name) for name in MACHINES]
    settled = settle(Many(Tables(models, machines), needs), needs, frozenset({"llama-3-8b"}))
    closest = settled.closest([spec.id for spec in models if spec.id not in settled.best])
    considered = 0
    for spec in models:
        blocked = spec.id == "llama-3-8b"
        outcomes = _outcomes(spec, machines, needs, first_only=blocked)
        considered += sum(len(o.space.choices) for o in outcomes)
        way = None if blocked else choose(outcomes, needs)
        assert (way is not None) == (spec.id in settled.best)
        if way is None:
            nearest = closest[spec.id].alone
            assert severity(spec, needs, [nearest], None) == pytest.approx(severity(spec, needs, outcomes, None))
        else:
            found = settled.best[spec.id]
            assert found.outcome.space.choices[found.index] == way[0].space.choices[way[1]]
            assert found.outcome.layout == way[0].layout
    assert settled.considered == considered


def test_stacks_may_be_joined_and_cut():
    specs = [load(name) for name in MODELS[:4]]
    formats = ("bf16", "fp8", "gguf-q4_k_m")
    parts = [(s.id, s.architecture, compile_table(s.architecture, 2), [load_format(f) for f in formats]) for s in specs]
    whole = stack_of(parts, formats)
    both = joined(stack_of(parts[:1], formats), stack_of(parts[1:], formats))
    cut = both.subset(np.array([1, 3]))
    assert both.names == whole.names
    assert cut.names == (whole.names[1], whole.names[3])
    for place, name in enumerate(cut.names):
        assert cut.weight_bytes[place].tolist() == whole.weight_bytes[whole.places[name]].tolist()
    assert len(cut.measures) < len(whole.measures)
