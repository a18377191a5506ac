"""Names as people misspell them, and the entry that must come first."""

from __future__ import annotations

import pytest

from catalog.errors import BadInput
from catalog.loader import load, load_format, load_machine, load_task
from catalog.near import nearest

MEANT = {
    load: {
        "lama3 8b": "llama-3-8b", "llama 3.1 70b": "llama-3.1-70b", "gpt4o": "gpt-4o", "gpt 4o mini": "gpt-4o-mini",
        "mistral7b": "mistral-7b-v0.3", "mixtral8x7b": "mixtral-8x7b", "qwen3-8": "qwen3-8b",
        "deepsek v3": "deepseek-v3",
        "gemma3 27b": "gemma-3-27b", "whisper turbo": "whisper-large-v3-turbo", "bert base": "bert-base-uncased",
        "phi4": "phi-4", "claude sonnet 4.5": "claude-sonnet-4.5", "gemini flash 2.5": "gemini-2.5-flash",
        "nllb 600m": "nllb-200-distilled-600m", "gptoss20b": "gpt-oss-20b", "flux dev": "flux.1-dev-transformer",
    },
    load_machine: {
        "h100 80gb": "h100-sxm", "4090": "rtx-4090", "geforce 4090": "rtx-4090", "m3 max": "apple-m3-max",
        "macbook pro m3 max": "apple-m3-max", "a100 40": "a100-sxm4-40gb", "mi300": "mi300x", "l40 s": "l40s",
        "dgx spark": "gb10-dgx-spark", "jetson nano": "jetson-orin-nano-super-8gb", "7900xtx": "rx-7900-xtx",
        "epyc": "epyc-9654",
    },
    load_task: {
        "ner": "token-classification", "ocr": "document-understanding", "summarisation": "summarization",
        "asr": "speech-recognition", "transaltion": "translation", "coding": "code", "retrieval": "semantic-search",
    },
    load_format: {
        "Q4KM": "gguf-q4_k_m", "q8": "gguf-q8_0", "4bit": "awq-int4", "float16": "fp16", "fp-8": "fp8",
        "nvfp-4": "nvfp4", "mlx4": "mlx-4bit",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "written", "meant"),
    [(read, written, meant) for read, pairs in MEANT.items() for written, meant in pairs.items()],
)
def test_of_near_matches_the_one_that_is_meant_comes_first(read, written, meant):
    with pytest.raises(BadInput, match=rf"did you mean {meant}( or |\?)"):
        read(written)


def test_nothing_is_named_that_is_far():
    assert nearest("zebrafish", ["llama-3-8b", "gpt-4o", "rtx-4090"]) == []
    assert nearest("", ["llama-3-8b"]) == []
    assert nearest("!!", ["a", "b"]) == []


def test_another_number_is_another_model():
    assert nearest("llama-2-13b", ["llama-3-13b", "llama-2-70b", "llama-2-13b-chat"])[0] == "llama-2-13b-chat"
