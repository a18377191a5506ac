"""The fields of the Lab page: the model to start from, its shape, and where both run."""

from __future__ import annotations

from advisor import quantities
from tui.widgets.form import Choice, Entry

FIRST = "llama-3.1-8b"
"""The base to begin with."""
PUBLISHED = ""
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "1m")
SETTING = ("machine", "devices", "weights", "cache", "input_tokens", "batch")
"""Fields that say where both run, and nothing of the shape."""


def _number(text: str, label: str) -> int:
    return quantities.tokens(text, label, zero=True)


def _numbers(*entries: tuple[str, str, str]) -> list[Entry]:
    return [Entry(name, label, _number, "", "auto", ("1",), help=help) for name, label, help in entries]


FIELDS: tuple[Entry | Choice, ...] = (
    Choice("base", "base", ((FIRST, FIRST),), FIRST, help="The model to start from; type to find one."),
    *_numbers(
        ("layers", "layers", "Depth; patterns of layers are kept."),
        ("hidden", "width", "Width of the stream between layers."),
    ),
    Choice(
        "proportional", "with width", (("nothing", False), ("heads, ff", True)), False,
        help="Whether heads and feed-forwards follow the width.",
    ),
    *_numbers(
        ("heads", "heads", "Query heads of each attention layer."),
        ("kv_heads", "kv heads", "Key-value heads: what the cache holds. They divide the heads."),
        ("head_dim", "head width", "Width of one head."),
        ("kv_rank", "latent rank", "Rank of a latent cache (MLA)."),
        ("state", "state", "Numbers that each channel of a state-space layer keeps."),
        ("ff_width", "ff width", "Inner width of dense feed-forwards."),
        ("experts", "experts", "Routed experts per layer; 0 is a dense model."),
        ("top_k", "per token", "Experts that each token visits."),
        ("expert_width", "expert width", "Inner width of one expert."),
        ("shared_width", "shared", "Inner width of the expert that every token visits; 0: none."),
    ),
    Choice(
        "pattern", "pattern",
        (("as it is", ""), ("all full", "full"), ("window", "window"), ("mamba2", "mamba2"),
         ("delta net", "gated-delta-net")), "",
        help="What layers between full attention do: attend within a window, or keep a state instead of a cache.",
    ),
    *_numbers(
        ("full_every", "1 full in", "Every so many layers one attends to everything; 0: none does."),
        ("window", "window", "Tokens that a windowed layer sees."),
        ("vocab", "vocabulary", "Rows of the table of tokens."),
    ),
    Choice("tied", "head", (("own", False), ("tied", True)), False, help="Whether the head uses the input's table."),
    Choice("machine", "machine", (("h100-sxm", "h100-sxm"),), "h100-sxm", help="Where both run."),
    Entry("devices", "devices", quantities.count, "1", "", ("1", "2", "4", "8"), help="They share each layer."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights of both."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the cache."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt: 2048, 16k."),
    Entry("batch", "batch", quantities.count, "1", "", ("1", "2", "4", "8", "16", "32", "64", "128", "256"),
          help="Requests at the same time."),
)  # fmt: skip
