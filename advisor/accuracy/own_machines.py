"""Machines that measured tables name: catalogued ones, or files beside the table."""

from __future__ import annotations

from pathlib import Path

from advisor.accuracy.comparison import File, Given, Row
from catalog.errors import BadInput
from catalog.loader import load_machine
from catalog.machine import Machine


def machine_beside(file: File, row: Row, given: Given, known: dict[str, Machine | str]) -> Machine | str:
    """The machine of a row, or why there is none.

    Args:
        file: The table; ``NAME.yaml`` beside it is looked at first.
        row: With a column ``machine``.
        given: The user's word for it wins.
        known: What was found before, by name; added to.
    """
    name = given.machine or row["machine"]
    if name not in known:
        beside = file.path.parent / f"{Path(name).stem}.yaml"
        try:
            known[name] = load_machine(str(beside) if beside.is_file() and not given.machine else name)
        except BadInput as error:
            known[name] = str(error)
    return known[name]
