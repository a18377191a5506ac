"""Linear attention: scores without softmax, so that all past keys and values fold into one matrix per head."""

from abc import abstractmethod
from typing import Literal

from catalog.base import Size, Spec


class LinearMixer(Spec):
    """A mixer whose heads each carry a state of constant size."""

    @property
    @abstractmethod
    def split(self) -> int:
        """How many equal parts it divides into without cutting through a head."""


class LightningAttention(LinearMixer):
    """Linear attention with one fixed decay per head, in blocks, and an output gate (arXiv:2401.04658; 2501.08313)."""

    kind: Literal["lightning"] = "lightning"
    heads: Size
    head_dim: Size
    chunk: Size = 256
    """Tokens per block."""

    @property
    def split(self) -> int:
        """Heads."""
        return self.heads
