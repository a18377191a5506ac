"""The composition of a model: stacks of groups of layers, with what goes in and what comes out.

Nothing here knows a model family. A new mechanism is a new class in ``mixers`` or ``channels``; a new model is YAML.
"""

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from catalog.audio import AudioEmbedding
from catalog.base import Count, Date, Entry, Identifier, Size, Source, Spec
from catalog.channels import Channel, Dense
from catalog.conformer import ConvolutionModule
from catalog.convolutions import grids
from catalog.ends import (
    Classifier,
    Conditioning,
    Embedding,
    Head,
    LmHead,
    PatchEmbedding,
    Pooler,
    QueryEmbedding,
    TokenEmbedding,
    Unpatch,
)
from catalog.extras import Extra
from catalog.mixers import CrossAttention, Mixer, ParallelHeads, SharedBlock
from catalog.price import ApiPrice
from catalog.stored import Stored

Family = Literal[
    "encoder",
    "decoder",
    "encoder-decoder",
    "moe",
    "ssm",
    "hybrid",
    "vision",
    "dual-encoder",
    "vision-language",
    "speech",
    "diffusion",
    "api",
]

NormKind = Literal["rms", "layer", "layer-no-bias", "plain"]
"""``plain`` normalises without learned weights."""


class Modulation(Spec):
    """Adaptive norms steered by the conditioning vector (DiT, arXiv:2212.09748, section 3.2)."""

    kind: Literal["own", "shared"] = "own"
    """``own``: a linear layer in every block; ``shared``: one for all blocks and a table per block (PixArt)."""
    chunks: Size = 6
    """Shift, scale and gate vectors per block."""


class SideConvolution(Spec):
    """A convolution over what enters the layer, added to what leaves it and normed (DeBERTa-v2)."""

    kernel: Size
    groups: Size = 1

    @model_validator(mode="after")
    def _keeps_length(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} is even; the convolution must keep the number of tokens")
        return self


class Layer(Spec):
    """A residual layer: a mixer, perhaps cross-attention, and a feed-forward; each may be absent."""

    mixer: Mixer | None = None
    cross: CrossAttention | None = None
    macaron: Dense | None = None
    """A feed-forward before the mixer, of which half is added, as half is of the other (arXiv:2005.08100)."""
    local: ConvolutionModule | None = None
    """A Conformer's convolution, between mixer and feed-forward."""
    channel: Channel | None = None
    norms: Literal["pre", "post", "branch", "sandwich", "parallel", "parallel-shared", "channel-only", "none"] = "pre"
    """Where norms stand. ``branch``: on what a block returns, before it is added (OLMo 2); ``sandwich``: before and
    after; ``parallel``: mixer and channel read the same input, ``-shared`` through one norm; ``channel-only``: the
    mixer's norm is left out (ModernBERT's first layer)."""
    layer_scale: bool = False
    """A learned factor per channel on what each block returns (arXiv:2103.17239)."""
    norm_out: bool = False
    """A norm on what leaves the layer (Conformer)."""
    modulation: Modulation | None = None
    convolution: SideConvolution | None = None
    smoothing: Count = 0
    """Columns of a causal convolution, kept in 32 bits, over what each block returns, added to it (Inkling)."""
    shared: SharedBlock | None = None
    """A block shared with other layers, whose result is added to what the mixer's norm reads (Zamba)."""
    extras: tuple[Extra, ...] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not any((self.mixer, self.cross, self.local, self.channel)):
            raise ValueError("a layer needs a mixer, a cross, a local or a channel")
        return self

    @property
    def mixers(self) -> tuple[Mixer, ...]:
        """Its mixer, or both where two stand side by side, and that of a shared block before it."""
        own = (self.mixer.attention, self.mixer.scan) if isinstance(self.mixer, ParallelHeads) else (self.mixer,)
        return tuple(m for m in (*own, self.shared.attention if self.shared else None) if m is not None)


class MultiToken(Spec):
    """Heads that foretell the tokens after the next, each by a layer of its own (arXiv:2412.19437, section 2.2).

    transformers does not build them; checkpoints hold them. With one, a pass drafts what the next pass verifies.
    """

    depth: Size = 1
    """How many tokens beyond the next."""
    layer: Layer
    own_tables: bool = False
    """Whether the checkpoint stores copies of the token table and the head (GLM 4.5) instead of sharing them."""


