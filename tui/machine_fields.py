"""The load of the Machines page: what runs on the machines."""

from __future__ import annotations

from advisor import quantities
from catalog.errors import BadInput
from tui.widgets.form import Choice, Entry

PUBLISHED = ""
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k")
POWERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")


def _name(text: str, label: str) -> str:
    if not text:
        raise BadInput(f"{label}: name a model of the catalog, like llama-3.1-8b")
    return text


FIELDS = (
    Entry("model", "model", _name, "llama-3.1-8b", "", (), help="Which model runs; the first letters complete it."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the KV cache."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt."),
    Entry("output_tokens", "answer", quantities.tokens, "500", "", LENGTHS, help="Length of the answer."),
    Entry("batch", "batch", quantities.count, "8", "", POWERS, help="Requests at the same time."),
)
