"""Encoders whose attention is an approximation or a detour: mostly, only their parameters are proven."""

from __future__ import annotations

from typing import Any, Literal

from catalog.channels import Dense
from catalog.distances import ProjectedDistances
from catalog.ends import Classifier, LmHead, Pooler
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import kinds
from catalog.importers.bert_like import beam_answers
from catalog.importers.decoders import attention, gated
from catalog.importers.encoder_heads import masked_lm, usual
from catalog.importers.encoders import bert_embedding, bert_layer, encoder, equal, heads_of
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import Heads, labels
from catalog.importers.seq2seq import bart_channel, bart_like, must_tie
from catalog.importers.sides import seq2seq
from catalog.mixers import Attention
from catalog.spec import Architecture, Group, Layer, TokenEmbedding


def _bert(f: Fields, heads: Heads, *extras: Extra, more_rows: int = 0, stack: tuple[Extra, ...] = ()) -> Architecture:
    """BERT with ``extras`` in each layer."""
    layer = bert_layer(f).model_copy(update={"extras": extras})
    embedding = bert_embedding(f, positions=f.size("max_position_embeddings") + more_rows)
    return encoder(f, f.size("hidden_size"), embedding, equal(f, layer), heads, extras=stack)


def _convolution(f: Fields, key: str) -> tuple[Extra, ...]:
    """A convolution over the tokens of the values, one kernel per head, or nothing."""
    kernel = f.size(key, default=0, zero=True)
    heads, d = heads_of(f, f.size("hidden_size"), "num_attention_heads")
    return (Linear(name="attention.convolution", inputs=kernel, outputs=heads, times=d),) if kernel else ()


def nystromformer(f: Fields, heads: Heads) -> Architecture:
    """Nyströmformer: its class attends in full where it has as many landmarks as tokens, which the published ones have,
    and adds a convolution (arXiv:2102.03902, section 3.2)."""
    length = f.size("segment_means_seq_len")
    if f.size("num_landmarks") != length:
        raise BadInput(f"{f.where}: num_landmarks other than segment_means_seq_len={length} is not modelled")
    f.read.add("inv_coeff_init_option")
    return _bert(f, heads, *_convolution(f, "conv_kernel_size"), more_rows=2)


def yoso(f: Fields, heads: Heads) -> Architecture:
    """YOSO: scores are chances that hashes meet; evaluated by expectation, as many products as attention has
    (arXiv:2111.09714, section 3)."""
    if not f.flag("use_expectation", True):
        raise BadInput(f"{f.where}: use_expectation=false draws hashes; that is not modelled")
    f.read.update(("hash_code_len", "lsh_backward", "num_hash", "use_fast_hash"))
    return _bert(f, heads, *_convolution(f, "conv_window"), more_rows=2)


def mra(f: Fields, heads: Heads) -> Architecture:
    """MRA: attention by blocks of several resolutions, here counted as full (arXiv:2207.10284)."""
    f.read.update(("approx_mode", "block_per_row", "initial_prior_diagonal_n_blocks", "initial_prior_first_n_blocks"))
    return _bert(f, heads, more_rows=2)


def luke(f: Fields, heads: Heads) -> Architecture:
    """LUKE: BERT with a table of entities and queries between words and entities, idle where a text comes without
    (arXiv:2010.01057, section 3)."""
    hidden, width = f.size("hidden_size"), f.size("entity_emb_size")
    rows = f.size("max_position_embeddings") + f.size("type_vocab_size")
    entities: list[Extra] = [
        Learned(name="entities", elements=f.size("entity_vocab_size") * width, table=True),
        Learned(name="entities.places", elements=rows * hidden, table=True),
        Learned(name="entities.map", elements=(width * hidden if width != hidden else 0) + 2 * hidden),
    ]
    aware = f.flag("use_entity_aware_attention", True)
    queries = (Learned(name="attention.entity_queries", elements=3 * (hidden**2 + hidden)),) if aware else ()
    return _bert(f, heads, *queries, stack=tuple(entities))


