"""Fitted constants into the catalog's YAML; every other line of a machine's file stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from advisor.fit.classes import class_of
from advisor.fit.entries import blocks_of
from advisor.fit.run import Fitted
from catalog.base import Spec

HEAD = "# Defaults for machines without measured kernels. NVIDIA's are written by whicharch fit --write.\n"


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
    """A model as YAML holds it: without empty fields and costs of nothing, a source as its text."""
    data = value.model_dump(mode="json", exclude_none=True) if isinstance(value, Spec) else value
    if isinstance(data, dict):
        if set(data) == {"where"}:
            return data["where"]
        return {key: plain(item) for key, item in data.items() if not (key.endswith("_ns") and item == 0)} | (
            {"expert_ns": 0.0} if data.get("expert_ns") == 0 else {}
        )
    return [plain(item) for item in data] if isinstance(data, list | tuple) else data


def with_blocks(text: str, blocks: Mapping[str, object]) -> str:
    """A machine's YAML with these top-level blocks replaced or appended."""
    for key, value in blocks.items():
        block = dump({key: value})
        pattern = re.compile(rf"^{key}:.*\n(?:[ \t]+\S.*\n|- .*\n|[ \t]*\n(?=[ \t]+\S|- ))*", re.MULTILINE)
        if not text.endswith("\n"):
            text += "\n"
        found = pattern.search(text)
        start, end = found.span() if found else (len(text), len(text))
        text = text[:start] + block + text[end:]
    return text


def write(fitted: Fitted, catalog: Path) -> Iterator[str]:
    """Rewrite the blocks of every machine that was fitted, and the classes whose members all were."""
    for name, blocks in sorted(blocks_of(fitted.fits, fitted.eager_us).items()):
        path = catalog / "machines" / f"{name}.yaml"
        path.write_text(with_blocks(path.read_text(encoding="utf-8"), plain(blocks)), encoding="utf-8")
        yield f"wrote {', '.join(blocks)} of {path}"
    if not fitted.classes:
        return
    path = catalog / "machine_classes.yaml"
    made = {kin.id: plain(class_of(kin, found)) for kin, found in fitted.classes}
    kept = [c for c in yaml.safe_load(path.read_text(encoding="utf-8"))["classes"] if c["id"] not in made]
    path.write_text(HEAD + dump({"classes": [*made.values(), *kept]}), encoding="utf-8")
    yield f"wrote {', '.join(made)} of {path}"
