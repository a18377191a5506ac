"""Class defaults of machines without kernel tables, from whole-model speeds: AMD, Apple and CPUs.

Run from the repository root::

    python -m benchmarks.streamed_classes

Prints each class as the catalog has it (``catalog/machine_classes.yaml``). Kernels of NVIDIA's machines are fitted by
``whicharch fit``, which leaves these classes as they stand.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import yaml

from benchmarks.kernel_fits import Hardware, read
from benchmarks.single_stream import LAYER_KERNELS, LAYER_US, LOCAL_MEMORY, StreamRates, stream_rates
from catalog.machine import MachineClass

P = 2.2
"""How compute and memory time overlap in products of 16 bits: the middle of what fits measured GPUs (1.6 to 3)."""


def defaults(hardware: Mapping[str, Hardware], streams: Mapping[str, StreamRates]) -> list[MachineClass]:
    """The classes."""
    return [
        _amd_datacenter(hardware),
        _streamed(hardware, streams, "amd-consumer", "amd", "consumer gpu"),
        _streamed(hardware, streams, "apple", "apple", "apple"),
        _streamed(hardware, streams, "cpu", None, "cpu"),
    ]


def _class(name: str, vendor: str | None, kind: str, compute: float, memory: float, text: str, dtypes: Sequence[str]):
    roofline = {
        "compute": round(compute, 3),
        "memory": round(memory, 3),
        "launch_us": round(LAYER_US / LAYER_KERNELS, 1),
        "p": P,
        "source": text,
    }
    given = {"id": name, "vendor": vendor, "kinds": [kind], "roofline": dict.fromkeys(dtypes, roofline)}
    return MachineClass.model_validate({**given, "sources": [text]})


def _amd_datacenter(hardware: Mapping[str, Hardware]) -> MachineClass:
    shares = [
        h.achievable / h.peaks["bf16"]
        for h in hardware.values()
        if h.vendor == "amd" and h.kind == "datacenter gpu" and h.achievable
    ]
    text = (
        f"compute: median of achievable over nominal bf16 peak of {len(shares)} Instinct GPUs (ml-engineering, in "
        f"hardware.csv); memory {LOCAL_MEMORY} and {LAYER_US:g} us a layer over {LAYER_KERNELS} kernels: single-stream "
        "fit of shared/lessons.md, no kernel of this class was measured"
    )
    return _class("amd-datacenter", "amd", "datacenter gpu", median(shares), LOCAL_MEMORY, text, ("bf16", "fp16"))


def _streamed(
    hardware: Mapping[str, Hardware], streams: Mapping[str, StreamRates], name: str, vendor: str | None, kind: str
) -> MachineClass:
    members = [
        s for s in streams.values() if hardware[s.machine].kind == kind and vendor in (None, hardware[s.machine].vendor)
    ]
    seen = ", ".join(f"{s.machine} {s.memory:.2f} ({s.models} dense models)" for s in members)
    # One Xeon says clearly less than the fit over all local machines, which has hardly any CPUs in it.
    memory = median(s.memory for s in members) if kind == "cpu" else LOCAL_MEMORY
    text = (
        f"memory {memory:.2f} and {LAYER_US:g} us a layer over {LAYER_KERNELS} kernels: single-stream fit of "
        f"shared/lessons.md; shares seen in decode_single_stream.csv: {seen}; compute: whole prompts there, a floor"
    )
    compute = median(s.compute for s in members if s.compute is not None)
    dtypes = ("bf16",) if kind == "cpu" else ("bf16", "fp16")
    return _class(name, vendor, kind, compute, memory, text, dtypes)


def main() -> int:
    """Print the classes as YAML."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[2] / "shared" / "facts"
    parser.add_argument("--facts", type=Path, default=default, help="folder of facts")
    facts = parser.parse_args().facts
    hardware = {row["id"]: Hardware.of(row) for row in read(facts / "hardware.csv")}
    found = defaults(hardware, stream_rates(facts, hardware))
    plain = [c.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for c in found]
    print(yaml.safe_dump({"classes": plain}, sort_keys=False, width=110, allow_unicode=True), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
