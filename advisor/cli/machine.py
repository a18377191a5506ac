"""``whicharch machine``: the machines at hand, those of the catalog, and files of one's own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import click

from advisor.cli.options import json_option, print_csv, print_json, print_markdown, print_table, table_options

NAMED = {"id", "name", "vendor", "kind", "released", "compute_capability", "memory_type"}


@click.group()
def command() -> None:
    """Recognise this machine, list and show those of the catalog, check a file of your own."""


@command.command()
@click.option("--no-probe", is_flag=True, help="Do not measure the CPU (half a second).")
@click.option("--write", "target", type=click.Path(dir_okay=False), help="Write a machine file, to edit and to use.")
@click.option("--add", is_flag=True, help="Add the machine to your own catalog.")
@click.option("--device", "number", type=click.IntRange(min=1), default=1, help="Which of the devices listed to write.")
@click.option("--like", metavar="ID", help="Take the constants of this catalogued machine.")
@click.option("--as", "name", metavar="ID", help="Id of the new machine; by default from the device's name.")
@click.option("--replace", is_flag=True, help="Overwrite a file or an entry of yours of the same id.")
@json_option
def detect(
    no_probe: bool, target: str | None, add: bool, number: int, like: str | None, name: str | None, replace: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Recognise the accelerators and the CPU of this machine, and write them as a machine of your own.

    NVIDIA by NVML or nvidia-smi, AMD by amdsmi, rocm-smi or the kernel, Apple by sysctl; the CPU's bandwidth and
    arithmetic by a short probe. `whicharch calibrate` measures all constants.
    """
    from advisor.detect import detect as look

    detection = look(probe=not no_probe)
    for note in detection.notes:
        click.echo(note, err=True)
    written = None
    if target or add:
        written = _write(detection, number, like, name, target, add, replace)
    if as_json:
        print_json(asdict(detection) | ({"written": str(written)} if written else {}))
        return
    for position, found in enumerate(detection.found, start=1):
        for line in _device_lines(found, position):
            click.echo(line)
    if written:
        click.echo(f"Wrote {written}", err=True)


def _write(
    detection: Any, number: int, like: str | None, name: str | None, target: str | None, add: bool, replace: bool
) -> Path:
    from advisor.detect.own import default_id, own_machine
    from catalog.errors import BadInput
    from catalog.overlay import add_machine, write_entry

    if number > len(detection.found):
        raise BadInput(f"--device {number}: only {len(detection.found)} listed; they count from 1")
    found = detection.found[number - 1]
    machine = own_machine(found, name or default_id(found.device), like=like)
    if target:
        path = Path(target)
        if path.exists() and not replace:
            raise BadInput(f"{path}: is there already; --replace overwrites it")
        write_entry(machine, path)
        if not add:
            return path
    return add_machine(machine, replace=replace)


def _device_lines(found: Any, position: int) -> list[str]:
    from advisor.report import bytes_text

    d = found.device
    head = f"{position}. {f'{found.count} x ' if found.count > 1 else ''}{d.name} ({d.vendor}, {d.kind})"
    parts = []
    if d.memory_bytes:
        free = f", {bytes_text(d.free_bytes)} free" if d.free_bytes is not None else ""
        parts.append(f"memory     {bytes_text(d.memory_bytes)}{free}")
    for label, reading, unit in (
        ("bandwidth", d.bandwidth_gb_per_s, "GB/s"),
        ("fp32", d.fp32_tflops, "TFLOP/s"),
    ):
        if reading:
            parts.append(f"{label:10} {reading.value:.3g} {unit} ({reading.how})")
    if d.peers:
        parts.append(f"peers      {d.peers}, {d.peer_gb_per_s:g} GB/s each way")
    if d.pcie_gb_per_s:
        parts.append(f"host link  {d.pcie_gb_per_s:g} GB/s each way")
    if d.tdp_w:
        parts.append(f"power      {d.tdp_w:.0f} W")
    known = [*d.details, *([f"driver {d.driver}"] if d.driver else [])]
    if known:
        parts.append(f"also       {', '.join(known)}")
    if found.exact:
        parts.append(f"machine    {found.exact.machine}: use --machine {found.exact.machine}")
    elif found.matches:
        near = ", ".join(f"{match.machine} ({match.why})" for match in found.matches)
        parts.append(f"machine    not in the catalog; near: {near}")
    else:
        parts.append("machine    not in the catalog, and none is like it")
    return [head, *(f"   {part}" for part in parts)]


@command.command(name="list")
@click.argument("words", nargs=-1)
@click.option("--vendor", help="Only machines of this vendor.")
@click.option("--kind", help="Only machines of this kind: datacenter gpu, consumer gpu, apple, cpu, tpu, …")
@table_options
def list_(
    words: tuple[str, ...], vendor: str | None, kind: str | None, as_json: bool, as_csv: bool, as_md: bool
) -> None:
    """List machines with memory, bandwidth, dense peaks, price and how their times are known.

    WORDS filter by what appears in a row, all of them.
    """
    from advisor.machine_table import HEADERS, rows

    cells = rows(vendor=vendor, kind=kind, words=words)
    if as_json:
        print_json([dict(zip(HEADERS, row, strict=True)) for row in cells])
    elif as_csv:
        print_csv(HEADERS, cells)
    elif as_md:
        print_markdown(HEADERS, [[_cell(value) for value in row] for row in cells])
    else:
        short = ("id", "kind", "GiB", "GB/s", "fp32", "16-bit", "8-bit", "4-bit", "$/h", "times")
        narrow = get_terminal_size((200, 24)).columns < 115
        kept = [i for i, name in enumerate(short) if not narrow or name not in ("kind", "fp32", "4-bit")]
        table = [[_cell(row[i]) for i in kept] for row in cells]
        if narrow:
            table = [[*row[:-1], row[-1].split()[0]] for row in table]
        print_table([short[i] for i in kept], table, left=1 if narrow else 2)
        click.echo("Peaks are dense, in TFLOP/s.", err=True)


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return "–" if value is None else str(value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 1 else f"{value:.2g}"


@command.command()
@click.argument("name", metavar="MACHINE")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show all constants of a machine (id or YAML file) on one screen, each with its meaning and how it is known."""
    from advisor.machine_sheet import facts
    from advisor.machine_text import sheet
    from catalog.loader import load_machine

    machine = load_machine(name)
    if as_json:
        from calculators.efficiency import class_of
        from catalog.loader import machine_classes, machine_prices

        family = class_of(machine, machine_classes())
        print_json(
            {
                **machine.model_dump(mode="json", include=NAMED),
                "class": family.id if family else None,
                "facts": [asdict(fact) for fact in facts(machine)],
                "prices": [price.model_dump(mode="json") for price in machine_prices(machine.id)],
                "notes": machine.notes,
                "sources": [str(source) for source in machine.sources],
            }
        )
        return
    for line in sheet(machine):
        click.echo(line)


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(), required=True)
def check(paths: tuple[str, ...]) -> None:
    """Check machine files: one line each, exit 2 at the first that is wrong (file, line, field, what is right)."""
    from catalog.machine import Machine
    from catalog.parsing import read_entry

    for path in paths:
        machine = read_entry(Machine, Path(path))
        peaks = ", ".join(f"{dtype} {peak:g}" for dtype, peak in machine.peak_tflops.items())
        memory = f"{machine.memory_gib:g} GiB" if machine.memory_gib else "no memory of its own"
        click.echo(f"{path}: {machine.id}, {memory}, {machine.bandwidth_gb_per_s:g} GB/s, {peaks} TFLOP/s")
