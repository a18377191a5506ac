"""What a pass takes. Engines ask for nothing else about model and machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class StepModel(Protocol):
    """Seconds of a pass by its composition.

    A pass that reads prompts takes ``prompt_s(all new tokens, running)`` as if they were one prompt, corrected by
    ``alone_s`` where they are several, plus ``past_s`` of each chunk with cached tokens before it. Running sequences
    add what their cached tokens take: affine in them at a given number of sequences, piecewise where layers have
    windows.
    """

    @property
    def step_s(self) -> Sequence[float]:
        """A pass of ``B`` running sequences without their cached tokens, by ``B`` from 0 on."""

    @property
    def caps(self) -> tuple[int, ...]:
        """Tokens up to which a sequence's cached tokens count, one for each kind of layer; 0: all of them."""

    @property
    def token_s(self) -> tuple[Sequence[float], ...]:
        """For each of ``caps``: seconds per cached token in a pass of ``B`` running sequences."""

    @property
    def advance(self) -> tuple[int, int]:
        """Tokens that a sequence makes per pass, as a fraction; more than 1 with speculative decoding."""

    def prompt_s(self, new: int, running: int) -> float:
        """A pass with one prompt of ``new`` tokens and ``running`` sequences, without cached tokens of either."""

    def past_s(self, new: int, past: int) -> float:
        """What ``past`` cached tokens add to a chunk of ``new``."""

    def alone_s(self, new: int) -> float:
        """The part of ``prompt_s`` that grows faster than its tokens: a prompt's own attention."""


def pass_s(
    steps: StepModel, chunks: Sequence[tuple[int, int]], running: int, cached: Sequence[Sequence[float]]
) -> float:
    """Seconds of a pass by its composition, the plain way.

    Args:
        steps: The model of a pass.
        chunks: (new tokens, cached tokens before them) of each prompt that is read.
        running: Sequences that make a step in the same pass.
        cached: For each of ``steps.caps`` the running sequences' cached tokens, capped.
    """
    total = sum(new for new, _ in chunks)
    seconds = steps.prompt_s(total, running) if total else steps.step_s[running]
    if len(chunks) > 1:
        seconds += sum(steps.alone_s(new) for new, _ in chunks) - steps.alone_s(total)
    seconds += sum(steps.past_s(new, past) for new, past in chunks if past)
    for rate, tokens in zip(steps.token_s, cached, strict=True):
        seconds += rate[running] * sum(tokens)
    return seconds


@dataclass(frozen=True)
class Linear:
    """A made-up machine for tests and theory: constants times counts."""

    base_s: float = 5e-3
    sequence_s: float = 2e-5
    prompt_token_s: float = 2e-5
    pair_s: float = 0.0
    """Per pair of tokens in a prompt."""
    cached_s: tuple[float, ...] = (1e-8,)
    caps: tuple[int, ...] = (0,)
    advance: tuple[int, int] = (1, 1)
    most: int = 512
    step_s: list[float] = field(init=False)
    token_s: tuple[list[float], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "step_s", [self.base_s + self.sequence_s * b for b in range(self.most + 1)])
        object.__setattr__(self, "token_s", tuple([c] * (self.most + 1) for c in self.cached_s))

    def prompt_s(self, new: int, running: int) -> float:
        """Linear in both, and the prompt's own pairs."""
        return self.base_s + self.prompt_token_s * new + self.sequence_s * running + self.alone_s(new)

    def past_s(self, new: int, past: int) -> float:
        """Pairs with the past."""
        return self.pair_s * new * past

    def alone_s(self, new: int) -> float:
        """Pairs of the prompt with itself."""
        return self.pair_s * new * (new + 1) / 2
