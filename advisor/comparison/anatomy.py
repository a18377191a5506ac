"""The parts of an architecture that decide its cost, counted from its specification."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.channels import Experts
from catalog.mixers import Attention, LatentAttention
from catalog.spec import ModelSpec, Stack


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What one model's main stack is made of; ``None`` where there is no such part."""

    layers: int
    hidden: int
    mixers: str
    """Kinds of token mixers with how many layers have each: ``attention 32``."""
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    latent_width: int | None
    """Elements per token and layer of a latent cache, rotary part included."""
    caching_layers: int
    """Layers whose cache grows with every token: attention without a window."""
    windowed_layers: int
    window: int | None
    experts: int | None
    top_k: int | None


def anatomy(spec: ModelSpec) -> Anatomy | None:
    """Count the parts of the stack that does most of the work; ``None`` where the publisher does not disclose it."""
    if isinstance(spec.architecture, str):
        return None
    stack = main_stack(spec.architecture.stacks)
    kinds: dict[str, int] = {}
    windowed, growing = 0, 0
    plain: Attention | None = None
    latent: LatentAttention | None = None
    window: int | None = None
    experts: Experts | None = None
    for group in stack.groups:
        for layer in group.layers:
            for mixer in layer.mixers:
                kind = str(getattr(mixer, "kind", "other"))
                kinds[kind] = kinds.get(kind, 0) + group.repeat
                if not isinstance(mixer, Attention | LatentAttention):
                    continue
                if mixer.window is not None:
                    windowed, window = windowed + group.repeat, mixer.window
                else:
                    growing += group.repeat
                if isinstance(mixer, LatentAttention):
                    latent = latent or mixer
                elif plain is None or mixer.window is None:
                    plain = mixer
            if isinstance(layer.channel, Experts):
                experts = experts or layer.channel
    return Anatomy(
        layers=stack.n_layers,
        hidden=stack.hidden,
        mixers=", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "–",
        heads=plain.heads if plain else latent.heads if latent else None,
        kv_heads=plain.kv_heads if plain else None,
        head_dim=plain.head_dim if plain else None,
        latent_width=latent.kv_rank + latent.rope_dim if latent else None,
        caching_layers=growing,
        windowed_layers=windowed,
        window=window,
        experts=experts.experts if experts else None,
        top_k=experts.top_k if experts else None,
    )


def main_stack(stacks: tuple[Stack, ...]) -> Stack:
    """The decoder where there is one, else the widest and deepest stack."""
    decoders = [stack for stack in stacks if stack.role == "decoder"]
    return max(decoders or stacks, key=lambda stack: stack.n_layers * stack.hidden**2)


def cache_words(parts: Anatomy) -> str:
    """What a token leaves in the cache: ``32 layers × 8 kv heads × 128``."""
    if parts.latent_width is not None:
        return f"{parts.caching_layers} layers × a latent vector of {parts.latent_width} elements"
    if parts.kv_heads is None:
        return "a state of fixed size"
    text = f"{parts.caching_layers} layers × {parts.kv_heads} kv heads × {parts.head_dim}"
    if parts.windowed_layers:
        text += f" ({parts.windowed_layers} more only inside a window of {parts.window:,})"
    return text
