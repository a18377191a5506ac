"""What is asked: one model on one machine under one load. Frozen, checked, and the same for every face."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import Field, field_validator

from calculators.imbalance import Routing
from calculators.imbalance import routing as read_routing
from calculators.plan import Layout
from catalog.base import Count, Size, Spec


class Scenario(Spec):
    """One model on the devices of a machine; each of ``batch`` clients sends its next request when answered."""

    model: str
    """Catalog id, alias, or path to a YAML spec or a Hugging Face ``config.json``."""
    machine: str
    """Machine id, or path to a YAML file."""
    tp: Annotated[int, Field(ge=1, le=1024)] = 1
    """Devices that share each layer."""
    pp: Annotated[int, Field(ge=1, le=1024)] = 1
    """Pipeline stages."""
    ep: Annotated[int, Field(ge=1, le=1024)] = 1
    """Parts into which a mixture's experts are divided."""
    dp: Annotated[int, Field(ge=1, le=1024)] = 1
    """Ranks with their own sequences and caches that share the experts."""
    cp: Annotated[int, Field(ge=1, le=1024)] = 1
    """Devices that share the tokens and the cache of each sequence."""
    weights: str = ""
    """Weight format; empty: the one the publisher ships."""
    cache: str = "bf16"
    """Format of the KV cache."""
    batch: Size = 1
    """Concurrent requests."""
    input_tokens: Size = 2048
    output_tokens: Size = 500
    cached_prefix: Count = 0
    """Tokens at the start of each prompt that are cached already and shared by all requests (a system prompt)."""
    images: Count = 0
    """Images in each prompt of a vision-language model; their tokens come on top of ``input_tokens``."""
    image_side: Size | None = None
    """Side of the square images that a vision model sees, in pixels; by default that of its entry."""
    audio_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Audio in each request of a model that listens, in seconds; Whisper's kind hears windows of 30 s."""
    steps: Size | None = None
    """Denoising steps of a diffusion model; by default its usual ones, else 50."""
    guidance: bool | None = None
    """Whether each step runs twice, with and without the condition (arXiv:2207.12598)."""
    speculate: str = ""
    """How tokens are guessed ahead: ``mtp``, ``eagle3`` or ``draft:MODEL``; empty: not at all."""
    speculative_tokens: Annotated[int, Field(ge=1, le=64)] = 3
    """Tokens guessed per round."""
    acceptance: Annotated[float, Field(gt=0)] | None = None
    """Of these, from 1: mean tokens that a round yields, the model's own included; below 1: the chance that a guess is
    right if those before it were. By default as measured (``catalog/acceptance.yaml``)."""
    host_w: Annotated[float, Field(ge=0, le=1e5)] = 0.0
    """Power of the host per device, added to the devices' own energy."""
    pue: Annotated[float, Field(ge=1, le=10)] = 1.0
    """Power usage effectiveness of the building, by which energy is multiplied."""
    host: str = ""
    """A CPU machine whose memory takes what does not fit the GPU; empty: the GPU alone."""
    engine: str = ""
    """Inference engine; empty: the usual one for the machine, with a host llama.cpp."""

    routing: str = ""
    """How tokens choose a mixture's experts: ``balanced``, ``uniform`` (each at random), ``skewed`` or
    ``power_law:EXPONENT``; empty: ``skewed``, to which measured servers are closest."""

    @field_validator("routing")
    @classmethod
    def _known_routing(cls, text: str) -> str:
        read_routing(text)
        return text

    @property
    def routed(self) -> Routing:
        """The same, read."""
        return read_routing(self.routing)

    @property
    def layout(self) -> Layout:
        """How the devices share the model."""
        return _layout(self.tp, self.pp, self.ep, self.dp, self.cp)


@lru_cache(maxsize=1024)
def _layout(tp: int, pp: int, ep: int, dp: int, cp: int) -> Layout:
    return Layout(tp, pp, ep, dp, cp)
