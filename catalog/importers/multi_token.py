"""Multi-token-prediction layers: in checkpoints, but in no class of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.errors import BadInput
from catalog.spec import Architecture, MultiToken

FIELDS = ("num_nextn_predict_layers", "mtp_num_hidden_layers")
"""Fields whose layers are in the published weights. MiniMax-M2 names three in ``num_mtp_modules`` and ships none."""


def with_multi_token(
    architecture: Architecture, config: Mapping[str, Any], where: str, *, own_tables: bool = False
) -> Architecture:
    """The same with as many of these layers as a configuration names, each like the decoder's last.

    Source: arXiv:2412.19437, section 2.2; that they repeat the last layer's kind is how DeepSeek V3, GLM 4.5, MiMo,
    Qwen3-Next and Qwen3.5 publish them: their listed totals come out to the last parameter.

    Raises:
        BadInput: If none is named.
    """
    text = config.get("text_config")
    named = {**config, **text} if isinstance(text, Mapping) else config
    depth = next((value for key in FIELDS if isinstance(value := named.get(key), int) and value > 0), 0)
    if not depth:
        raise BadInput(f"{where}: names no multi-token-prediction layers; known fields are {', '.join(FIELDS)}")
    *before, decoder = architecture.stacks
    layer = decoder.groups[-1].layers[-1]
    own_tables = own_tables or named.get("mtp_use_dedicated_embeddings") is True
    mtp = MultiToken(depth=depth, layer=layer, own_tables=own_tables)
    return Architecture(stacks=(*before, decoder.model_copy(update={"multi_token": mtp})))
