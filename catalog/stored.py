"""What a file of weights holds: exact bytes by format and by the role of tensors."""

from typing import Literal

from catalog.base import Count, Size, Spec

StoredRole = Literal["matrix", "expert", "embedding", "head", "vector"]


class Stored(Spec):
    """All tensors of one format and role in a file."""

    format: str
    """As the file names it: ``Q4_K``, ``F32``, ``BF16``, ``I8``."""
    role: StoredRole
    tensors: Size
    elements: Count
    size_bytes: Count


def role_of(name: str, dimensions: int) -> StoredRole:
    """The role of a tensor by its name in a checkpoint of transformers or of llama.cpp.

    Vectors, routers and convolutions are what quantizers leave in higher precision; they count as vectors.
    """
    pieces = name.removesuffix(".weight").split(".")
    last = pieces[-1]
    if dimensions < 2 or last in ("bias", "ffn_gate_inp", "router", "gate", "conv1d", "ssm_conv1d", "ssm_a", "A_log"):
        return "vector"
    if last in ("token_embd", "embed_tokens", "wte", "word_embeddings", "shared", "position_embd", "token_types",
                "position_embeddings", "token_type_embeddings", "embeddings", "wpe", "embed_positions"):  # fmt: skip
        return "embedding"
    if last in ("output", "lm_head", "embed_out"):
        return "head" if len(pieces) == 1 or last != "output" else "matrix"
    return "expert" if "experts" in pieces or last.endswith("_exps") else "matrix"
