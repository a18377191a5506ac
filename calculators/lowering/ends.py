"""Both ends of a stack: embeddings and conditioning in, heads out."""

from __future__ import annotations

from typing import assert_never

from calculators.form import Form, per
from calculators.lowering.adaptive import adaptive_embedding, adaptive_head
from calculators.lowering.connectors import connector
from calculators.lowering.convolutions import convolutions
from calculators.lowering.extras import extra
from calculators.lowering.image_heads import alignment, attention_pooler
from calculators.lowering.scope import NORM_VECTORS, Scope
from calculators.measures import One, Sequences, Tokens
from calculators.operators import Kind, Operator, Role, Weight
from calculators.pairs import Pairs
from calculators.workload import Stream
from catalog.connectors import Connector
from catalog.convolutions import Convolutions
from catalog.embeddings import CaptionEmbedding, JoinedEmbedding
from catalog.ends import Embedding
from catalog.extras import Learned, Linear
from catalog.image_heads import Alignment, AttentionPooler
from catalog.spec import (
    Classifier,
    Conditioning,
    Head,
    LmHead,
    PatchEmbedding,
    Pooler,
    QueryEmbedding,
    TokenEmbedding,
    Unpatch,
)


def token_table(stack: str, embedding: TokenEmbedding, hidden: int) -> Weight:
    """The table of token vectors."""
    return Weight(f"{stack}.tokens", (embedding.vocab, embedding.width or hidden), Role.EMBEDDING)


def token_embedding(scope: Scope, embedding: TokenEmbedding) -> int:
    """Look up rows: no FLOPs, and traffic of one row per token rather than the whole table.

    Narrow tables are normed at their own width and then carried to the hidden one (arXiv:1909.11942, section 3.1).
    """
    if embedding.tails:
        return adaptive_embedding(scope, embedding)
    h = embedding.width or scope.hidden
    rows = scope.share(embedding.vocab)
    tables = [] if embedding.shared_with else [Weight(f"{scope.stack}.tokens", (rows, h), Role.EMBEDDING)]
    lookups = 1
    for name, rows in (("positions", embedding.positions), ("types", embedding.types)):
        if rows:
            tables.append(Weight(f"{scope.stack}.{name}", (rows, h), Role.EMBEDDING))
            lookups += 1
    node = scope.builder.add(
        Operator(
            name="embedding",
            kind=Kind.EMBEDDING,
            part=scope.part("embedding"),
            weights=tuple(tables),
            touched=Form(),
            rows=per(scope.tokens, lookups * h),
            writes=per(scope.tokens, h),
        )
    )
    if embedding.norm:
        node = scope.norm("embedding.norm", node, part="embedding", width=h)
    if embedding.width:
        bias = scope.hidden if embedding.width_bias else 0
        node = scope.linear("embedding.project", h, scope.hidden, node, part="embedding", bias=bias)
    return node


def relative_table(scope: Scope, rows: int, norm: bool) -> int:
    """Vectors of relative positions, read whole in each pass and by every layer (arXiv:2006.03654, section 3.1)."""
    h = scope.hidden
    norms = NORM_VECTORS[scope.norm_kind] if norm else 0
    return scope.builder.add(
        Operator(
            name="relative_table",
            kind=Kind.EMBEDDING,
            part=scope.part("embedding"),
            weights=(
                *((Weight("relative_table", (rows, h), Role.EMBEDDING),) if rows else ()),
                *(Weight(f"relative_table.norm.{i}", (h,), Role.VECTOR) for i in range(norms)),
            ),
            touched=scope.once,
        )
    )


