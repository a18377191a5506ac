"""Tables of facts that hold no times: recognised, so that the answer says what uses them."""

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
)
