"""What one device holds, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from advisor.report import bytes_text
from tui.widgets.bars import bar

if TYPE_CHECKING:
    from advisor.answer import Estimate

BAR = 20


def memory(e: Estimate) -> Content:
    """A bar per part of a device's memory, against what a process may take."""
    m = e.memory
    whole = m.usable_bytes or m.total_bytes_per_gpu
    rows = [
        ("weights", m.weights_bytes), ("KV cache", m.kv_cache_bytes), ("state", m.state_bytes),
        ("activations", m.activation_bytes), ("engine", m.overhead_bytes),
    ]  # fmt: skip
    lines = [
        Content.assemble(f"{name:<12}", (bar(size / whole, BAR), "$text-primary"), f" {bytes_text(size):>9}")
        for name, size in rows
        if size
    ]
    verdict = {True: "fits", False: "DOES NOT FIT", None: "memory of the machine not known"}[m.fits]
    of = "" if m.usable_bytes is None else f" of {bytes_text(m.usable_bytes)} usable"
    most = f"; at most {m.max_batch:,} such requests" if m.max_batch else ""
    colour = "$text-error" if m.fits is False else "$text-success"
    sum_ = f"total {bytes_text(m.total_bytes_per_gpu)}{of}: "
    lines.append(Content.assemble(sum_, (verdict, f"bold {colour}"), most))
    return Content("\n").join(lines)
