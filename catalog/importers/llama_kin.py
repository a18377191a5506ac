"""Decoders that add a mechanism or two to LLaMA's layer: gates, inner norms, differences, cycles, sinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.channels import Dense, Experts
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds
from catalog.importers.decoders import QKVO, attention, decoder, gated, llama, plain, tied, windows
from catalog.importers.fields import Fields
from catalog.mixers import Attention
from catalog.spec import Architecture, Group, Head, Layer, LmHead, Stack, TokenEmbedding


def bitnet(f: Fields, lm: bool = True) -> Architecture:
    """BitNet b1.58: a norm before the last matrix of attention and of feed-forward (arXiv:2504.12285, section 2)."""
    mixer = attention(f, out_norm=True)
    if mixer.heads * mixer.head_dim != f.size("hidden_size"):
        raise BadInput(f"{f.where}: head_dim={mixer.head_dim} leaves another width than hidden_size to BitNet's norm")
    return decoder(f, lm, plain(f, mixer, gated(f, bias=False, activation="relu2", inner_norm=True)))


def diffllama(f: Fields, lm: bool = True) -> Architecture:
    """DiffLlama: LLaMA with differential attention (arXiv:2410.05258)."""
    return decoder(f, lm, plain(f, attention(f, differential=True), gated(f, bias=False)))


def hyperclovax(f: Fields, lm: bool = True) -> Architecture:
    """HyperCLOVA X: LLaMA's layer, with norms also on what blocks return."""
    norms = "sandwich" if f.flag("use_post_norm", True) else "pre"
    return decoder(f, lm, plain(f, attention(f), gated(f), norms=norms))


def internlm3(f: Fields, lm: bool = True) -> Architecture:
    """InternLM 3: LLaMA; its own file calls the biases otherwise."""
    if f.flag("qkv_bias", f.flag("attention_bias")) != f.flag("bias", f.flag("mlp_bias")):
        raise BadInput(f"{f.where}: 'qkv_bias' differs from 'bias', which LlamaForCausalLM cannot build")
    bias = f.flag("qkv_bias", f.flag("attention_bias"))
    return decoder(f, lm, plain(f, attention(f, bias=QKVO if bias else ()), gated(f, bias=bias)))


def iquestcoder(f: Fields, lm: bool = True) -> Architecture:
    """IQuest-Coder: LLaMA, without the options of its own file that no checkpoint uses."""
    if f.flag("use_sliding_window") or f.value("clip_qkv") is not None:
        raise BadInput(f"{f.where}: use_sliding_window and clip_qkv are not part of LlamaForCausalLM")
    return llama(f, lm)


def jais2(f: Fields, lm: bool = True) -> Architecture:
    """Jais 2: layer norms, biases, two matrices and a squared ReLU in the feed-forward."""
    return decoder(f, lm, plain(f, attention(f), gated(f, gated=False, activation="relu2")), norm="layer")


def nanochat(f: Fields, lm: bool = True) -> Architecture:
    """nanochat: norms without weights, also after the embedding and on each head's queries and keys."""
    channel = Dense(width=f.size("intermediate_size"), gated=False, activation="relu2")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), norm=True)
    return decoder(f, lm, plain(f, attention(f, qk_norm="plain"), channel), norm="plain", embedding=embedding)


def vaultgemma(f: Fields, lm: bool = True) -> Architecture:
    """VaultGemma: Gemma 2 without norms on what blocks return."""
    softcap = f.value("attn_logit_softcapping") is not None
    channel = gated(f, activation="gelu", bias=False)
    layers = [
        Layer(mixer=attention(f, window=w, softcap=softcap), channel=channel) for w in windows(f, lambda i: i % 2 == 0)
    ]
    return decoder(f, lm, layers)


def _positions(f: Fields, window: int | None) -> str:
    """Layers with a window turn queries and keys, the others do not, unless the file gives them a rotation."""
    rope = f.value("rope_parameters")
    kind = "sliding_attention" if window else "full_attention"
    if isinstance(rope, Mapping) and kind in rope:
        return "none" if rope[kind] is None else "rotary"
    return "rotary" if window else "none"


