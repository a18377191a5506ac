"""Channel mixers: how each token is transformed on its own."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.base import Count, Size, Spec
from catalog.channel_mix import ChannelMix
from catalog.convolutions import Convolutions


class Dense(Spec):
    """A feed-forward block; gated ones hold three matrices instead of two (arXiv:2002.05202)."""

    kind: Literal["dense"] = "dense"
    width: Size
    gated: bool = True
    bias: bool = False
    activation: str = "silu"
    inner_norm: bool = False
    """A norm before the last matrix (BitNet b1.58)."""
    activation_scalars: Count = 0
    """Learned numbers inside the activation (Apertus, xIELU: arXiv:2411.13010)."""


class Experts(Spec):
    """Mixture of experts: a router sends each token to ``top_k`` of ``experts`` (arXiv:2401.04088)."""

    kind: Literal["moe"] = "moe"
    experts: Size
    top_k: Size
    width: Size
    """Inner width of one routed expert."""
    gated: bool = True
    bias: bool = False
    """Biases inside the experts (gpt-oss)."""
    shared_width: Count = 0
    """Inner width of the expert that every token visits; shared experts add up (arXiv:2401.06066)."""
    shared_bias: bool = False
    """Biases inside the shared expert (ERNIE 4.5)."""
    shared_gate: bool = False
    """A learned scalar gate on the shared expert (Qwen2-MoE)."""
    latent: Size | None = None
    """Width to which tokens are narrowed for the routed experts and from which the result is widened (Nemotron 3)."""
    latent_bias: bool = False
    router_bias: bool = False
    """A bias on the router's logits that is a parameter; correction biases are buffers."""
    shared_logits: Count = 0
    """Logits of the router for the shared experts, which weigh them against the chosen ones (Inkling)."""
    router_width: Size | None = None
    """Width of a network in place of the router's matrix: a map down, a norm and two square layers (ZAYA)."""
    activation: str = "silu"
    idle: Count = 0
    """Choices of the router that return the token as it came, at no cost (LongCat-Flash, arXiv:2509.01322)."""
    bias_out: bool = False
    """One bias on what the experts return together (JetMoE)."""
    runs_all: bool = False
    """Whether the reference class sends every token through every expert and scales the rest to nothing (Llama 4)."""

    @model_validator(mode="after")
    def _picks_what_exists(self) -> Self:
        if self.top_k > self.experts:
            raise ValueError(f"top_k={self.top_k} is more than experts={self.experts}")
        return self

    @property
    def visits(self) -> int:
        """Experts that a token visits: ``top_k`` less those that are expected to fall on idle choices."""
        return max(1, round(self.top_k * self.experts / (self.experts + self.idle)))


Channel = Annotated[ChannelMix | Dense | Experts | Convolutions, Field(discriminator="kind")]
