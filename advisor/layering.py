"""The layers of a model as a drawing of text: what goes in, blocks with how often they repeat, what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.channels import Dense, Experts
from catalog.mixers import Attention, CrossAttention, LatentAttention
from catalog.spec import Group, Layer, ModelSpec, Stack

NAMES = {
    "mamba": "Mamba", "mamba2": "Mamba-2", "mla": "latent attention", "gated-delta-net": "gated delta net",
    "kimi-delta": "Kimi delta", "lightning": "lightning attention", "rg-lru": "RG-LRU", "s4": "S4", "rwkv4": "RWKV-4",
    "rwkv5": "RWKV-5", "rwkv6": "RWKV-6", "rwkv7": "RWKV-7", "short-conv": "short convolution", "hyena": "Hyena",
    "fourier": "Fourier transform", "compressed": "compressed attention", "window": "attention in windows",
    "reduced": "attention to a reduced grid", "joint": "joint attention", "long-attention": "long attention",
    "bare-attention": "attention", "expert-attention": "attention of chosen heads", "mlstm": "mLSTM",
    "parallel-heads": "attention beside a scan", "traced": "all layers, counted on the real model",
    "channel-mix": "channel mix", "convolutions": "convolutions",
}  # fmt: skip
NUMBERS = {
    "heads": "{:,} heads", "head_dim": "× {:,}", "key_heads": "{:,} key heads", "value_heads": "{:,} value heads",
    "inner": "{:,} wide", "width": "{:,} wide", "state": "state {:,}", "window": "window {:,}",
    "rate": "1 summary per {:,} tokens", "kernel": "kernel {}", "order": "order {}",
}  # fmt: skip
"""Fields of mixers that nobody here describes one by one, and how they are said."""
TALL = 48
"""Lines after which the rest of a stack is only counted."""
LONGEST_RUN = 4
"""Layers in a sequence whose repeats are drawn once."""


def layer_lines(spec: ModelSpec) -> list[str]:
    """The drawing, a stack below the other; empty where the publisher does not disclose it."""
    if isinstance(spec.architecture, str):
        return []
    lines: list[str] = []
    for stack in spec.architecture.stacks:
        lines += [*([""] if lines else []), *_stack(stack)]
    return lines


def _stack(stack: Stack) -> list[str]:
    count = f"{stack.n_layers:,} layer{'s' * (stack.n_layers != 1)}, " if stack.n_layers else ""
    drawn = [_group(group) for group in stack.groups]
    width = max((len(words) for group in drawn for _, block in group for words in block), default=0)
    lines = [f"{stack.name}: {count}{stack.hidden:,} wide", f"  ↓ {_embedding(stack.embedding)}"]
    body: list[str] = []
    for group, blocks in zip(stack.groups, drawn, strict=True):
        body += _boxed(blocks, group.repeat, width, _remark(group))
    if len(body) > TALL:
        body = [*body[:TALL], f"  … and {len(body) - TALL} lines more of such blocks"]
    lines += body
    heads = [_head(head) for head in stack.heads]
    return lines + [f"  ↓ {words}" for words in heads if words]


def _remark(group: Group) -> str:
    if group.again is not None:
        return f"the weights of {group.again} once more"
    return "one set of weights" if group.shared and group.repeat > 1 else ""


def _group(group: Group) -> list[tuple[int, list[str]]]:
    """Runs of equal layers, or of equal short sequences of layers: how many, and what is in one."""
    described = [_layer(layer) for layer in group.layers]
    found: list[tuple[int, list[str]]] = []
    at = 0
    while at < len(described):
        length, times = max(
            ((size, _repeats(described, at, size)) for size in range(1, LONGEST_RUN + 1)),
            key=lambda run: (run[0] * run[1] if run[1] > 1 else 1, -run[0]),
        )
        length = length if times > 1 else 1
        words = [text for layer in described[at : at + length] for text in layer]
        if times == 1 and found and found[-1][0] == 1:
            found[-1][1].extend(words)
        else:
            found.append((times, words))
        at += length * times
    return found


def _repeats(items: Sequence[list[str]], at: int, size: int) -> int:
    """How often the next ``size`` items come one after the other."""
    first, times = items[at : at + size], 1
    while items[at + times * size : at + (times + 1) * size] == first:
        times += 1
    return times


def _boxed(blocks: Sequence[tuple[int, list[str]]], repeat: int, width: int, remark: str) -> list[str]:
    """Blocks in one box; how often each and all of them repeat stands at the right."""
    alone = len(blocks) == 1
    lines, side = [], [] if alone else ["┐"]
    lines.append(f"  ┌{'─' * (width + 2)}┐")
    for number, (run, words) in enumerate(blocks):
        if number:
            lines.append(f"  ├{'─' * (width + 2)}┤")
        times = run * repeat if alone else run
        for row, text in enumerate(words):
            mark = f" × {times}" if row == 0 and (times > 1 or not alone) else ""
            lines.append(f"  │ {text:<{width}} │{mark}")
    lines.append(f"  └{'─' * (width + 2)}┘")
    if side and repeat > 1:
        reach = max(len(line) for line in lines) + 1
        middle = len(lines) // 2
        for row, line in enumerate(lines):
            corner = "┐" if row == 0 else "┘" if row == len(lines) - 1 else "│"
            lines[row] = f"{line:<{reach}}{corner}" + (f" × {repeat}" if row == middle else "")
    if remark:
        lines.append(f"    ({remark})")
    return lines


def _layer(layer: Layer) -> list[str]:
    words = []
    if layer.shared is not None:
        words.append(f"shared block: {mixer_words(layer.shared.attention)}")
    if layer.macaron is not None:
        words.append(channel_words(layer.macaron))
    if layer.mixer is not None:
        words.append(mixer_words(layer.mixer))
    if layer.cross is not None:
        words.append(mixer_words(layer.cross))
    if layer.local is not None:
        words.append("convolution module")
    if layer.channel is not None:
        words.append(channel_words(layer.channel))
    return words


def mixer_words(mixer: Any) -> str:
    """A token mixer in a few words: ``attention, 32 heads, 8 kv × 128, window 4,096``."""
    match mixer:
        case Attention():
            pairs = "" if mixer.kv_heads == mixer.heads else f", {mixer.kv_heads:,} kv"
            reach = next(
                (f", {name} {size:,}" for name in ("window", "chunk", "blocks") if (size := getattr(mixer, name))), ""
            )
            chosen = f", {mixer.indexer.top_k:,} blocks of {mixer.indexer.block:,}" if mixer.indexer else ""
            both = "" if mixer.causal else ", both ways"
            borrowed = ", keys of an earlier layer" if mixer.shares_kv else ""
            return f"attention, {mixer.heads:,} heads{pairs} × {mixer.head_dim:,}{reach}{chosen}{both}{borrowed}"
        case LatentAttention():
            reach = f", window {mixer.window:,}" if mixer.window else ""
            chosen = f", {mixer.indexer.top_k:,} chosen tokens" if mixer.indexer else ""
            return (
                f"latent attention, {mixer.heads:,} heads, caches {mixer.kv_rank:,} + {mixer.rope_dim:,}{reach}{chosen}"
            )
        case CrossAttention():
            return f"cross-attention to {mixer.source}, {mixer.heads:,} heads × {mixer.head_dim:,}"
        case _:
            return _named(mixer)


def channel_words(channel: Any) -> str:
    """A channel mixer in a few words: ``experts: 8 of 128, each 768 wide``."""
    match channel:
        case Dense():
            return f"feed-forward, {channel.width:,} wide{', gated' if channel.gated else ''}"
        case Experts():
            shared = f", and one of {channel.shared_width:,} for all" if channel.shared_width else ""
            return f"experts: {channel.top_k:,} of {channel.experts:,}, each {channel.width:,} wide{shared}"
        case _:
            return _named(channel)


def _named(part: Any) -> str:
    kind = str(getattr(part, "kind", "block"))
    found = [
        text.format(value)
        for field, text in NUMBERS.items()
        if isinstance(value := getattr(part, field, None), int) and (field, value) != ("heads", 1)
    ]
    return ", ".join([NAMES.get(kind, kind), *found]).replace(" heads, ×", " heads ×")


def _embedding(embedding: Any) -> str:
    match embedding.kind:
        case "token":
            return f"tokens: {embedding.vocab:,} words"
        case "patch":
            return f"image: {embedding.size} px in patches of {embedding.patch}, {embedding.tokens:,} tokens"
        case "queries":
            return f"{embedding.tokens:,} learned queries"
        case kind:
            return str(kind).replace("-", " ")


def _head(head: Any) -> str:
    match head.kind:
        case "lm":
            return "logits over the vocabulary" + (" (the token table again)" if head.tied else "")
        case "classifier":
            return f"{head.classes:,} classes{' for each token' if head.every_token else ''}"
        case "pooler":
            return "pooler" + (" for each token" if head.every_token else "")
        case kind:
            return str(kind).replace("-", " ")
