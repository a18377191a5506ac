"""FLOPs of one drawn image: text encoders once, the denoiser at every step, the decoder once."""

from __future__ import annotations

from collections.abc import Sequence

from calculators.flops import Counting, count_flops
from calculators.lowering import lower
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.spec import Architecture, ModelSpec
from catalog.values import dataclass

USUAL_STEPS = 50
"""Denoising steps where a model's entry names none: what diffusers runs DiT and Stable Diffusion with."""


@dataclass(frozen=True, slots=True)
class ImageFlops:
    """The parts of one image, exact integers."""

    text: int
    """Text encoders, on the caption and, under guidance, on the empty or negative one."""
    step: int
    """One denoising step, both halves of the batch under guidance."""
    steps: int
    decoding: int
    """The decoder of the autoencoder, latent to pixels."""

    @property
    def denoising(self) -> int:
        """All steps."""
        return self.steps * self.step

    @property
    def total(self) -> int:
        """Everything."""
        return self.text + self.denoising + self.decoding


def denoises(architecture: Architecture) -> bool:
    """Whether a model draws in steps."""
    return any(stack.role == "denoiser" for stack in architecture.stacks)


def embeds_guidance(architecture: Architecture) -> bool:
    """Whether the guidance scale goes into the model, so that a step is one pass and not two (FLUX.1 dev).

    Source: arXiv:2210.03142, section 3.1.
    """
    return any(stack.conditioning is not None and stack.conditioning.guidance for stack in architecture.stacks)


def usual_passes(spec: ModelSpec, steps: int | None = None, guidance: bool | None = None) -> tuple[int, int]:
    """(steps, passes in each) of a model's answer: a denoiser's usual ones where none are given, else one and one.

    Under guidance each step also runs without the caption, except in a model that embeds the guidance scale.
    """
    architecture = architecture_of(spec)
    if not denoises(architecture):
        return 1, 1
    usual = spec.sampling
    guided = guidance if guidance is not None else usual is None or usual.guidance
    doubled = guided and not embeds_guidance(architecture)
    return steps or (usual.steps if usual else USUAL_STEPS), 2 if doubled else 1


def image_flops(
    denoiser: ModelSpec,
    steps: int,
    *,
    guidance: bool = True,
    decoder: ModelSpec | None = None,
    text: Sequence[tuple[ModelSpec, int]] = (),
    count: Counting = "executed",
) -> ImageFlops:
    """FLOPs of one image: ``steps · (2 with guidance) · forward + decode + text encoders``.

    Args:
        denoiser: The model that is run at every step.
        steps: How often.
        guidance: Classifier-free guidance: each step runs the caption and the empty caption. A model that embeds the
            guidance scale runs once all the same.
        decoder: The autoencoder; only its half from latent to pixels is counted.
        text: Text encoders with the tokens that each reads; of a dual encoder only the text tower is counted,
            without what compares it with images.
        count: As ``count_flops``.

    Source:
        arXiv:2207.12598, equation 6 and algorithm 2 for guidance.

    Raises:
        BadInput: If the first model draws nothing, or the decoder has no half that paints.
        ValueError: If ``steps`` is not positive.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    architecture = architecture_of(denoiser)
    if not denoises(architecture):
        raise BadInput(f"{denoiser.id} is no denoiser: it has no stack of that role")
    _, passes = usual_passes(denoiser, steps, guidance)
    decoding = 0
    if decoder is not None:
        decoding = _of_role(decoder, "painter", 0, count)
        if not decoding:
            raise BadInput(f"{decoder.id} paints nothing: it has no decoder from latents to pixels")
    return ImageFlops(
        text=passes * sum(_of_role(spec, "encoder", tokens, count) for spec, tokens in text),
        step=count_flops(denoiser, 0, batch=passes, count=count),
        steps=steps,
        decoding=decoding,
    )


def _of_role(spec: ModelSpec, role: str, tokens: int, count: Counting) -> int:
    """One sequence through the stacks of one role."""
    architecture = architecture_of(spec)
    names = {stack.name for stack in architecture.stacks if stack.role == role}
    w = Workload.exact(1, tokens, 0, source=tokens)
    operators = (
        operator
        for operator in lower(architecture)
        if operator.part.split(".")[0] in names and ".alignment" not in operator.name
    )
    return int(sum(getattr(operator, count).value(w) * operator.repeat for operator in operators))
