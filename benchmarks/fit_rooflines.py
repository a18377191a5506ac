"""Fit the time constants of the machine catalog to measurements and report held-out errors.

Run from the repository root, with NumPy, SciPy and PyYAML installed::

    python -m benchmarks.fit_rooflines            # print the tables
    python -m benchmarks.fit_rooflines --write    # also rewrite the blocks in catalog/machines and machine_classes.yaml

How a fit is made and judged: ``kernel_fits.py`` (kernels) and ``single_stream.py`` (whole models) beside this file.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import yaml

from benchmarks.kernel_fits import (
    SCRIPT,
    AllReduceFit,
    Array,
    AttentionFit,
    Errors,
    Hardware,
    Kernels,
    ProductFit,
    Products,
    allreduce_fits,
    attention_tables,
    fit_attention,
    fit_products,
    gemm_tables,
    judge_attention,
    moe_lines,
    nccl_fits,
    read,
    rounded,
    shared_p,
)
from benchmarks.single_stream import LAYER_KERNELS, LAYER_US, LOCAL_MEMORY, StreamRates, stream_rates
from catalog.machine import AttentionRates, MachineClass, Roofline

REPOSITORY = Path(__file__).resolve().parents[1]


# --- class defaults ----------------------------------------------------------------------------------------------


def class_roofline(
    fits: Mapping[str, ProductFit], tables: Mapping[str, Products], members: Sequence[str], note: str
) -> Roofline:
    """Medians of the members' constants; the error is each member's under the medians of the others."""
    own = [name for name in members if name in fits]
    p = fits[own[0]].p

    def medians(names: Sequence[str]) -> Array:
        return rounded(np.median([fits[name].constants for name in names], axis=0))

    left_out = []
    for name in own:
        others = [other for other in own if other != name]
        if others:
            table = tables[name]
            left_out.append(Errors.of(table.predict(medians(others), p), table.seconds).median)
    constants = medians(own)
    row_ns = {"row_ns": float(constants[3])} if len(constants) > 3 else {}
    rows = sum(fits[name].train_rows for name in own)
    return Roofline.model_validate(
        {
            "compute": float(constants[0]),
            "memory": float(constants[1]),
            "launch_us": float(constants[2]),
            "p": p,
            **row_ns,
            "median_error": round(median(left_out), 4) if left_out else None,
            "rows": rows,
            "source": note,
        }
    )


def class_attention(
    fits: Mapping[str, AttentionFit], tables: Mapping[str, Kernels], members: Sequence[str], note: str
) -> AttentionRates:
    """Like ``class_roofline``, for attention."""
    own = [name for name in members if name in fits]

    def medians(names: Sequence[str]) -> Array:
        return rounded(np.median([fits[name].constants for name in names], axis=0))

    judged = []
    for name in own:
        others = [other for other in own if other != name]
        if others:
            judged.append(judge_attention(tables[name], medians(others)))
    whole = AttentionFit(
        medians(own),
        sum(fits[name].rows for name in own),
        Errors(0, median(j.prefill.median for j in judged), 0, 0) if judged else Errors(0, 0, 0, 0),
        Errors(0, median(j.decode.median for j in judged), 0, 0) if judged else Errors(0, 0, 0, 0),
        "",
    )
    values = whole.rates().model_dump(exclude_none=True) | {"source": note}
    if not judged:
        del values["prefill_median_error"], values["decode_median_error"]
    return AttentionRates.model_validate(values)


def streamed_roofline(compute: float, memory: float, p: float, source: str) -> Roofline:
    """Constants from whole-model speeds: a layer's fixed time is shared out over its kernels."""
    return Roofline.model_validate(
        {
            "compute": round(compute, 3),
            "memory": round(memory, 3),
            "launch_us": round(LAYER_US / LAYER_KERNELS, 1),
            "p": p,
            "source": source,
        }
    )


@dataclass(frozen=True)
class Results:
    """Everything that a run fits."""

    hardware: Mapping[str, Hardware]
    tables: Mapping[str, Mapping[str, Products]]
    products: Mapping[str, Mapping[str, ProductFit]]
    best_p: Mapping[str, tuple[float, Mapping[str, float]]]
    kernels: Mapping[str, Kernels]
    attention: Mapping[str, AttentionFit]
    allreduce: Mapping[str, Sequence[AllReduceFit]]
    streams: Mapping[str, StreamRates]


