"""Changes applied to a model: a new specification, checked like any other, or one sentence why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.design import parts
from advisor.design.changes import Changes, Pattern
from advisor.design.layers import flat, folded, is_plain, resized
from advisor.design.parts import but, feed_forward
from advisor.design.shape import Shape, architecture, chosen, shape, table_owner
from catalog.channel_mix import ChannelMix
from catalog.channels import Dense, Experts
from catalog.connectors import Connector, Map
from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.image_heads import Alignment, AttentionPooler
from catalog.mixers import Mamba2, Mixer, ParallelHeads
from catalog.spec import (
    Architecture,
    Family,
    Group,
    Layer,
    LmHead,
    ModelSpec,
    PatchEmbedding,
    Source,
    Stack,
    TokenEmbedding,
)

WINDOW = 4096
"""Tokens that windowed layers see where neither the base nor the changes say (Mistral 7B, arXiv:2310.06825)."""
WORDS = {
    "layers": "layers", "hidden": "width", "heads": "heads", "kv_heads": "kv heads", "head_dim": "head width",
    "kv_rank": "latent rank", "state": "state", "ff_width": "feed-forward", "experts": "experts",
    "top_k": "experts per token", "expert_width": "expert width", "shared_width": "shared expert",
    "window": "window", "vocab": "vocabulary", "tied": "tied head", "pattern": "pattern",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edited:
    """A changed model."""

    spec: ModelSpec
    before: Shape
    after: Shape
    changed: tuple[str, ...]
    """What differs, a phrase each: ``layers 32 → 40``."""
    assumed: tuple[str, ...]
    """What nobody said, a sentence each."""


def edit(base: ModelSpec, changes: Changes, *, stack: str | None = None, name: str | None = None) -> Edited:
    """Change a model.

    Args:
        base: The model to start from.
        changes: What is to be different.
        stack: Which stack; by default the one that does most of the work.
        name: Id of the result; by default the base's with ``-design``.

    Raises:
        BadInput: If the shape is impossible, or the base has no such part; the message says what would be right.
    """
    target = chosen(base, stack)
    before = shape(base, target.name)
    given = changes.given()
    _has_what_is_changed(base, target, before, given)
    assumed: list[str] = []
    stacks = {s.name: s for s in architecture(base).stacks}
    if "hidden" in given and changes.hidden != target.hidden:
        for linked in _as_wide(base, target):
            stacks[linked] = _widened(stacks[linked], given["hidden"], base.id, changes.proportional)
        stacks = {n: _connected(s, target.hidden, given["hidden"]) for n, s in stacks.items()}
    new = stacks[target.name]
    if "layers" in given:
        new = but(new, groups=resized(new, given["layers"], base.id))
    if changes.pattern is not None:
        new = _patterned(new, changes.pattern, given, assumed, base.id)
    new = _mapped(new, lambda layer: _layer(layer, given, alone=before.kv_heads is None and before.kv_rank is None))
    new = _mixtures(new, given, assumed, base.id)
    if changes.tied is not None:
        heads = tuple(but(h, tied=changes.tied) if isinstance(h, LmHead) else h for h in new.heads)
        new = but(new, heads=heads)
    stacks[target.name] = new
    if changes.vocab is not None:
        owner = table_owner(base, target).name
        for one in [s for s in stacks.values() if owner in (s.name, getattr(s.embedding, "shared_with", None))]:
            stacks[one.name] = but(one, embedding=but(one.embedding, vocab=changes.vocab))
    made = but(architecture(base), stacks=tuple(stacks.values()))
    made = _canonical(made)
    spec = _renamed(base, made, name or f"{base.id}-design")
    after = shape(spec, target.name)
    phrases = changed(before, after, patterned=changes.pattern is not None)
    note = f"Designed from {base.id}: {'; '.join(phrases) or 'nothing changed'}. Untrained: no scores, no licence."
    return Edited(but(spec, notes=note), before, after, phrases, tuple(assumed))


def _canonical(made: Architecture) -> Architecture:
    """The same as one that was never changed: equal architectures share the calculators' caches."""
    return Architecture(stacks=made.stacks)


