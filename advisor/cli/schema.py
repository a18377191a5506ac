"""``whicharch schema``: JSON Schema of the files that commands read, for editors."""

from __future__ import annotations

from typing import Any

import click
from pydantic import BaseModel

from advisor.cli.options import print_json


@click.command()
@click.argument("what", type=click.Choice(["plan", "simulate", "sweep", "design", "requirements"]))
def command(what: str) -> None:
    """Print the JSON Schema of WHAT.

    In editors with the YAML language server, a first line such as

    \b
      # yaml-language-server: $schema=plan.schema.json

    then completes and checks the file.
    """
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **_schema(what)})


def _schema(what: str) -> dict[str, Any]:
    if what == "requirements":
        from advisor.decision.file import schema

        return schema()
    from advisor.design.changes import DesignFile
    from advisor.field_docs import described
    from advisor.grids.schema import SweepFile
    from advisor.planning.schema import PlanFile
    from advisor.simulator.service_file import ServiceFile

    kinds: dict[str, type[BaseModel]] = {
        "plan": PlanFile, "simulate": ServiceFile, "sweep": SweepFile, "design": DesignFile,
    }  # fmt: skip
    return described(kinds[what])
