"""What an evaluation is about: how many sequences, new tokens and past tokens; all of it broadcasts.

Every field may be a scalar or an array; the answers have the broadcast shape. ``Workload.of`` computes in float64 for
sweeps; ``Workload.exact`` in Python integers, which never round.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalog.values import dataclass

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """One forward pass, or an array of them.

    ``new`` tokens are computed per sequence on top of ``past`` cached ones: a prefill has ``past=0``, a decode step has
    ``new=1``. ``source`` is the length that an encoder-decoder reads; ``encode`` is 1 where encoder and vision towers
    run in this pass and 0 where their results are cached.
    """

    batch: Array
    new: Array
    past: Array
    source: Array
    images: Array
    encode: Array

    @classmethod
    def of(
        cls,
        batch: ArrayLike = 1,
        new: ArrayLike = 1,
        past: ArrayLike = 0,
        *,
        source: ArrayLike = 0,
        images: ArrayLike = 0,
        encode: ArrayLike = 1,
        dtype: Any = np.float64,
    ) -> Self:
        """Broadcast the fields against each other.

        Raises:
            ValueError: If a count is negative, or the shapes do not broadcast.
        """
        arrays = [np.asarray(value, dtype=dtype) for value in (batch, new, past, source, images, encode)]
        for name, array in zip(NAMES, arrays, strict=True):
            lowest = array.item() if array.ndim == 0 else np.min(array, initial=0)
            if lowest < 0:
                raise ValueError(f"{name} must not be negative, got {lowest:g}")
        if len({array.shape for array in arrays}) == 1:
            return cls(*arrays)
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        return cls(*(array if array.shape == shape else np.broadcast_to(array, shape) for array in arrays))

    @classmethod
    def exact(cls, batch: int = 1, new: int = 1, past: int = 0, **rest: int) -> Self:
        """One workload in Python integers."""
        return cls.of(batch, new, past, **rest, dtype=object)  # type: ignore[arg-type]

    @property
    def shape(self) -> tuple[int, ...]:
        """The broadcast shape."""
        return self.batch.shape

    def fields(self) -> dict[str, Array]:
        """The arrays by name."""
        return {name: getattr(self, name) for name in NAMES}

    def reshape(self, *shape: int) -> Workload:
        """The same workloads in another shape."""
        return Workload(*(np.reshape(getattr(self, name), shape) for name in NAMES))

    def then(self, other: Workload) -> Workload:
        """These flat workloads followed by others."""
        return Workload(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in NAMES))

    def slice(self, part: slice) -> Workload:
        """Some of the workloads of a one-dimensional array of them."""
        return Workload(*(getattr(self, name)[part] for name in NAMES))


NAMES = tuple(field.name for field in fields(Workload))


@dataclass(frozen=True, slots=True)
class Stream:
    """Which tokens a stack sees: the text, the encoder's source, image patches, or a fixed latent."""

    kind: Literal["text", "source", "image", "sample", "looking"] = "text"
    """``looking``: the text, in layers that run only where a sequence has images."""
    tokens: int = 0
    """Tokens per sequence where the workload does not say: patches of an image, cells of a latent."""

    narrowed: int = 1
    """Of a source or a text: how many of its tokens were made one."""
    frames: tuple[int, int] = (1, 0)
    """Of a source: its length as (per source token, per sequence), where a later stack makes fewer tokens of it."""

    def sequences(self, w: Workload) -> Array:
        """Sequences processed in this pass."""
        match self.kind:
            case "source":
                return w.batch * w.encode
            case "image":
                return w.batch * w.images * w.encode
            case "looking":
                return w.batch * (w.images > 0)
            case _:
                return w.batch

    def new(self, w: Workload) -> Array:
        """Tokens computed per sequence."""
        match self.kind:
            case "text" | "looking":
                return w.new if self.narrowed == 1 else self._merged(w.past + w.new) - self._merged(w.past)
            case "source":
                if self.frames != (1, 0):
                    return w.source * self.frames[0] + (w.source > 0) * self.frames[1]
                return w.source // self.narrowed if self.narrowed > 1 else w.source
            case _:
                return np.full_like(w.new, self.tokens)

    def past(self, w: Workload) -> Array:
        """Tokens of a sequence that are cached already."""
        return self._merged(w.past) if self.kind in ("text", "looking") else np.zeros_like(w.past)

    def _merged(self, tokens: Array) -> Array:
        """So many tokens of a text as this stack sees them; a part of one counts as one."""
        return tokens if self.narrowed == 1 else -(-tokens // self.narrowed)