def luke_heads(f: Fields) -> dict[str, Heads]:
    """LUKE: words and entities are both predicted, words by logits of their own."""
    hidden, width, rows, classes = (
        f.size("hidden_size"), f.size("entity_emb_size"), f.size("entity_vocab_size"), labels(f)
    )  # fmt: skip
    tied = f.flag("tie_word_embeddings", True)
    idle = hidden * width + 3 * width + rows + (0 if tied else rows * width + f.size("vocab_size"))
    head = LmHead(tied=False, bias=True, transform="dense", every_token=True)
    return usual(f) | {
        "ForMaskedLM": (Pooler(), head, Learned(name="head.entities", elements=idle)),
        "ForEntityClassification": (Pooler(), Classifier(classes=classes)),
        "ForEntityPairClassification": (Pooler(), Classifier(classes=classes, input_tokens=2, bias=False)),
        "ForEntitySpanClassification": (Pooler(), Classifier(classes=classes, input_tokens=3)),
    }


def xlnet(f: Fields, heads: Heads) -> Architecture:
    """XLNet, read in both directions: Transformer-XL's scores of distances and of segments (arXiv:1906.08237, section
    2.3). Its memory of earlier texts is not counted."""
    hidden, count = f.size("d_model", "hidden_size"), f.size("n_head", "num_attention_heads")
    d = f.size("d_head", default=64)
    if f.value("attn_type", default="bi") != "bi":
        raise BadInput(f"{f.where}: attn_type {f.value('attn_type')!r} is not modelled; expected 'bi'")
    f.read.update(("end_n_top", "clamp_len", "bi_data", "same_length", "mem_len", "reuse_len", "untie_r"))
    f.read.update(("ff_activation", "use_mems_eval", "use_mems_train"))
    mixer = Attention(
        heads=count, kv_heads=count, head_dim=d, causal=False, position="relative",
        distances=ProjectedDistances(per_sequence=True, even=True),
    )  # fmt: skip
    layer = Layer(
        mixer=mixer,
        channel=Dense(width=f.size("d_inner"), gated=False, bias=True, activation="gelu"),
        norms="post",
        extras=(Learned(name="attention.segments", elements=3 * count * d),),
    )
    embedding = TokenEmbedding(vocab=f.size("vocab_size"))
    groups = fold([layer] * f.size("n_layer", "num_hidden_layers"))
    return encoder(f, hidden, embedding, groups, heads, extras=(Learned(name="mask", elements=hidden),))


def xlnet_heads(f: Fields) -> dict[str, Heads]:
    """XLNet: a dense layer before whole texts are told apart; answers by beams."""
    if not f.flag("summary_use_proj", True):
        raise BadInput(f"{f.where}: summary_use_proj=false is not modelled for XLNet")
    known = usual(f, model=(), twin=False)
    kept = ("Model", "ForSequenceClassification", "ForTokenClassification", "ForMultipleChoice")
    return {
        **{name: known[name] for name in kept},
        "LMHeadModel": masked_lm(f, twin=False, transform=None),
        "ForQuestionAnsweringSimple": known["ForQuestionAnswering"],
        "ForQuestionAnswering": beam_answers(f.size("d_model", "hidden_size"), f.size("start_n_top", default=5)),
    }


def _funnel_layer(f: Fields) -> Layer:
    hidden, count, d = f.size("d_model"), f.size("n_head"), f.size("d_head", default=64)
    inner = count * d
    extras: tuple[Extra, ...] = (
        Linear(name="attention.distances", inputs=hidden, outputs=inner),
        Learned(name="attention.biases", elements=5 * inner),
    )
    mixer = Attention(heads=count, kv_heads=count, head_dim=d, causal=False, bias=("k", "v", "o"), position="relative")
    channel = Dense(width=f.size("d_inner"), gated=False, bias=True, activation="gelu")
    return Layer(mixer=mixer, channel=channel, norms="post", extras=extras)


SHORT = ("BaseModel", "ForSequenceClassification", "ForMultipleChoice")
"""Funnel's classes without a decoder."""


