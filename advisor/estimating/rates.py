"""Rates in the units in which people ask: images, documents, pairs, pictures, seconds of audio."""

from __future__ import annotations

import numpy as np

from advisor.answer import Band, Rate
from advisor.estimating.bands import inverse, like
from advisor.estimating.drawing import around
from advisor.estimating.resolve import Resolved, hears, passes_of, prompt_tokens
from calculators.rates import pass_time
from calculators.serving import Demand, Server, serve
from calculators.workload import Workload
from catalog.spec import AudioEmbedding

TOKENS_PER_AUDIO_SECOND = 3.6
"""Text tokens per second of English speech: LibriSpeech test-clean has 52,576 words in 5.40 hours (2.70 a second;
Panayotov et al. 2015), and a word is 4/3 tokens (OpenAI's rule of thumb)."""


def single_pass_rates(case: Resolved, server: Server, whole: Band) -> tuple[Rate, ...]:
    """Rates of a model that answers in one pass; ``whole`` is the time of the batch."""
    s, family = case.scenario, case.spec.family
    tokens = prompt_tokens(case)
    if hears(case.architecture):
        return (_rate(case, "audio s/s", whole, s.batch * s.audio_seconds, f"clips of {s.audio_seconds:g} s"),)
    if family == "diffusion":
        return _drawn(case, whole)
    if family == "vision":
        return (_rate(case, "images/s", whole, s.batch, "decoding and resizing of files not included"),)
    if family == "dual-encoder":
        return (
            _rate(case, "image-text pairs/s", whole, s.batch, f"texts of {tokens:,} tokens"),
            *_towers(case, server),
        )
    if "reranking" in case.spec.tuned_for:
        about = f"pairs of query and document, {tokens:,} tokens together"
        return (_rate(case, "pairs/s", whole, s.batch, about),)
    return (_rate(case, "documents/s", whole, s.batch, f"documents or queries of {tokens:,} tokens, none padded"),)


def unit_of(rates: tuple[Rate, ...]) -> str:
    """The unit of a model's throughput: requests a second of what listens, else that of its first rate."""
    first = rates[0].unit
    return "requests/s" if first == "audio s/s" else first


def transcription_rates(case: Resolved, server: Server, whole: Band) -> tuple[Rate, ...]:
    """Seconds of audio transcribed per second by an encoder-decoder that listens; nothing for other models.

    Each request is one piece of ``audio_seconds``; an encoder of fixed length runs over its whole window and takes
    longer audio one window after the other.
    """
    s = case.scenario
    encoder = next((stack.embedding for stack in case.architecture.stacks if stack.role == "encoder"), None)
    if not (case.encoder_decoder and isinstance(encoder, AudioEmbedding)):
        return ()
    window = encoder.positions / encoder.tokens_per_second if encoder.positions else s.audio_seconds
    heard = min(s.audio_seconds, window)
    written = max(1, round(heard * TOKENS_PER_AUDIO_SECOND))
    overhead = (case.engine.busy_request_ms if s.batch > 1 else case.engine.idle_request_ms) * 1e-3
    served = serve(
        server, Demand(case.source_tokens, written), s.batch, request_overhead_s=overhead, encoder_decoder=True
    )
    cycle = float(served.ttft_s) + (written - 1) * float(served.tpot_s)
    about = (
        f"{heard:g} s of audio at a time, {written:,} tokens written ({TOKENS_PER_AUDIO_SECOND:g} per second of speech)"
    )
    return (_rate(case, "audio s/s", like(whole, cycle, "the whole answer"), s.batch * heard, about),)


def _rate(case: Resolved, unit: str, time: Band, items: float, about: str) -> Rate:
    total = inverse(time, items)
    return Rate(unit, total, total.p50 / case.scenario.layout.devices, like(time, time.p50 / items, "the batch"), about)


def _drawn(case: Resolved, whole: Band) -> tuple[Rate, ...]:
    s = case.scenario
    steps, guided = passes_of(case)
    if steps == 1 and case.spec.sampling is None and not any(x.role == "denoiser" for x in case.architecture.stacks):
        return (_rate(case, "images/s", whole, s.batch, "the autoencoder, both ways"),)
    twice = ", each with and without the caption" if guided > 1 else ""
    about = f"{steps} steps of the denoiser{twice}; text encoders and decoder not included"
    rates = [_rate(case, "images/s", whole, s.batch, about)]
    other = around(case, guided)
    if other and other.included:
        time = like(whole, whole.p50 + other.text_s + other.decoding_s, "the denoiser")
        rest = f"; not included: {', '.join(other.missing)}" if other.missing else ""
        rates.append(_rate(case, "images/s", time, s.batch, f"with {' and '.join(other.included)}{rest}"))
    return tuple(rates)


def _towers(case: Resolved, server: Server) -> tuple[Rate, ...]:
    """Images and texts on their own: what an index of one kind needs."""
    w = Workload.of([case.scenario.batch], prompt_tokens(case), 0)
    habits = server.habits or (None,)
    time = pass_time(server.settings, server.table, w, habits)
    badge = server.settings.settings[0].eff.badge
    basis = f"no measured residuals of a tower on its own for {case.engine.id}"
    rates = []
    for role, unit in (("vision", "images/s"), ("encoder", "texts/s")):
        stacks = {stack.name for stack in case.architecture.stacks if stack.role == role}
        own = np.array([operator.part.partition(".")[0] in stacks for operator in server.table.operators])
        if own.any():
            seconds = float(time.of(own).total_s[0, 0])
            rates.append(
                _rate(case, unit, Band(seconds, None, None, badge, basis), case.scenario.batch, "its tower alone")
            )
    return tuple(rates)
