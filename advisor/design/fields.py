"""A design as fields to edit: which a base has, their usual values, and from edited values back to changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from math import lcm
from typing import Any

from advisor.design.changes import Changes, DesignFile, Pattern, Setting
from advisor.design.shape import Shape

AS_IT_IS = ""
NUMBERS = (
    "layers", "hidden", "heads", "kv_heads", "head_dim", "kv_rank", "state", "ff_width", "experts", "top_k",
    "expert_width", "shared_width", "window", "vocab",
)  # fmt: skip
MIXTURE = ("top_k", "expert_width", "shared_width")
FOLLOWING = ("heads", "kv_heads", "ff_width", "expert_width", "shared_width")
"""Fields that a width determines where everything follows it."""
MOST_HEADS = 4096
"""Key-value heads that are stepped through at most, whatever number of heads is typed."""
FULL_EVERY = 4
"""What ``full_every`` starts with."""
_FINE = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 44, 48, 52, 56, 60, 64, 72, 80, 88,
         96, 104, 112, 120, 128, 144, 160, 192, 224, 256)  # fmt: skip
_POWERS = tuple(2**n for n in range(1, 21))
_WIDTHS = tuple(sorted({n * 2**k for n in (4, 5, 6, 7) for k in range(5, 13)}))


def shown(now: Shape, values: Mapping[str, Any]) -> frozenset[str]:
    """The fields that mean something for a base of this shape, as the others are filled in."""
    has = {name for name in NUMBERS if getattr(now, name) is not None}
    if now.experts is not None:
        has.add("experts")
    pattern = values.get("pattern", AS_IT_IS)
    if values.get("experts", now.experts):
        has |= set(MIXTURE)
    else:
        has -= set(MIXTURE)
    if pattern == "window":
        has.add("window")
    if pattern not in (AS_IT_IS, "full"):
        has.add("full_every")
    if values.get("proportional"):
        has -= set(FOLLOWING)
    return frozenset(has | {"pattern", "proportional"} | ({"tied"} if now.tied is not None else set()))


def usual(now: Shape, values: Mapping[str, Any], width_step: int) -> dict[str, tuple[int, ...]]:
    """Values to step through, smallest first: only such that the other fields allow, where these decide.

    Args:
        now: The base.
        values: What is filled in.
        width_step: Widths at which everything that must follow does so exactly.
    """
    heads, kv = values.get("heads") or now.heads, values.get("kv_heads") or now.kv_heads
    alike = now.kv_heads is not None and now.kv_heads == now.heads and values.get("kv_heads") in (None, now.kv_heads)
    return {
        "layers": _FINE,
        "hidden": _widths(width_step),
        "heads": tuple(n for n in _FINE if alike or not kv or n % kv == 0),
        "kv_heads": tuple(n for n in range(1, min(heads or 1, MOST_HEADS) + 1) if (heads or 1) % n == 0),
        "head_dim": (32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512),
        "kv_rank": (128, 256, 384, 512, 768, 1024, 1536, 2048),
        "state": (8, 16, 32, 64, 128, 256, 512),
        "ff_width": tuple(w * 2 for w in _WIDTHS),
        "experts": (0, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512),
        "top_k": (1, 2, 3, 4, 6, 8, 10, 12, 16),
        "expert_width": _WIDTHS,
        "shared_width": (0, *_WIDTHS),
        "window": _POWERS[6:],
        "vocab": (1000, 8192, 16384, 32000, 50257, 64000, 100352, 128256, 151936, 200064, 256000, 262144),
        "full_every": (0, 2, 3, 4, 5, 6, 7, 8, 12, 16),
    }


@lru_cache(maxsize=64)
def _widths(step: int) -> tuple[int, ...]:
    """Multiples of a step, coarser where widths are larger."""
    ends = ((64, 0, 1024), (128, 1024, 2048), (256, 2048, 32769))
    found = [range(-(-start // (s := lcm(step, coarse))) * s, end, s) for coarse, start, end in ends]
    return tuple(sorted({width for part in found for width in part if width}))


def start(now: Shape) -> dict[str, Any]:
    """What the fields hold before anything is changed; ``None`` where the base has no such thing."""
    known = {field.name: getattr(now, field.name) for field in fields(now) if field.name != "pattern"}
    return known | {"pattern": AS_IT_IS, "full_every": FULL_EVERY, "proportional": False}


def changes(now: Shape, values: Mapping[str, Any]) -> Changes:
    """What the fields change; those that are not shown, or hold what the base has, change nothing."""
    seen = shown(now, values)
    given: dict[str, Any] = {
        name: values[name]
        for name in (*NUMBERS, "tied")
        if name in seen and values.get(name) is not None and values[name] != getattr(now, name)
    }
    pattern = values.get("pattern", AS_IT_IS)
    if pattern == "full":
        given["pattern"] = Pattern(full_every=1)
    elif pattern:
        given["pattern"] = Pattern(full_every=values.get("full_every", FULL_EVERY), others=pattern)
    if values.get("proportional"):
        given["proportional"] = True
    return Changes.model_validate(given)


def design_file(base: str, now: Shape, values: Mapping[str, Any], setting: Setting) -> DesignFile:
    """The same as a file that ``whicharch design`` reads; without changes it asks for the base's own depths."""
    changed = changes(now, values)
    return DesignFile(base=base, changes=changed, setting=setting, depths=not set(changed.given()) - {"proportional"})
