"""What mixers with a state of constant size per head share."""

from __future__ import annotations

from abc import abstractmethod

from catalog.base import Spec


class LinearMixer(Spec):
    """A mixer whose heads each carry a state of constant size."""

    @property
    @abstractmethod
    def split(self) -> int:
        """How many equal parts it divides into without cutting through a head."""
