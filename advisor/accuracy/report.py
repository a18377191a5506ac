"""Compare predictions with measured tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from advisor.accuracy.comparison import Comparison, Given, Skipped
from advisor.accuracy.errors import Errors, grouped, key_of
from advisor.accuracy.files import files, read
from advisor.accuracy.readers import reader_of
from catalog.errors import BadInput, unknown


@dataclass(frozen=True)
class Table:
    """One file: what was compared and what was passed over."""

    path: Path
    layout: str
    by: tuple[str, ...]
    compared: tuple[Comparison, ...]
    skipped: tuple[Skipped, ...]
    fitted: str = ""
    """What was fitted on rows of such a table: their errors are then not those of new rows."""

    @property
    def overall(self) -> Errors:
        """All compared rows together."""
        return Errors.of(self.compared)

    @property
    def quantities(self) -> dict[str, Errors]:
        """By quantity."""
        return {key: errors for (key,), errors in grouped(self.compared, ["quantity"]).items()}

    @property
    def groups(self) -> dict[tuple[str, ...], Errors]:
        """As asked for."""
        return grouped(self.compared, self.by)

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were passed over for which reason, the commonest first."""
        return dict(Counter(skip.reason for skip in self.skipped).most_common())


@dataclass(frozen=True)
class Accuracy:
    """How predictions compare with measurements."""

    tables: tuple[Table, ...]
    unread: dict[str, str]
    """Files of a folder that no reader knows, with the reason."""

    @property
    def compared(self) -> list[Comparison]:
        """Of all tables."""
        return [comparison for table in self.tables for comparison in table.compared]

    @property
    def overall(self) -> Errors:
        """All compared rows of all files, every pair of model (or kernel) and machine weighing the same."""
        return Errors.of(self.compared)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data; errors as fractions."""
        return {
            "overall": asdict(self.overall),
            "groups": [
                {"file": str(table.path), "layout": table.layout}
                | dict(zip(table.by, key, strict=True))
                | asdict(errors)
                for table in self.tables
                for key, errors in table.groups.items()
            ],
            "files": [
                {
                    "file": str(table.path),
                    "layout": table.layout,
                    "overall": asdict(table.overall),
                    "quantities": {name: asdict(errors) for name, errors in table.quantities.items()},
                    "skipped": table.reasons,
                    "fitted": table.fitted,
                }
                for table in self.tables
            ],
            "unread": self.unread,
        }

    def rows(self) -> tuple[list[str], list[list[Any]]]:
        """Header and rows of predictions beside measurements."""
        names = sorted({name for comparison in self.compared for name in comparison.keys})
        head = ["file", "row", "quantity", "unit", "measured", "predicted", "error", "p10", "p90", *names]
        rows = [
            [
                str(table.path), c.line, c.quantity, c.unit, c.measured, c.predicted, c.error,
                c.p10 if c.p10 is not None else "", c.p90 if c.p90 is not None else "",
                *(c.keys.get(name, "") for name in names),
            ]
            for table in self.tables
            for c in table.compared
        ]  # fmt: skip
        return head, rows


def accuracy(
    path: str | Path, *, by: Sequence[str] = (), quantity: str = "", given: Given | None = None, **fields: Any
) -> Accuracy:
    """Predict every row of a measured table, or of all tables in a folder, and compare.

    Args:
        path: A file in a known layout, recognised by its columns, or a folder of such files.
        by: Names to group errors by, as ``("machine", "engine")``; default: the layout's own.
        quantity: Only this one, as ``"tpot"``.
        given: What the file does not say itself; or as fields: ``accuracy("bench.json", machine="h100-sxm")``.

    Raises:
        BadInput: If a single file cannot be read or is in no known layout, or a name to group by is unknown.
    """
    said = given or _given(fields)
    where = Path(path).expanduser()
    tables, unread = [], {}
    for each in files(where):
        try:
            file = read(each)
            reader = reader_of(file)
            results = list(reader.compare(file, said))
        except BadInput as error:
            if where.is_file():
                raise
            unread[str(each)] = str(error).removeprefix(f"{each}: ")
            continue
        compared = tuple(r for r in results if isinstance(r, Comparison))
        skipped = tuple(r for r in results if isinstance(r, Skipped))
        tables.append(Table(each, reader.layout, tuple(by) or reader.by, compared, skipped, reader.fitted))
    found = Accuracy(tuple(tables), unread)
    _check_names(found, by)
    return _only(found, quantity) if quantity else found


def _only(found: Accuracy, quantity: str) -> Accuracy:
    known = {comparison.quantity for comparison in found.compared}
    if found.compared and quantity not in known:
        raise unknown("quantity", quantity, known)
    kept = [
        replace(table, compared=tuple(c for c in table.compared if c.quantity == quantity)) for table in found.tables
    ]
    return Accuracy(tuple(kept), found.unread)


def _given(fields: dict[str, Any]) -> Given:
    for name in fields:
        if name not in Given.__dataclass_fields__:
            raise unknown("field", name, Given.__dataclass_fields__)
    return Given(**fields)


def _check_names(found: Accuracy, by: Sequence[str]) -> None:
    compared = found.compared
    names = {"quantity"} | {name for comparison in compared for name in comparison.keys}
    for name in by:
        if compared and not any(key_of(c, name) for c in compared):
            raise unknown("name to group by", name, names)
