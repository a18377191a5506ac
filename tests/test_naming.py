"""Printed names lead to the entry they mean, and to none where they mean another model."""

from __future__ import annotations

import pytest

from catalog.errors import BadInput
from catalog.loader import all_models, load
from catalog.naming import key, names, resolve, words

READ = {
    # printed: (entry, weights, mode)
    "Claude Sonnet 4.5": ("claude-sonnet-4.5", "unlabelled", "unstated"),
    "claude-sonnet-4-5": ("claude-sonnet-4.5", "unlabelled", "unstated"),
    "Claude 4.5 Opus (Extended Thinking)": ("claude-opus-4.5", "unlabelled", "thinking"),
    "claude-opus-4-5-20251101": ("claude-opus-4.5", "unlabelled", "unstated"),
    "Claude Opus 4 (w/o extended thinking)": ("claude-opus-4", "unlabelled", "plain"),
    "claude-opus-4-20250514": ("claude-opus-4", "unlabelled", "unstated"),
    "Claude3.5 Sonnet": ("claude-3.5-sonnet", "unlabelled", "unstated"),
    "claude-3-5-haiku-20241022": ("claude-3.5-haiku", "unlabelled", "unstated"),
    "DeepSeek-V3.2 Thinking": ("deepseek-v3.2", "unlabelled", "thinking"),
    "DeepSeek V3.2 (Thinking)": ("deepseek-v3.2", "unlabelled", "thinking"),
    "DeepSeek-V3.2": ("deepseek-v3.2", "unlabelled", "unstated"),
    "DeepSeek R1": ("deepseek-r1", "unlabelled", "thinking"),
    "Deepseek-V3-Base": ("deepseek-v3", "base", "unstated"),
    "DeepSeek V3": ("deepseek-v3", "unlabelled", "unstated"),
    "DeepSeek V2-0506": ("deepseek-v2", "tuned", "unstated"),
    "DeepSeek-V2 (MoE-236B)": ("deepseek-v2", "base", "unstated"),
    "DeepSeek-V2-Lite 16B Chat (SFT)": ("deepseek-v2-lite", "tuned", "unstated"),
    "GPT-5 High": ("gpt-5", "unlabelled", "thinking"),
    "GPT-5 (thinking)": ("gpt-5", "unlabelled", "thinking"),
    "GPT-5.2 (xhigh)": ("gpt-5.2", "unlabelled", "thinking"),
    "gpt-5.4": ("gpt-5.4", "unlabelled", "unstated"),
    "gpt-4.5": ("gpt-4.5", "unlabelled", "unstated"),
    "gpt-4.1-2025-04-14": ("gpt-4.1", "unlabelled", "unstated"),
    "gpt-4.1-nano-2025-04-14": ("gpt-4.1-nano", "unlabelled", "unstated"),
    "gpt-4o-2024-08-06": ("gpt-4o", "unlabelled", "unstated"),
    "GPT-4o 0513": ("gpt-4o", "unlabelled", "unstated"),
    "gpt-4o-mini-2024-07-18": ("gpt-4o-mini", "unlabelled", "unstated"),
    "OpenAI o1-mini": ("o1-mini", "unlabelled", "thinking"),
    "OpenAI o1-1217": ("o1", "unlabelled", "thinking"),
    "o3-mini-high": ("o3-mini", "unlabelled", "thinking"),
    "o4-mini-low": ("o4-mini", "unlabelled", "thinking"),
    "Llama 3.1 405B": ("llama-3.1-405b", "unlabelled", "unstated"),
    "Llama3.1 405B-Inst.": ("llama-3.1-405b", "tuned", "unstated"),
    "Llama-3.1-405B (base)": ("llama-3.1-405b", "base", "unstated"),
    "llama-3.1-8b-instruct": ("llama-3.1-8b", "tuned", "unstated"),
    "Llama3.1 (8B)": ("llama-3.1-8b", "unlabelled", "unstated"),
    "LLaMA3 70B Instruct": ("llama-3-70b", "tuned", "unstated"),
    "Llama2 13B": ("llama-2-13b", "unlabelled", "unstated"),
    "Llama-3.3 70B Instruct": ("llama-3.3-70b", "tuned", "unstated"),
    "Llama 3.2 1B bf16": ("llama-3.2-1b", "tuned", "unstated"),
    "llama-3.2-11b-instruct": ("llama-3.2-11b-vision", "tuned", "unstated"),
    "Llama 4 Maverick": ("llama-4-maverick", "unlabelled", "unstated"),
    "Qwen2.5 72B-Inst.": ("qwen2.5-72b", "tuned", "unstated"),
    "qwen-2.5-7b-instruct": ("qwen2.5-7b", "tuned", "unstated"),
    "qwen-2.5-coder-7b-instruct": ("qwen2.5-coder-7b", "tuned", "unstated"),
    "Qwen2-VL 72B": ("qwen2-vl-72b", "unlabelled", "unstated"),
    "Qwen3-235B-A22B (non-thinking)": ("qwen3-235b-a22b", "unlabelled", "plain"),
    "Qwen3-235B-A22B (235B)": ("qwen3-235b-a22b", "unlabelled", "unstated"),
    "Qwen3-VL- 235B-A22B- Thinking": ("qwen3-vl-235b-a22b", "tuned", "thinking"),
    "Qwen/Qwen3-Embedding-0.6B": ("qwen3-embedding-0.6b", "unlabelled", "unstated"),
    "Kimi K2 Instruct": ("kimi-k2", "tuned", "unstated"),
    "Kimi K2.5 (Thinking)": ("kimi-k2.5", "unlabelled", "thinking"),
    "MiMo-V2 Flash": ("mimo-v2-flash", "unlabelled", "unstated"),
    "Jamba-1.5-large (94B/398B)": ("jamba-1.5-large", "unlabelled", "unstated"),
    "Mixtral-8x7B (12.9B/46.7B)": ("mixtral-8x7b", "unlabelled", "unstated"),
    "Mistral (7B)": ("mistral-7b-v0.2", "tuned", "unstated"),
    "mistral-large-2-2407": ("mistral-large-2407", "unlabelled", "unstated"),
    "Mistral-Large-2411 (123B)": ("mistral-large-2", "unlabelled", "unstated"),
    "phi-3.5-moe-instruct": ("phi-3.5-moe", "tuned", "unstated"),
    "gemma-3-27b-it": ("gemma-3-27b", "tuned", "unstated"),
    "gemma-3n-e2b-it-litert-preview": ("gemma-3n-e2b", "tuned", "unstated"),
    "Gemini-2 Flash": ("gemini-2.0-flash", "unlabelled", "unstated"),
    "gemini-3.1-pro-preview": ("gemini-3.1-pro", "unlabelled", "thinking"),
    "BAAI/bge-base-en-v1.5": ("bge-base-en-v1.5", "unlabelled", "unstated"),
    "roberta.base": ("roberta-base", "unlabelled", "unstated"),
    "ELECTRA-Small": ("electra-small-discriminator", "unlabelled", "unstated"),
    "DeBERTa-V3-XSmall": ("deberta-v3-xsmall", "unlabelled", "unstated"),
    "openai/whisper-large-v3": ("whisper-large-v3", "unlabelled", "unstated"),
    "timm/deit_tiny_distilled_patch16_224.fb_in1k": ("deit-tiny-distilled", "unlabelled", "unstated"),
    "open_clip/ViT-B-16 openai": ("clip-vit-b16", "unlabelled", "unstated"),
    "PEGASUS-large (Mixed & Stochastic)": ("pegasus-large", "unlabelled", "unstated"),
}

