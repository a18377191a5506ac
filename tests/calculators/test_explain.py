"""Explanations tell the same numbers as the calculators, for every model, and every formula in them is used."""

from __future__ import annotations

import pytest

from advisor import explain
from calculators import cache_bytes, count_flops, count_params
from calculators.explain import QUANTITIES
from calculators.explain.symbols import ACTIVE, FLOPS, HELD, PARAMETERS, put_in
from calculators.memory import kv_cache_bytes, state_bytes, weight_bytes
from calculators.training import training_flops
from catalog import BadInput
from catalog.loader import all_models, load, load_format

DISCLOSED = [spec for spec in all_models() if spec.is_disclosed]


@pytest.mark.parametrize("spec", DISCLOSED, ids=lambda spec: spec.id)
def test_the_parts_of_an_explanation_sum_to_what_the_calculators_say(spec):
    params = count_params(spec)
    expected = {
        "parameters": params.total,
        "active-parameters": params.active,
        "embedding-parameters": params.embedding,
        "flops": count_flops(spec, 100, count="needed"),
        "executed-flops": count_flops(spec, 100),
        "training-flops": training_flops(spec, 100, count="needed"),
        "kv-cache": kv_cache_bytes(spec, 100),
        "state": state_bytes(spec),
        "weights": weight_bytes(spec, load_format("fp8")),
    }
    for quantity, value in expected.items():
        made = explain(spec, quantity, context=100, weights="fp8")
        assert made.value == sum(part.value for part in made.parts)
        assert made.value == pytest.approx(value, rel=1e-12), quantity
        assert made.sources


def test_every_formula_is_that_of_some_operator():
    told = set()
    for spec in DISCLOSED:
        for quantity in ("parameters", "active-parameters", "flops", "executed-flops", "kv-cache", "state"):
            for step in (False, True):
                told |= {part.formula for part in explain(spec, quantity, step=step, context=300).parts}
    text = "\n".join(told)
    written = [*PARAMETERS.values(), *ACTIVE.values(), *(f for fs in FLOPS.values() for f in fs)]
    written += [f for fs in HELD.values() for f in ((fs,) if isinstance(fs, str) else fs)]
    assert not [formula for formula in written if formula not in text]


def test_numbers_are_put_into_formulas():
    assert put_in("2·h·(H + 2·K)·d", {"h": 3, "H": 4, "K": 2, "d": 5}) == ("2·3·(4 + 2·2)·5", 240)
    assert put_in("r + d_r", {"r": 512, "d_r": 64}) == ("512 + 64", 576)
    assert put_in("h·x", {"h": 1}) is None


def test_deepseek_v3s_cache_is_explained_by_its_latent():
    made = explain("deepseek-v3", "kv-cache", context=131072)
    assert made.value == cache_bytes(load("deepseek-v3"), 131072) == 61 * 576 * 2 * 131072
    assert made.parts[0].formula == "(r + d_r) elements per position held"
    assert made.parts[0].substituted == "512 + 64 = 576 x 131,072 positions held x 2 bytes"


def test_depth_against_width_keeps_parameters_and_moves_the_cache():
    made = explain("llama-3-8b", "depth-width")
    total = count_params(load("llama-3-8b")).total
    counts = [int(part.formula.split(", ")[1].split()[0].replace(",", "")) for part in made.parts]
    assert all(abs(count / total - 1) < 0.001 for count in counts)
    flops = [part.value for part in made.parts]
    assert flops == sorted(flops)


def test_growth_names_the_class():
    assert explain("falcon-mamba-7b", "growth").value == "FLOPs O(n), memory O(1)"
    assert explain("llama-3-8b", "growth").value == "FLOPs O(n²), memory O(n)"
    assert explain("mistral-7b-v0.1", "growth").value == "FLOPs O(n), memory O(1)"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"quantity": "kvcache"}, "did you mean kv-cache"),
        ({"quantity": "flops", "context": 0}, "context=0"),
        ({"quantity": "kv-cache", "cache": "fp7"}, "cache type"),
        ({"quantity": "kv-cache", "policy": "need"}, "needed"),
    ],
)
def test_a_wrong_question_gets_a_sentence(given, told):
    with pytest.raises(BadInput, match=told):
        explain("llama-3-8b", **given)


def test_every_quantity_answers_for_a_decoder():
    for quantity in QUANTITIES:
        assert explain("llama-3-8b", quantity).title
