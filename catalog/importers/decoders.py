"""Decoders that share LLaMA's layer, and what all importers of decoders use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.channels import Channel, Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, Mixer
from catalog.spec import Architecture, Head, Layer, LmHead, Stack, TokenEmbedding

QKV = ("q", "k", "v")
QKVO = ("q", "k", "v", "o")


def stack(f: Fields, layers: list[Layer], *, tied: bool, lm: bool, **rest: Any) -> Stack:
    """A text decoder around ``layers``; ``lm`` says whether it ends in a language-model head."""
    heads: tuple[Head, ...] = (LmHead(tied=tied, bias=rest.pop("head_bias", False)),) if lm else ()
    embedding = rest.pop("embedding", None) or TokenEmbedding(vocab=f.size("vocab_size"))
    return Stack(
        name="decoder",
        role="decoder",
        hidden=rest.pop("hidden", None) or f.size("hidden_size", "n_embd"),
        embedding=embedding,
        groups=fold(layers),
        heads=heads,
        **rest,
    )


def decoder(f: Fields, lm: bool, layers: list[Layer], **rest: Any) -> Architecture:
    """A model of one text decoder; whether its head is tied, the type's default decides where nothing is said."""
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm, **rest),))


def attention(f: Fields, **overrides: Any) -> Attention:
    """Grouped attention under its usual names."""
    heads = f.size("num_attention_heads")
    hidden = f.size("hidden_size")
    if "head_dim" not in overrides and f.value("head_dim") is None and hidden % heads:
        raise BadInput(
            f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads} and head_dim is missing"
        )
    fields: dict[str, Any] = {
        "heads": heads,
        "kv_heads": f.size("num_key_value_heads", default=heads),
        "head_dim": f.size("head_dim", default=max(1, hidden // heads)),
        "bias": QKVO if f.flag("attention_bias") else (),
    }
    return Attention(**{**fields, **overrides})


def gated(f: Fields, **overrides: Any) -> Dense:
    """A gated feed-forward under its usual names."""
    fields = {"width": f.size("intermediate_size"), "gated": True, "bias": f.flag("mlp_bias")}
    return Dense(**{**fields, **overrides})


def plain(f: Fields, mixer: Mixer, channel: Channel, **layer: Any) -> list[Layer]:
    """Equal layers throughout."""
    return [Layer(mixer=mixer, channel=channel, **layer)] * f.size("num_hidden_layers")


def windows(f: Fields, default: Callable[[int], bool]) -> list[int | None]:
    """The window of each layer: from ``layer_types`` where given, else where ``default`` says so."""
    n, width = f.size("num_hidden_layers"), f.value("sliding_window")
    types = f.names("layer_types", n)
    if width is None or (types is None and f.value("use_sliding_window") is False):
        return [None] * n
    slides = [kind == "sliding_attention" for kind in types] if types else [default(i) for i in range(n)]
    return [f.size("sliding_window") if slide else None for slide in slides]


def tied(f: Fields, default: bool) -> bool:
    """Whether head and embedding are one matrix."""
    return f.flag("tie_word_embeddings", default)


def llama(f: Fields, lm: bool = True) -> Architecture:
    """LLaMA and all that share its layer: RMS norms, rotary positions, a gated feed-forward."""
    return Architecture(stacks=(stack(f, plain(f, attention(f), gated(f)), tied=tied(f, False), lm=lm),))


def mistral(f: Fields, lm: bool = True) -> Architecture:
    """LLaMA's layer with a sliding window in every layer."""
    sliding = windows(f, lambda i: True)
    layers = [Layer(mixer=attention(f, window=w, bias=()), channel=gated(f, bias=False)) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def phi3(f: Fields, lm: bool = True) -> Architecture:
    """Phi-3: one window for all layers, no biases."""
    return mistral(f, lm)


def qwen2(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 2: biases on queries, keys and values only; windows in the last layers where switched on."""
    first = f.size("max_window_layers", default=28, zero=True)
    sliding = windows(f, lambda i: i >= first)
    layers = [Layer(mixer=attention(f, bias=QKV, window=w), channel=gated(f, bias=False)) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def qwen3(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 3: norms on each head's queries and keys."""
    first = f.size("max_window_layers", default=28, zero=True)
    sliding = windows(f, lambda i: i >= first)
    layers = [Layer(mixer=attention(f, qk_norm="head", window=w), channel=gated(f, bias=False)) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def gemma2(f: Fields, lm: bool = True) -> Architecture:
    """Gemma 2: norms before and after each block, windows in every other layer, soft-capped logits."""
    sliding = windows(f, lambda i: i % 2 == 0)
    layers = [
        Layer(
            mixer=attention(f, window=w, softcap=f.value("attn_logit_softcapping") is not None),
            channel=gated(f, activation="gelu", bias=False),
            norms="sandwich",
        )
        for w in sliding
    ]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def olmo2(f: Fields, lm: bool = True) -> Architecture:
    """OLMo 2: norms on what blocks return, and over the whole width of queries and keys."""
    layers = plain(f, attention(f, qk_norm="full"), gated(f, bias=False), norms="branch")
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def smollm3(f: Fields, lm: bool = True) -> Architecture:
    """SmolLM3: every n-th layer goes without positions."""
    n, every = f.size("num_hidden_layers"), f.size("no_rope_layer_interval", default=4)
    rope = f.value("no_rope_layers") or [int((i + 1) % every != 0) for i in range(n)]
    if not isinstance(rope, list) or len(rope) != n:
        raise BadInput(f"{f.where}: field 'no_rope_layers' must list {n} layers")
    layers = [Layer(mixer=attention(f, position="rotary" if rope[i] else "none"), channel=gated(f)) for i in range(n)]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def gemma(f: Fields, lm: bool = True) -> Architecture:
    """Gemma 1: LLaMA's layer with heads wider than the hidden width allows."""
    return decoder(f, lm, plain(f, attention(f), gated(f, activation="gelu", bias=False)))


def gemma3(f: Fields, lm: bool = True) -> Architecture:
    """Gemma 3: windows in five of six layers, norms before and after each block and on each head's queries and keys."""
    every = f.size("sliding_window_pattern", "_sliding_window_pattern", default=6)
    if f.flag("use_bidirectional_attention"):
        raise BadInput(f"{f.where}: use_bidirectional_attention=true is not modelled")
    sliding = windows(f, lambda i: (i + 1) % every != 0)
    channel = gated(f, activation="gelu", bias=False)
    layers = [Layer(mixer=attention(f, window=w, qk_norm="head"), channel=channel, norms="sandwich") for w in sliding]
    return decoder(f, lm, layers)


def cohere(f: Fields, lm: bool = True) -> Architecture:
    """Command R and Aya: attention and feed-forward side by side behind one norm, which has no bias."""
    mixer = attention(f, qk_norm="full" if f.flag("use_qk_norm") else None)
    return decoder(f, lm, plain(f, mixer, gated(f, bias=False), norms="parallel-shared"), norm="layer-no-bias")


def cohere2(f: Fields, lm: bool = True) -> Architecture:
    """Command R7B and A: Command R's layer with windows in three of four layers; the fourth has no positions."""
    f.read.add("head_dim")
    every = f.size("sliding_window_pattern", default=4)
    heads, hidden, channel = f.size("num_attention_heads"), f.size("hidden_size"), gated(f, bias=False)
    layers = [
        Layer(
            mixer=attention(f, window=w, position="rotary" if w else "none", head_dim=max(1, hidden // heads)),
            channel=channel,
            norms="parallel-shared",
        )
        for w in windows(f, lambda i: (i + 1) % every != 0)
    ]
    return decoder(f, lm, layers, norm="layer-no-bias")


def olmo(f: Fields, lm: bool = True) -> Architecture:
    """OLMo 1: norms without weights."""
    return decoder(f, lm, plain(f, attention(f), gated(f, bias=False)), norm="plain")


def olmo3(f: Fields, lm: bool = True) -> Architecture:
    """OLMo 3: OLMo 2 with windows in three of four layers."""
    channel = gated(f, bias=False)
    layers = [
        Layer(mixer=attention(f, qk_norm="full", window=w), channel=channel, norms="branch")
        for w in windows(f, lambda i: (i + 1) % 4 != 0)
    ]
    return decoder(f, lm, layers)


def exaone4(f: Fields, lm: bool = True) -> Architecture:
    """EXAONE 4: norms on what blocks return and on each head's queries and keys; where some layers have windows, the
    others have no positions."""
    every, channel = f.value("sliding_window_pattern", default=4), gated(f, bias=False)
    if isinstance(every, str) and set(every) <= {"L", "G"} and every:
        pattern = [letter == "L" for letter in every]
        sliding = windows(f, lambda i: pattern[i % len(pattern)])
    else:
        step = f.size("sliding_window_pattern", default=4)
        sliding = windows(f, lambda i: (i + 1) % step != 0)
    mixed = f.value("sliding_window") is not None
    layers = [
        Layer(
            mixer=attention(f, bias=(), qk_norm="head", window=w, position="rotary" if w or not mixed else "none"),
            channel=channel,
            norms="branch",
        )
        for w in sliding
    ]
    return decoder(f, lm, layers)


def ernie4_5(f: Fields, lm: bool = True) -> Architecture:
    """ERNIE 4.5, dense: LLaMA's layer, with biases everywhere or nowhere."""
    bias = f.flag("use_bias")
    return decoder(f, lm, plain(f, attention(f, bias=QKVO if bias else ()), gated(f, bias=bias)))


def glm(f: Fields, lm: bool = True) -> Architecture:
    """GLM 4 (9B): biases on queries, keys and values."""
    bias = QKV if f.flag("attention_bias") else ()
    return decoder(f, lm, plain(f, attention(f, bias=bias), gated(f, bias=False)))


def glm4(f: Fields, lm: bool = True) -> Architecture:
    """GLM 4 (0414): as ``glm``, with norms before and after each block."""
    bias = QKV if f.flag("attention_bias") else ()
    return decoder(f, lm, plain(f, attention(f, bias=bias), gated(f, bias=False), norms="sandwich"))


def arcee(f: Fields, lm: bool = True) -> Architecture:
    """AFM: LLaMA's layer with two matrices and a squared ReLU in the feed-forward."""
    return decoder(f, lm, plain(f, attention(f), gated(f, gated=False, activation="relu2")))


def seed_oss(f: Fields, lm: bool = True) -> Architecture:
    """Seed-OSS: biases on queries, keys and values, and apart from them on the output."""
    bias = (QKV if f.flag("attention_bias") else ()) + (("o",) if f.flag("attention_out_bias") else ())
    return decoder(f, lm, plain(f, attention(f, bias=bias), gated(f)))


def apertus(f: Fields, lm: bool = True) -> Architecture:
    """Apertus: norms on each head's queries and keys, two matrices and an activation with two learned numbers."""
    channel = gated(f, gated=False, bias=False, activation="xielu", activation_scalars=2)
    return decoder(f, lm, plain(f, attention(f, qk_norm="head"), channel))


def helium(f: Fields, lm: bool = True) -> Architecture:
    """Helium: LLaMA's layer; the output projection never has a bias."""
    bias = QKV if f.flag("attention_bias") else ()
    return decoder(f, lm, plain(f, attention(f, bias=bias), gated(f)))


def cwm(f: Fields, lm: bool = True) -> Architecture:
    """Code World Model: LLaMA 3's layer with windows in three of four layers."""
    channel, sliding = gated(f), windows(f, lambda i: i % 4 != 0)
    return decoder(f, lm, [Layer(mixer=attention(f, bias=(), window=w), channel=channel) for w in sliding])


def hunyuan_v1_dense(f: Fields, lm: bool = True) -> Architecture:
    """Hunyuan, dense: norms on each head's queries and keys after the rotation."""
    f.read.update(("attention_head_dim", "use_qk_norm", "mlp_bias"))
    return decoder(f, lm, plain(f, attention(f, qk_norm="head"), gated(f, bias=False)))


TYPES: dict[str, kinds.Type] = {
    "apertus": kinds.causal("Apertus", apertus),
    "arcee": kinds.causal("Arcee", arcee),
    "cohere": kinds.causal("Cohere", cohere),
    "cohere2": kinds.causal("Cohere2", cohere2),
    "cwm": kinds.causal("Cwm", cwm),
    "ernie4_5": kinds.causal("Ernie4_5", ernie4_5),
    "exaone4": kinds.causal("Exaone4", exaone4),
    "gemma": kinds.causal("Gemma", gemma),
    "gemma2": kinds.causal("Gemma2", gemma2),
    "gemma3_text": kinds.causal("Gemma3", gemma3),
    "glm": kinds.causal("Glm", glm),
    "glm4": kinds.causal("Glm4", glm4),
    "granite": kinds.causal("Granite", llama),
    "helium": kinds.causal("Helium", helium),
    "hunyuan_v1_dense": kinds.causal("HunYuanDenseV1", hunyuan_v1_dense),
    "llama": kinds.causal("Llama", llama),
    "ministral": kinds.causal("Ministral", mistral),
    "ministral3": kinds.causal("Ministral3", mistral),
    "mistral": kinds.causal("Mistral", mistral),
    "olmo": kinds.causal("Olmo", olmo),
    "olmo2": kinds.causal("Olmo2", olmo2),
    "olmo3": kinds.causal("Olmo3", olmo3),
    "phi3": kinds.causal("Phi3", phi3),
    "qwen2": kinds.causal("Qwen2", qwen2),
    "qwen3": kinds.causal("Qwen3", qwen3),
    "seed_oss": kinds.causal("SeedOss", seed_oss),
    "smollm3": kinds.causal("SmolLM3", smollm3),
}
