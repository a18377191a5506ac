"""Measures of convolutions and recurrences against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calculators.scan_measures import Columns, Fourier, PaddedPrefill, Positions, Starts
from calculators.workload import Stream, Workload

TEXT = Stream("text")
batches, lengths, pasts, kernels = st.integers(1, 4), st.integers(1, 40), st.integers(0, 40), st.integers(1, 5)


@given(batch=batches, new=lengths, past=pasts, kernel=kernels)
def test_a_convolution_padded_on_both_sides_has_an_output_wherever_it_touches_the_text(
    batch: int, new: int, past: int, kernel: int
) -> None:
    touched = {token + tap for token in range(new) for tap in range(kernel)}
    expected = batch * len(touched) if new > 1 else 0
    assert PaddedPrefill(TEXT, kernel).value(Workload.exact(batch, new, past)) == expected


@given(batch=batches, new=lengths, past=pasts, kernel=kernels)
def test_a_convolution_read_by_another_gives_the_columns_that_one_reads(
    batch: int, new: int, past: int, kernel: int
) -> None:
    read = {past + token - tap for token in range(new) for tap in range(kernel)}
    assert Columns(TEXT, kernel - 1).value(Workload.exact(batch, new, past)) == batch * len(read)


@given(batch=batches, new=lengths, past=pasts)
def test_positions_are_counted_once_whatever_the_batch(batch: int, new: int, past: int) -> None:
    w = Workload.exact(batch, new, past)
    assert Positions(TEXT).value(w) == len(range(past, past + new))
    assert Positions(TEXT, seen=True).value(w) == len(range(past + new))
    assert Positions(TEXT, when="fresh").value(w) == (0 if past else new)
    assert Starts(TEXT).value(w) == (0 if past else batch)


@given(batch=batches, new=lengths, past=pasts)
def test_a_transform_holds_the_text_twice(batch: int, new: int, past: int) -> None:
    points = 1
    while points < 2 * (past + new):
        points *= 2
    expected = 0 if past and new == 1 else 2.5 * points * (points.bit_length() - 1)
    w = Workload.exact(batch, new, past)
    assert float(Fourier(TEXT).value(w)) == batch * expected
    assert float(Fourier(TEXT, once=True).value(w)) == expected


def test_nothing_is_done_where_nothing_runs() -> None:
    w = Workload.exact(0, 0, 8)
    for measure in (PaddedPrefill(TEXT, 4), Columns(TEXT, 3), Positions(TEXT), Starts(TEXT), Fourier(TEXT)):
        assert float(measure.value(w)) == 0