class Group(Spec):
    """A run of layers, repeated."""

    repeat: Size = 1
    shared: bool = False
    """Whether all repeats use one set of weights (ALBERT, arXiv:1909.11942, section 3.1)."""
    name: str | None = None
    """What later groups call this one by."""
    again: str | None = None
    """Name of an earlier group of the stack whose weights run once more here (HRM, arXiv:2506.21734)."""
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _one_layer(cls, value: Any) -> Any:
        """Allow ``layer:`` for a group of one."""
        if isinstance(value, dict) and "layer" in value and "layers" not in value:
            value = {**value, "layers": [value["layer"]]}
            del value["layer"]
        return value


class Stack(Spec):
    """A tower of layers of one width."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    role: Literal["decoder", "encoder", "vision", "audio", "denoiser", "painter"]
    """``audio`` is a tower whose tokens join the text's; an encoder is read by cross-attention or stands alone;
    ``painter`` turns latents into pixels (the decoder of a VAE)."""
    hidden: Size
    norm: NormKind = "rms"
    embedding: Annotated[Embedding, Field(discriminator="kind")]
    conditioning: Conditioning | None = None
    groups: tuple[Group, ...] = ()
    relative_buckets: Count = 0
    """Buckets of a T5 relative-position bias, held once per stack (arXiv:1910.10683, section 2.1)."""
    relative_rows: Count = 0
    """Rows of a table of relative positions as wide as the stack, which all layers read (DeBERTa, arXiv:2006.03654)."""
    relative_norm: bool = False
    """A norm on that table (DeBERTa-v3)."""
    final_norm: bool = True
    extras: tuple[Extra, ...] = ()
    heads: tuple[Head, ...] = ()
    multi_token: MultiToken | None = None

    @model_validator(mode="after")
    def _runs_again_what_it_has(self) -> Self:
        known: dict[str, Group] = {}
        for group in self.groups:
            if group.again is not None:
                first = known.get(group.again)
                if first is None or (first.repeat, first.layers) != (group.repeat, group.layers):
                    raise ValueError(f"group.again={group.again!r} names no earlier group of the same layers")
            if group.name is not None:
                known[group.name] = group
        return self

    @property
    def n_layers(self) -> int:
        """Layers in all groups."""
        return sum(group.repeat * len(group.layers) for group in self.groups)


class Architecture(Spec):
    """Everything that determines parameters, FLOPs, cache and traffic."""

    stacks: Annotated[tuple[Stack, ...], Field(min_length=1)]

    @cached_property
    def _hash(self) -> int:
        return hash(self.stacks)

    def __hash__(self) -> int:
        """Computed once: architectures key the calculators' caches."""
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Architecture) and self.stacks == other.stacks)

    @model_validator(mode="after")
    def _names_meet(self) -> Self:
        names = [stack.name for stack in self.stacks]
        grids(self.stacks)
        if len(set(names)) != len(names):
            raise ValueError(f"two stacks share a name: {', '.join(names)}")
        for stack in self.stacks:
            shared = getattr(stack.embedding, "shared_with", None)
            if shared is not None and shared not in names:
                raise ValueError(f"stack {stack.name}: embedding.shared_with names {shared!r}, not one of {names}")
            reads = getattr(stack.embedding, "reads", None)
            if reads is not None and reads not in names:
                raise ValueError(f"stack {stack.name}: embedding.reads names {reads!r}, not one of {names}")
            for layer in (layer for group in stack.groups for layer in group.layers):
                if layer.cross and layer.cross.source not in (*names, "caption", "picture"):
                    raise ValueError(
                        f"stack {stack.name}: cross.source is {layer.cross.source!r}, not one of {names}, 'caption' or "
                        "'picture'"
                    )
                read = getattr(layer.mixer, "reads", None)
                if read is not None and read not in names:
                    raise ValueError(f"stack {stack.name}: mixer.reads is {read!r}, not one of {names}")
            if any(isinstance(head, LmHead) for head in stack.heads) and not isinstance(
                stack.embedding, TokenEmbedding
            ):
                raise ValueError(f"stack {stack.name}: an lm head needs a token embedding")
        return self

    def stack(self, name: str) -> Stack:
        """The stack of that name.

        Raises:
            KeyError: If no stack has it.
        """
        for stack in self.stacks:
            if stack.name == name:
                return stack
        raise KeyError(name)