def funnel(f: Fields, class_name: str) -> Architecture:
    """Funnel: each block of layers halves the tokens, and a short decoder restores them (arXiv:2006.03236, section 2).
    Tokens are counted as if none were dropped. Classes for whole texts leave the decoder out."""
    known = funnel_heads(f)
    heads = known[kinds.ending(f, class_name, "Funnel", known)]
    sizes, repeats = f.value("block_sizes"), f.value("block_repeats")
    repeats = repeats or [1] * len(sizes)
    if len(repeats) != len(sizes):
        raise BadInput(f"{f.where}: block_repeats must be as long as block_sizes")
    f.read.update(("attention_type", "pool_q_only", "pooling_type", "separate_cls", "truncate_seq"))
    f.read.add("num_decoder_layers")
    layer = _funnel_layer(f)
    groups = [
        Group(repeat=repeat, shared=True, layers=(layer,)) if repeat > 1 else Group(layers=(layer,))
        for size, repeat in zip(sizes, repeats, strict=True)
        for _ in range(size)
    ]
    if class_name.removeprefix("Funnel") not in SHORT:
        groups.append(Group(repeat=f.size("num_decoder_layers"), layers=(layer,)))
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), norm=True)
    return encoder(f, f.size("d_model"), embedding, tuple(groups), heads)


def funnel_heads(f: Fields) -> dict[str, Heads]:
    """Funnel: pre-training tells for each token whether it was replaced."""
    detector: Heads = (Pooler(every_token=True), Classifier(classes=1, every_token=True))
    head = masked_lm(f, twin=False, transform=None)
    return usual(f, model=()) | {"BaseModel": (), "ForMaskedLM": head, "ForPreTraining": detector}


def reformer(f: Fields, heads: Heads) -> Architecture:
    """Reformer: attention among tokens of one hash or one stretch, here counted as full; two streams instead of one, so
    that heads read both (arXiv:2001.04451, sections 2 and 3)."""
    hidden, count, d = f.size("hidden_size"), f.size("num_attention_heads"), f.size("attention_head_size")
    names, width = f.names("attn_layers") or [], f.size("feed_forward_size")
    depth = f.size("num_hidden_layers") if "num_hidden_layers" in f else len(names)
    channel = Dense(width=width, gated=False, bias=True, activation="relu")

    def layer(kind: str) -> Layer:
        if kind not in ("local", "lsh"):
            raise BadInput(f"{f.where}: field 'attn_layers' has {kind!r}; expected 'local' or 'lsh'")
        mixer = Attention(
            heads=count, kv_heads=count, head_dim=d, causal=False, position="absolute", value_is_key=kind == "lsh"
        )
        return Layer(mixer=mixer, channel=channel)

    rows = 0 if f.flag("axial_pos_embds", True) else f.size("max_position_embeddings")
    axes: list[Extra] = []
    if not rows:
        shape, widths = f.value("axial_pos_shape"), f.value("axial_pos_embds_dim")
        elements = sum(side * wide for side, wide in zip(shape, widths, strict=True))
        axes.append(Learned(name="positions", elements=elements, table=True))
    f.read.update(f"{kind}_attention_probs_dropout_prob" for kind in ("local", "lsh"))
    f.read.update(("num_hashes", "num_buckets", "hash_seed", "axial_norm_std", "num_hidden_layers"))
    f.read.update(f"{kind}_{what}" for kind in ("local", "lsh") for what in (
        "attn_chunk_length", "num_chunks_before", "num_chunks_after"
    ))  # fmt: skip
    axes.append(Learned(name="final_norm", elements=4 * hidden))
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=rows)
    groups = fold([layer(name) for name in names[:depth]])
    return encoder(f, hidden, embedding, groups, heads, extras=tuple(axes))


def reformer_heads(f: Fields) -> dict[str, Heads]:
    """Reformer: heads read both streams; logits are never tied."""
    wide, hidden, classes, vocab = 2 * f.size("hidden_size"), f.size("hidden_size"), labels(f), f.size("vocab_size")

    def end(name: str, inputs: int, outputs: int, **rest: Any) -> Linear:
        return Linear(name=name, inputs=inputs, outputs=outputs, bias=True, **rest)

    once: dict[str, Any] = {"over": "sequence"}
    head = (end("head", wide, vocab),)
    return {
        "Model": (),
        "ForMaskedLM": head,
        "ModelWithLMHead": head,
        "ForSequenceClassification": (end("pooler", wide, hidden, **once), end("classes", hidden, classes, **once)),
        "ForQuestionAnswering": (end("answers", wide, 2),),
    }


