"""Audio as workload: frames and tokens, what an encoder always runs over, and what a tower leaves to the text."""

from __future__ import annotations

import pytest

from advisor import estimate
from calculators import count_flops, count_params
from calculators.flops import default_source, reads_source
from calculators.lowering import streams_of
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog import load
from catalog.audio import AudioEmbedding, Convolution


def heard(model: str) -> AudioEmbedding:
    embedding = architecture_of(load(model)).stacks[0].embedding
    assert isinstance(embedding, AudioEmbedding)
    return embedding


@pytest.mark.parametrize(
    ("model", "tokens_per_second"),
    [("whisper-tiny", 50), ("whisper-large-v3-turbo", 50), ("s2t-small-librispeech-asr", 25), ("speecht5-asr", 50)],
)
def test_a_second_of_audio_is_so_many_tokens(model: str, tokens_per_second: float) -> None:
    assert heard(model).tokens_per_second == tokens_per_second


def test_whisper_takes_3000_frames_for_its_1500_tokens() -> None:
    assert heard("whisper-small").frames(1500) == 3000


def test_wav2vec_takes_400_samples_for_its_first_token_and_320_for_each_more() -> None:
    """arXiv:2006.11477, section 2: a receptive field of about 25 ms at 16 kHz, a stride of about 20 ms."""
    ears = heard("speecht5-asr")
    assert [ears.frames(n) for n in (1, 2, 50)] == [400, 720, 400 + 49 * 320]


def test_pieces_are_filled_up() -> None:
    narrowing = Convolution(outputs=4, kernel=3, stride=2, padding=2)
    ears = AudioEmbedding(features=16, plane=True, convolutions=(narrowing,) * 3, chunk=100, projection=True)
    assert ears.chunk_lengths == (100, 50, 25, 13)
    assert [ears.frames(n) for n in (1, 13, 14)] == [100, 100, 200]
    assert ears.tokens_per_second == 13


def test_channels_that_groups_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match=r"convolutions\.1: 3 groups"):
        AudioEmbedding(
            features=6, convolutions=(Convolution(outputs=8, kernel=3), Convolution(outputs=9, kernel=3, groups=3))
        )


def test_published_sizes_of_whisper() -> None:
    """arXiv:2212.04356, table 1, in millions and rounded as there."""
    table = {"tiny": 39, "base": 74, "small": 244, "medium": 769, "large-v2": 1550}
    for size, millions in table.items():
        assert count_params(load(f"whisper-{size}")).total / 1e6 == pytest.approx(millions, rel=0.035), size


def test_what_nobody_says_is_30_seconds_of_audio_or_as_much_text_as_is_written() -> None:
    assert default_source(load("whisper-tiny"), 7) == 1500
    assert default_source(load("seamless-m4t-v2-large"), 7) == 187
    assert default_source(load("flan-t5-small"), 7) == 7
    assert default_source(load("voxtral-mini-3b"), 7) == 0


def test_an_estimate_runs_the_encoder_at_its_own_length_whatever_the_prompt() -> None:
    short, long = (estimate(model="whisper-tiny", machine="h100-sxm", input_tokens=n) for n in (7, 7000))
    assert short.flops.prefill == long.flops.prefill
    assert any("1,500 encoder tokens" in note for note in short.notes)
    assert any("its tower" in note for note in estimate(model="voxtral-mini-3b", machine="h100-sxm").notes)


def test_an_adapter_leaves_an_eighth_of_the_tokens() -> None:
    architecture = architecture_of(load("seamless-m4t-v2-large"))
    assert reads_source(architecture)
    streams, w = streams_of(architecture), Workload.exact(1, 1, 0, source=187)
    assert int(streams["encoder"].new(w)) == 187
    assert int(streams["speech"].new(w)) == 8 * 187 - 1
    assert int(streams["speech"].new(Workload.exact(1, 1, 0))) == 0


def test_a_tower_costs_what_its_windows_cost_and_nothing_without_audio() -> None:
    spec = load("voxtral-mini-3b")
    one, two = (count_flops(spec, 0, source=n) for n in (1500, 3000))
    assert two == 2 * one
    assert count_flops(spec, 16, source=0) == count_flops(spec, 16)
    assert not reads_source(architecture_of(spec))
