"""``whicharch calibrate``: measure this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from advisor.cli.options import FiniteRange, json_option, print_json


@click.command()
@click.option("--device", help="cpu, cuda, cuda:1, mps …; by default the fastest kind there is.")
@click.option(
    "--out", type=click.Path(dir_okay=False), help="Where to write the machine file; by default ID.yaml here."
)
@click.option("--as", "name", metavar="ID", help="Id of the machine; by default from the device's name.")
@click.option("--add", is_flag=True, help="Write it to your own catalog instead, where --machine ID finds it.")
@click.option("--replace", is_flag=True, help="Overwrite a file that is there.")
@click.option("--quick", is_flag=True, help="A fifth of the time: fewer sizes, more noise.")
@click.option("--seconds", type=FiniteRange(min=0.5), help="How long to time kernels.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of a processor; by default all cores.")
@click.option("--timings", type=click.Path(dir_okay=False), help="Also write every timing, as CSV.")
@json_option
def command(
    device: str | None, out: str | None, name: str | None, add: bool, replace: bool, quick: bool, seconds: float | None,
    threads: int | None, timings: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure this machine with PyTorch, write its constants as a machine file, and check them on real models.

    Copies, matrix products, attention, convolutions, scans and the cost of starting a kernel are timed in under two
    minutes; then an encoder, a decoder and a state-space model of random weights are predicted and measured. Nothing is
    downloaded. Needs torch, transformers and SciPy (pip install 'whicharch[calibrate]').
    """
    from advisor.calibration import QUICK_SECONDS, SECONDS, calibrate
    from catalog.errors import BadInput
    from catalog.overlay import add_machine, write_entry

    if out and Path(out).exists() and not replace:
        raise BadInput(f"{out}: is there already; --replace overwrites it")
    result = calibrate(
        device=device,
        seconds=seconds or (QUICK_SECONDS if quick else SECONDS),
        threads=threads,
        name=name,
        say=lambda line: click.echo(line, err=True),
    )
    for failure in result.failures:
        click.echo(f"Not measured: {failure}", err=True)
    if timings:
        _write_timings(result, Path(timings))
    if add:
        path = add_machine(result.machine, replace=replace)
    else:
        path = Path(out or f"{result.machine.id}.yaml")
        if path.exists() and not replace:
            raise BadInput(f"{path}: is there already; --replace overwrites it")
        write_entry(result.machine, path)
    if as_json:
        print_json(_data(result, str(path)))
        return
    for line in _lines(result):
        click.echo(line)
    used = result.machine.id if add else path
    click.echo(f"Wrote {path}: use --machine {used}; whicharch machine show {used} explains it.", err=True)


def _data(result: Any, path: str) -> dict[str, Any]:
    return {
        "written": path,
        "machine": result.machine.model_dump(mode="json", exclude_none=True),
        "device": result.device,
        "software": result.software,
        "seconds": result.seconds,
        "fits": [
            {"block": name, "constants": dict(fit.constants), "rows": fit.rows, "median_error": fit.median_error}
            for name, fit in result.fits.items()
        ],
        "checks": [
            {
                "model": c.model, "stage": c.stage, "batch": c.batch, "new": c.new, "past": c.past,
                "predicted_s": c.predicted_s, "measured_s": c.measured_s, "error": c.error,
            }
            for c in result.checks
        ],
        "failures": list(result.failures),
    }  # fmt: skip


def _lines(result: Any) -> list[str]:
    from advisor.machine_text import sheet
    from advisor.report import seconds_text

    lines = list(sheet(result.machine))
    if result.checks:
        lines += ["", "Models of random weights that nothing was fitted on:"]
        for c in result.checks:
            what = f"{c.model}, {c.stage} of {c.batch} x {c.new}" + (f" after {c.past}" if c.past else "")
            times = f"predicted {seconds_text(c.predicted_s):>8}  measured {seconds_text(c.measured_s):>8}"
            lines.append(f"  {what:44} {times}  {100 * c.error:+4.0f} %")
    return lines


def _write_timings(result: Any, path: Path) -> None:
    import csv
    import io

    from catalog.overlay import write_text

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("machine", "device", "software", "date", "kernel", "dtype", "mode", "sizes", "flops", "bytes", "seconds")
    )
    c = result.machine.calibration
    for t in result.timings:
        sizes = " ".join(f"{name}={value}" for name, value in t.sizes.items())
        head = (result.machine.id, c.device, c.software, c.date, t.kernel, t.dtype, t.mode, sizes)
        writer.writerow((*head, f"{t.flops:.6g}", f"{t.bytes:.6g}", f"{t.seconds:.4g}"))
    write_text(out.getvalue(), path)
