"""Tables that constants come from, or that hold no times: recognised, so that the answer says what uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Skipped


def _answer(sentence: str) -> Callable[[File, Given], Iterator[Comparison | Skipped]]:
    def compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
        return (Skipped(line, sentence) for line in range(1, len(file.rows) + 1))

    return compare


READERS = (
    Reader(
        "specdec_golden_acceptance_length",
        "tokens accepted per verification, no times",
        frozenset({"file", "model", "mode", "num_speculative_tokens", "mean_acceptance_length"}),
        _answer("no times but tokens accepted per verification: defaults of `whicharch estimate --speculate`"),
    ),
    Reader(
        "gpu_tco_usd_per_hour",
        "prices of owning, no times",
        frozenset({"gpu", "vendor", "tdp_w", "usd_per_gpu_hr_own_hyperscaler", "usd_per_gpu_hr_rent_3yr"}),
        _answer("no times but prices of owning and renting: `whicharch machine show ID` lists prices like them"),
    ),
    Reader(
        "cpu_products",
        "a processor class's share of its peak, fitted",
        frozenset({"what", "side_or_n", "gflop_per_s", "peak_gflop_per_s", "cpu", "threads"}),
        _answer(
            "fitted: their median is the share of the fp32 peak that processors without constants of their own reach"
        ),
    ),
    Reader(
        "power_ml_energy",
        "power of servers, fitted",
        frozenset({"model", "machine", "gpus", "batch", "power_w", "median_itl_ms", "output_tokens_per_s"}),
        _answer(
            "fitted: the power model comes from them; `python -m benchmarks.fit_power` prints how held-out runs do"
        ),
    ),
)
