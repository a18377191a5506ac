"""Further encoder-decoders for text of BART's grammar."""

from __future__ import annotations

from typing import Literal

from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.kinds import Heads
from catalog.importers.seq2seq import BART, bart, bart_channel, bart_like, must_tie, pegasus
from catalog.importers.sides import seq2seq
from catalog.spec import Architecture, Layer, LmHead


def plbart(f: Fields) -> Architecture:
    """PLBART: BART for code."""
    return bart(f)


def mvp(f: Fields) -> Architecture:
    """MVP: BART; its prompts of soft tokens are not modelled."""
    if f.flag("use_prompt"):
        raise BadInput(f"{f.where}: use_prompt=true is not modelled for MVP")
    f.read.update(("prompt_length", "prompt_mid_dim"))
    return bart(f)


def blenderbot_small(f: Fields) -> Architecture:
    """Blenderbot (90M): BART without the offset of positions."""
    must_tie(f)
    return bart_like(f, bart_channel(f), norms="post", positions=f.size("max_position_embeddings"), embedding_norm=True)


def fsmt(f: Fields) -> Architecture:
    """FSMT (WMT 2019): a table per language, sines in tables that start behind the padding's position."""
    tied = f.flag("tie_word_embeddings")
    vocabs = (f.size("src_vocab_size"), f.size("tgt_vocab_size"))
    if tied and len(set(vocabs)) > 1:
        raise BadInput(f"{f.where}: tie_word_embeddings=true needs src_vocab_size and tgt_vocab_size to be equal")
    f.read.update(("langs", "max_length", "early_stopping"))
    padding = f.value("pad_token_id", default=1)
    if not isinstance(padding, int) or padding < 0:
        raise BadInput(f"{f.where}: field 'pad_token_id' is {padding!r}; expected an integer")
    return bart_like(
        f, bart_channel(f), norms="post", positions=f.size("max_position_embeddings") + padding + 1,
        vocabs=vocabs, share=tied, tied=tied,
    )  # fmt: skip


def fsmt_heads(f: Fields) -> dict[str, Heads]:
    """FSMT: logits belong to the decoder, also in the bare model."""
    return {"Model": (LmHead(tied=f.flag("tie_word_embeddings")),)}


def prophetnet(f: Fields) -> Architecture:
    """ProphetNet: BART whose decoder runs a stream for each of the next tokens and predicts them at once, with relative
    positions from the queries' own input (arXiv:2001.04063, section 3). The streams' work is not counted."""
    must_tie(f)
    hidden, buckets = f.size("hidden_size"), f.size("num_buckets")
    f.read.update(("relative_max_distance", "eps", "disable_ngram_loss"))
    heads = f.size("num_decoder_attention_heads")
    bias = Linear(name="attention.positions", inputs=hidden, outputs=buckets * heads, bias=True)
    if not f.flag("add_cross_attention", True):
        raise BadInput(f"{f.where}: add_cross_attention=false is not modelled for ProphetNet")

    def changed(side: Literal["encoder", "decoder"], i: int, layer: Layer) -> Layer:
        return layer if side == "encoder" else layer.model_copy(update={"extras": (bias,)})

    streams = Learned(name="streams", elements=f.size("ngram") * hidden, table=True)
    return bart_like(
        f, bart_channel(f), norms="post", positions=f.size("max_position_embeddings"), embedding_norm=True,
        changed=changed, extras={"decoder": (streams,)},
    )  # fmt: skip


TYPES: dict[str, kinds.Type] = {
    "blenderbot": seq2seq("Blenderbot", pegasus, "ForCausalLM"),
    "blenderbot-small": seq2seq("BlenderbotSmall", blenderbot_small, "ForCausalLM"),
    "fsmt": seq2seq("FSMT", fsmt, heads=fsmt_heads, proof="parameters"),
    "mvp": seq2seq("Mvp", mvp, *BART),
    "plbart": seq2seq("PLBart", plbart, "ForSequenceClassification", "ForCausalLM"),
    "prophetnet": seq2seq("ProphetNet", prophetnet, "ForCausalLM", "Encoder", proof="parameters"),
}
