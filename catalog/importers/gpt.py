"""Decoders in the line of GPT-2: layer norms, biases, two matrices in the feed-forward, all kinds of positions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import kinds
from catalog.importers.decoders import QKV, QKVO, attention, decoder, gated, stack, tied, windows
from catalog.importers.fields import Fields
from catalog.mixers import Attention
from catalog.spec import Architecture, Layer, TokenEmbedding


def heads_of_width(f: Fields, *names: str, hidden: int) -> dict[str, int]:
    """As many key-value heads as query heads, and what the width leaves for each."""
    heads = f.size(*names)
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden width {hidden} is not a multiple of {names[0]}={heads}")
    return {"heads": heads, "kv_heads": heads, "head_dim": hidden // heads}


def plain_feed_forward(f: Fields, width: int, bias: bool = True, activation: str = "gelu") -> Dense:
    """Two matrices."""
    f.read.update(("activation", "activation_function", "hidden_act"))
    return Dense(width=width, gated=False, bias=bias, activation=activation)


def gpt2(f: Fields, lm: bool = True) -> Architecture:
    """GPT-2: learned positions, layer norms, biases everywhere."""
    hidden, heads = f.size("n_embd", "hidden_size"), f.size("n_head", "num_attention_heads")
    if hidden % heads:
        raise BadInput(f"{f.where}: n_embd={hidden} is not a multiple of n_head={heads}")
    mixer = Attention(heads=heads, kv_heads=heads, head_dim=hidden // heads, bias=QKVO, position="absolute")
    channel = Dense(width=f.size("n_inner", default=4 * hidden), gated=False, bias=True, activation="gelu")
    layers = [Layer(mixer=mixer, channel=channel)] * f.size("n_layer", "num_hidden_layers")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("n_positions", "max_position_embeddings"))
    return Architecture(
        stacks=(stack(f, layers, tied=tied(f, True), lm=lm, hidden=hidden, norm="layer", embedding=embedding),)
    )


def gptj(f: Fields, lm: bool = True) -> Architecture:
    """GPT-J and CodeGen: attention without biases and feed-forward side by side behind one norm; a head with bias."""
    f.read.add("n_positions")
    hidden = f.size("n_embd", "hidden_size")
    mixer = Attention(**heads_of_width(f, "n_head", "num_attention_heads", hidden=hidden))
    channel = plain_feed_forward(f, f.size("n_inner", default=4 * hidden))
    layers = [Layer(mixer=mixer, channel=channel, norms="parallel-shared")]
    layers *= f.size("n_layer", "num_hidden_layers")
    return decoder(f, lm, layers, hidden=hidden, norm="layer", head_bias=True)


def gpt_neox(f: Fields, lm: bool = True) -> Architecture:
    """GPT-NeoX and Pythia: attention and feed-forward side by side, each behind its own norm."""
    hidden = f.size("hidden_size")
    bias = QKVO if f.flag("attention_bias", True) else ()
    layer = Layer(
        mixer=Attention(**heads_of_width(f, "num_attention_heads", hidden=hidden), bias=bias),
        channel=plain_feed_forward(f, f.size("intermediate_size")),
        norms="parallel" if f.flag("use_parallel_residual", True) else "pre",
    )
    return decoder(f, lm, [layer] * f.size("num_hidden_layers"), norm="layer")


def opt(f: Fields, lm: bool = True) -> Architecture:
    """OPT: learned positions with two rows to spare."""
    f.read.update(("layerdrop", "init_std"))
    hidden, bias = f.size("hidden_size"), f.flag("enable_bias", True)
    width, rows = f.size("word_embed_proj_dim", default=hidden), f.size("max_position_embeddings") + 2
    first = f.flag("do_layer_norm_before", True)
    heads = heads_of_width(f, "num_attention_heads", hidden=hidden)
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO if bias else (), position="absolute"),
        channel=plain_feed_forward(f, f.size("ffn_dim"), bias, "relu"),
        norms="pre" if first else "post",
    )
    return decoder(
        f,
        lm,
        [layer] * f.size("num_hidden_layers"),
        norm="layer" if f.flag("layer_norm_elementwise_affine", True) else "plain",
        final_norm=first and not f.flag("_remove_final_layer_norm"),
        **_opt_embedding(f.size("vocab_size"), rows, width, hidden),
    )


def _opt_embedding(vocab: int, rows: int, width: int, hidden: int) -> dict[str, Any]:
    """Tokens and positions; narrower tokens are carried to the hidden width and back, positions are not (350M)."""
    if width == hidden:
        return {"embedding": TokenEmbedding(vocab=vocab, positions=rows)}
    positions = Learned(name="positions", elements=rows * hidden, table=True, row=hidden)
    back = Linear(name="project_out", inputs=hidden, outputs=width)
    return {"embedding": TokenEmbedding(vocab=vocab, width=width, width_bias=False), "extras": (positions, back)}


def opt_type() -> kinds.Type:
    """OPT; a fine-tuned head would read the narrower width, which is not modelled."""
    usual = kinds.causal("OPT", opt)

    def read(f: Fields, class_name: str) -> Architecture:
        narrow = f.value("word_embed_proj_dim") not in (None, f.value("hidden_size"))
        if narrow and class_name.removeprefix("OPT") in kinds.TUNED:
            raise BadInput(f"{f.where}: word_embed_proj_dim other than hidden_size is not modelled for {class_name}")
        return usual.read(f, class_name)

    return replace(usual, read=read)


def bloom(f: Fields, lm: bool = True) -> Architecture:
    """BLOOM: ALiBi, and a norm after the embedding."""
    f.read.update(("apply_residual_connection_post_layernorm", "slow_but_exact"))
    hidden = f.size("hidden_size", "n_embed")
    heads = heads_of_width(f, "n_head", "num_attention_heads", hidden=hidden)
    layer = Layer(mixer=Attention(**heads, bias=QKVO, position="alibi"), channel=plain_feed_forward(f, 4 * hidden))
    layers = [layer] * f.size("n_layer", "num_hidden_layers")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), norm=True)
    return decoder(f, lm, layers, hidden=hidden, norm="layer", embedding=embedding)


def falcon(f: Fields, lm: bool = True) -> Architecture:
    """Falcon: multi-query attention beside the feed-forward (7B), or groups and two norms (40B), or BLOOM's layer."""
    f.read.update(("apply_residual_connection_post_layernorm", "n_head", "n_layer", "multi_query"))
    hidden, bias, new = f.size("hidden_size", "n_embed"), f.flag("bias"), f.flag("new_decoder_architecture")
    heads = heads_of_width(f, "num_attention_heads", "n_head", hidden=hidden)
    if new or not f.flag("multi_query", True):
        heads["kv_heads"] = f.size("num_kv_heads", default=heads["heads"])
    else:
        f.read.add("num_kv_heads")
        heads["kv_heads"] = 1
    norms = f.value("num_ln_in_parallel_attn", default=2 if new else 1)
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO if bias else (), position="alibi" if f.flag("alibi") else "rotary"),
        channel=plain_feed_forward(f, f.size("ffn_hidden_size", default=4 * hidden), bias),
        norms=("parallel" if norms == 2 else "parallel-shared") if f.flag("parallel_attn", True) else "pre",
    )
    return decoder(f, lm, [layer] * f.size("num_hidden_layers", "n_layer"), hidden=hidden, norm="layer")


