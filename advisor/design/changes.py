"""``design.yaml``: a model of the catalog, what is to be different about it, and where both are put to work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from catalog.base import Count, Identifier, Size, Spec
from catalog.parsing import read_entry

Others = Literal["window", "mamba2", "gated-delta-net"]
MOST_LAYERS = 1024
Layers = Annotated[int, Field(gt=0, le=MOST_LAYERS, strict=True)]


class Pattern(Spec):
    """Which layers attend to everything, and what the others do. In YAML ``full`` is a pattern too."""

    full_every: Annotated[int, Field(ge=0, le=MOST_LAYERS, strict=True)] = 1
    """Every so many layers one attends to the whole context, the last of each run; 0: none does."""
    others: Others = "window"
    """What the layers between do: attend within a window, or keep a state instead of a cache."""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"full_every": 1} if value == "full" else value

    def __str__(self) -> str:
        if self.full_every == 1:
            return "full attention in every layer"
        return f"{self.others} in every layer" if not self.full_every else f"1 full in {self.full_every}, {self.others}"


class Changes(Spec):
    """What is to be different; what is not said stays, and nothing follows unless ``proportional`` says so."""

    layers: Layers | None = None
    hidden: Size | None = None
    """Width of the stream between layers."""
    proportional: bool = False
    """Whether heads and feed-forwards follow a new width; head width and queries per kv head stay."""
    heads: Size | None = None
    """Query heads, of every attention layer; where there is no attention, heads of the scan."""
    kv_heads: Size | None = None
    head_dim: Size | None = None
    """Width of one head."""
    kv_rank: Size | None = None
    """Rank of a latent cache (MLA)."""
    state: Size | None = None
    """Numbers that each channel of a state-space layer keeps."""
    ff_width: Size | None = None
    """Inner width of dense feed-forwards."""
    experts: Count | None = None
    """Routed experts per layer; 0 makes every feed-forward dense."""
    top_k: Size | None = None
    """Experts that each token visits."""
    expert_width: Size | None = None
    """Inner width of one routed expert."""
    shared_width: Count | None = None
    """Inner width of the expert that every token visits."""
    experts_every: Layers | None = None
    """Every so many layers one has experts, the last of each run; the others are dense."""
    pattern: Pattern | None = None
    window: Size | None = None
    """Tokens that a windowed layer sees."""
    vocab: Size | None = None
    tied: bool | None = None
    """Whether the head uses the table of the input."""

    def given(self) -> dict[str, Any]:
        """The fields that say something."""
        named = {name: getattr(self, name) for name in Changes.model_fields}
        said = {name: value for name, value in named.items() if value is not None}
        return said if self.proportional else {name: value for name, value in said.items() if name != "proportional"}


class Setting(Spec):
    """Where and how both models run."""

    machine: str = "h100-sxm"
    devices: Annotated[int, Field(ge=1, le=1024, strict=True)] = 1
    """Devices that share each layer."""
    weights: str = ""
    """Weight format; empty: the one that the base is published in."""
    cache: str = "bf16"
    batch: Size = 1
    """Concurrent requests."""
    input_tokens: Size = 2048
    output_tokens: Size = 500


class DesignFile(Spec):
    """What ``whicharch design`` reads."""

    base: str
    """Catalog id, alias or file of the model to start from."""
    id: Identifier | None = None
    """What the result is called; by default the base's id with ``-design``."""
    stack: str | None = None
    """Which stack of the base is changed; by default the decoder, else the one that does most of the work."""
    changes: Changes = Changes()
    setting: Setting = Setting()
    depths: tuple[Layers, ...] | bool = False
    """Numbers of layers for which the width is found that keeps the parameters; ``true`` chooses them."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.changes.given() and not self.depths:
            raise ValueError("nothing is changed: give changes, or depths to compare shapes of the same size")
        return self


def read_design(path: str | Path) -> DesignFile:
    """Read a design file.

    Raises:
        BadInput: With file, line and field.
    """
    return read_entry(DesignFile, Path(path).expanduser())