def changed(before: Shape, after: Shape, *, patterned: bool) -> tuple[str, ...]:
    """What differs between two shapes, a phrase each; kinds of layers only where the pattern was changed."""
    found = []
    for field, word in WORDS.items():
        old, new = getattr(before, field), getattr(after, field)
        if field == "pattern" and not patterned:
            continue
        if old != new and new is not None and (old is not None or new):
            found.append(f"{word} {_text(old)} → {_text(new)}")
    return tuple(found)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _has_what_is_changed(base: ModelSpec, stack: Stack, now: Shape, given: dict[str, Any]) -> None:
    """Refuse what would be changed in vain."""
    becomes = given.get("pattern")
    experts = bool(given.get("experts")) or (now.experts or 0) > 0 or "experts_every" in given
    lacking = {
        "heads": now.heads is None,
        "kv_heads": now.kv_heads is None,
        "head_dim": now.head_dim is None,
        "kv_rank": now.kv_rank is None,
        "state": now.state is None and (becomes is None or becomes.others != "mamba2"),
        "vocab": now.vocab is None,
        "tied": now.tied is None,
        "window": now.window is None and (becomes is None or becomes.others != "window" or becomes.full_every == 1),
        "ff_width": now.ff_width is None and given.get("experts") != 0 and "experts_every" not in given,
        "top_k": not experts or given.get("experts") == 0,
        "expert_width": not experts or given.get("experts") == 0,
        "shared_width": not experts or given.get("experts") == 0,
    }
    for field, missing in lacking.items():
        if field in given and missing:
            raise BadInput(f"{field}: {_where(base, stack)} has no {WORDS[field]} to change{_hint(field, now, given)}")
    if becomes is not None and not is_plain(stack):
        raise BadInput(f"pattern: {_where(base, stack)} runs the same weights in several layers; they cannot differ")


def _where(base: ModelSpec, stack: Stack) -> str:
    return base.id if len(architecture(base).stacks) == 1 else f"{base.id}, stack {stack.name},"


def _hint(field: str, now: Shape, given: dict[str, Any]) -> str:
    if field in ("top_k", "expert_width", "shared_width"):
        return "; give experts as well, such as experts=8"
    if field == "window":
        return "; give a pattern as well, such as 1 full in 4, window between"
    if field in ("kv_heads", "head_dim") and now.kv_rank is not None:
        return "; its cache is latent: change kv_rank"
    if field == "ff_width" and now.experts:
        return "; every feed-forward is a mixture: change expert_width"
    return ""


# Width


def _as_wide(base: ModelSpec, stack: Stack) -> list[str]:
    """The stack and those that must be as wide: they share a table of tokens, or one reads the other as it is."""
    stacks = architecture(base).stacks
    pairs = []
    for s in stacks:
        if (shared := getattr(s.embedding, "shared_with", None)) is not None:
            pairs.append({s.name, shared})
        pairs += [
            {s.name, layer.cross.source}
            for group in s.groups
            for layer in group.layers
            if layer.cross and layer.cross.source_width is None
        ]
    known, found = {s.name for s in stacks}, {stack.name}
    for _ in pairs:
        for pair in pairs:
            if pair & found:
                found |= pair & known
    return [s.name for s in stacks if s.name in found]


def _widened(stack: Stack, hidden: int, where: str, follow: bool) -> Stack:
    if not isinstance(stack.embedding, TokenEmbedding | PatchEmbedding):
        raise BadInput(
            f"hidden: what goes into stack {stack.name} of {where} has a width of its own; it stays as it is"
        )
    own = Learned | Linear | AttentionPooler | Alignment
    held = [
        e for e in (*stack.extras, *stack.heads, *(e for la in flat(stack) for e in la.extras)) if isinstance(e, own)
    ]
    if held:
        raise BadInput(
            f"hidden: stack {stack.name} of {where} holds {held[0].kind} parts of fixed size; its width stays"
        )
    old = stack.hidden

    def one(layer: Layer) -> Layer:
        fields: dict[str, Any] = {}
        if layer.mixer is not None:
            mixer = parts.widened(layer.mixer, old, hidden, where)
            fields["mixer"] = parts.proportional(mixer, old, hidden) if follow else mixer
        if follow and layer.channel is not None:
            fields["channel"] = _scaled(layer.channel, old, hidden)
        if layer.shared is not None:
            raise BadInput(f"hidden: {where} shares a block between layers; its width stays")
        return but(layer, **fields)

    return but(_mapped(stack, one), hidden=hidden)


