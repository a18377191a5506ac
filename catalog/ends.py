"""Both ends of a stack: what goes in (tokens, patches, conditioning) and what comes out (heads)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.audio import AudioEmbedding
from catalog.base import Count, Size, Spec
from catalog.connectors import Connector
from catalog.convolutions import Convolutions, ConvolvedEmbedding
from catalog.embeddings import CaptionEmbedding, JoinedEmbedding
from catalog.extras import Learned, Linear
from catalog.image_heads import Alignment, AttentionPooler
from catalog.sizing import Sizing


class Tail(Spec):
    """Rarer words in a narrower table (arXiv:1809.10853, section 2)."""

    rows: Size
    width: Size


class TokenEmbedding(Spec):
    """A table of token vectors, with learned positions and segment types where the model has them."""

    kind: Literal["token"] = "token"
    vocab: Size
    positions: Count = 0
    """Rows of a learned position table, offsets included."""
    types: Count = 0
    """Rows of a segment table."""
    norm: bool = False
    """A norm right after the sum."""
    width: Size | None = None
    """Width of the tables where a linear layer with a bias carries their sum to the hidden width (ALBERT, ELECTRA)."""
    width_bias: bool = True
    """Whether that layer adds a bias (not OPT's)."""
    merged: Size = 1
    """How many tokens of the text are one of this stack's, on average (BLT's patches)."""
    shared_with: str | None = None
    """The stack whose token table this one reuses (T5, BART)."""
    tails: tuple[Tail, ...] = ()
    """Adaptive inputs: the last of ``vocab`` words stand in narrower tables, and each table, the first too, has a
    matrix that leads to the hidden width."""


class PatchEmbedding(Spec):
    """An image, or a latent one, cut into patches by a strided convolution (arXiv:2010.11929)."""

    kind: Literal["patch"] = "patch"
    size: Size
    """Side of the square input, in pixels (or latent cells)."""
    patch: Size
    channels: Size = 3
    frames: Size = 1
    """Frames per patch: 2 where an image is doubled in time (Qwen2-VL)."""
    bias: bool = True
    extra_tokens: Count = 0
    """Class and register tokens put before the patches."""
    unplaced: Count = 0
    """How many of these have no learned position (registers)."""
    positions: bool = True
    """A learned position per token."""
    norm: bool = False
    """A norm after the embedding (CLIP)."""
    mask_token: bool = False
    """A learned vector for masked pre-training (DINOv2)."""
    tiles: Size = 1
    """Tiles of ``size`` that one image always fills and that attend to each other (Llama 3.2)."""
    padding: Count = 0
    """Empty tokens behind each tile's, which cost as much as others."""
    crop: bool = False
    """Whether pixels that fill no patch are left out (SigLIP's 384 pixels in patches of 14)."""
    sizing: Sizing | None = None
    """How images of other sizes are cut or resized; the counts are for one of ``size``."""

    @model_validator(mode="after")
    def _tiles(self) -> Self:
        if self.size % self.patch and not self.crop:
            raise ValueError(f"size={self.size} is not a multiple of patch={self.patch}")
        return self

    @property
    def patches(self) -> int:
        """Patches per image."""
        return self.tiles * (self.size // self.patch) ** 2

    @property
    def tokens(self) -> int:
        """Tokens per image, extra ones included."""
        return self.patches + self.tiles * (self.extra_tokens + self.padding)


class QueryEmbedding(Spec):
    """Learned vectors that read an image by cross-attention (Q-Former, perceiver: arXiv:2301.12597, 2103.03206)."""

    kind: Literal["queries"] = "queries"
    tokens: Size
    """Vectors per image."""
    norm: bool = False
    """A norm on them before the first layer."""


class Conditioning(Spec):
    """The vector that steers a denoiser: a timestep, and a class or a caption."""

    frequency: Size = 256
    """Width of the sinusoidal timestep features."""
    classes: Count = 0
    """Rows of the label table, the null label included."""
    caption_width: Size | None = None
    """Width of the outside text encoder's output, projected by two linear layers."""
    caption_tokens: Count = 0
    """Length of the caption that the published model is run with."""
    caption_layers: Count = 2
    """Linear layers that carry the caption to the hidden width; 0 hands it over as it is (U-Net)."""
    sizes: Count = 0
    """Scalars of image size and aspect ratio that are embedded as well (PixArt at 1024 px)."""
    width: Size | None = None
    """Width of the vector; ``None`` is the stack's."""
    pooled: Size | None = None
    """Width of one vector per caption that two linear layers add (SDXL, arXiv:2307.01952, section 2.2; SD3, FLUX)."""
    guidance: bool = False
    """Whether the guidance scale is embedded like the timestep (FLUX.1 dev)."""


class LmHead(Spec):
    """Logits over the vocabulary."""

    kind: Literal["lm"] = "lm"
    tied: bool = False
    """Whether the weights are the input embedding's (arXiv:1608.05859)."""
    bias: bool = False
    transform: Literal["dense"] | None = None
    """A dense layer and a norm before the logits (BERT's masked-LM head)."""
    transform_bias: bool = True
    width: Size | None = None
    """Width that the transform leads to, where it is not the embedding's (RemBERT)."""
    vocab: Size | None = None
    """Words that it tells apart, where the embedding has others (Moshi)."""
    every_token: bool = False
    """Whether use, not only the reference, needs logits at each position (masked LM)."""


class Pooler(Spec):
    """A square dense layer before a classifier or for embeddings, on one token per sequence (BERT) or on each."""

    kind: Literal["pooler"] = "pooler"
    every_token: bool = False
    bias: bool = True
    norm: bool = False
    """A norm behind it (ModernBERT)."""


class Classifier(Spec):
    """A linear layer to class scores, on one token per sequence or on each."""

    kind: Literal["classifier"] = "classifier"
    classes: Size
    every_token: bool = False
    bias: bool = True
    input_tokens: Size = 1
    """How many pooled vectors are concatenated (DINOv2: class token and mean)."""


class Unpatch(Spec):
    """The denoiser's last layer: a modulated norm and a linear layer back to patches."""

    kind: Literal["unpatch"] = "unpatch"
    channels: Size
    modulation: Literal["linear", "table"] = "linear"
    patch: Size | None = None
    """Side of the patches where the stack's own embedding cuts none (FLUX)."""
    drop_tokens: Count = 0
    """Caption tokens left out."""


Head = Annotated[
    LmHead | Pooler | Classifier | Connector | Unpatch | Convolutions | AttentionPooler | Alignment | Linear | Learned,
    Field(discriminator="kind"),
]
"""Linear maps and learned numbers serve heads of unusual shape."""

Embedding = (
    TokenEmbedding
    | PatchEmbedding
    | QueryEmbedding
    | AudioEmbedding
    | ConvolvedEmbedding
    | CaptionEmbedding
    | JoinedEmbedding
)
"""What goes into a stack."""
