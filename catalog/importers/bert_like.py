"""Encoders that are BERT with one thing changed: where norms stand, what is embedded, how positions enter."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.ends import Classifier, LmHead
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import kinds
from catalog.importers.decoders import attention, gated
from catalog.importers.encoder_heads import (
    bert_heads,
    esmc_heads,
    eurobert_heads,
    gte_heads,
    jina_heads,
    masked_lm,
    pooled_heads,
    roberta_heads,
    roc_bert_heads,
    summary_heads,
    usual,
)
from catalog.importers.encoders import bert, bert_embedding, bert_layer, encoder, equal, heads_of, post_norm_layer
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.kinds import Heads
from catalog.mixers import Fourier
from catalog.spec import Architecture, Layer, TokenEmbedding


def _table(name: str, rows: int, width: int) -> Learned:
    """Rows that are looked up."""
    return Learned(name=name, elements=rows * width, table=True)


def _bert_with(f: Fields, heads: Heads, *extras: Extra, **embedding: Any) -> Architecture:
    """BERT with more in its embedding."""
    decodes = f.flag("is_decoder")
    groups = equal(f, bert_layer(f, decodes=decodes))
    table = bert_embedding(f, **embedding)
    return encoder(f, f.size("hidden_size"), table, groups, heads, decodes=decodes, extras=extras)


def _pre_norm(f: Fields, heads: Heads, *, embedding_norm: bool) -> Architecture:
    """BERT with norms before each block and one at the end."""
    decodes = f.flag("is_decoder")
    layer = bert_layer(f, decodes=decodes).model_copy(update={"norms": "pre"})
    table = bert_embedding(f, norm=embedding_norm)
    return encoder(f, f.size("hidden_size"), table, equal(f, layer), heads, decodes=decodes, final_norm=True)


def megatron_bert(f: Fields, heads: Heads) -> Architecture:
    """Megatron-BERT and XLM-R XL: norms before each block, none on the embedding (arXiv:1909.08053, section 5.3)."""
    return _pre_norm(f, heads, embedding_norm=False)


def roberta_prelayernorm(f: Fields, heads: Heads) -> Architecture:
    """Fairseq's RoBERTa with norms before each block."""
    return _pre_norm(f, heads, embedding_norm=True)


def ernie(f: Fields, heads: Heads) -> Architecture:
    """ERNIE: BERT, perhaps with a table of tasks."""
    rows = f.size("task_type_vocab_size", default=0, zero=True)
    tasks = rows if f.flag("use_task_id") else 0
    return _bert_with(f, heads, *([_table("tasks", tasks, f.size("hidden_size"))] if tasks else []))


def roc_bert(f: Fields, heads: Heads) -> Architecture:
    """RoCBert: each character also by its sound and its shape, joined and mapped to the hidden width."""
    hidden, extras, joined = f.size("hidden_size"), [], f.size("hidden_size")
    for kind in ("pronunciation", "shape"):
        width = f.size(f"{kind}_embed_dim")
        extras.append(_table(kind, f.size(f"{kind}_vocab_size"), width))
        joined += width if f.flag(f"enable_{kind}", True) else 0
    maps = [Linear(name="embedding.map", inputs=joined, outputs=hidden, bias=True)] if f.flag("concat_input") else []
    return _bert_with(f, heads, *extras, *maps)


def layoutlm(f: Fields, heads: Heads) -> Architecture:
    """LayoutLM: four tables tell where on the page a token's box lies (arXiv:1912.13318, section 2.2)."""
    hidden, rows = f.size("hidden_size"), f.size("max_2d_position_embeddings")
    return encoder(
        f, hidden, bert_embedding(f), equal(f, bert_layer(f)), heads,
        extras=tuple(_table(f"box.{axis}", rows, hidden) for axis in "xyhw"),
    )  # fmt: skip


TAPAS_TASK = frozenset(
    """
    aggregation allow answer average cell disable huber init max positive reset select temperature use
    """.split()
)
"""First words of TAPAS's settings of how answers are picked, scored and trained."""


