"""Drafts of speculative decoding: what guesses, how it is built, and how many of its guesses are accepted."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from advisor.answer import Band
from advisor.estimating.resolve import Resolved
from advisor.formats import weights_of
from calculators.efficiency import efficiency
from calculators.memory import role_bits
from calculators.operators import Role
from calculators.params import architecture_of
from calculators.plan import layout_problem
from calculators.serving import Server
from calculators.speculative import acceptance_rate, expected_tokens
from calculators.table import ROLES, Table, compile_table
from catalog.acceptance import AcceptanceCurve
from catalog.channels import Dense
from catalog.ends import LmHead, TokenEmbedding
from catalog.errors import BadInput, unknown
from catalog.extras import Linear
from catalog.loader import acceptance_curves, load, load_format, machine_classes
from catalog.mixers import Attention
from catalog.spec import Architecture, Group, Layer, Stack
from catalog.weight_format import WeightFormat

METHODS = ("mtp", "eagle3", "draft:MODEL")
EAGLE_VOCAB = 32000
"""Words that the head of published EAGLE-3 drafts tells apart (``draft_vocab_size`` of their configurations)."""
EAGLE_SOURCES = 3
"""Hidden states of the target that an EAGLE-3 draft reads (arXiv:2503.01840, section 3)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What guesses tokens, with what it costs besides the model itself."""

    method: str
    name: str
    architecture: Architecture
    weights: WeightFormat
    shared: frozenset[Role]
    """Roles of weights that are the target's own."""

    def weight_bytes(self, case: Resolved) -> float:
        """Bytes on one device, without what it shares with the target."""
        bits, table = role_bits(self.weights), self.table(case)
        own = [0.0 if role in self.shared else bits[role] for role in ROLES]
        return float((table.elements.sum(axis=0) * own).sum()) / 8

    def table(self, case: Resolved) -> Table:
        """Lowered for the devices of the target, or for one of them where it cannot be split so."""
        layout = case.scenario.layout
        return compile_table(self.architecture, 1 if layout_problem(self.architecture, layout) else layout)

    def server(self, case: Resolved) -> Server:
        """As the calculators time it."""
        layout = case.scenario.layout
        return Server.of(
            self.architecture,
            case.machine,
            efficiency(case.machine, self.weights, machine_classes()),
            self.weights,
            case.cache_bits,
            1 if layout_problem(self.architecture, layout) else layout,
            case.engine.step_overhead_us * 1e-6,
            routing=case.scenario.routed,
        )


def draft_of(case: Resolved) -> Draft:
    """The draft that a scenario asks for.

    Raises:
        BadInput: If the method is unknown, the model does not write from one stack, or the draft has other words.
    """
    method = case.scenario.speculate
    if not case.generates or case.encoder_decoder:
        raise BadInput(f"speculate: {case.spec.id} is {case.spec.family}; only decoders verify drafts")
    target = next(s for s in case.architecture.stacks if s.role == "decoder")
    if method == "mtp":
        return Draft(
            "mtp", "one more layer like its last", _mtp(target), case.weights, frozenset({Role.EMBEDDING, Role.HEAD})
        )
    if method == "eagle3":
        return Draft(
            "eagle3", "a one-layer EAGLE-3 head", _eagle(target), load_format("bf16"), frozenset({Role.EMBEDDING})
        )
    kind, colon, name = method.partition(":")
    if kind == "draft" and colon and name:
        return _model(case, target, name)
    raise unknown("way to speculate", method, METHODS)


def _mtp(target: Stack) -> Architecture:
    """A multi-token-prediction module: a map of hidden state and token to one, and the target's last layer again.

    Source:
        arXiv:2412.19437, section 2.2; tables and head are the target's.
    """
    layer = target.groups[-1].layers[-1]
    join = Linear(name="project", inputs=2 * target.hidden, outputs=target.hidden)
    return _one_layer(target, layer, (join,), None)


