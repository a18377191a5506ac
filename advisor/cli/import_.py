"""``whicharch import``."""

from __future__ import annotations

import click

from advisor.cli.options import json_option, print_json
from advisor.report import bytes_text, count_text


@click.command()
@click.argument("source")
@click.option("--trace", is_flag=True, help="Count on the real PyTorch model, for types that no importer describes.")
@click.option("--mtp", is_flag=True, help="Add the multi-token-prediction layers that a config.json names.")
@click.option("--as", "name", metavar="ID", help="Id of the result; by default from the source.")
@json_option
def command(source: str, trace: bool, mtp: bool, name: str | None, as_json: bool) -> None:
    """Read a model from elsewhere and print it as YAML of our schema.

    SOURCE is a config.json, a folder with one, a GGUF file, a folder of safetensors, or a repository of the Hugging
    Face hub (organisation/model). Nothing in it is executed. What could not be understood is told on stderr.

    Example: whicharch import ./Qwen2.5-7B > my-model.yaml
    """
    from advisor.importing import import_model
    from calculators.params import count_params
    from calculators.stored import stored_bytes
    from catalog.writer import to_yaml

    spec = import_model(source, trace=trace, mtp=mtp, name=name)
    if as_json:
        print_json(spec.model_dump(mode="json", exclude_defaults=True))
    else:
        click.echo(to_yaml(spec), nl=False)
    said = f"{spec.id}: {spec.family}"
    if spec.is_disclosed:
        said += f", {count_text(count_params(spec).total)} parameters"
    if spec.stored:
        said += f", {bytes_text(stored_bytes(spec))} in the file"
    click.echo(said + (f". {spec.notes}" if spec.notes else ""), err=True)
