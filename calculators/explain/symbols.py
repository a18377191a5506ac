"""Letters for the numbers in a spec, and formulas in those letters.

A formula is shown only where its value equals the operator's own coefficient, so it can never tell another story than
the numbers do; elsewhere the coefficient stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from calculators.explain import hybrid_symbols, linear_symbols
from catalog.channels import Dense, Experts
from catalog.ends import LmHead, TokenEmbedding
from catalog.mixers import Attention, CrossAttention, LatentAttention, Mamba, Mamba2
from catalog.spec import Stack

Letters = dict[str, int]


def _attention(m: Attention) -> Letters:
    return {"H": m.heads, "K": m.kv_heads, "d": m.head_dim} | ({"W": m.window} if m.window else {})


def _latent(m: LatentAttention) -> Letters:
    letters = {"H": m.heads, "r": m.kv_rank, "d_n": m.nope_dim, "d_r": m.rope_dim, "d_v": m.v_dim}
    return letters | ({"r_q": m.q_rank} if m.q_rank else {})


LETTERS: dict[type, Callable[[Any], Letters]] = {
    Attention: _attention,
    CrossAttention: lambda m: {"H": m.heads, "d": m.head_dim},
    LatentAttention: _latent,
    Mamba: lambda m: {"D": m.inner, "N": m.state, "c": m.conv, "r": m.dt_rank},
    Mamba2: lambda m: {"H": m.heads, "P": m.head_dim, "N": m.state, "G": m.groups, "c": m.conv},
    Dense: lambda m: {"f": m.width},
    Experts: lambda m: (
        {"f": m.width, "E": m.experts, "k": m.top_k} | ({"f_s": m.shared_width} if m.shared_width else {})
    ),
    TokenEmbedding: lambda e: {"V": e.vocab},
    LmHead: lambda _: {},
    **hybrid_symbols.LETTERS,
    **linear_symbols.LETTERS,
}

MEANINGS = {
    "h": "hidden width", "H": "query heads", "K": "key-value heads", "d": "head width", "W": "window",
    "f": "feed-forward width", "E": "experts", "k": "experts per token", "c": "columns of the convolution",
    "f_s": "shared experts' width", "V": "vocabulary", "r": "rank (of compressed keys and values, of dt, of adapters)",
    "r_q": "rank of the compressed queries", "d_n": "head width without position", "d_r": "rotary width",
    "d_v": "value width", "D": "inner width", "N": "state width", "P": "head width of the scan", "G": "groups",
    **hybrid_symbols.MEANINGS,
    **linear_symbols.MEANINGS,
}  # fmt: skip

PARAMETERS = {
    ("attention", "attention.qkv"): "h·(H + 2·K)·d",
    ("attention", "attention.o"): "H·d·h",
    ("mla", "attention.q_down"): "h·r_q",
    ("mla", "attention.q_up"): "r_q·H·(d_n + d_r)",
    ("mla", "attention.q"): "h·H·(d_n + d_r)",
    ("mla", "attention.kv_down"): "h·(r + d_r)",
    ("mla", "attention.kv_up"): "r·H·(d_n + d_v)",
    ("mla", "attention.o"): "H·d_v·h",
    ("cross", "cross.q"): "h·H·d",
    ("cross", "cross.kv"): "2·h·H·d",
    ("cross", "cross.o"): "H·d·h",
    ("dense", "channel.gate_up"): "2·h·f",
    ("dense", "channel.up"): "h·f",
    ("dense", "channel.down"): "f·h",
    ("moe", "router"): "h·E",
    ("moe", "experts.gate_up"): "E·2·h·f",
    ("moe", "experts.up"): "E·h·f",
    ("moe", "experts.down"): "E·f·h",
    ("moe", "shared.gate_up"): "2·h·f_s",
    ("moe", "shared.up"): "h·f_s",
    ("moe", "shared.down"): "f_s·h",
    ("mamba", "mixer.in"): "h·2·D",
    ("mamba", "mixer.x"): "D·(r + 2·N)",
    ("mamba", "mixer.dt"): "r·D + D",
    ("mamba", "mixer.scan"): "D·N + D",
    ("mamba", "mixer.out"): "D·h",
    ("mamba2", "mixer.in"): "h·(2·H·P + 2·G·N + H)",
    ("mamba2", "mixer.out"): "H·P·h",
    ("token", "embedding"): "V·h",
    ("lm", "head"): "V·h",
    **hybrid_symbols.PARAMETERS,
    **linear_symbols.PARAMETERS,
}
"""Weights, by the kind of spec and the operator's name within its layer; biases make the coefficient stand alone."""

