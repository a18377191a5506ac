"""Sixteen real models, counted once with PyTorch and written down; the calculators must give the same integers.

The numbers are from transformers 5.23.0 and torch 2.13.0 on the meta device (written down before the project
began): parameters of the class, and FLOPs of one forward pass, batch 1, eager attention, batched experts,
``FlopCounterMode``, 2,048 tokens (encoder-decoders: 2,048 on either side; ViT: one 224x224 image). No test here needs
torch; ``tests/reference`` builds the models again.
"""

from __future__ import annotations

import pytest

from calculators import count_flops, count_params
from catalog import load
from catalog.importers.huggingface import read_config
from catalog.spec import ModelSpec

TOKENS = 2048

GROUND_TRUTH = {
    "llama-2-7b": (6_738_415_616, 29_261_612_187_648),
    "llama-3-8b": (8_030_261_248, 32_938_104_193_024),
    "llama-3-70b": (70_553_706_496, 295_674_138_591_232),
    "mistral-7b-v0.1": (7_241_732_096, 31_323_196_489_728),
    "mixtral-8x7b": (46_702_792_704, 54_417_235_640_320),
    "qwen2.5-7b": (7_615_616_512, 30_643_517_915_136),
    "gemma-2-9b": (9_241_705_984, 40_737_764_802_560),
    "phi-3-mini-4k": (3_821_079_552, 16_896_132_907_008),
    "gpt2": (124_439_808, 660_606_025_728),
    "deepseek-v3": (671_026_404_352, 170_973_789_683_712),
    "mamba-2.8b": (2_768_345_600, 11_334_443_335_680),
    "jamba-v0.1": (51_570_323_328, 48_775_264_731_136),
    "t5-base": (222_903_552, 1_376_671_236_096),
    "flan-ul2": (19_459_613_696, 86_300_925_362_176),
    "vit-b16": (86_567_656, 35_127_656_448),
}
"""Model to (parameters, FLOPs). BERT's row counts another class than our entry and has a test of its own."""


@pytest.mark.parametrize("name", GROUND_TRUTH)
def test_parameters_are_those_of_the_real_model(name: str) -> None:
    spec = load(name)
    departure = spec.reference.departure.parameters if spec.reference and spec.reference.departure else 0
    assert count_params(spec).total + departure == GROUND_TRUTH[name][0]


@pytest.mark.parametrize("name", GROUND_TRUTH)
def test_executed_flops_are_those_of_the_real_model(name: str) -> None:
    assert count_flops(load(name), TOKENS) == GROUND_TRUTH[name][1]


def test_bert_with_only_its_masked_lm_head() -> None:
    """The table counts ``BertForMaskedLM``; the catalog has ``BertForPreTraining``, with pooler and sentence pair."""
    published = load("bert-base-uncased")
    assert published.reference is not None
    imported = read_config(published.reference.config, class_name="BertForMaskedLM")
    spec = published.model_copy(update={"architecture": imported.architecture})
    assert count_params(spec).total == 109_514_298
    assert count_flops(spec, TOKENS) == 600_941_002_752
    pooler_and_pair = 768 * 768 + 768 + 768 * 2 + 2
    assert count_params(published).total - count_params(spec).total == pooler_and_pair


def test_the_untied_head_of_flan_ul2_is_the_only_departure() -> None:
    """Transformers 5 ties T5 always; the published checkpoint holds 19,591,209,984 parameters."""
    assert count_params(load("flan-ul2")).total == 19_591_209_984


def test_logits_of_the_last_position_only_save_6_5_percent_of_a_llama_3_prefill() -> None:
    spec: ModelSpec = load("llama-3-8b")
    head = 2 * 4096 * 128_256
    executed = count_flops(spec, TOKENS)
    assert (TOKENS - 1) * head / executed == pytest.approx(0.065, abs=0.001)


@pytest.mark.parametrize("name", ["llama-3-8b", "gpt2", "deepseek-v3", "mixtral-8x7b"])
def test_needed_prefill_is_executed_without_the_upper_triangle_and_the_unread_logits(name: str) -> None:
    """Causal attention needs exactly (S + 1) / 2S of the square (arXiv:2307.08691, section 4.1)."""
    from calculators.lowering import lower
    from calculators.operators import Kind
    from calculators.workload import Workload

    spec = load(name)
    assert not isinstance(spec.architecture, str)
    w = Workload.exact(1, TOKENS)
    for operator in lower(spec.architecture):
        executed, needed = int(operator.executed.value(w)), int(operator.needed.value(w))
        if operator.kind is Kind.ATTENTION:
            assert needed * 2 * TOKENS == executed * (TOKENS + 1)
        elif operator.name.endswith(".head"):
            assert needed * TOKENS == executed
        else:
            assert needed == executed


def test_a_window_needs_w_s_minus_w_w_minus_1_over_2_pairs() -> None:
    """Mistral's window of 4,096 at 16,384 tokens."""
    spec, s, w = load("mistral-7b-v0.1"), 16_384, 4_096
    wide = spec.model_copy(update={"architecture": load("mistral-7b-v0.3").architecture})
    saved = s * (s + 1) // 2 - (w * s - w * (w - 1) // 2)
    vocabulary = 2 * 4096 * (32_768 - 32_000)
    assert count_flops(wide, s, count="needed") - vocabulary - count_flops(spec, s, count="needed") == (
        32 * 4 * 32 * 128 * saved
    )
