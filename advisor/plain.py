"""Data that JSON can hold."""

from __future__ import annotations

from typing import Any


def finite(value: Any) -> Any:
    """The same data; numbers that JSON cannot hold become null."""
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