def mpt(f: Fields, lm: bool = True) -> Architecture:
    """MPT: ALiBi, no bias anywhere, not even in norms."""
    f.read.update(("embedding_fraction", "emb_pdrop", "init_device", "learned_pos_emb", "logit_scale", "norm_type"))
    f.read.update(("max_seq_len", "no_bias", "verbose", "init_config", "tokenizer_name"))
    hidden, ways = f.size("d_model", "hidden_size"), f.child("attn_config")
    if f.value("expansion_ratio", default=4) != 4 or ways.flag("qk_ln"):
        raise BadInput(f"{f.where}: expansion_ratio other than 4 and qk_ln are not part of MptForCausalLM")
    heads = heads_of_width(f, "n_heads", "num_attention_heads", hidden=hidden)
    layer = Layer(mixer=Attention(**heads, position="alibi"), channel=plain_feed_forward(f, 4 * hidden, False))
    layers = [layer] * f.size("n_layers", "num_hidden_layers")
    return decoder(f, lm, layers, hidden=hidden, norm="layer-no-bias")


def gpt_bigcode(f: Fields, lm: bool = True) -> Architecture:
    """StarCoder 1 and SantaCoder: GPT-2 with one key-value head."""
    f.read.add("num_key_value_heads")
    hidden = f.size("n_embd", "hidden_size")
    heads = heads_of_width(f, "n_head", "num_attention_heads", hidden=hidden)
    if f.flag("multi_query", True):
        heads["kv_heads"] = 1
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO, position="absolute"),
        channel=plain_feed_forward(f, f.size("n_inner", default=4 * hidden)),
    )
    layers = [layer] * f.size("n_layer", "num_hidden_layers")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("n_positions", "max_position_embeddings"))
    return decoder(f, lm, layers, hidden=hidden, norm="layer", embedding=embedding)


def xglm(f: Fields, lm: bool = True) -> Architecture:
    """XGLM: sinusoidal positions."""
    f.read.update(("layerdrop", "init_std"))
    hidden = f.size("d_model", "hidden_size")
    heads = heads_of_width(f, "attention_heads", "num_attention_heads", hidden=hidden)
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO, position="absolute"), channel=plain_feed_forward(f, f.size("ffn_dim"))
    )
    return decoder(f, lm, [layer] * f.size("num_layers", "num_hidden_layers"), hidden=hidden, norm="layer")


