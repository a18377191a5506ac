"""Attention patterns and data flows as pictures of text, and as data that any other face can draw."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.knowledge import Flow, Mask, Node

SIDE = 8
"""Tokens drawn per side."""
UNSEEN, BLURRED, SEEN = 0, 1, 2
"""A cell: not seen, seen through a state, seen exactly."""
CELLS = {UNSEEN: "· ", BLURRED: "░░", SEEN: "██"}


def cells(mask: Mask, side: int = SIDE) -> tuple[tuple[int, ...], ...]:
    """What each token (row) sees of each other (column): ``UNSEEN``, ``BLURRED`` or ``SEEN``."""

    def cell(row: int, column: int) -> int:
        match mask.sees:
            case "all" | "source":
                return SEEN
            case "past":
                return SEEN if column <= row else UNSEEN
            case "window":
                return SEEN if row - (mask.window or 1) < column <= row else UNSEEN
            case "prefix":
                return SEEN if column <= row or max(row, column) < (mask.prompt or 0) else UNSEEN
            case "state":
                return SEEN if column == row else BLURRED if column < row else UNSEEN
            case "state and past":
                return (SEEN if (row - column) % 4 == 0 else BLURRED) if column <= row else UNSEEN

    return tuple(tuple(cell(row, column) for column in range(side)) for row in range(side))


def mask_lines(mask: Mask, side: int = SIDE) -> list[str]:
    """The picture, a line per token."""
    return cell_lines(cells(mask, side))


def cell_lines(rows: Sequence[Sequence[int]]) -> list[str]:
    """Cells as text, a line per row."""
    return ["".join(CELLS[cell] for cell in row).rstrip() for row in rows]


def beside(pictures: Sequence[Sequence[str]], gap: int = 4) -> list[str]:
    """Pictures side by side."""
    widths = [max((len(line) for line in picture), default=0) for picture in pictures]
    height = max(map(len, pictures), default=0)
    rows = []
    for i in range(height):
        parts = [(p[i] if i < len(p) else "").ljust(w) for p, w in zip(pictures, widths, strict=True)]
        rows.append((" " * gap).join(parts).rstrip())
    return rows


def _ordered(nodes: Sequence[Node], flow: Flow) -> list[Node]:
    """Nodes of one level, each behind those that lead to it, else in the order of the file."""
    names = {node.id for node in nodes}
    before = {node.id: {e.start for e in flow.edges if e.end == node.id and e.start in names} for node in nodes}
    done: list[Node] = []
    waiting = list(nodes)
    while waiting:
        placed = {node.id for node in done}
        nxt = next((node for node in waiting if before[node.id] <= placed), waiting[0])
        waiting.remove(nxt)
        done.append(nxt)
    return done


def flow_lines(flow: Flow) -> list[str]:
    """The data flow as a tree: stations in order, parts inside their station, and side inputs named."""
    labels = {node.id: node.label for node in flow.nodes}
    return _level(flow, None, "", labels)


def _is_aside(node: Node, flow: Flow) -> bool:
    """Whether a station only feeds another that has a main input: then it is named there and has no line of its own."""
    leaving = [edge for edge in flow.edges if edge.start == node.id]
    if node.id == flow.nodes[0].id or len(leaving) != 1 or any(edge.end == node.id for edge in flow.edges):
        return False
    others = [edge for edge in flow.edges if edge.end == leaving[0].end and edge.start != node.id]
    return bool(others) and node.inside is None


def _level(flow: Flow, inside: str | None, indent: str, labels: dict[str, str]) -> list[str]:
    here = [node for node in flow.nodes if node.inside == inside]
    ordered = _ordered([node for node in here if not _is_aside(node, flow)], flow)
    lines: list[str] = []
    previous: str | None = None
    for number, node in enumerate(ordered):
        last = number == len(ordered) - 1
        arriving = [edge for edge in flow.edges if edge.end == node.id]
        along = next((edge for edge in arriving if edge.start == previous), None)
        aside = [edge for edge in arriving if edge.start != previous]
        mark = ("↓ " if along else "• ") if inside is None else "└─ " if last else "├─ "
        child = "  " if inside is None or last else "│ "
        child += "" if inside is None else " "
        lines.append(f"{indent}{mark}{node.label}{f' ({along.label})' if along and along.label else ''}")
        for edge in aside:
            lines.append(f"{indent}{child}← {labels[edge.start]}{f' ({edge.label})' if edge.label else ''}")
        lines += _level(flow, node.id, indent + child, labels)
        previous = node.id
    return lines