def neomme(f: Fields, heads: Heads) -> Architecture:
    """NeoMME: gated attention both ways with values of the tokens' own, narrow tables; patches enter beside tokens."""
    hidden, rank, n = f.size("hidden_size"), f.size("embedding_rank"), f.size("num_hidden_layers")
    mixer = attention(f, causal=False, qk_norm="plain", gate="full")
    values = f.size("vocab_size") * mixer.kv_heads * mixer.head_dim
    layer = Layer(
        mixer=mixer,
        channel=gated(f, gated=False, bias=False),
        extras=(Learned(name="mixing", elements=2 + mixer.heads),),
    )
    pixels = 3 * f.size("patch_size") ** 2
    patches = (
        Learned(name="patches.norm", elements=2 * pixels),
        Learned(name="patches.maps", elements=pixels * 2 * hidden + 2 * hidden * hidden + hidden),
        Learned(name="values", elements=values, table=True, row=mixer.kv_heads * mixer.head_dim),
    )
    f.read.update(("embedding_dim", "per_layer_config", "residual_multiplier", "sliding_window", "layer_types"))
    f.read.add("document_token_id")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), width=rank, width_bias=False)
    return encoder(f, hidden, embedding, fold([layer] * n), heads, norm="plain", final_norm=True, extras=patches)


def neomme_heads(f: Fields) -> dict[str, Heads]:
    """NeoMME: logits by way of the narrow table; retrieval by a vector per token."""
    tied, hidden, rank = f.flag("tie_word_embeddings", True), f.size("hidden_size"), f.size("embedding_rank")
    own = () if tied else (Linear(name="head.map", inputs=hidden, outputs=rank),)
    return {
        "Model": (),
        "ForMaskedLM": (*own, LmHead(tied=tied, every_token=True)),
        "ForRetrieval": (Linear(name="vectors", inputs=hidden, outputs=f.size("embedding_dim")),),
    }


def pegasus_x(f: Fields) -> Architecture:
    """PEGASUS-X: PEGASUS whose encoder sees blocks and some tokens of its own that see all, here counted as full
    (arXiv:2208.04347, section 4)."""
    must_tie(f)
    hidden, count = f.size("d_model"), f.size("num_global_tokens")
    f.read.update(("block_size", "stagger_local_blocks", "max_position_embeddings"))
    norm = (Learned(name="globals.norm", elements=2 * hidden),)

    def changed(side: Literal["encoder", "decoder"], i: int, layer: Layer) -> Layer:
        return layer.model_copy(update={"extras": norm}) if side == "encoder" else layer

    tokens = Learned(name="globals", elements=count * hidden, table=True)
    return bart_like(f, bart_channel(f), norms="pre", bias=(), changed=changed, extras={"encoder": (tokens,)})


TYPES: dict[str, kinds.Type] = {
    "funnel": kinds.Type("encoder", "FunnelForPreTraining", funnel, "parameters"),
    "luke": kinds.masked("Luke", "ForMaskedLM", luke, luke_heads),
    "mra": kinds.masked("Mra", "ForMaskedLM", mra, lambda f: usual(f, model=()), proof="parameters"),
    "neomme": kinds.masked("NeoMME", "ForMaskedLM", neomme, neomme_heads, proof="parameters"),
    "nystromformer": kinds.masked("Nystromformer", "ForMaskedLM", nystromformer, lambda f: usual(f, model=())),
    "pegasus_x": seq2seq("PegasusX", pegasus_x, proof="parameters"),
    "reformer": kinds.masked("Reformer", "ForMaskedLM", reformer, reformer_heads, proof="parameters"),
    "xlnet": kinds.masked("XLNet", "LMHeadModel", xlnet, xlnet_heads),
    "yoso": kinds.masked("Yoso", "ForMaskedLM", yoso, lambda f: usual(f, model=())),
}
