"""Fits as the catalog holds them: which block of a machine's file, and what stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from advisor.fit.products import P
from advisor.fit.solve import Errors, Fit
from advisor.fit.tables import TABLES
from catalog.base import Spec
from catalog.machine import AllReduce, AttentionRates, EagerLaunch, ExpertRates, Ring, Roofline, StreamRates

BLOCKS = (
    "roofline", "experts", "attention", "attention_kernels", "scan", "short_convolution", "eager",
    "allreduce", "ring",
)  # fmt: skip
"""Blocks of a machine's file that are fitted, in the order in which they stand there."""
EAGER = (
    f"median of small all-reduces started by hand over those in a graph: {TABLES.format('custom all-reduce')}, "
    "whicharch fit"
)
NO_EFFECT = 10.0
"""A share of 32-bit arithmetic above this means that exponentials cost nothing of their own."""


def place(kind: str) -> tuple[str, str]:
    """Block and key of a kind of kernels; the key is empty where the block has none."""
    word, _, rest = kind.partition(" ")
    match word:
        case "gemm":
            return "roofline", rest
        case "experts":
            return "experts", rest
        case "attention":
            return ("attention_kernels", rest) if rest else ("attention", "")
        case "all-reduce":
            return "allreduce", rest.removeprefix("x")
        case "short":
            return "short_convolution", ""
        case _:
            return word, ""


def table_name(kind: str) -> str:
    """What the source calls the table of a kind of kernels."""
    names = {"gemm": "gemm", "experts": "moe", "attention": "attention", "scan": "gated delta net", "short": "conv1d",
             "ring": "nccl"}  # fmt: skip
    word, _, rest = kind.partition(" ")
    return "mla" if rest.startswith("latent") else names.get(word, "custom all-reduce")


def source_of(fit: Fit) -> str:
    """Where the constants are from."""
    return f"{TABLES.format(table_name(fit.kernels.kind))}, {fit.kernels.version}, fitted by whicharch fit"


def entry_of(fit: Fit) -> Spec:
    """A fit as the catalog holds it."""
    return entry(fit.kernels.kind, fit.values, fit.held, fit.rows, source_of(fit))


def entry(kind: str, values: Mapping[str, float], errors: Mapping[str, Errors], rows: int, source: str) -> Spec:
    """Constants of a kind of kernels as the catalog holds them."""
    block, key = place(kind)
    given: dict[str, Any] = {**values, "rows": rows, "source": source}
    median = {phase: round(e.median, 4) for phase, e in errors.items() if e.n}
    if block in ("attention", "attention_kernels"):
        given["prefill_median_error"] = median.get("prefill", median.get("") if key == "bidirectional" else None)
        given["decode_median_error"] = median.get("decode")
        given.setdefault("decode_memory", 1.0)
        if given.get("softmax", 0.0) > NO_EFFECT:
            del given["softmax"]
        return AttentionRates.model_validate(given)
    given["median_error"] = median.get("")
    match block:
        case "roofline":
            return Roofline.model_validate({**given, "p": P})
        case "experts":
            return ExpertRates.model_validate(given)
        case "allreduce":
            if key == "2":  # one step and two are the same for two devices
                del given["second_us"]
            return AllReduce.model_validate({"gpus": int(key), **given})
        case "ring":
            return Ring.model_validate(given)
        case _:
            return StreamRates.model_validate(given)


def blocks_of(fits: Sequence[Fit], eager: Mapping[str, tuple[float, int]]) -> dict[str, dict[str, Any]]:
    """What each machine's file gets, by block."""
    found: dict[str, dict[str, Any]] = {}
    for fit in fits:
        block, key = place(fit.kernels.kind)
        own = found.setdefault(fit.kernels.machine, {})
        made = entry_of(fit)
        if block == "allreduce":
            own.setdefault(block, []).append(made)
        elif key:
            own.setdefault(block, {})[key] = made
        else:
            own[block] = made
    for name, own in found.items():
        if "fp8" in own.get("roofline", {}) and "fp4" in own.get("experts", {}):
            own["roofline"]["fp4"] = like_fp8(own["roofline"]["fp8"])
        if name in eager:
            own["eager"] = EagerLaunch.model_validate(
                {"launch_us": round(eager[name][0], 1), "rows": eager[name][1], "source": EAGER}
            )
    return {name: {block: own[block] for block in BLOCKS if block in own} for name, own in found.items()}


def like_fp8(fp8: Roofline) -> Roofline:
    """Products in 4 bits, of which no table is at hand: the shares of those in 8 bits."""
    text = (
        "as products in fp8, for want of a table; experts reach about the same share of either peak (fp4 over fp8: "
        "0.6, 1.0, 1.1 and 2.0 on four machines)"
    )
    return Roofline.model_validate({**fp8.model_dump(), "median_error": None, "rows": None, "source": text})
