"""Small random configurations of further encoder-decoders for text, and of decoders taken out of them."""

from __future__ import annotations

from typing import Any

from configs_text import TEXT_TYPES, Config
from hypothesis import strategies as st

BOTH = ("ForConditionalGeneration", "Model")


def _one(draw: st.DrawFn, *options: Any) -> Any:
    return draw(st.sampled_from(options))


@st.composite
def like_bart(draw: st.DrawFn, model_type: str, prefix: str, *endings: str, **rest: Any) -> Config:
    """Sides of different depth, heads and width of the feed-forward.

    A decoder alone must not be deeper than the encoder: its class makes as many caches as encoders have layers.
    """
    ending, depth = _one(draw, *endings), _one(draw, 1, 3)
    return {
        "model_type": model_type,
        "vocab_size": 97,
        "pad_token_id": 0,
        "d_model": 24,
        "encoder_attention_heads": _one(draw, 2, 4),
        "decoder_attention_heads": _one(draw, 2, 3),
        "encoder_layers": depth,
        "decoder_layers": _one(draw, 1, 1 if ending == "ForCausalLM" and depth == 1 else 2),
        "encoder_ffn_dim": _one(draw, 32, 50),
        "decoder_ffn_dim": _one(draw, 20, 60),
        "max_position_embeddings": 512,
        "architectures": [prefix + ending],
        **{name: _one(draw, *options) for name, options in rest.items()},
    }


def also(model_type: str, prefix: str, *endings: str) -> st.SearchStrategy[Config]:
    """Further classes of a type whose usual one is drawn elsewhere."""
    return st.one_of(TEXT_TYPES[model_type], like_bart(model_type, prefix, *endings))


@st.composite
def t5gemma(draw: st.DrawFn) -> Config:
    def side(n: int, width: int) -> Config:
        kv, group = _one(draw, 1, 2), _one(draw, 1, 2)
        return {
            "vocab_size": 97,
            "hidden_size": width,
            "intermediate_size": _one(draw, 20, 36),
            "num_hidden_layers": n,
            "num_attention_heads": kv * group,
            "num_key_value_heads": kv,
            "head_dim": _one(draw, 8, 12),
            "sliding_window": _one(draw, 4, 7),
            "layer_types": [_one(draw, "sliding_attention", "full_attention") for _ in range(n)],
            "attention_bias": draw(st.booleans()),
        }

    width = _one(draw, 24, 40)
    sides = {"encoder": side(_one(draw, 1, 3), width), "decoder": side(_one(draw, 1, 2), _one(draw, 24, 32))}
    sides["decoder"]["cross_attention_hidden_size"] = width
    return {
        "model_type": "t5gemma",
        "vocab_size": 97,
        "tie_word_embeddings": draw(st.booleans()),
        "architectures": ["T5Gemma" + _one(draw, *BOTH)],
        **sides,
    }


@st.composite
def encoder_decoder(draw: st.DrawFn) -> Config:
    """Of one width: see ``catalog.importers.composite``."""
    width = _one(draw, 24, 48)

    def side(kind: str) -> Config:
        return {
            "model_type": kind,
            "vocab_size": 97,
            "pad_token_id": 0,
            "hidden_size": width,
            "num_attention_heads": _one(draw, 2, 4),
            "num_hidden_layers": _one(draw, 1, 2),
            "intermediate_size": _one(draw, 32, 50),
            "max_position_embeddings": 514,
        }

    reader, writer = _one(draw, "bert", "roberta"), _one(draw, "bert", "camembert", "bert-generation")
    decoder = side(writer) | {"is_decoder": True, "add_cross_attention": True}
    return {"model_type": "encoder-decoder", "encoder": side(reader), "decoder": decoder}


SEQ2SEQ: dict[str, st.SearchStrategy[Config]] = {
    "bart": also("bart", "Bart", "ForCausalLM", "Model"),
    "blenderbot": like_bart("blenderbot", "Blenderbot", *BOTH, "ForCausalLM"),
    "blenderbot_small": like_bart("blenderbot-small", "BlenderbotSmall", *BOTH, "ForCausalLM"),
    "encoder_decoder": encoder_decoder(),
    "marian": also("marian", "Marian", "ForCausalLM", "Model"),
    "mbart": also("mbart", "MBart", "ForCausalLM", "Model"),
    "mvp": like_bart("mvp", "Mvp", *BOTH, "ForCausalLM"),
    "pegasus": also("pegasus", "Pegasus", "ForCausalLM", "Model"),
    "t5gemma": t5gemma(),
    "plbart": like_bart("plbart", "PLBart", *BOTH, "ForCausalLM"),
}
"""One strategy per type."""
