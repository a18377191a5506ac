"""What a drawn picture takes besides the denoiser: text encoders before it, the autoencoder's decoder behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.estimating.resolve import Resolved
from calculators.efficiency import efficiency
from calculators.params import architecture_of
from calculators.rates import pass_time
from calculators.roofline import Setting, Settings
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.loader import load, machine_classes


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The other models that draw with a denoiser."""

    texts: tuple[tuple[str, int], ...] = ()
    """Text encoders in the catalog, and the tokens that each reads, padding included."""
    decoder: str = ""
    """The autoencoder in the catalog; empty: not there."""
    missing: tuple[str, ...] = ()
    """Parts that the catalog does not hold."""


CLIP, T5 = "clip-vit-l14", "t5-v1_1-xxl"
SD3 = Pipeline(((CLIP, 77), (T5, 256)), "", ("text encoder OpenCLIP bigG", "decoder with 16 channels"))
PIPELINES = {
    "dit-xl-2-256": Pipeline(decoder="stable-diffusion-vae"),
    "stable-diffusion-1.5-unet": Pipeline(((CLIP, 77),), "stable-diffusion-vae"),
    "stable-diffusion-2.1-unet": Pipeline((), "stable-diffusion-vae", ("text encoder OpenCLIP H",)),
    "stable-diffusion-xl-unet": Pipeline(((CLIP, 77),), "stable-diffusion-xl-vae", ("text encoder OpenCLIP bigG",)),
    "stable-diffusion-3-medium-transformer": SD3,
    "stable-diffusion-3.5-medium-transformer": SD3,
    "stable-diffusion-3.5-large-transformer": SD3,
    "flux.1-dev-transformer": Pipeline(((CLIP, 77), (T5, 512)), "flux.1-vae"),
    "flux.1-schnell-transformer": Pipeline(((CLIP, 77), (T5, 256)), "flux.1-vae"),
    "pixart-alpha-xl-2-1024": Pipeline(((T5, 120),), "stable-diffusion-xl-vae"),
}
"""By denoiser; parts and lengths as diffusers 0.42.1 loads and pads them (its ``pipelines``). PixArt-alpha's decoder is
Stable Diffusion's at 1,024 pixels, which has the shapes of SDXL's."""


@dataclass(frozen=True, slots=True)
class Around:
    """Seconds of a batch of pictures besides denoising."""

    text_s: float
    decoding_s: float
    included: tuple[str, ...]
    missing: tuple[str, ...]


def around(case: Resolved, guided: int) -> Around | None:
    """Text encoders and decoder of a denoiser on the same device; ``None`` where it is not known what it draws with."""
    pipeline = PIPELINES.get(case.spec.id)
    if pipeline is None:
        return None
    batch = case.scenario.batch
    text = sum(_part_s(case, name, "encoder", batch * guided, tokens) for name, tokens in pipeline.texts)
    decoding = _part_s(case, pipeline.decoder, "painter", batch, 0) if pipeline.decoder else 0.0
    names = (*(name for name, _ in pipeline.texts), *([pipeline.decoder] if pipeline.decoder else []))
    return Around(text, decoding, names, pipeline.missing)


def _part_s(case: Resolved, name: str, role: str, batch: int, tokens: int) -> float:
    """Seconds of the stacks of one role."""
    architecture = architecture_of(load(name))
    stacks = {stack.name for stack in architecture.stacks if stack.role == role}
    table = compile_table(architecture)
    own = np.array([operator.part.partition(".")[0] in stacks for operator in table.operators])
    eff = efficiency(case.machine, case.weights, machine_classes())
    settings = Settings([Setting(case.machine, eff, case.weights, case.cache_bits)])
    w = Workload.of([batch], tokens, 0, source=tokens)
    return float(pass_time(settings, table, w, [case.engine.passes]).of(own).total_s[0, 0])
