"""Models in which learned queries read the image for the language model: Q-Former, perceivers."""

from __future__ import annotations

from catalog.channels import Dense
from catalog.connectors import Connector, Map
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.multimodal.assembly import looking
from catalog.importers.multimodal.projectors import Place
from catalog.importers.multimodal.text import language
from catalog.importers.multimodal.towers import QKVO
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, QueryEmbedding, Stack


def _resampler(hidden: int, tokens: int, layers: list[Layer], **rest: object) -> Stack:
    embedding = QueryEmbedding(tokens=tokens, norm=bool(rest.pop("embedding_norm", False)))
    return Stack(
        name="resampler", role="vision", hidden=hidden, embedding=embedding, groups=fold(layers), **rest  # type: ignore[arg-type]
    )  # fmt: skip


def idefics2(f: Fields) -> Architecture:
    """Idefics 2 (arXiv:2405.02246): a gated block into the language model's width, then a perceiver of three layers."""
    text, q = f.child("text_config"), f.child("perceiver_config")
    decoder = language(f, text, f.flag("tie_word_embeddings"))
    inner = text.size("intermediate_size")

    def project(p: Place) -> tuple[Connector, ...]:
        steps = (Map(outputs=inner, gated=True, bias=False), Map(outputs=p.width, bias=False))
        return (Connector(steps=steps),)

    hidden = q.size("hidden_size")
    layer = Layer(
        cross=CrossAttention(
            heads=q.size("resampler_n_heads"), kv_heads=q.size("num_key_value_heads"),
            head_dim=q.size("resampler_head_dim"), source="vision", own=True, norm_source=True,
        ),
        channel=Dense(width=4 * hidden),
    )  # fmt: skip
    resampler = _resampler(hidden, q.size("resampler_n_latents"), [layer] * q.size("resampler_depth"), norm="rms")
    return Architecture(stacks=(looking(f, decoder.hidden, project), resampler, decoder))


def aria(f: Fields) -> Architecture:
    """Aria (arXiv:2410.05993): queries read the image once, through two projections in a row.

    The number of queries depends on the image; counts are for the most.
    """
    decoder = language(f, f.child("text_config"), f.flag("tie_word_embeddings"))
    vision = looking(f, decoder.hidden, lambda p: ())
    hidden = vision.hidden
    again: tuple[Extra, ...] = (
        *(Linear(name=f"cross.{p}_first", inputs=hidden, outputs=hidden) for p in "qkv"),
        Linear(name="cross.linear", inputs=hidden, outputs=hidden, bias=True),
    )
    heads = f.child("vision_config").size("num_attention_heads")
    cross = CrossAttention(heads=heads, head_dim=hidden // heads, source="vision", bias=QKVO, norm_source=True)
    inner = f.child("text_config").size("hidden_size")
    chain = Connector(steps=(Map(outputs=inner, bias=False), Map(outputs=decoder.hidden, bias=False)))
    queries = max(f.value("projector_patch_to_query_dict").values())
    resampler = _resampler(hidden, queries, [Layer(cross=cross, extras=again)], norm="layer", heads=(chain,))
    return Architecture(stacks=(vision, resampler, decoder))


def qformer(f: Fields, reads_text: bool) -> Architecture:
    """BLIP-2 (arXiv:2301.12597) and InstructBLIP (2305.06500): BERT's layers on queries; every other reads the image.

    InstructBLIP's also read the instruction, through a table and feed-forwards of their own.
    """
    if not f.flag("use_decoder_only_language_model", True):
        raise BadInput(f"{f.where}: use_decoder_only_language_model=false (an encoder-decoder inside) is not modelled")
    text, q = f.child("text_config"), f.child("qformer_config")
    decoder = language(f, text, text.flag("tie_word_embeddings"))
    hidden, heads, width = q.size("hidden_size"), q.size("num_attention_heads"), q.size("intermediate_size")
    every = q.size("cross_attention_frequency")
    d = hidden // heads
    own: tuple[Extra, ...] = ()
    if reads_text:
        own = (Learned(name="feed_forward_of_text", elements=2 * hidden * width + width + 3 * hidden, table=True),)
    tables = ("vocab_size", "max_position_embeddings")
    extras = tuple(Learned(name=key, elements=q.size(key) * hidden, table=True) for key in tables if reads_text)
    cross = CrossAttention(heads=heads, head_dim=d, source="vision", bias=QKVO)
    layers = [
        Layer(
            mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, causal=False, bias=QKVO, position="absolute"),
            cross=cross if i % every == 0 else None,
            channel=Dense(width=width, gated=False, bias=True, activation="gelu"),
            norms="post",
            extras=own,
        )
        for i in range(q.size("num_hidden_layers"))
    ]
    chain = Connector(steps=(Map(outputs=decoder.hidden),))
    resampler = _resampler(
        hidden, f.size("num_query_tokens"), layers, norm="layer", embedding_norm=True, final_norm=False, heads=(chain,),
        extras=extras,
    )  # fmt: skip
    return Architecture(stacks=(looking(f, decoder.hidden, lambda p: ()), resampler, decoder))


def kosmos(f: Fields) -> Architecture:
    """Kosmos-2 and 2.5 (arXiv:2306.14824, 2309.11419): queries read the image and each other once."""
    text = f.child("text_config")
    decoder = language(f, text, True)
    vision = looking(f, decoder.hidden, lambda p: (Connector(steps=(Map(outputs=p.width),)),))
    heads = text.size("attention_heads")
    cross = CrossAttention(heads=heads, head_dim=decoder.hidden // heads, source="vision", own=True, bias=QKVO)
    layer = Layer(cross=cross, norms="none")
    resampler = _resampler(decoder.hidden, f.size("latent_query_num"), [layer], norm="layer", final_norm=False)
    return Architecture(stacks=(vision, resampler, decoder))