def tapas(f: Fields, heads: Heads) -> Architecture:
    """TAPAS: seven tables tell row, column and rank of a cell (arXiv:2004.02349, section 2)."""
    f.read.update(key for key in f if key.split("_")[0] in TAPAS_TASK)
    hidden, sizes = f.size("hidden_size"), f.value("type_vocab_sizes")
    if not isinstance(sizes, list) or not all(isinstance(rows, int) and rows > 0 for rows in sizes):
        raise BadInput(f"{f.where}: field 'type_vocab_sizes' must list positive integers")
    tables = tuple(_table(f"types.{i}", rows, hidden) for i, rows in enumerate(sizes))
    return encoder(f, hidden, bert_embedding(f, types=0), equal(f, bert_layer(f)), heads, extras=tables)


def tapas_heads(f: Fields) -> dict[str, Heads]:
    """TAPAS: questions are answered by picking cells and columns, and perhaps by summing them up."""
    hidden, sums = f.size("hidden_size"), f.size("num_aggregation_labels", default=0, zero=True)
    pick: list[Any] = [Linear(name=f"pick.{what}", inputs=hidden, outputs=1, bias=True) for what in ("cell", "column")]
    total = [Linear(name="aggregate", inputs=hidden, outputs=sums, bias=True, over="sequence")] if sums else []
    known = bert_heads(f)
    return {
        **{name: known[name] for name in ("Model", "ForMaskedLM", "ForSequenceClassification")},
        "ForQuestionAnswering": (*known["Model"], *pick, *total),
    }


def ibert_heads(f: Fields) -> dict[str, Heads]:
    """I-BERT and MPNet: RoBERTa's heads without a decoder's; integers instead of floats change no count."""
    f.read.update(("force_dequant", "quant_mode"))
    return usual(f)


def bert_generation_heads(f: Fields) -> dict[str, Heads]:
    """Google's BERT for generation: logits straight on the embedding's table."""
    return {"Encoder": (), "Decoder": masked_lm(f, transform=None)}


def bert_generation(f: Fields, heads: Heads) -> Architecture:
    """BERT without segments (arXiv:1907.12461)."""
    return _bert_with(f, heads, types=0)


def mpnet(f: Fields, heads: Heads) -> Architecture:
    """MPNet: BERT without segments, with T5's relative positions besides learned ones (arXiv:2004.09297)."""
    layer, embedding = bert_layer(f, position="relative"), bert_embedding(f, types=0)
    buckets = f.size("relative_attention_num_buckets", default=32)
    return encoder(f, f.size("hidden_size"), embedding, equal(f, layer), heads, relative_buckets=buckets)


def rembert(f: Fields, heads: Heads) -> Architecture:
    """RemBERT: narrow tables at the entrance, wide logits of their own at the end (arXiv:2010.12821, section 5)."""
    decodes = f.flag("is_decoder")
    embedding = bert_embedding(f, f.size("input_embedding_size"))
    groups = equal(f, bert_layer(f, decodes=decodes))
    return encoder(f, f.size("hidden_size"), embedding, groups, heads, decodes=decodes)


def rembert_heads(f: Fields) -> dict[str, Heads]:
    """RemBERT: a head that is never tied."""
    every, width = not f.flag("is_decoder"), f.size("output_embedding_size", default=1664)
    head = (LmHead(tied=False, bias=True, transform="dense", width=width, every_token=every),)
    return usual(f) | {"ForMaskedLM": head, "ForCausalLM": head}


def roformer(f: Fields, heads: Heads) -> Architecture:
    """RoFormer: BERT with rotary positions, whose sines the class keeps as parameters (arXiv:2104.09864)."""
    hidden, decodes = f.size("hidden_size"), f.flag("is_decoder")
    width = f.size("embedding_size", default=hidden)
    layer = bert_layer(f, decodes=decodes, position="rotary")
    _, d = heads_of(f, hidden, "num_attention_heads")
    f.read.add("rotary_value")
    embedding = bert_embedding(f, width if width != hidden else None, positions=0)
    sines = _table("sines", f.size("max_position_embeddings"), d)
    return encoder(f, hidden, embedding, equal(f, layer), heads, decodes=decodes, extras=(sines,))