def patch_embedding(scope: Scope, embedding: PatchEmbedding) -> int:
    """A strided convolution: ``2·patches·C·p²·h`` FLOPs per image (arXiv:2010.11929, equation 1).

    Where an image fills several tiles, the reference multiplies which tokens are padding into a mask of all pairs.
    """
    h = scope.hidden
    inputs = embedding.channels * embedding.frames * embedding.patch**2
    kernel = (h, embedding.channels, *((embedding.frames,) if embedding.frames > 1 else ()), *(embedding.patch,) * 2)
    weights = [Weight("patch.weight", kernel)]
    if embedding.bias:
        weights.append(Weight("patch.bias", (h,), Role.VECTOR))
    if embedding.extra_tokens:
        weights.append(Weight("extra_tokens", (embedding.extra_tokens, h), Role.VECTOR))
    if embedding.positions:
        weights.append(Weight("positions", (embedding.tokens - embedding.unplaced, h), Role.EMBEDDING))
    if embedding.mask_token:
        weights.append(Weight("mask_token", (h,), Role.VECTOR))
    flops = per(scope.sequences, 2 * embedding.patches * inputs * h)
    mask = per(Pairs(scope.stream, "executed", causal=False), 2) if embedding.tiles > 1 else Form()
    node = scope.builder.add(
        Operator(
            name="embedding.patch",
            kind=Kind.CONVOLUTION,
            leaf=True,
            part=scope.part("embedding"),
            weights=tuple(weights),
            executed=flops + mask,
            needed=flops,
            touched=scope.once,
            reads=per(scope.sequences, embedding.patches * inputs),
            writes=per(scope.tokens, h),
        )
    )
    return scope.norm("embedding.norm", node, part="embedding") if embedding.norm else node


def query_embedding(scope: Scope, embedding: QueryEmbedding) -> int:
    """Learned vectors, the same for every image (arXiv:2301.12597, section 3.1)."""
    node = scope.builder.add(
        Operator(
            name="embedding.queries",
            kind=Kind.ELEMENTWISE,
            part=scope.part("embedding"),
            weights=(Weight("queries", (embedding.tokens, scope.hidden), Role.VECTOR),),
            touched=scope.once,
            writes=per(scope.tokens, scope.hidden),
        )
    )
    return scope.norm("embedding.norm", node, part="embedding") if embedding.norm else node


def conditioning(scope: Scope, condition: Conditioning, shared_modulation: int) -> int:
    """Embed the timestep (and label, caption, sizes) into the vector that steers every block.

    ``shared_modulation`` is how many vectors one linear layer produces for all blocks (PixArt), 0 if each block has
    its own.

    Source: arXiv:2212.09748 section 3.2; arXiv:2310.00426 section 2.3.
    """
    h, sequences = scope.hidden, scope.sequences
    vector = condition.width or h

    def embedder(name: str, width: int, times: int = 1, inputs: int = condition.frequency) -> int:
        flops = per(sequences, times * 2 * inputs * width)
        first = scope.linear(
            f"{name}.in", inputs, width, None, part="conditioning", bias=width, over=sequences, leaf=True,
            executed=flops, needed=flops,
        )  # fmt: skip
        flops = per(sequences, times * 2 * width * width)
        return scope.linear(
            f"{name}.out", width, width, first, part="conditioning", bias=width, over=sequences,
            executed=flops, needed=flops,
        )  # fmt: skip

    node = embedder("timestep", vector)
    if condition.guidance:
        embedder("guidance", vector)
    if condition.pooled:
        embedder("pooled", vector, inputs=condition.pooled)
    if condition.classes:
        scope.builder.add(
            Operator(
                name="label",
                kind=Kind.EMBEDDING,
                part=scope.part("conditioning"),
                weights=(Weight("label.table", (condition.classes, h), Role.EMBEDDING),),
                touched=Form(),
                rows=per(sequences, h),
                writes=per(sequences, h),
            ),
        )
    if condition.sizes:
        third = h // 3
        embedder("resolution", third, times=2)
        embedder("aspect_ratio", third)
    if shared_modulation:
        wide = shared_modulation * h
        node = scope.linear("modulation", h, wide, node, part="conditioning", bias=wide, over=sequences)
    if condition.caption_width:
        unit, width, caption = Tokens(Stream("sample", condition.caption_tokens)), condition.caption_width, None
        for index in range(condition.caption_layers):
            caption = scope.linear(
                f"caption.{index}", width, h, caption, part="conditioning", bias=h, over=unit, leaf=index == 0
            )
            width = h
    return node


def caption_embedding(scope: Scope, embedding: CaptionEmbedding) -> int:
    """A linear layer on each vector of an outside text encoder."""
    h = scope.hidden
    return scope.linear("embedding", embedding.width, h, None, part="embedding", bias=h, leaf=True)


