"""GPT-1 and decoders of its time and kind: GPT-Neo, Japanese GPT-NeoX, CPM-Ant, ModernBERT as a decoder."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import QKVO, decoder
from catalog.importers.fields import Fields
from catalog.importers.gpt import heads_of_width, plain_feed_forward
from catalog.mixers import Attention
from catalog.spec import Architecture, Layer, LmHead, TokenEmbedding


def openai_gpt(f: Fields, lm: bool = True) -> Architecture:
    """GPT-1: learned positions, norms on what blocks return, none at the end."""
    f.read.update(("afn", "n_ctx"))
    hidden = f.size("n_embd", "hidden_size")
    mixer = Attention(
        **heads_of_width(f, "n_head", "num_attention_heads", hidden=hidden), bias=QKVO, position="absolute"
    )
    layer = Layer(mixer=mixer, channel=plain_feed_forward(f, 4 * hidden), norms="post")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("n_positions", "max_position_embeddings"))
    layers = [layer] * f.size("n_layer", "num_hidden_layers")
    return decoder(f, lm, layers, hidden=hidden, norm="layer", embedding=embedding, final_norm=False)


def gpt_neo(f: Fields, lm: bool = True) -> Architecture:
    """GPT-Neo: GPT-2 with a window in every other layer, and a bias only on attention's output."""
    n, hidden = f.size("num_layers", "num_hidden_layers"), f.size("hidden_size")
    f.read.add("attention_layers")
    kinds_of_layers = _expanded(f, n)
    window = f.size("window_size")
    heads = heads_of_width(f, "num_heads", "num_attention_heads", hidden=hidden)
    channel = plain_feed_forward(f, f.size("intermediate_size", default=4 * hidden))
    mixers = {
        "global": Attention(**heads, bias=("o",), position="absolute"),
        "local": Attention(**heads, bias=("o",), position="absolute", window=window, keeps_all=True),
    }
    return decoder(
        f,
        lm,
        [Layer(mixer=mixers[kind], channel=channel) for kind in kinds_of_layers],
        norm="layer",
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings")),
    )


def _expanded(f: Fields, n: int) -> list[str]:
    """``[[["global", "local"], 12]]`` written out."""
    runs: Any = f.value("attention_types", default=[[["global", "local"], 12]])
    try:
        names = [name for pattern, times in runs for _ in range(times) for name in pattern]
    except (TypeError, ValueError):
        names = []
    if len(names) != n or not set(names) <= {"global", "local"}:
        raise BadInput(
            f"{f.where}: field 'attention_types' must list patterns of 'global' and 'local' with how often each is "
            f"repeated, {n} layers in all"
        )
    return names


def gpt_neox_japanese(f: Fields, lm: bool = True) -> Architecture:
    """GPT-NeoX Japanese: no biases, except on attention's output in the last layer."""
    n, hidden = f.size("num_hidden_layers"), f.size("hidden_size")
    heads = heads_of_width(f, "num_attention_heads", hidden=hidden)
    times: Any = f.value("intermediate_multiple_size", default=4)
    if not isinstance(times, int | float) or times <= 0:
        raise BadInput(f"{f.where}: field 'intermediate_multiple_size' is {times!r}; expected a positive number")
    channel = plain_feed_forward(f, int(hidden * times), bias=False)
    layers = [Layer(mixer=Attention(**heads, bias=("o",) if i == n - 1 else ()), channel=channel) for i in range(n)]
    return decoder(f, lm, layers, norm="layer")


def cpmant(f: Fields, lm: bool = True) -> Architecture:
    """CPM-Ant: a learned prompt before the text, segments, and one table of relative positions for all layers."""
    f.read.update(("eps", "dropout_p", "position_bias_max_distance"))
    heads = f.size("num_attention_heads")
    segments, prompts = f.size("segment_types"), f.size("prompt_types") * f.size("prompt_length")
    mixer = Attention(heads=heads, kv_heads=heads, head_dim=f.size("dim_head"), position="relative", prefix=True)
    channel = Dense(width=f.size("dim_ff"), gated=True, activation="gelu")
    architecture = decoder(
        f,
        lm,
        [Layer(mixer=mixer, channel=channel)] * f.size("num_hidden_layers"),
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), positions=prompts, types=segments),
        relative_buckets=f.size("position_bias_num_buckets") + segments**2,
    )
    return kinds.with_heads(architecture, (LmHead(),)) if lm else architecture


def modernbert_decoder(f: Fields, lm: bool = True) -> Architecture:
    """ModernBERT as a decoder (Ettin, arXiv:2507.11412): windows in two of three layers, a dense layer in the head."""
    f.read.update(("local_attention", "sliding_window"))
    hidden, n = f.size("hidden_size"), f.size("num_hidden_layers")
    every, window = f.size("global_attn_every_n_layers", default=3), f.size("local_attention") // 2
    types = f.names("layer_types", n)
    slides = [t == "sliding_attention" for t in types] if types else [i % every != 0 for i in range(n)]
    bias = QKVO if f.flag("attention_bias") else ()
    heads = heads_of_width(f, "num_attention_heads", hidden=hidden)
    channel = Dense(width=f.size("intermediate_size"), gated=True, bias=f.flag("mlp_bias"), activation="gelu")
    layers = [
        Layer(
            mixer=Attention(**heads, bias=bias, window=window if slide else None),
            channel=channel,
            norms="pre" if i else "channel-only",
        )
        for i, slide in enumerate(slides)
    ]
    architecture = decoder(
        f,
        lm,
        layers,
        norm="layer" if f.flag("norm_bias") else "layer-no-bias",
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), norm=True),
    )
    head = LmHead(
        tied=f.flag("tie_word_embeddings", True),
        bias=f.flag("decoder_bias", True),
        transform="dense",
        transform_bias=f.flag("classifier_bias"),
    )
    return kinds.with_heads(architecture, (head,)) if lm else architecture


TYPES: dict[str, kinds.Type] = {
    "cpmant": kinds.causal("CpmAnt", cpmant, proof="parameters"),
    "gpt_neo": kinds.causal("GPTNeo", gpt_neo),
    "gpt_neox_japanese": kinds.causal("GPTNeoXJapanese", gpt_neox_japanese),
    "modernbert-decoder": kinds.causal("ModernBertDecoder", modernbert_decoder, tuned=False),
    "openai-gpt": kinds.causal("OpenAIGPT", openai_gpt),
}
