"""``whicharch fit``."""

from __future__ import annotations

from pathlib import Path

import click

from advisor.cli.options import print_csv, print_json, print_markdown, print_table, table_options
from catalog.errors import unknown

DEFAULT_FACTS = Path(__file__).resolve().parents[3] / "shared" / "facts"
CATALOG = Path(__file__).resolve().parents[2] / "catalog"


@click.command("fit")
@click.option(
    "--facts",
    type=click.Path(path_type=Path),
    default=DEFAULT_FACTS,
    show_default="../shared/facts beside the repository",
    help="Folder with measured/*.csv: kernel tables in the layout of NVIDIA aiconfigurator's.",
)
@click.option("--machine", "machines", multiple=True, metavar="ID", help="Only this machine; may be given again.")
@click.option("--write", "writing", is_flag=True, help="Write the constants into the catalog's YAML.")
@click.option("--catalog", type=click.Path(path_type=Path), default=CATALOG, hidden=True)
@table_options
def command(
    facts: Path, machines: tuple[str, ...], writing: bool, catalog: Path, as_json: bool, as_csv: bool, as_md: bool
) -> None:
    """Fit the constants of machines to measured kernels, and judge them on shapes that they did not see.

    A shape belongs to one of two halves by a hash of its sizes, on every machine alike: constants are fitted on one
    half and judged on the other. Whole models in service play no part. Errors are medians of absolute relative errors,
    layers of a model weighing the same; beside them stand those of the plain roofline (the longer of FLOPs over the
    peak and bytes over the bandwidth) on the same rows. Needs SciPy: pip install 'whicharch[fit]'.

    \b
    Example:
      whicharch fit --machine h100-sxm
      whicharch fit --write
    """
    from advisor.fit import report
    from advisor.fit.run import fit_all
    from advisor.fit.write import write
    from catalog.loader import all_machines

    known = {m.id for m in all_machines()}
    for name in machines:
        if name not in known:
            raise unknown("machine", name, known)
    fitted = fit_all(facts, machines, lambda text: click.echo(f"fitting {text}", err=True))
    found = report.lines(fitted.fits)
    totals = report.summaries(found)
    if as_json:
        print_json({"fits": [line.data() for line in found], "summary": [total.data() for total in totals]})
    elif as_csv:
        print_csv(report.HEADERS, [report.cells(line) for line in found])
    elif as_md:
        print_markdown(report.HEADERS, [report.cells(line) for line in found])
    else:
        print_table(report.HEADERS, [report.cells(line) for line in found], left=3)
        click.echo("\nOver machines, each weighing the same:")
        print_table(report.SUMMARY_HEADERS, [report.summary_cells(total) for total in totals], left=2)
        if fitted.classes:
            click.echo("\nDefaults of classes, and each member predicted from the others:")
            print_table(report.CLASS_HEADERS, list(report.class_cells(fitted)), left=2)
    if writing:
        for text in write(fitted, catalog):
            click.echo(text, err=True)
