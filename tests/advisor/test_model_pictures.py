from __future__ import annotations

from advisor.layering import layer_lines
from advisor.pictures import cell_lines
from advisor.sight import sights
from catalog.loader import all_models, load


def test_equal_layers_are_drawn_once_with_how_often_they_repeat():
    assert layer_lines(load("llama-3.1-8b")) == [
        "decoder: 32 layers, 4,096 wide",
        "  ↓ tokens: 128,256 words",
        "  ┌──────────────────────────────────┐",
        "  │ attention, 32 heads, 8 kv × 128  │ × 32",
        "  │ feed-forward, 14,336 wide, gated │",
        "  └──────────────────────────────────┘",
        "  ↓ logits over the vocabulary",
    ]


def test_a_pattern_has_its_own_repeats_inside_those_of_the_group():
    text = "\n".join(layer_lines(load("gemma-3-27b")))
    assert "window 1,024 │ × 5 │" in text
    assert "│ × 10" in text
    assert "window 1,024 │ × 2" in text


def test_windows_and_states_have_their_own_pictures_and_counts():
    of = {(s.stack, s.label): s for s in sights(load("gemma-3-27b"))}
    assert {key: s.layers for key, s in of.items()} == {
        ("vision", "every token"): 27,
        ("decoder", "the last 1,024 tokens"): 52,
        ("decoder", "all of the past"): 10,
    }
    assert cell_lines(of["decoder", "the last 1,024 tokens"].cells)[3] == "· ██████· · · ·"
    assert cell_lines(of["decoder", "all of the past"].cells)[3] == "████████· · · ·"


def test_every_disclosed_model_has_a_drawing_and_every_other_has_none():
    for spec in all_models():
        assert bool(layer_lines(spec)) == spec.is_disclosed, spec.id
        assert spec.is_disclosed or not sights(spec), spec.id