def classes(r: Results) -> list[MachineClass]:
    """Defaults for machines that nobody measured kernel by kernel."""
    p = r.best_p["bf16"][0]
    measured = [name for name in r.products["bf16"] if r.hardware[name].vendor == "nvidia"]
    groups = {
        "nvidia-datacenter": (["datacenter gpu"], measured),
        "nvidia-workstation": (["workstation gpu"], ["l40s", "rtx-pro-6000-blackwell-server"]),
        "nvidia-consumer": (["consumer gpu"], ["rtx-pro-6000-blackwell-server"]),
    }
    found = []
    for name, (kinds, members) in groups.items():
        rooflines = {
            dtype: class_roofline(r.products[dtype], r.tables[dtype], members, _neighbours(members, r.products[dtype]))
            for dtype in ("bf16", "fp8")
        }
        attention = class_attention(r.attention, r.kernels, members, _neighbours(members, r.attention))
        found.append(_class(name, "nvidia", kinds, rooflines, attention, [_neighbours(members, r.products["bf16"])]))
    found += [_amd_datacenter(r, p), _streamed(r, "amd-consumer", "amd", "consumer gpu", p)]
    found += [_streamed(r, "apple", "apple", "apple", p), _streamed(r, "cpu", None, "cpu", p)]
    return found


def _neighbours(members: Sequence[str], measured: Mapping[str, object]) -> str:
    names = [name for name in members if name in measured]
    start = "measured neighbour" if len(names) == 1 else "median of measured neighbours"
    return f"{start} {', '.join(names)}; aiconfigurator 0.12 tables (Apache-2.0), {SCRIPT}"


def _class(
    name: str,
    vendor: str | None,
    kinds: Sequence[str],
    rooflines: Mapping[str, Roofline],
    attention: AttentionRates | None,
    sources: Sequence[str],
) -> MachineClass:
    return MachineClass.model_validate(
        {
            "id": name,
            "vendor": vendor,
            "kinds": list(kinds),
            "roofline": {d: value.model_dump() for d, value in rooflines.items()},
            "attention": attention.model_dump() if attention else None,
            "sources": list(sources),
        }
    )


CPU_SHARE = 0.83
CPU_SHARE_TEXT = (
    "compute: median of matrix products and ungrouped convolutions of torch 2.13 over the measured peak of one core's "
    "multiply-adds, AMD EPYC with AVX2 (benchmarks/measured/cpu_products.csv)"
)


def _amd_datacenter(r: Results, p: float) -> MachineClass:
    shares = [
        h.achievable / h.peaks["bf16"]
        for h in r.hardware.values()
        if h.vendor == "amd" and h.kind == "datacenter gpu" and h.achievable
    ]
    text = (
        f"compute: median of achievable over nominal bf16 peak of {len(shares)} Instinct GPUs (ml-engineering, in "
        f"hardware.csv); memory {LOCAL_MEMORY} and {LAYER_US:g} us a layer over {LAYER_KERNELS} kernels: single-stream "
        "fit of shared/lessons.md, no kernel of this class was measured"
    )
    roofline = streamed_roofline(median(shares), LOCAL_MEMORY, p, text)
    return _class("amd-datacenter", "amd", ["datacenter gpu"], {"bf16": roofline, "fp16": roofline}, None, [text])


