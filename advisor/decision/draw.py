"""A decision drawn: as a text tree, as Mermaid, as DOT."""

from __future__ import annotations

from textwrap import fill, shorten
from typing import TYPE_CHECKING, Any

from advisor.decision.graph import DecisionGraph
from advisor.decision.path import Step

if TYPE_CHECKING:
    from networkx import DiGraph

ARROWS = {"chosen": "-->", "possible": "-.->", "ruled out": "--x"}
STYLES = {"chosen": "bold", "possible": "dashed", "ruled out": "dotted"}
SHAPES = {"task": ("([", "])"), "need": ("[/", "/]"), "family": ("{{", "}}"), "model": ("[", "]"), "format": ("(", ")"),
          "machine": ("[(", ")]"), "parallelism": ("[[", "]]")}  # fmt: skip
WORDS = 60
"""Characters of a reason on an edge of a drawing."""


def path_text(steps: tuple[Step, ...], width: int = 80) -> str:
    """One path as a tree: needs beside each other, the rest one below the other."""
    lines: list[str] = []
    depth = 0
    for place, step in enumerate(steps):
        need = step.kind == "need"
        last_need = need and (place + 1 == len(steps) or steps[place + 1].kind != "need")
        if not need and place:
            depth += 1
        branch = "" if not place else ("├─ " if need and not last_need else "└─ ")
        pad = "   " * (0 if need else max(0, depth - 1))
        head = step.label if step.kind in ("task", "need") else f"{step.kind}: {step.label}"
        lines.append(f"{pad}{branch}{head}  [{step.rule}]")
        if not need:
            inner = pad + ("" if not place else "   ")
            lines.append(fill(step.reason, width, initial_indent=f"{inner}  ", subsequent_indent=f"{inner}  "))
    return "\n".join(lines)


def tree_text(graph: DecisionGraph, width: int = 80) -> str:
    """Every path that is followed to its end, then what was ruled out and why."""
    parts = []
    for model, steps in graph.paths.items():
        parts.append(f"→ {model}\n{path_text(steps, width)}")
    out = [edge for edge in graph.edges if edge.verdict == "ruled out"]
    if out:
        lines = ["Ruled out:"]
        for edge in out:
            label = graph.graph.nodes[edge.end]["label"]
            text = f"{label} [{edge.rule}]: {edge.reason}"
            lines.append(fill(text, width, initial_indent="  ✗ ", subsequent_indent="      "))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def mermaid(graph: DiGraph[str]) -> str:
    """A flow chart for Mermaid (``flowchart TD``), of a decision or of the whole guide."""
    names = {node: f"n{number}" for number, node in enumerate(graph)}
    lines = ["flowchart TD"]
    for node, data in graph.nodes(data=True):
        left, right = SHAPES.get(data["kind"], ("[", "]"))
        lines.append(f'  {names[node]}{left}"{_escaped(data["label"])}"{right}')
    for start, end, data in graph.edges(data=True):
        arrow = ARROWS.get(data.get("verdict", "chosen"), "-->")
        lines.append(f'  {names[start]} {arrow}|"{_escaped(_edge_text(data))}"| {names[end]}')
    return "\n".join(lines)


def dot(graph: DiGraph[str]) -> str:
    """The same for Graphviz."""
    names = {node: f"n{number}" for number, node in enumerate(graph)}
    lines = ["digraph decision {", "  rankdir=TB;", '  node [shape=box, fontname="sans-serif"];']
    for node, data in graph.nodes(data=True):
        lines.append(f"  {names[node]} [label={_quoted(data['label'])}, class={_quoted(data['kind'])}];")
    for start, end, data in graph.edges(data=True):
        style = STYLES.get(data.get("verdict", "chosen"), "solid")
        lines.append(
            f"  {names[start]} -> {names[end]} [label={_quoted(_edge_text(data))}, "
            f"tooltip={_quoted(data['reason'])}, style={style}];"
        )
    return "\n".join([*lines, "}"])


def _edge_text(data: dict[str, Any]) -> str:
    return f"{data['rule']}: {shorten(data['reason'], WORDS, placeholder=' …')}" if data["reason"] else data["rule"]


def _escaped(text: str) -> str:
    """Mermaid reads character references inside quotes; ``"`` and ``#`` would end or start one."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
