"""GGUF files of llama.cpp: metadata and tensor table to a ``ModelSpec`` with the exact bytes of each format.

The metadata is put into the words of a ``config.json`` and read as one; the tensor table then witnesses the count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from catalog.errors import BadInput, unknown
from catalog.importers.tensors import Tensor, spec_with_tensors
from catalog.spec import ModelSpec

Config = dict[str, Any]
NOT_PARAMETERS = ("rope_freqs", "rope_factors_long", "rope_factors_short", "exp_probs_b")
"""Tensors that transformers computes or keeps as buffers."""


@dataclass(frozen=True, slots=True)
class Header:
    """A file's metadata and tensors."""

    arch: str
    fields: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def get(self, key: str, default: Any = None) -> Any:
        """A field of the architecture: ``{arch}.{key}``."""
        return self.fields.get(f"{self.arch}.{key}", default)

    def has(self, name: str) -> bool:
        """Whether the table holds a tensor."""
        return name in self.tensors


def read_gguf(path: Path) -> ModelSpec:
    """A model from a GGUF file; nothing in it is executed, and tensors are not loaded.

    Raises:
        BadInput: If the file is no GGUF, is truncated, or holds an architecture that is not read.
    """
    header = _header(path)
    if header.arch not in ARCHITECTURES:
        raise unknown(f"architecture in {path}, field 'general.architecture':", header.arch, ARCHITECTURES)
    config = ARCHITECTURES[header.arch](header)
    name = str(header.fields.get("general.name") or path.stem)
    kept = [t for t in header.tensors.values() if not any(part in t.name for part in NOT_PARAMETERS)]
    return spec_with_tensors(config, kept, name=name, where=str(path))