OTHERS = [
    "Kimi-K2 Thinking", "kimi-k2-thinking", "Kimi K2 0905", "DeepSeek-V3-0324", "DeepSeek-V3.2-Exp",
    "DeepSeek-V3.1 Base",
    "DeepSeek-R1-Distill-Llama-8B", "o1-preview", "gemini-2.0-flash-thinking", "gemini-1.5-flash-8b", "Qwen-7B",
    "Qwen-7B-Chat (Int4)", "Llama 3.2 1B QLoRA", "llama-3.2-90b-instruct", "GradientAI/Llama3 (8B)", "InternLM2.5 (7B)",
    "Phi 4 Reasoning", "Gemini 2.0 Flash Thinking", "Phi 4 Mini Reasoning",
    "openai/whisper-small.en", "openai/whisper-large", "ALBERT-base-v1", "MiniMax-M2.5", "MiniMax-M2.1", "glm-4.6",
    "phi-4-reasoning", "phi-4-multimodal-instruct", "gpt-5-codex", "grok-2-mini", "llama-3.1-nemotron-70b-instruct",
    "gte-Qwen2-7B-instruct", "BERT-Large, Uncased (Whole Word Masking)", "PEGASUS-large (C4)", "BAAI/bge-base-zh-v1.5",
    "timm/deit_tiny_patch16_224.fb_in1k", "open_clip/ViT-B-32 laion2b_e16", "Qwen2.5-7B-Instruct-1M (7B)", "Random", "",
]  # fmt: skip


@pytest.mark.parametrize("printed", READ)
def test_a_printed_name_means_one_entry_with_its_weights_and_mode(printed: str):
    reading = resolve(printed)
    assert reading is not None
    assert (reading.model, reading.weights, reading.mode) == READ[printed]


@pytest.mark.parametrize("printed", OTHERS)
def test_a_name_that_resembles_an_entry_but_is_another_model_means_none(printed: str):
    assert resolve(printed) is None


def test_every_id_and_repository_of_the_catalog_reads_back_as_its_own_entry():
    for spec in all_models():
        for name in (spec.id, *(alias for alias in spec.aliases if ":" not in alias)):
            if name.lower() in names().other_models:
                continue
            reading = resolve(name)
            assert reading is not None, name
            assert reading.model == spec.id, name


def test_spellings_do_not_collide_between_entries():
    seen: dict[tuple[str, ...], str] = {}
    for spec in all_models():
        for name in (spec.id, *(alias for alias in spec.aliases if ":" not in alias)):
            assert seen.setdefault(key(words(name)), spec.id) == spec.id, name


def test_the_table_names_entries_that_exist_and_never_both_ways():
    table = names()
    for name, entry in table.names.items():
        assert load(entry.model).id == entry.model, name
        assert name == name.lower()
    assert not set(table.names) & set(table.other_models)
    for model in (*table.always_thinks, *table.both_modes):
        assert load(model).id == model
    with pytest.raises(BadInput):
        load("kimi-k2-thinking")


def test_a_source_says_what_its_unlabelled_names_mean():
    card = "github.com/meta-llama/llama-models models/llama3_1/MODEL_CARD.md"
    assert resolve("Llama 3.1 8B", card).weights == "base"  # type: ignore[union-attr]
    assert resolve("Llama 3.1 8B Instruct", card).weights == "tuned"  # type: ignore[union-attr]
    assert resolve("Llama 3.1 8B", "elsewhere").weights == "unlabelled"  # type: ignore[union-attr]


def test_effort_and_snapshots_are_settings_of_a_score_and_not_other_models():
    assert resolve("o3-mini-high").effort == "high"  # type: ignore[union-attr]
    assert resolve("GPT-5.2 (xhigh)").effort == "xhigh"  # type: ignore[union-attr]
    assert resolve("gpt-4o-2024-05-13").checkpoint == "gpt-4o-2024-05-13"  # type: ignore[union-attr]