ACTIVE = {
    ("moe", "experts.gate_up"): "k·2·h·f",
    ("moe", "experts.up"): "k·h·f",
    ("moe", "experts.down"): "k·f·h",
}
"""Of these, what one token uses."""

FLOPS: dict[tuple[str, str], tuple[str, ...]] = {
    ("attention", "attention.core"): ("4·H·d",),
    ("mla", "attention.core"): ("2·H·(d_n + d_r + d_v)", "2·H·(2·r + d_r)"),
    ("cross", "cross.core"): ("4·H·d",),
    ("moe", "experts.gate_up"): ("k·4·h·f",),
    ("moe", "experts.up"): ("k·2·h·f",),
    ("moe", "experts.down"): ("k·2·f·h",),
    ("mamba", "mixer.scan"): ("2·D·N",),
    ("mamba2", "mixer.scan"): ("2·H·P·N", "4·H·P·N", "2·(G·N + H·P)", "2·H·(N + P)"),
    ("mamba", "mixer.convolution"): ("2·D·c",),
    **hybrid_symbols.FLOPS,
    **linear_symbols.FLOPS,
}
"""Per unit of the measure: more than one where a kernel has several ways; a plain product has twice its weights."""

HELD = {
    **linear_symbols.HELD,
    **hybrid_symbols.HELD,
    "kv": ("2·K·d",),
    "latent": ("r + d_r",),
    "cross_kv": ("2·H·d",),
    "scan": ("D·N", "H·P·N", *hybrid_symbols.HELD["scan"]),
    "convolution": ("D·c", "(H·P + 2·G·N)·c", *linear_symbols.HELD["convolution"], *hybrid_symbols.HELD["convolution"]),
}
"""Elements remembered, by the name of the state."""


def letters_of(stack: Stack, name: str) -> Letters:
    """The letters that an operator's formula may use, from the spec it was lowered from."""
    letters = {"h": stack.hidden}
    embedding = stack.embedding
    if isinstance(embedding, TokenEmbedding):
        letters["V"] = embedding.vocab
    pieces = name.split(".")
    if len(pieces) > 1 and pieces[1].isdigit():
        layers = [layer for group in stack.groups for layer in group.layers]
        layer = layers[int(pieces[1])]
        block = layer.cross if pieces[2] == "cross" else hybrid_symbols.part_of(layer, pieces[2])
        if pieces[2] in ("channel", "experts", "router", "shared", "latent"):
            block = layer.channel or block
        read = LETTERS.get(type(block))
        letters |= read(block) if read else {}
    return letters


def put_in(formula: str, letters: Letters) -> tuple[str, int] | None:
    """A formula with numbers in place of letters, and its value; nothing where a letter is missing."""
    missing = False

    def number(match: re.Match[str]) -> str:
        nonlocal missing
        if match[0] not in letters:
            missing = True
            return "0"
        return str(letters[match[0]])

    text = re.sub(r"[A-Za-z](?:_[a-z])?", number, formula)
    return None if missing else (text, _value(text))


def _value(text: str) -> int:
    """The value of sums, products and parentheses of whole numbers; formulas are ours, never a user's."""
    total = 0
    depth, start, terms = 0, 0, []
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "+" and depth == 0:
            terms.append(text[start:i])
            start = i + 1
    for term in (*terms, text[start:]):
        product = 1
        for factor in re.findall(r"\([^()]*\)|\d+", term):
            product *= _value(factor[1:-1]) if factor.startswith("(") else int(factor)
        total += product
    return total
