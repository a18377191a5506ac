"""Colours of the theme for the plotting library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

ANSI = {
    "primary": "blue", "secondary": "cyan", "success": "green", "warning": "yellow", "error": "red",
    "accent": "magenta", "foreground": "default", "surface": "default",
}  # fmt: skip


def colour(app: App[Any], name: str) -> Any:
    """A colour of the theme, or of the terminal where the theme leaves colours to it."""
    from textual.color import Color, ColorParseError

    value = app.theme_variables.get(name, "")
    if app.native_ansi_color or value.startswith("ansi"):
        return ANSI[name]
    try:
        return Color.parse(value).rgb
    except ColorParseError:
        return ANSI[name]