def _streamed(r: Results, name: str, vendor: str | None, kind: str, p: float) -> MachineClass:
    members = [
        s
        for s in r.streams.values()
        if r.hardware[s.machine].kind == kind and vendor in (None, r.hardware[s.machine].vendor)
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
    rooflines = dict.fromkeys(dtypes, streamed_roofline(compute, memory, p, text))
    if kind == "cpu":
        rooflines["fp32"] = streamed_roofline(CPU_SHARE, memory, p, f"{CPU_SHARE_TEXT}; {text.split('; compute')[0]}")
    return _class(name, vendor, [kind], rooflines, None, [text])


def achievable_rooflines(r: Results) -> dict[str, dict[str, Roofline]]:
    """Machines without tables but with a published reachable bf16 peak: only the compute share is their own."""
    found = {}
    p = r.best_p["bf16"][0]
    for name, machine in r.hardware.items():
        if machine.vendor == "amd" and machine.achievable and name not in r.products["bf16"]:
            text = (
                f"compute: {machine.achievable / 1e12:g} of {machine.peaks['bf16'] / 1e12:g} TFLOP/s reachable in bf16 "
                "(ml-engineering, in hardware.csv); memory and launch: class amd-datacenter"
            )
            roofline = streamed_roofline(machine.achievable / machine.peaks["bf16"], LOCAL_MEMORY, p, text)
            found[name] = {"bf16": roofline}
    return found


# --- the run -----------------------------------------------------------------------------------------------------


def run(facts: Path, *, row_term: bool) -> Results:
    """Fit everything."""
    hardware = {row["id"]: Hardware.of(row) for row in read(facts / "hardware.csv")}
    tables = gemm_tables(facts, hardware)
    terms = {dtype: row_term and dtype == "fp8" for dtype in tables}
    best_p = {dtype: shared_p(own, row_term=terms[dtype]) for dtype, own in tables.items()}
    found = {
        dtype: {name: fit_products(table, best_p[dtype][0], row_term=terms[dtype]) for name, table in own.items()}
        for dtype, own in tables.items()
    }
    attention = attention_tables(facts, hardware)
    fits = {name: fit_attention(data) for name, data in attention.items()}
    reduce = allreduce_fits(facts)
    return Results(hardware, tables, found, best_p, attention, fits, reduce, stream_rates(facts, hardware))


def report(r: Results, facts: Path) -> Iterator[str]:
    """The tables, line by line."""
    yield "MATRIX PRODUCTS (fit on one half; errors in % on the other: median, p90, bias; 'large' has n, k >= 1024)"
    columns = "compute memory launch   p row_ns    med    p90   bias   large: med ..."
    yield f"{'machine':30} {'dtype':5} {'fit':>4} {'held':>4} {columns}"
    for dtype, own in r.products.items():
        for name, f in own.items():
            row_ns = f"{f.constants[3]:6.2f}" if len(f.constants) > 3 else "     -"
            yield (
                f"{name:30} {dtype:5} {f.train_rows:4} {f.held.n:4} {f.constants[0]:7.3f} {f.constants[1]:6.3f} "
                f"{f.constants[2]:6.2f} {f.p:3.1f} {row_ns}  {f.held}   {f.large}   {f.version}"
            )
    yield ""
    yield "WOULD MORE PARAMETERS EARN THEIR PLACE? (held-out median error, %)"
    for dtype, own_tables in r.tables.items():
        shared, best = r.best_p[dtype]
        with_term = shared_p(own_tables, row_term=True)[0]
        for name, table in own_tables.items():
            tries = {
                "p=4": fit_products(table, 4.0, row_term=False),
                f"p={shared}": fit_products(table, shared, row_term=False),
                f"own p={best[name]}": fit_products(table, best[name], row_term=False),
                f"p={with_term} + ns per row": fit_products(table, with_term, row_term=True),
            }
            yield f"{name:30} {dtype:5} " + " | ".join(f"{label} {tried.held}" for label, tried in tries.items())
    yield ""
    yield "ATTENTION (bf16, head_dim 128, full; needed causal FLOPs)"
    columns = "compute kv_mem query_mem launch  prefill: n  med    p90   bias  decode: n  med    p90   bias"
    yield f"{'machine':30} {'fit':>4} {columns}"
    for name, a in r.attention.items():
        c = a.constants
        yield (
            f"{name:30} {a.rows:4} {c[0]:7.3f} {c[1]:6.3f} {c[3]:9.3f} {c[2]:6.2f} {a.prefill.n:9} "
            f"{a.prefill} {a.decode.n:9} {a.decode}   {a.version}"
        )
    yield ""
    yield "ALL-REDUCE (custom kernels in a captured graph; NCCL for comparison)"
    nccl = nccl_fits(facts)
    for name, reductions in r.allreduce.items():
        for found in reductions:
            other = next((o for o in nccl.get(name, ()) if o.gpus == found.gpus), None)
            tail = f"   NCCL {other.alpha_us:6.2f} us {other.bus_gb_per_s:7.2f} GB/s {other.held}" if other else ""
            yield (
                f"{name:30} x{found.gpus} {found.rows:3}  {found.alpha_us:6.2f} us {found.bus_gb_per_s:7.2f} GB/s "
                f"{found.held}{tail}"
            )
    yield ""
    yield "EXPERTS under the constants of matrix products (vLLM kernels, balanced routing)"
    yield from moe_lines(facts, r.hardware, r.products)
    yield ""
    yield f"SINGLE STREAM (dense; share of bandwidth after {LAYER_US:g} us a layer; errors under the class default, %)"
    for s in r.streams.values():
        compute = f"{s.compute:.3f}" if s.compute is not None else "    -"
        kind = r.hardware[s.machine].kind
        yield f"{s.machine:30} {kind:16} models {s.models:3} memory {s.memory:.3f} prompt {compute}  {s.errors}"
    yield ""
    yield "CLASS DEFAULTS"
    for group in classes(r):
        for dtype, roofline in group.roofline.items():
            error = "-" if roofline.median_error is None else f"{100 * roofline.median_error:.1f} %"
            yield (
                f"{group.id:20} {dtype:5} compute {roofline.compute:.3f} memory {roofline.memory:.3f} "
                f"launch {roofline.launch_us:.2f} us p {roofline.p:.1f}  leave-one-machine-out {error}"
            )


# --- writing -----------------------------------------------------------------------------------------------------

BLOCKS = ("roofline", "attention", "allreduce")


class _Plain(yaml.SafeDumper):
    """Without anchors and aliases, which the loader refuses."""

    def ignore_aliases(self, data: object) -> bool:
        """Write every value out."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists under their key."""
        super().increase_indent(flow, False)


def dump(value: object) -> str:
    """YAML as the catalog writes it."""
    return str(yaml.dump(value, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True))


def plain(value: Any) -> Any:
    """A model as YAML holds it: without empty fields, a source as its text."""
    data = value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value
    if isinstance(data, dict):
        if set(data) == {"where"}:
            return data["where"]
        return {key: plain(item) for key, item in data.items() if not (key == "row_ns" and item == 0)}
    return [plain(item) for item in data] if isinstance(data, list | tuple) else data


def with_blocks(text: str, blocks: Mapping[str, object]) -> str:
    """A machine's YAML with these top-level blocks replaced or appended; every other line stays as it is."""
    for key, value in blocks.items():
        block = dump({key: value})
        pattern = re.compile(rf"^{key}:.*\n(?:[ \t]+\S.*\n|- .*\n|[ \t]*\n(?=[ \t]+\S|- ))*", re.MULTILINE)
        if not text.endswith("\n"):
            text += "\n"
        found = pattern.search(text)
        start, end = found.span() if found else (len(text), len(text))
        text = text[:start] + block + text[end:]
    return text


def machine_blocks(r: Results) -> dict[str, dict[str, object]]:
    """What each machine's file gets."""
    blocks: dict[str, dict[str, object]] = defaultdict(dict)
    for dtype, own in r.products.items():
        for name, found in own.items():
            blocks[name].setdefault("roofline", {})[dtype] = plain(found.roofline())  # type: ignore[index]
    for name, rooflines in achievable_rooflines(r).items():
        blocks[name]["roofline"] = {dtype: plain(value) for dtype, value in rooflines.items()}
    for name, rates in r.attention.items():
        blocks[name]["attention"] = plain(rates.rates())
    for name, reductions in r.allreduce.items():
        blocks[name]["allreduce"] = [plain(found.entry()) for found in reductions]
    return {name: {key: own[key] for key in BLOCKS if key in own} for name, own in blocks.items()}


def write(r: Results, catalog: Path) -> Iterator[str]:
    """Rewrite the blocks of every machine that has a file, and the class defaults."""
    for name, blocks in sorted(machine_blocks(r).items()):
        path = catalog / "machines" / f"{name}.yaml"
        if path.exists():
            path.write_text(with_blocks(path.read_text(encoding="utf-8"), blocks), encoding="utf-8")
            yield f"wrote {', '.join(blocks)} of {path}"
        else:
            yield f"no {path.name}: {', '.join(blocks)} left out"
    path = catalog / "machine_classes.yaml"
    head = "# Defaults for machines without measured kernels. Written by benchmarks/fit_rooflines.py --write.\n"
    path.write_text(head + dump({"classes": [plain(c) for c in classes(r)]}), encoding="utf-8")
    yield f"wrote {path}"


def main() -> int:
    """Print the tables; with ``--write``, update the catalog."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=REPOSITORY.parent / "shared" / "facts", help="folder of facts")
    parser.add_argument("--catalog", type=Path, default=REPOSITORY / "catalog", help="folder of the catalog")
    parser.add_argument("--write", action="store_true", help="update the catalog's YAML")
    parser.add_argument("--row-term", action="store_true", help="fit fp8 products with a time per row (row_ns)")
    args = parser.parse_args()
    if not (args.facts / "hardware.csv").exists():
        print(f"no hardware.csv in {args.facts}", file=sys.stderr)
        return 2
    results = run(args.facts, row_term=args.row_term)
    for line in report(results, args.facts):
        print(line)
    if args.write:
        for line in write(results, args.catalog):
            print(line, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
