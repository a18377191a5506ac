"""The load of the Models page: under what a model is computed, and the keys that step it."""

from __future__ import annotations

from advisor import quantities
from tui.widgets.form import Choice, Entry

PUBLISHED = ""
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1m")
POWERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")

FIELDS = (
    Choice("machine", "machine", (("h100-sxm", "h100-sxm"),), "h100-sxm", help="Where times are taken."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights (keys w W)."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the KV cache (keys ( ))."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt (keys [ ])."),
    Entry("batch", "batch", quantities.count, "1", "", POWERS, help="Requests at the same time (keys - +)."),
    Entry("tp", "devices", quantities.count, "1", "", ("1", "2", "4", "8"), help="Share each layer (keys d D)."),
)
STEPS = (
    ("left_square_bracket", "right_square_bracket", "input_tokens", "prompt"),
    ("minus", "plus,equals_sign", "batch", "batch"),
    ("d", "D", "tp", "number of devices"),
    ("w", "W", "weights", "weight format"),
    ("left_parenthesis", "right_parenthesis", "cache", "cache format"),
)
"""Keys for less and for more, the field, and what it is called."""