def joined_embedding(scope: Scope, embedding: JoinedEmbedding) -> int:
    """Other stacks' tokens in a row: no work, but all of them are there."""
    return scope.builder.add(
        Operator(
            name="embedding",
            kind=Kind.ELEMENTWISE,
            part=scope.part("embedding"),
            reads=per(scope.tokens, scope.hidden),
            writes=per(scope.tokens, scope.hidden),
        ),
        *(scope.outputs[name] for name in embedding.sources),
    )


def head(scope: Scope, spec: Head, embedding: Embedding, table: Weight | None, source: int) -> int:
    """What turns hidden states into an answer. Heads are not split over devices except the vocabulary's."""
    match spec:
        case LmHead():
            assert isinstance(embedding, TokenEmbedding)
            if embedding.tails:
                return adaptive_head(scope, spec, embedding, source)
            return _lm_head(scope, spec, embedding, table, source)
        case Pooler():
            h, over = scope.hidden, scope.tokens if spec.every_token else scope.sequences
            node = scope.linear("pooler", h, h, source, part="head", bias=h if spec.bias else 0, over=over)
            return scope.norm("pooler.norm", node, part="head", over=over) if spec.norm else node
        case Classifier():
            over = scope.tokens if spec.every_token else scope.sequences
            return scope.linear(
                "classifier", spec.input_tokens * scope.hidden, spec.classes, source, part="head",
                bias=spec.classes if spec.bias else 0, over=over,
            )  # fmt: skip
        case Linear() | Learned():
            extra(scope, spec)
            return source
        case Connector():
            return connector(scope, spec, source)
        case Unpatch():
            return _unpatch(scope, spec, embedding, source)
        case Convolutions():
            return convolutions(scope, spec, source, "head")
        case AttentionPooler():
            return attention_pooler(scope, spec, source)
        case Alignment():
            return alignment(scope, spec, source)
        case _:
            assert_never(spec)


def _lm_head(scope: Scope, spec: LmHead, embedding: TokenEmbedding, table: Weight | None, source: int) -> int:
    h, vocab = spec.width or embedding.width or scope.hidden, spec.vocab or embedding.vocab
    local = scope.share(vocab)
    over_needed = scope.tokens if spec.every_token else Sequences(scope.stream)
    if spec.transform == "dense":
        bias_length = h if spec.transform_bias else 0
        source = scope.linear("head.dense", scope.hidden, h, source, part="head", bias=bias_length)
        source = scope.norm("head.norm", source, part="head", width=h)
    own = Weight("head.weight", (local, h), Role.HEAD)
    bias = (Weight("head.bias", (vocab,), Role.VECTOR),) if spec.bias else ()
    return scope.builder.add(
        Operator(
            name="head",
            kind=Kind.GEMM,
            part=scope.part("head"),
            weights=bias if spec.tied else (own, *bias),
            borrowed=(Weight(table.name, (local, h), table.role),) if spec.tied and table else (),
            executed=per(scope.tokens, 2 * h * local),
            needed=per(over_needed, 2 * h * local),
            touched=per(One(), 1),
            reads=per(over_needed, h),
            writes=per(over_needed, local),
        ),
        source,
    )


def _unpatch(scope: Scope, spec: Unpatch, embedding: Embedding, source: int) -> int:
    h, side = scope.hidden, spec.patch or (embedding.patch if isinstance(embedding, PatchEmbedding) else 1)
    if spec.modulation == "linear":
        source = scope.linear("head.modulation", h, 2 * h, source, part="head", bias=2 * h, over=scope.sequences)
        table: tuple[Weight, ...] = ()
    else:
        table = (Weight("head.scale_shift", (2, h), Role.VECTOR),)
    outputs = spec.channels * side**2
    over = Tokens(Stream("sample", scope.stream.tokens - spec.drop_tokens))
    return scope.linear(
        "head", h, outputs, source, part="head", bias=outputs, over=over,
        weights=(Weight("head.weight", (outputs, h)), *table),
    )  # fmt: skip