class Departure(Spec):
    """A known difference between the reference class and the published checkpoint."""

    parameters: int
    """Parameters that the reference class has in excess of this architecture (negative: lacks)."""
    flops_per_sequence: int = 0
    """FLOPs that the reference class executes in excess per sequence."""
    flops_per_token: int = 0
    """The same per new token."""
    cache_elements_per_token: int = 0
    """Elements that the reference class caches in excess per token (Falcon 40B: each query head)."""
    reason: Annotated[str, Field(min_length=10)]


class Reference(Spec):
    """The real PyTorch model that proves this entry."""

    library: Literal["transformers", "diffusers", "timm", "whicharch"] = "transformers"
    """``whicharch`` is a module of our own in ``calculators.reference``, where nobody has one."""
    class_name: str
    config: dict[str, Any]
    """Keyword arguments of the configuration (transformers) or of the class (others)."""
    departure: Departure | None = None


class Sampling(Spec):
    """How a denoiser is usually run."""

    steps: Size
    guidance: bool = True
    """Whether each step also runs without the caption (classifier-free guidance, arXiv:2207.12598)."""
    source: Source


class Published(Spec):
    """What the publisher says of a model whose PyTorch class nobody can run."""

    parameters: Annotated[int, Field(gt=0, le=2**50)]
    rounding: Size = 1
    """The unit of the last digit printed: 100,000,000 where ``175.0B`` is."""
    source: Source


class Licence(Spec):
    """Terms of use, as we read them; not legal advice."""

    name: str
    commercial: Literal["yes", "no", "conditions", "unknown"] = "unknown"
    note: str | None = None


class Score(Spec):
    """One benchmark result as printed."""

    benchmark: str
    value: float
    unit: str = "%"
    setting: str | None = None
    source: Source


class ModelSpec(Entry):
    """One model: what it is, what it is made of, and what is known about it."""

    family: Family
    organisation: str | None = None
    released: Date | None = None
    licence: Licence | None = None
    context_tokens: Size | None = None
    """Advertised context length, in tokens."""
    inputs: tuple[Literal["text", "image", "audio", "video", "latent"], ...] = ("text",)
    outputs: tuple[str, ...] = ("text",)
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes, or ``multilingual``; empty where unknown."""
    tuned_for: tuple[str, ...] = ()
    """What training prepared it for: ``chat``, ``embedding``, ``classification`` ...; empty is a base model."""
    aliases: tuple[str, ...] = ()
    published_weights: Identifier = "bf16"
    """The weight format in which the publisher ships it."""
    sampling: Sampling | None = None
    """Of denoisers."""
    stored: tuple[Stored, ...] = ()
    """What the file it was imported from holds; then ``stored`` is also the name of its weight format."""
    availability: Literal["current", "deprecated", "removed"] = "current"
    """Whether the provider of a closed model still serves it."""
    notes: str | None = None
    architecture: Architecture | Literal["undisclosed"]
    reference: Reference | None = None
    published: Published | None = None
    """The witness where there is no reference (GPT-3, GLaM)."""
    scores: tuple[Score, ...] = ()
    prices: tuple[ApiPrice, ...] = ()

    @property
    def is_disclosed(self) -> bool:
        """Whether the publisher says what the model is made of."""
        return self.architecture != "undisclosed"


__all__ = [
    "Architecture", "AudioEmbedding", "Classifier", "Conditioning", "Departure", "Family", "Group", "Head", "Layer",
    "Licence", "LmHead", "ModelSpec", "Modulation", "MultiToken", "PatchEmbedding", "Pooler", "Published",
    "QueryEmbedding", "Reference", "Sampling", "Score", "SideConvolution", "Source", "Stack", "TokenEmbedding",
    "Unpatch",
]  # fmt: skip