def _scaled(channel: Any, old: int, new: int) -> Any:
    """A feed-forward as much wider as the stack, in steps of 8."""

    def wide(width: int) -> int:
        return max(8, round(width * new / old / 8) * 8)

    if isinstance(channel, Dense | ChannelMix):
        return but(channel, width=wide(channel.width))
    if isinstance(channel, Experts):
        return but(channel, width=wide(channel.width), shared_width=channel.shared_width and wide(channel.shared_width))
    return channel


def _connected(stack: Stack, old: int, new: int) -> Stack:
    """Connectors of towers lead to the language model's width."""
    heads = []
    for head in stack.heads:
        if isinstance(head, Connector):
            steps = tuple(
                but(step, outputs=new) if isinstance(step, Map) and step.outputs == old else step for step in head.steps
            )
            head = but(head, steps=steps)
        heads.append(head)
    return but(stack, heads=tuple(heads)) if stack.heads else stack


# Layers


def _mapped(stack: Stack, change: Callable[[Layer], Layer]) -> Stack:
    groups = tuple(but(g, layers=tuple(change(layer) for layer in g.layers)) for g in stack.groups)
    multi = stack.multi_token
    if multi is not None:
        multi = but(multi, layer=change(multi.layer))
    return but(stack, groups=groups, multi_token=multi)


def _layer(layer: Layer, given: dict[str, Any], *, alone: bool) -> Layer:
    fields: dict[str, Any] = {}
    if layer.mixer is not None:
        mixer = parts.attention(layer.mixer, given)
        if mixer.kind not in ("attention", "mla", "compressed", "parallel-heads"):
            mixer = parts.scan(mixer, given, alone=alone)
        fields["mixer"] = mixer
    if layer.channel is not None:
        fields["channel"] = feed_forward(layer.channel, given)
    return but(layer, **fields)


def _patterned(stack: Stack, pattern: Pattern, given: dict[str, Any], assumed: list[str], where: str) -> Stack:
    """Every so many layers full attention, and the others of one other kind."""
    layers = flat(stack)
    mixing = [layer for layer in layers if layer.mixer is not None]
    if any(isinstance(layer.mixer, ParallelHeads) or layer.shared for layer in mixing):
        raise BadInput(f"pattern: layers of {where} hold attention and a scan side by side; their pattern stays")
    if not pattern.full_every and pattern.others != "window" and (stack.relative_buckets or stack.relative_rows):
        raise BadInput(f"pattern: {where} places tokens by a table that attention reads; leave some full attention")
    full = _full(stack, mixing, assumed) if pattern.full_every else None
    other = _other(stack, mixing, pattern, given, assumed, where) if pattern.full_every != 1 else full
    made, place = [], 0
    for layer in layers:
        if layer.mixer is None:
            made.append(layer)
            continue
        place += 1
        mixer = full if pattern.full_every and place % pattern.full_every == 0 else other
        made.append(but(layer, mixer=mixer))
    return but(stack, groups=folded(made))


def _attends(mixer: Mixer | None) -> bool:
    return mixer is not None and mixer.kind in ("attention", "mla", "compressed")


def _full(stack: Stack, mixing: Sequence[Layer], assumed: list[str]) -> Mixer:
    """The base's own attention over everything, or a usual one."""
    seeing = [layer.mixer for layer in mixing if _attends(layer.mixer)]
    whole = [m for m in seeing if getattr(m, "window", None) is None]
    if seeing and (found := (whole or seeing)[0]) is not None:
        return parts.unwindowed(found)
    made = parts.plain_attention(stack.hidden)
    assumed.append(f"full attention has {made.heads} heads of {made.head_dim} and {made.kv_heads} kv heads")
    return made


