"""Time kernels and whole models of random weights on this machine, for ``benchmarks/measured``.

Run from the repository root, with the extra ``calibrate`` installed::

    python -P -m benchmarks.measure --device cpu --threads 1 --machine benchmarks/measured/MACHINE.yaml

Rows are written as they are measured, so that a run that is cut off loses nothing. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from calculators.reference import calibration, measured_models, passes, timing
from calculators.reference.kernels import Case, elementwise, images, run
from calculators.reference.scans import chunked_scans, selective_scans, short_convolutions

HEAD = ("machine", "device", "software", "date", "script")
KERNELS = (*HEAD, "kernel", "dtype", "mode", "sizes", "flops", "bytes", "seconds")
PASSES = (*HEAD, "model", "config", "dtype", "mode", "batch", "new", "past", "image", "seconds")
CONVOLUTIONS = (
    (64, 64, 56, 3, 1, 1), (128, 128, 28, 3, 1, 1), (256, 256, 14, 3, 1, 1), (512, 512, 7, 3, 1, 1),
    (256, 64, 56, 1, 1, 1), (64, 256, 56, 1, 1, 1), (1024, 256, 14, 1, 1, 1), (2048, 512, 7, 1, 1, 1),
    (3, 64, 224, 7, 2, 1), (96, 96, 56, 7, 1, 96), (384, 384, 14, 7, 1, 384), (144, 144, 56, 3, 1, 144),
    (480, 480, 14, 5, 1, 480), (256, 256, 14, 3, 1, 32),
)  # fmt: skip
"""Channels in and out, side, kernel, stride, groups: of ResNet-50, ConvNeXt, EfficientNet and ResNeXt."""


def kernels(dtype: str, *, big: bool) -> list[Case]:
    """Kernels of which nobody publishes times."""
    batches = (1, 32, 256) if big else (1, 4)
    channels, lengths = (2048, (64, 512, 2048)) if big else (512, (16, 64, 256))
    scans = [(b, t, channels, 16) for t in lengths for b in (1, 8 if big else 2)]
    chunks = [(b, t, 32 if big else 8, 64, 128, 256 if big else 64) for t in ((512, 4096, 16384) if big else (128, 512))
              for b in (1, 8 if big else 2)]  # fmt: skip
    return [
        *images(dtype, [(b, *shape) for b in batches for shape in CONVOLUTIONS]),
        *elementwise(dtype, ((8192, 4096), (64 * 56 * 56, 256)) if big else ((128, 768), (1024, 768))),
        *short_convolutions(dtype, [(b, t, channels, 4) for b, t, _, _ in scans]),
        *chunked_scans("fp32", chunks),
        *selective_scans("fp32", scans),
    ]


class Table:
    """A CSV file that grows by rows, each of which is on disk when the next is measured."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.file = path.open("w", newline="", encoding="utf-8")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.add(columns)

    def add(self, row: Sequence[Any]) -> None:
        self.writer.writerow(row)
        self.file.flush()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default=timing.devices()[0])
    parser.add_argument("--machine", required=True, help="id of the machine, or its file")
    parser.add_argument("--threads", type=int, help="of a processor")
    parser.add_argument("--dtype", choices=("fp32", "bf16", "fp16"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/measured"))
    parser.add_argument("--seconds", type=float, default=480.0, help="for everything together")
    parser.add_argument("--only", choices=("kernels", "passes"))
    parser.add_argument("--models", nargs="*", help="only these models")
    options = parser.parse_args()
    name = Path(options.machine).stem
    if options.threads:
        timing.use_threads(options.threads)
    big = calibration.scale_of(options.device) == "accelerator"
    dtype = options.dtype or ("bf16" if big else "fp32")
    head = (name, timing.device_name(options.device), timing.software(options.device),
            datetime.date.today().isoformat(), "benchmarks/measure.py")  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    began = perf_counter()
    if options.only != "passes":
        table = Table(options.out / f"{name}_kernels.csv", KERNELS)
        timer = timing.Timer(options.device, 0.05)
        budget = options.seconds * (0.3 if options.only is None else 1)
        for t in run(kernels(dtype, big=big), timer, budget, ("eager", "graph")):
            if t.failed:
                print(f"{t.kernel} {dict(t.sizes)}: {t.failed}", file=sys.stderr)
                continue
            sizes = " ".join(f"{key}={value}" for key, value in t.sizes.items())
            table.add((*head, t.kernel, t.dtype, t.mode, sizes, f"{t.flops:.6g}", f"{t.bytes:.6g}", f"{t.seconds:.4g}"))
    if options.only == "kernels":
        return
    table = Table(options.out / f"{name}_passes.csv", PASSES)
    timer = timing.Timer(options.device, 0.5)
    groups: dict[str, list[passes.Pass]] = {}
    for one in measured_models.passes("accelerator" if big else "processor", dtype):
        if not options.models or one.name in options.models:
            groups.setdefault(one.name, []).append(one)
    for model, own in groups.items():
        if perf_counter() - began > options.seconds:
            print(f"{model}: no time left", file=sys.stderr)
            continue
        for mode in ("eager", "graph") if timer.captures else ("eager",):
            for one, seconds, why in passes.measure(own, timer, captured=mode == "graph"):
                if why:
                    print(f"{model} {one.batch} x {one.new} after {one.past}, {mode}: {why}", file=sys.stderr)
                    continue
                config = json.dumps(dict(one.config), separators=(",", ":"))
                table.add(
                    (*head, model, config, dtype, mode, one.batch, one.new, one.past, one.image, f"{seconds:.4g}")
                )
        print(f"{perf_counter() - began:5.0f} s  {model}", file=sys.stderr)


if __name__ == "__main__":
    main()