def _eagle(target: Stack) -> Architecture:
    """One dense layer of the target's width whose attention also reads the token's vector (arXiv:2503.01840)."""
    layers = [layer for group in target.groups for layer in group.layers]
    h = target.hidden
    attention = next(
        (m for layer in layers if isinstance(m := layer.mixer, Attention)),
        Attention(heads=max(1, h // 128), kv_heads=_at_most(8, max(1, h // 128)), head_dim=128),
    )
    attention = attention.model_copy(update={"window": None})
    dense = next((layer.channel for layer in layers if isinstance(layer.channel, Dense)), Dense(width=4 * h))
    rows = (attention.heads + 2 * attention.kv_heads) * attention.head_dim
    extras = (
        Linear(name="project", inputs=EAGLE_SOURCES * h, outputs=h),
        Linear(name="token.qkv", inputs=h, outputs=rows),
    )
    vocab = target.embedding.vocab if isinstance(target.embedding, TokenEmbedding) else EAGLE_VOCAB
    return _one_layer(target, Layer(mixer=attention, channel=dense), extras, min(EAGLE_VOCAB, vocab))


def _at_most(wanted: int, heads: int) -> int:
    return max(n for n in range(1, min(wanted, heads) + 1) if heads % n == 0)


def _one_layer(target: Stack, layer: Layer, extras: tuple[Linear, ...], vocab: int | None) -> Architecture:
    embedding = target.embedding
    words = embedding.vocab if isinstance(embedding, TokenEmbedding) else EAGLE_VOCAB
    stack = Stack(
        name="draft",
        role="decoder",
        hidden=target.hidden,
        norm=target.norm,
        embedding=TokenEmbedding(vocab=words),
        groups=(Group(layers=(layer,)),),
        extras=extras,
        heads=(LmHead(vocab=vocab),),
    )
    return Architecture(stacks=(stack,))


def _model(case: Resolved, target: Stack, name: str) -> Draft:
    spec = load(name)
    architecture = architecture_of(spec)
    decoder = next((s for s in architecture.stacks if s.role == "decoder"), None)
    if decoder is None or not any(isinstance(h, LmHead) for h in decoder.heads):
        raise BadInput(f"speculate: {spec.id} is {spec.family}; a draft must write tokens")
    theirs, ours = (getattr(s.embedding, "vocab", None) for s in (decoder, target))
    if theirs is None or ours is None or abs(theirs - ours) > 0.01 * ours:  # published tables are padded differently
        raise BadInput(
            f"speculate: {spec.id} has {theirs or 0:,} words and {case.spec.id} {ours or 0:,}; a draft needs the same "
            "tokenizer"
        )
    return Draft("draft", spec.id, architecture, weights_of(spec), frozenset())


def acceptance_of(case: Resolved, draft: Draft, drafted: int) -> Band:
    """Mean tokens of a round, with what is known of it.

    Given: as given. Else the curve measured for the model and the method; else the median of all models with that
    method, between the lowest and the highest of them.

    Raises:
        BadInput: If nothing like it was measured, or what is given is impossible.
    """
    given = case.scenario.acceptance
    if given is not None:
        if given < 1:
            return Band(float(expected_tokens(given, drafted)), None, None, "given", f"{given:g} of drafted tokens")
        if given > drafted + 1:
            raise BadInput(
                f"acceptance: {given:g} tokens per round; with {drafted} drafted it is at most {drafted + 1}"
            )
        return Band(given, None, None, "given", "as given")
    curves = [c for c in acceptance_curves().curves if c.method == draft.method]
    own = [c for c in curves if c.model == case.spec.id]
    if not curves:
        raise BadInput(
            f"acceptance: nobody measured how often {case.spec.id} accepts what {draft.name} drafts; give it with "
            "--acceptance (below 1: share of drafted tokens; from 1: tokens per round)"
        )
    lengths = [_length(c, drafted) for c in own or curves]
    models = sorted({c.model for c in own or curves})
    basis = f"SPEED-Bench coding prompts, {', '.join(models)}"
    return Band(median(lengths), min(lengths), max(lengths), "measured" if own else "class default", basis)


def _length(curve: AcceptanceCurve, drafted: int) -> float:
    """As measured; beyond the curve's end with the rate of its end."""
    end = len(curve.lengths)
    if drafted <= end:
        return curve.lengths[drafted - 1]
    return float(expected_tokens(acceptance_rate(curve.lengths[-1], end), drafted))