def _other(
    stack: Stack, mixing: Sequence[Layer], pattern: Pattern, given: dict[str, Any], assumed: list[str], where: str
) -> Mixer:
    if pattern.others == "window":
        seeing = [layer.mixer for layer in mixing if _attends(layer.mixer)]
        own = next((m for m in seeing if getattr(m, "window", None) is not None), None)
        if own is not None:
            return own
        window = given.get("window", WINDOW)
        if "window" not in given:
            assumed.append(f"windowed layers see {WINDOW:,} tokens")
        return parts.windowed(_full(stack, mixing, assumed), window)
    if any(getattr(layer.mixer, "causal", True) is False for layer in mixing):
        raise BadInput(f"pattern: {where} reads in both directions, and {pattern.others} layers see only the past")
    own = next(
        (layer.mixer for layer in mixing if layer.mixer is not None and layer.mixer.kind == pattern.others), None
    )
    if own is not None:
        return own
    made = parts.mamba2(stack.hidden) if pattern.others == "mamba2" else parts.delta_net(stack.hidden)
    sizes = (
        f"{made.heads} heads of {made.head_dim} and a state of {made.state}" if isinstance(made, Mamba2)
        else f"{made.key_heads} key and {made.value_heads} value heads of {made.key_dim}"
    )  # fmt: skip
    assumed.append(f"{pattern.others} layers have {sizes}")
    return made


def _mixtures(stack: Stack, given: dict[str, Any], assumed: list[str], where: str) -> Stack:
    """Dense feed-forwards become mixtures, or the other way round, in every layer or every so many."""
    wanted, every = given.get("experts"), given.get("experts_every")
    has = any(isinstance(layer.channel, Experts) for layer in flat(stack))
    if wanted == 0:
        if every is not None:
            raise BadInput("experts_every: there are none to place; leave it out or give experts of 1 and more")
        return _mapped(stack, lambda layer: _dense(layer, given))
    if every is None and (wanted is None or has):
        return stack
    layers = flat(stack)
    mixture = next((layer.channel for layer in layers if isinstance(layer.channel, Experts)), None)
    plain = next((layer.channel for layer in layers if isinstance(layer.channel, Dense)), None)
    if mixture is None and plain is None:
        raise BadInput(f"experts: {where} has no feed-forward that could become a mixture")
    if mixture is None:
        assert plain is not None
        mixture = parts.as_experts(plain, given)
    plain = plain or parts.as_dense(mixture, given)
    if not has:
        said = [
            f"{n} of {v:,}" for n, v in (("top_k", mixture.top_k), ("expert_width", mixture.width)) if n not in given
        ]
        if said:
            assumed.append(f"experts have {' and '.join(said)}")
    made, place = [], 0
    for layer in layers:
        if not isinstance(layer.channel, Dense | Experts):
            made.append(layer)
            continue
        place += 1
        made.append(but(layer, channel=mixture if place % (every or 1) == 0 else plain))
    if not is_plain(stack):
        raise BadInput(f"experts: {where} runs the same weights in several layers; they cannot differ")
    groups: tuple[Group, ...] = folded(made)
    return but(stack, groups=groups)


def _dense(layer: Layer, given: dict[str, Any]) -> Layer:
    return but(layer, channel=parts.as_dense(layer.channel, given)) if isinstance(layer.channel, Experts) else layer


# The result


def _renamed(base: ModelSpec, made: Architecture, name: str) -> ModelSpec:
    """A model of its own: what was measured, licensed or priced of the base says nothing of it."""
    weights = base.published_weights if not base.stored else "bf16"
    fields = {
        "id": name, "name": f"{base.name}, redesigned", "family": _family(base, made), "organisation": None,
        "released": None, "licence": None, "languages": (), "tuned_for": (), "aliases": (), "stored": (),
        "published_weights": weights, "reference": None, "published": None, "scores": (), "prices": (),
        "architecture": made, "availability": "current", "notes": None,
        "sources": (Source(where=f"designed with whicharch from {base.id}"),),
    }  # fmt: skip
    return but(base, **fields)


def _family(base: ModelSpec, made: Architecture) -> Family:
    """The family of a changed decoder follows its layers; others keep theirs."""
    if base.family not in ("decoder", "moe", "ssm", "hybrid"):
        return base.family
    layers = [layer for stack in made.stacks for layer in flat(stack)]
    kinds = {mixer.kind for layer in layers for mixer in layer.mixers}
    attends = bool(kinds & {"attention", "mla", "compressed", "parallel-heads"})
    scans = bool(kinds - {"attention", "mla", "compressed"})
    if scans:
        return "hybrid" if attends else "ssm"
    return "moe" if any(isinstance(layer.channel, Experts) for layer in layers) else "decoder"
