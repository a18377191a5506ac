"""What goes into a stack that hears: frames of audio, narrowed by convolutions to tokens."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.base import Count, Size, Spec


class Convolution(Spec):
    """One convolution of a front end; over time, or over time and mel bins where the front end is a plane."""

    outputs: Size
    """Channels that it computes."""
    kernel: Size
    stride: Size = 1
    padding: Count = 0
    """Frames (and bins) added in all, both sides together."""
    groups: Size = 1
    bias: bool = True
    norm: Literal["channel", "rms"] | None = None
    """A norm behind it: with a weight and a bias per channel, or a weight alone."""
    gated: bool = False
    """Whether half of the channels gate the other half."""

    @property
    def kept(self) -> int:
        """Channels that the next one sees."""
        return self.outputs // 2 if self.gated else self.outputs

    def entering(self, leaving: tuple[int, int]) -> tuple[int, int]:
        """Frames that make ``leaving`` ones, both as (per token, per sequence): the stride's multiple where that does,
        else the fewest."""
        fewest, most = self.kernel - self.stride - self.padding, self.kernel - 1 - self.padding
        return self.stride * leaving[0], self.stride * leaving[1] + min(max(0, fewest), most)

    def bins(self, entering: int) -> int:
        """Mel bins left of so many."""
        return (entering + self.padding - self.kernel) // self.stride + 1


class AudioEmbedding(Spec):
    """Frames of audio, made tokens by convolutions and a projection (Whisper, arXiv:2212.04356, section 2.2)."""

    kind: Literal["audio"] = "audio"
    features: Size
    """Numbers per frame: mel bins, or 1 where the frames are samples of the wave."""
    rate: Annotated[float, Field(gt=0)] = 100.0
    """Frames per second."""
    reads: str | None = None
    """The stack whose tokens are its frames; ``None`` is the audio itself."""
    plane: bool = False
    """Whether convolutions run over mel bins as well as over time; channels and bins are then joined."""
    convolutions: tuple[Convolution, ...] = ()
    chunk: Size | None = None
    """Frames that are convolved apart from the others, where the front end cuts them into pieces (Qwen3-ASR)."""
    input_norm: bool = False
    """A norm before the projection."""
    projection: bool = False
    """A linear layer from what the convolutions leave to the hidden width."""
    projection_bias: bool = True
    positions: Count = 0
    """Rows of a position table that the checkpoint holds. The encoder then always runs at this length: shorter audio is
    padded with silence."""
    positional: Convolution | None = None
    """A convolution over tokens, added to them instead of positions; its weights are held as length and direction, so
    that it has ``kernel`` parameters more (wav2vec 2.0, arXiv:2006.11477, section 2)."""
    norm: bool = False
    """A norm after the embedding."""

    @model_validator(mode="after")
    def _channels_meet(self) -> Self:
        channels = 1 if self.plane else self.features
        for index, convolution in enumerate(self.convolutions):
            if channels % convolution.groups or convolution.outputs % (convolution.groups * (1 + convolution.gated)):
                raise ValueError(f"convolutions.{index}: {convolution.groups} groups do not divide its channels")
            channels = convolution.kept
        return self

    @property
    def stride(self) -> int:
        """Frames per token."""
        frames = 1
        for convolution in self.convolutions:
            frames *= convolution.stride
        return frames

    @property
    def tokens_per_second(self) -> float:
        """Tokens that one second of audio becomes."""
        return self.rate * self.chunk_lengths[-1] / self.chunk if self.chunk else self.rate / self.stride

    @property
    def chunk_lengths(self) -> tuple[int, ...]:
        """Frames of a piece before each convolution, and tokens behind the last."""
        lengths = [self.chunk or 1]
        for convolution in self.convolutions:
            lengths.append(convolution.bins(lengths[-1]))
        return tuple(lengths)

    def lengths(self) -> tuple[tuple[int, int], ...]:
        """Frames before each convolution and after the last, as (per token, per sequence)."""
        lengths = [(1, 0)]
        for convolution in reversed(self.convolutions):
            lengths.insert(0, convolution.entering(lengths[0]))
        return tuple(lengths)

    def frames(self, tokens: int) -> int:
        """Frames that become so many tokens; of pieces, those that hold them."""
        if self.chunk:
            return -(-tokens // self.chunk_lengths[-1]) * self.chunk
        per_token, per_sequence = self.lengths()[0]
        return per_token * tokens + per_sequence

    @property
    def joined(self) -> int:
        """Numbers per token before the projection."""
        channels, bins = (1, self.features) if self.plane else (self.features, 1)
        for convolution in self.convolutions:
            channels = convolution.kept
            bins = convolution.bins(bins) if self.plane else bins
        return channels * bins
