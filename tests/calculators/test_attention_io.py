"""Traffic of attention against the counts in FlashAttention's algorithms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculators.attention_io import attention_traffic, head_traffic
from catalog import BadInput, load


def test_a_small_head_by_hand():
    # N=4, d=2, M=16 elements: blocks of 2 keys, so two rounds over Q, O and the statistics.
    assert head_traffic(4, 2, "standard").total_bytes == 2 * (4 * 4 * 2 + 4 * 16)
    flash = head_traffic(4, 2, "flash", on_chip_bytes=32)
    assert flash.read_bytes == 2 * (2 * 8) + 2 * (2 * 8 * 2 + 2 * 4 * 4)
    assert flash.written_bytes == 2 * (8 * 2 + 2 * 4 * 4)


@given(n=st.integers(1, 5000), d=st.sampled_from([16, 32, 64, 128]))
def test_more_memory_on_chip_never_moves_more(n, d):
    small, large = (head_traffic(n, d, "flash", size).total_bytes for size in (2**16, 2**18))
    assert large <= small


def test_traffic_falls_with_on_chip_memory_as_theorem_2_says():
    n, d = 2**16, 64
    small, large = (head_traffic(n, d, "flash", size).total_bytes for size in (2**17, 2**19))
    assert small / large == pytest.approx(4, rel=0.02)


def test_standard_attention_grows_with_the_square_and_needs_a_head():
    spec = load("llama-3-8b")
    assert attention_traffic(spec, 2**14, "standard").total_bytes == pytest.approx(
        4 * attention_traffic(spec, 2**13, "standard").total_bytes, rel=0.02
    )
    with pytest.raises(BadInput, match="no softmax attention"):
        attention_traffic(load("falcon-mamba-7b"), 1024)
    with pytest.raises(ValueError, match="no block"):
        head_traffic(8, 128, "flash", on_chip_bytes=64)
