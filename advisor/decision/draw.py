"""A decision drawn: as a text tree, as Mermaid, as DOT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten, wrap
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


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a tree, what is said of it, and what hangs on it."""

    head: str
    said: str = ""
    children: tuple[Branch, ...] = ()


def path_text(steps: tuple[Step, ...], width: int = 80) -> str:
    """One path as a tree: needs beside each other, the rest one below the other."""
    task, *rest = steps
    needs = tuple(_need(step) for step in rest if step.kind == "need")
    chain = [step for step in rest if step.kind != "need"]
    return _text(Branch(f"{task.label}  [{task.rule}]", task.reason, (*needs, *_chain(chain))), width)


def _need(step: Step) -> Branch:
    return Branch(f"{step.label}  [{step.rule}]{f'  {step.met}' if step.met else ''}")


def _chain(steps: list[Step]) -> tuple[Branch, ...]:
    if not steps:
        return ()
    step, *rest = steps
    return (Branch(f"{step.kind}: {step.label}  [{step.rule}]", step.reason, _chain(rest)),)


def tree_text(graph: DecisionGraph, width: int = 80) -> str:
    """The whole decision: the path of the first answer in full, those of others in short, and what was ruled out."""
    if not graph.paths:
        nodes = graph.graph.nodes(data=True)
        task = next(data["label"] for _, data in nodes if data["kind"] == "task")
        return _text(
            Branch(task, "Nothing keeps every promise.", tuple(_family(graph, f) for f in _families(graph))), width
        )
    first, *others = graph.paths.values()
    task, *rest = first
    children = [_need(step) for step in rest if step.kind == "need"]
    for family in _families(graph):
        mine = [steps for steps in others if _label(steps, "family") == family]
        full = first if _label(first, "family") == family else None
        children.append(_family(graph, family, full, mine))
    children += [
        Branch(f"✗ {graph.graph.nodes[edge.end]['label']}", edge.reason)
        for edge in graph.edges
        if edge.verdict == "ruled out" and edge.end.startswith("need")
    ]
    return _text(Branch(f"{task.label}  [{task.rule}]", task.reason, tuple(children)), width)


def _label(steps: tuple[Step, ...], kind: str) -> str:
    return next((step.label for step in steps if step.kind == kind), "")


def _families(graph: DecisionGraph) -> list[str]:
    """Those with answers first, in the order of the answers, then the others."""
    led = [_label(steps, "family") for steps in graph.paths.values()]
    every = [data["label"] for _, data in graph.graph.nodes(data=True) if data["kind"] == "family"]
    return list(dict.fromkeys((*led, *every)))


def _family(
    graph: DecisionGraph,
    family: str,
    full: tuple[Step, ...] | None = None,
    others: Sequence[tuple[Step, ...]] = (),
) -> Branch:
    into = [edge for edge in graph.edges if edge.end == f"family {family}" and edge.start.startswith("need sees")]
    edge = into[0] if into else None
    out = edge is not None and edge.verdict == "ruled out"
    children: list[Branch] = []
    if full is not None:
        at = next(place for place, step in enumerate(full) if step.kind == "model")
        children += _chain(list(full[at:]))
    children += [_short(steps) for steps in others]
    children += [
        Branch(f"✗ {graph.graph.nodes[e.end]['label']}  [{e.rule}]", e.reason)
        for e in graph.edges
        if e.start == f"family {family}" and e.verdict == "ruled out"
    ]
    head = f"{'✗ ' if out else ''}family: {family}" + (f"  [{edge.rule}]" if edge else "")
    return Branch(head, edge.reason if edge else "", tuple(children))


def _short(steps: tuple[Step, ...]) -> Branch:
    way = " → ".join(step.label for step in steps if step.kind in ("format", "machine", "parallelism"))
    model = next(step for step in steps if step.kind == "model")
    return Branch(f"model: {model.label}  [{model.rule}]", way or model.reason)


def _text(root: Branch, width: int) -> str:
    return "\n".join(_tree_lines(root, width))


def _tree_lines(branch: Branch, width: int, first: str = "", rest: str = "") -> list[str]:
    """A tree with lines, wrapped at a width."""
    hang = rest + ("│  " if branch.children else "   ")
    lines = wrap(branch.head, width, initial_indent=first, subsequent_indent=hang)
    lines += wrap(branch.said, width, initial_indent=hang, subsequent_indent=hang)
    for place, child in enumerate(branch.children):
        last = place + 1 == len(branch.children)
        lines += _tree_lines(child, width, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
    return lines


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
