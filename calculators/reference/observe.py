"""Everything that is measured on one real model; what fails says so and does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version

from calculators.reference.caches import cache_bytes
from calculators.reference.counting import fvcore_flops, torch_flops
from calculators.reference.models import label, parameters
from calculators.reference.observation import Observation, Quantity, Setting
from calculators.reference.subject import Subject
from catalog.spec import ModelSpec

NO_STEP = {
    "decoder": "its class keeps no cache: each new token runs the whole text again",
    "encoder": "an encoder reads the whole text at once: it has no decode step and keeps no cache",
    "vision": "a vision encoder has no decode step and keeps no cache",
    "dual": "both towers read everything at once: there is no decode step and no cache",
    "autoencoder": "an autoencoder has no decode step and keeps no cache",
    "denoiser": "a denoiser runs all positions in each step and keeps no cache",
}


def observe(spec: ModelSpec, *, traced: bool = True) -> list[Observation]:
    """Build a model and measure parameters, FLOPs of prefill, decode step and image, FLOPs by fvcore, cache bytes.

    Never raises for a fault of the reference: the observation then carries the reason. Without ``traced`` fvcore is
    left out: its trace takes longer than everything else together.
    """
    return list(_observations(spec, traced))


def _observations(spec: ModelSpec, with_trace: bool) -> Iterator[Observation]:
    reference, published = spec.reference, spec.published
    if reference is None:
        assert published is not None
        note = f"no PyTorch class can be run; the published figure, printed to the nearest {published.rounding:,}"
        who = f"published, {published.source}"
        yield Observation("parameters", who, Setting(), published.parameters, note, rounding=published.rounding)
        return
    witness = label(reference)
    counter, tracer = (f"{tool} {version(tool.split()[0])}" for tool in ("torch", "fvcore"))
    counter = f"{counter} FlopCounterMode, {witness}"
    tracer = f"{tracer}, {witness}"
    try:
        subject = Subject.of(spec)
    except Exception as error:
        yield Observation("parameters", witness, Setting(), None, _reason(error), failed=True)
        return

    def attempt(quantity: Quantity, who: str, setting: Setting, measure: Callable[[], int]) -> Observation:
        try:
            return Observation(quantity, who, setting, measure())
        except Exception as error:
            return Observation(quantity, who, setting, None, _reason(error), failed=True)

    yield attempt("parameters", witness, Setting(), lambda: parameters(subject.model))

    setting, last = subject.setting(), None
    step = replace(setting, new=1, past=setting.new)

    def prefill() -> int:
        nonlocal last
        flops, last = torch_flops(lambda: subject.run(setting))
        return flops

    def decode() -> int:
        nonlocal last
        encoded = getattr(last, "encoder_last_hidden_state", None)
        flops, last = torch_flops(lambda: subject.run(step, cache=subject.cache_of(last), encoded=encoded))
        return flops

    yield attempt("prefill_flops", counter, setting, prefill)
    if not subject.caches:
        held = cache_bytes(subject.cache_of(last))
        yield Observation("decode_flops", counter, step, None, NO_STEP[subject.kind])
        yield Observation("cache_bytes", witness, setting, held)
    elif last is None:
        yield Observation("decode_flops", counter, step, None, "the prefill before it failed", failed=True)
        yield Observation("cache_bytes", witness, step, None, "the prefill before it failed", failed=True)
    else:
        yield attempt("decode_flops", counter, step, decode)
        yield attempt("cache_bytes", witness, step, lambda: cache_bytes(subject.cache_of(last)))
    if subject.kind == "vision-language":
        picture = subject.setting(images=1)
        yield attempt("image_flops", counter, picture, lambda: torch_flops(lambda: subject.run(picture))[0])
    if subject.listens:
        sound = subject.hearing()
        yield attempt("audio_flops", counter, sound, lambda: torch_flops(lambda: subject.hear(sound))[0])
    if not with_trace:
        note = "traced on the smallest model of its family; --fvcore traces all"
        yield Observation("fvcore_flops", tracer, setting, None, note)
        return
    traced = subject.traced_setting()
    yield attempt("fvcore_flops", tracer, traced, lambda: fvcore_flops(*subject.traceable(traced)))


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"