def xmod(f: Fields, heads: Heads) -> Architecture:
    """X-MOD: a bottleneck per language behind each layer, of which a text uses one (arXiv:2205.06266, section 3)."""
    hidden, decodes, languages = f.size("hidden_size"), f.flag("is_decoder"), f.names("languages") or []
    narrow, first = max(1, hidden // f.size("adapter_reduction_factor")), f.flag("pre_norm")
    f.read.update(("ln_before_adapter", "adapter_reuse_layer_norm", "default_language"))
    extras: list[Extra] = []
    if languages:
        extras.append(Linear(name="adapter.down", inputs=hidden, outputs=narrow, bias=True))
        extras.append(Linear(name="adapter.up", inputs=narrow, outputs=hidden, bias=True))
    if len(languages) > 1:
        one = 2 * hidden * narrow + hidden + narrow
        extras.append(Learned(name="adapter.others", elements=(len(languages) - 1) * one, table=True))
    if f.flag("adapter_layer_norm"):
        extras.append(Learned(name="adapter.norm", elements=2 * hidden))
    layer = bert_layer(f, decodes=decodes)
    layer = layer.model_copy(update={"norms": "pre" if first else "post", "extras": tuple(extras)})
    return encoder(f, hidden, bert_embedding(f), equal(f, layer), heads, decodes=decodes, final_norm=first)


def xlm(f: Fields, heads: Heads) -> Architecture:
    """XLM and FlauBERT: BERT with languages instead of segments (arXiv:1901.07291, section 3)."""
    hidden, languages = f.size("emb_dim", "hidden_size"), f.size("n_langs", default=1)
    if f.flag("asm") or f.flag("causal") or not f.flag("is_encoder", True):
        raise BadInput(f"{f.where}: asm, causal or a decoder (is_encoder=false) is not modelled for XLM")
    f.read.update(("end_n_top", "embed_init_std", "gelu_activation", "sinusoidal_embeddings", "use_lang_emb"))
    f.read.update(("bos_index", "eos_index", "pad_index", "unk_index", "mask_index", "lang_id"))
    heads_and_width = heads_of(f, hidden, "n_heads", "num_attention_heads")
    layer = post_norm_layer(*heads_and_width, 4 * hidden)
    if f.flag("pre_norm"):
        layer = layer.model_copy(update={"norms": "pre"})
    embedding = TokenEmbedding(
        vocab=f.size("vocab_size", "n_words"),
        positions=f.size("max_position_embeddings"),
        types=languages if languages > 1 and f.flag("use_lang_emb", True) else 0,
        norm=True,
    )
    return encoder(f, hidden, embedding, fold([layer] * f.size("n_layers", "num_hidden_layers")), heads)


def beam_answers(hidden: int, beams: int) -> Heads:
    """XLM's and XLNet's answers to questions: an end for each of the likeliest starts, and whether there is one."""
    ends: dict[str, Any] = {"over": "token", "times": beams}
    return (
        Linear(name="start", inputs=hidden, outputs=1, bias=True),
        Linear(name="end.mix", inputs=2 * hidden, outputs=hidden, bias=True, **ends),
        Learned(name="end.norm", elements=2 * hidden),
        Linear(name="end", inputs=hidden, outputs=1, bias=True, **ends),
        Linear(name="answerable.mix", inputs=2 * hidden, outputs=hidden, bias=True, over="sequence"),
        Linear(name="answerable", inputs=hidden, outputs=1, over="sequence"),
    )


def xlm_heads(f: Fields) -> dict[str, Heads]:
    """XLM and FlauBERT: sequences are told apart by one linear map of the first token."""
    if not (f.flag("summary_use_proj", True) and f.flag("summary_proj_to_labels", True)):
        raise BadInput(f"{f.where}: summary_use_proj=false or summary_proj_to_labels=false is not modelled for XLM")
    known = usual(f, model=(), twin=False)
    whole, simple = known["ForSequenceClassification"][1:], known["ForQuestionAnswering"]
    classes = getattr(whole[0], "classes", 2)
    return {
        **{name: known[name] for name in ("Model", "ForTokenClassification")},
        "WithLMHeadModel": masked_lm(f, twin=False, transform=None),
        "ForSequenceClassification": whole,
        "ForMultipleChoice": (*whole, Linear(name="choice", inputs=classes, outputs=1, bias=True, over="sequence")),
        "ForQuestionAnsweringSimple": simple,
        "ForQuestionAnswering": beam_answers(f.size("emb_dim", "hidden_size"), f.size("start_n_top", default=5)),
    }


def gte(f: Fields, heads: Heads) -> Architecture:
    """GTE (2024): BERT's order of norms, rotary positions, a gated block with a bias on its last map only."""
    hidden, width = f.size("hidden_size"), f.size("intermediate_size")
    mixer = bert_layer(f, position="rotary").mixer
    layer = Layer(
        mixer=mixer, channel=Dense(width=width, activation="gelu"), norms="post",
        extras=(Learned(name="channel.down.bias", elements=hidden),),
    )  # fmt: skip
    return encoder(f, hidden, bert_embedding(f, positions=0), equal(f, layer), heads)


def jina(f: Fields, heads: Heads) -> Architecture:
    """Jina embeddings 3: XLM-R with rotary positions (arXiv:2409.10173, section 3)."""
    layer = bert_layer(f, position="rotary")
    return encoder(f, f.size("hidden_size"), bert_embedding(f, positions=0), equal(f, layer), heads)


def eurobert(f: Fields, heads: Heads) -> Architecture:
    """EuroBERT: LLaMA's layer that sees both directions (arXiv:2503.05500, section 2)."""
    layer = Layer(mixer=attention(f, causal=False), channel=gated(f))
    embedding = TokenEmbedding(vocab=f.size("vocab_size"))
    return encoder(f, f.size("hidden_size"), embedding, equal(f, layer), heads, norm="rms", final_norm=True)


def ultrabert(f: Fields, heads: Heads) -> Architecture:
    """Ultrabert: LLaMA's layer in both directions, with a narrow band in most layers."""
    n, channel = f.size("num_hidden_layers"), gated(f)
    per_layer = f.value("attention_windows")  # as published checkpoints write it
    if isinstance(per_layer, list) and len(per_layer) == n:
        reach, slides = next((w for w in per_layer if w), None), [bool(w) for w in per_layer]
    else:
        names, reach = f.names("layer_types", n), f.size("sliding_window")
        slides = [name == "sliding_attention" for name in names] if names else [(i + 1) % 3 > 0 for i in range(n)]
    layers = [
        Layer(mixer=attention(f, causal=False, window=reach if slide else None), channel=channel) for slide in slides
    ]
    embedding = TokenEmbedding(vocab=f.size("vocab_size"))
    return encoder(f, f.size("hidden_size"), embedding, fold(layers), heads, norm="rms", final_norm=True)


def ultrabert_heads(f: Fields) -> dict[str, Heads]:
    """Ultrabert: logits behind a bottleneck; everything else by one linear map."""
    hidden, narrow = f.size("hidden_size"), f.size("prediction_head_size")
    known, classes = usual(f, model=()), kinds.labels(f)
    steps: Any = (
        Linear(name="head.down", inputs=hidden, outputs=narrow),
        Linear(name="head.up", inputs=narrow, outputs=hidden),
    )
    head = LmHead(tied=f.flag("tie_word_embeddings"), every_token=True)
    return {
        **{name: known[name] for name in ("Model", "ForTokenClassification", "ForQuestionAnswering")},
        "ForMaskedLM": (*steps, head),
        "ForSequenceClassification": (Classifier(classes=classes),),
    }


def esmc(f: Fields, heads: Heads) -> Architecture:
    """ESM C, for proteins: gated blocks, norms on the whole width of queries and keys; only norms inside layers have
    biases."""
    hidden = f.size("hidden_size")
    layer = Layer(
        mixer=attention(f, causal=False, qk_norm="full", bias=()),
        channel=gated(f, bias=False),
        extras=(Learned(name="norm.biases", elements=2 * hidden),),
    )
    embedding = TokenEmbedding(vocab=f.size("vocab_size"))
    return encoder(f, hidden, embedding, equal(f, layer), heads, norm="layer-no-bias", final_norm=True)


def fnet(f: Fields, heads: Heads) -> Architecture:
    """FNet: BERT whose attention is a Fourier transform without weights (arXiv:2105.03824, section 3.2)."""
    hidden = f.size("hidden_size")
    if f.flag("use_tpu_fourier_optimizations"):
        raise BadInput(f"{f.where}: use_tpu_fourier_optimizations=true multiplies by matrices; that is not modelled")
    f.read.add("tpu_short_seq_length")
    channel = Dense(width=f.size("intermediate_size"), gated=False, bias=True, activation="gelu")
    layer = Layer(mixer=Fourier(), channel=channel, norms="post")
    project = Linear(name="embedding.map", inputs=hidden, outputs=hidden, bias=True)
    return encoder(f, hidden, bert_embedding(f), equal(f, layer), heads, extras=(project,))


TYPES: dict[str, kinds.Type] = {
    "bert-generation": kinds.masked("BertGeneration", "Decoder", bert_generation, bert_generation_heads),
    "camembert": kinds.masked("Camembert", "ForMaskedLM", bert, roberta_heads),
    "data2vec-text": kinds.masked("Data2VecText", "ForMaskedLM", bert, roberta_heads),
    "ernie": kinds.masked("Ernie", "ForPreTraining", ernie, bert_heads),
    "esmc": kinds.masked("Esmc", "ForMaskedLM", esmc, esmc_heads),
    "eurobert": kinds.masked("EuroBert", "ForMaskedLM", eurobert, eurobert_heads),
    "flaubert": kinds.masked("Flaubert", "WithLMHeadModel", xlm, xlm_heads),
    "fnet": kinds.masked("FNet", "ForPreTraining", fnet, pooled_heads),
    "gte": kinds.masked("Gte", "Model", gte, gte_heads),
    "ibert": kinds.masked("IBert", "ForMaskedLM", bert, ibert_heads),
    "jina_embeddings_v3": kinds.masked("JinaEmbeddingsV3", "Model", jina, jina_heads),
    "layoutlm": kinds.masked("LayoutLM", "ForMaskedLM", layoutlm, pooled_heads),
    "megatron-bert": kinds.masked("MegatronBert", "ForPreTraining", megatron_bert, bert_heads),
    "mpnet": kinds.masked("MPNet", "ForMaskedLM", mpnet, ibert_heads),
    "rembert": kinds.masked("RemBert", "ForMaskedLM", rembert, rembert_heads),
    "roberta-prelayernorm": kinds.masked("RobertaPreLayerNorm", "ForMaskedLM", roberta_prelayernorm, roberta_heads),
    "roc_bert": kinds.masked("RoCBert", "ForPreTraining", roc_bert, roc_bert_heads),
    "roformer": kinds.masked("RoFormer", "ForMaskedLM", roformer, summary_heads),
    "tapas": kinds.masked("Tapas", "ForMaskedLM", tapas, tapas_heads),
    "ultrabert": kinds.masked("Ultrabert", "ForMaskedLM", ultrabert, ultrabert_heads),
    "xlm": kinds.masked("XLM", "WithLMHeadModel", xlm, xlm_heads),
    "xlm-roberta-xl": kinds.masked("XLMRobertaXL", "ForMaskedLM", megatron_bert, roberta_heads),
    "xmod": kinds.masked("Xmod", "ForMaskedLM", xmod, roberta_heads, proof="parameters"),
}