def beam(f: Fields, lm: bool = True) -> Architecture:
    """Beam: gated attention, norms before and after each block, experts behind three dense layers."""
    n, heads = f.size("num_hidden_layers"), f.size("num_attention_heads")
    sliding = windows(f, lambda i: (i + 1) % 6 != 0 and i != n - 1)
    sparse = f.names("mlp_layer_types", n) or ["dense" if i < 3 else "sparse" for i in range(n)]
    moe = Experts(
        experts=f.size("num_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("moe_intermediate_size")
    )
    layers = [
        Layer(
            mixer=attention(f, window=w, qk_norm="head", gate="full", position=_positions(f, w)),
            channel=moe if kind == "sparse" else gated(f, bias=False),
            norms="sandwich",
            extras=(Learned(name="attention.gate_bias", elements=heads),),
        )
        for w, kind in zip(sliding, sparse, strict=True)
    ]
    return decoder(f, lm, layers)


def flint(f: Fields, lm: bool = True) -> Architecture:
    """Flint: sinks, norms on each head's queries and keys, experts and a shared one behind two dense layers."""
    n, every = f.size("num_hidden_layers"), f.size("decoder_sparse_step", default=1)
    dense_layers: Any = f.value("mlp_only_layers", default=[0, 1])
    moe = Experts(
        experts=f.size("num_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
        shared_width=f.size("shared_expert_intermediate_size"),
    )
    layers = [
        Layer(
            mixer=attention(f, window=w, qk_norm="head", sinks=True, position="rotary" if w else "none"),
            channel=moe if (i + 1) % every == 0 and i not in dense_layers else gated(f, bias=False),
        )
        for i, w in enumerate(windows(f, lambda i: i >= 2 and i % 4 != 1 and i != n - 1))
    ]
    return decoder(f, lm, layers)


def kolibri1(f: Fields, lm: bool = True) -> Architecture:
    """Kolibri 1: experts and a shared one in every layer, norms before and after each block."""
    moe = Experts(
        experts=f.size("num_local_experts", "num_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
        shared_width=f.size("shared_expert_intermediate_size"),
    )
    layers = [
        Layer(
            mixer=attention(f, window=w, qk_norm="head", bias=(), position="rotary" if w else "none"),
            channel=moe,
            norms="sandwich",
        )
        for w in windows(f, lambda i: (i + 1) % 5 != 0)
    ]
    return decoder(f, lm, layers)


def hrm_text(f: Fields, lm: bool = True) -> Architecture:
    """HRM-Text: two stacks of layers that take turns, the lower several times for each time of the upper one.

    Each turn caches keys and values of its own. Source: arXiv:2506.21734, section 2.
    """
    hidden, each = f.size("hidden_size"), f.size("num_layers_per_stack", "num_hidden_layers")
    f.read.update(("num_hidden_layers", "L_bp_cycles", "embedding_scale", "num_key_value_heads"))
    high, low = f.size("H_cycles"), f.size("L_cycles")
    heads, bias = f.size("num_attention_heads"), f.flag("attention_bias")
    mixer = Attention(
        heads=heads,
        kv_heads=heads,
        head_dim=f.size("head_dim", default=max(1, hidden // heads)),
        bias=QKVO if bias else (),
        gate="full",
        prefix=f.flag("prefix_lm", True),
    )
    gate_bias = (Learned(name="attention.gate_bias", elements=heads * mixer.head_dim),) if bias else ()
    layer = Layer(mixer=mixer, channel=gated(f), extras=gate_bias)
    groups: list[Group] = []
    for _ in range(high):
        for name in ("low",) * low + ("high",):
            known = any(group.name == name for group in groups)
            own = {"again": name} if known else {"name": name}
            groups.append(Group(repeat=each, layers=(layer,), **own))
    head: tuple[Head, ...] = (LmHead(tied=tied(f, False)),) if lm else ()
    decoder_stack = Stack(
        name="decoder",
        role="decoder",
        hidden=hidden,
        norm="plain",
        embedding=TokenEmbedding(vocab=f.size("vocab_size")),
        groups=tuple(groups),
        extras=(Learned(name="low_state", elements=hidden),),
        heads=head,
    )
    return Architecture(stacks=(decoder_stack,))


TYPES: dict[str, kinds.Type] = {
    "beam": kinds.causal("Beam", beam, "moe"),
    "bitnet": kinds.causal("BitNet", bitnet),
    "diffllama": kinds.causal("DiffLlama", diffllama),
    "flint": kinds.causal("Flint", flint, "moe"),
    "hrm_text": kinds.causal("HrmText", hrm_text),
    "hyperclovax": kinds.causal("HyperCLOVAX", hyperclovax),
    "internlm3": kinds.causal("Llama", internlm3),
    "iquestcoder": kinds.causal("Llama", iquestcoder),
    "jais2": kinds.causal("Jais2", jais2),
    "kolibri1": kinds.causal("Kolibri1", kolibri1, "moe"),
    "nanochat": kinds.causal("NanoChat", nanochat),
    "vaultgemma": kinds.causal("VaultGemma", vaultgemma),
}