def biogpt(f: Fields, lm: bool = True) -> Architecture:
    """BioGPT: learned positions with two rows to spare."""
    f.read.add("layerdrop")
    hidden = f.size("hidden_size")
    heads = heads_of_width(f, "num_attention_heads", hidden=hidden)
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO, position="absolute"),
        channel=plain_feed_forward(f, f.size("intermediate_size")),
    )
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings") + 2)
    return decoder(f, lm, [layer] * f.size("num_hidden_layers"), norm="layer", embedding=embedding)


def ctrl(f: Fields, lm: bool = True) -> Architecture:
    """CTRL: sinusoidal positions, a head with a bias."""
    f.read.add("n_positions")
    hidden = f.size("n_embd", "hidden_size")
    heads = heads_of_width(f, "n_head", "num_attention_heads", hidden=hidden)
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO, position="absolute"),
        channel=plain_feed_forward(f, f.size("dff"), activation="relu"),
    )
    layers = [layer] * f.size("n_layer", "num_hidden_layers")
    return decoder(f, lm, layers, hidden=hidden, norm="layer", head_bias=True)


def _head_norm(f: Fields) -> dict[str, Any]:
    return {"qk_norm": "head", "qk_norm_bias": True} if f.flag("qk_layernorm") else {}


def phi(f: Fields, lm: bool = True) -> Architecture:
    """Phi 1, 1.5 and 2: attention and feed-forward side by side behind one norm, biases everywhere."""
    mixer = attention(f, bias=QKVO, **_head_norm(f))
    channel = plain_feed_forward(f, f.size("intermediate_size"))
    layers = [Layer(mixer=mixer, channel=channel, norms="parallel-shared")] * f.size("num_hidden_layers")
    return decoder(f, lm, layers, norm="layer", head_bias=True)


def persimmon(f: Fields, lm: bool = True) -> Architecture:
    """Persimmon: norms with biases on each head's queries and keys."""
    heads = heads_of_width(f, "num_attention_heads", hidden=f.size("hidden_size"))
    layer = Layer(
        mixer=Attention(**heads, bias=QKVO, **_head_norm(f)),
        channel=plain_feed_forward(f, f.size("intermediate_size"), activation="relu2"),
    )
    return decoder(f, lm, [layer] * f.size("num_hidden_layers"), norm="layer")


def stablelm(f: Fields, lm: bool = True) -> Architecture:
    """StableLM: LLaMA's layer with layer norms; a norm of its own for each head where asked for."""
    bias, norm = QKV if f.flag("use_qkv_bias") else (), "full" if f.flag("qk_layernorm") else None
    layer = Layer(
        mixer=attention(f, bias=bias, qk_norm=norm),
        channel=gated(f, bias=False),
        norms="parallel-shared" if f.flag("use_parallel_residual") else "pre",
    )
    return decoder(f, lm, [layer] * f.size("num_hidden_layers"), norm="layer")


def starcoder2(f: Fields, lm: bool = True) -> Architecture:
    """StarCoder 2: grouped attention with a window, layer norms, biases everywhere."""
    if (
        f.value("mlp_type", default="default") != "default"
        or f.value("norm_type", default="layer_norm") != "layer_norm"
    ):
        raise BadInput(f"{f.where}: mlp_type and norm_type other than the usual are not part of Starcoder2ForCausalLM")
    bias = f.flag("use_bias", True)
    channel = plain_feed_forward(f, f.size("intermediate_size"), bias)
    sliding = windows(f, lambda i: True)
    layers = [Layer(mixer=attention(f, bias=QKVO if bias else (), window=w), channel=channel) for w in sliding]
    return decoder(f, lm, layers, norm="layer")


def nemotron(f: Fields, lm: bool = True) -> Architecture:
    """Nemotron and Minitron: layer norms, squared ReLU."""
    channel = plain_feed_forward(f, f.size("intermediate_size"), f.flag("mlp_bias"), "relu2")
    return decoder(f, lm, [Layer(mixer=attention(f), channel=channel)] * f.size("num_hidden_layers"), norm="layer")


TYPES: dict[str, kinds.Type] = {
    "biogpt": kinds.causal("BioGpt", biogpt),
    "bloom": kinds.causal("Bloom", bloom),
    "codegen": kinds.causal("CodeGen", gptj),
    "ctrl": kinds.causal("CTRL", ctrl),
    "falcon": kinds.causal("Falcon", falcon),
    "gpt-sw3": kinds.causal("GPT2", gpt2),
    "gpt2": kinds.causal("GPT2", gpt2),
    "gpt_bigcode": kinds.causal("GPTBigCode", gpt_bigcode),
    "gpt_neox": kinds.causal("GPTNeoX", gpt_neox),
    "gptj": kinds.causal("GPTJ", gptj),
    "mpt": kinds.causal("Mpt", mpt),
    "nemotron": kinds.causal("Nemotron", nemotron),
    "opt": opt_type(),
    "persimmon": kinds.causal("Persimmon", persimmon),
    "phi": kinds.causal("Phi", phi),
    "stablelm": kinds.causal("StableLm", stablelm),
    "starcoder2": kinds.causal("Starcoder2", starcoder2),
    "xglm": kinds.causal("XGLM", xglm),
}