def _header(path: Path) -> Header:
    try:
        from gguf.gguf_reader import GGUFReader
    except ImportError as error:
        raise BadInput("reading GGUF files needs the package gguf: pip install 'whicharch[files]'") from error
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    try:
        reader = GGUFReader(path)
        wanted = ("general.", "split.")
        arch = reader.fields["general.architecture"].contents()
        fields = {
            key: _value(field)
            for key, field in reader.fields.items()
            if key.startswith((*wanted, f"{arch}.")) and len(field.data) <= 4096
        }
        tensors = {
            t.name: Tensor(t.name, tuple(int(n) for n in reversed(t.shape)), t.tensor_type.name, int(t.n_bytes))
            for t in reader.tensors
        }
    except KeyError as error:
        raise BadInput(f"{path}: GGUF without the field {error}") from error
    except (ValueError, IndexError, OverflowError, OSError, TypeError, UnicodeDecodeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise BadInput(f"{path}: not a whole GGUF file ({reason}); was the download complete?") from error
    if not isinstance(arch, str):
        raise BadInput(f"{path}: field 'general.architecture' is no name")
    if int(fields.get("split.count", 1) or 1) > 1:
        raise BadInput(f"{path}: is one of {fields['split.count']} parts; merge them first (llama-gguf-split --merge)")
    return Header(arch, fields, tensors)


def _value(field: Any) -> Any:
    value = field.contents()
    return value.decode() if isinstance(value, bytes) else value


def _common(h: Header, **more: Any) -> Config:
    """Sizes under their usual names; what the tensor table shows better is read from it."""
    vocab, _ = h.tensors["token_embd.weight"].shape if h.has("token_embd.weight") else (None, None)
    config: Config = {
        "vocab_size": vocab,
        "hidden_size": h.get("embedding_length"),
        "num_hidden_layers": h.get("block_count"),
        "intermediate_size": h.get("feed_forward_length"),
        "num_attention_heads": h.get("attention.head_count"),
        "num_key_value_heads": h.get("attention.head_count_kv", h.get("attention.head_count")),
        "head_dim": h.get("attention.key_length"),
        "max_position_embeddings": h.get("context_length"),
        "sliding_window": h.get("attention.sliding_window"),
        "tie_word_embeddings": not h.has("output.weight"),
    }
    return {key: value for key, value in (config | more).items() if value is not None}


def _llama(h: Header) -> Config:
    if h.get("expert_count"):
        experts = {"num_local_experts": h.get("expert_count"), "num_experts_per_tok": h.get("expert_used_count")}
        return _common(h, model_type="mixtral", **experts)
    return _common(
        h, model_type="llama", attention_bias=h.has("blk.0.attn_q.bias"), mlp_bias=h.has("blk.0.ffn_up.bias")
    )


def _as(model_type: str, h: Header, **more: Any) -> Config:
    return _common(h, model_type=model_type, **more)


def _qwen_moe(model_type: str, h: Header) -> Config:
    return _common(
        h,
        model_type=model_type,
        num_experts=h.get("expert_count"),
        num_experts_per_tok=h.get("expert_used_count"),
        moe_intermediate_size=h.get("expert_feed_forward_length"),
        shared_expert_intermediate_size=h.get("expert_shared_feed_forward_length"),
    )


def _deepseek(h: Header) -> Config:
    """DeepSeek V2 and V3: the router's correction tells them apart."""
    rope = h.get("rope.dimension_count")
    key, value = (h.get(f"attention.{name}_length_mla", h.get(f"attention.{name}_length")) for name in ("key", "value"))
    return _common(
        h,
        model_type="deepseek_v3" if h.get("expert_weights_norm") else "deepseek_v2",
        head_dim=None,
        num_key_value_heads=h.get("attention.head_count"),
        q_lora_rank=h.get("attention.q_lora_rank") or 0,
        kv_lora_rank=h.get("attention.kv_lora_rank"),
        qk_rope_head_dim=rope,
        qk_nope_head_dim=key - rope,
        v_head_dim=value,
        n_routed_experts=h.get("expert_count"),
        num_experts_per_tok=h.get("expert_used_count"),
        n_shared_experts=h.get("expert_shared_count"),
        moe_intermediate_size=h.get("expert_feed_forward_length"),
        first_k_dense_replace=h.get("leading_dense_block_count", 0),
    ) | ({"q_lora_rank": None} if not h.get("attention.q_lora_rank") else {})


def _mamba(h: Header) -> Config:
    return {
        "model_type": "mamba",
        "vocab_size": h.tensors["token_embd.weight"].shape[0],
        "hidden_size": h.get("embedding_length"),
        "num_hidden_layers": h.get("block_count"),
        "state_size": h.get("ssm.state_size"),
        "conv_kernel": h.get("ssm.conv_kernel"),
        "expand": h.get("ssm.inner_size") // h.get("embedding_length"),
        "time_step_rank": h.get("ssm.time_step_rank"),
        "tie_word_embeddings": not h.has("output.weight"),
    }


def _gpt2(h: Header) -> Config:
    return {
        "model_type": "gpt2",
        "vocab_size": h.tensors["token_embd.weight"].shape[0],
        "n_positions": h.get("context_length"),
        "n_embd": h.get("embedding_length"),
        "n_layer": h.get("block_count"),
        "n_head": h.get("attention.head_count"),
        "n_inner": h.get("feed_forward_length"),
        "tie_word_embeddings": not h.has("output.weight"),
    }


def _bert(h: Header) -> Config:
    tables = {"type_vocab_size": "token_types.weight", "max_position_embeddings": "position_embd.weight"}
    rows = {key: h.tensors[name].shape[0] if h.has(name) else None for key, name in tables.items()}
    config = _common(h, model_type="bert", architectures=["BertModel"], **rows)
    return {key: value for key, value in config.items() if key != "tie_word_embeddings"}


ARCHITECTURES: dict[str, Callable[[Header], Config]] = {
    "bert": _bert,
    "command-r": partial(_as, "cohere"),
    "deepseek2": _deepseek,
    "gemma": partial(_as, "gemma"),
    "gemma2": partial(_as, "gemma2"),
    "gemma3": partial(_as, "gemma3_text"),
    "glm4": partial(_as, "glm4"),
    "gpt2": _gpt2,
    "granite": partial(_as, "granite"),
    "llama": _llama,
    "mamba": _mamba,
    "mistral3": partial(_as, "ministral3"),
    "olmo2": partial(_as, "olmo2"),
    "phi3": partial(_as, "phi3"),
    "qwen2": partial(_as, "qwen2"),
    "qwen2moe": partial(_qwen_moe, "qwen2_moe"),
    "qwen3": partial(_as, "qwen3"),
    "qwen3moe": partial(_qwen_moe, "qwen3_moe"),
    "smollm3": partial(_as, "smollm3"),
    "starcoder2": partial(_as, "starcoder2"),
}
"""llama.cpp's architectures, each as the ``config.json`` of the type with the same layers."""
