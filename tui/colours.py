"""Colours of the theme for the plotting library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App
    from textual.color import Color

ANSI = {
    "primary": "blue", "secondary": "cyan", "success": "green", "warning": "yellow", "error": "red",
    "accent": "magenta", "foreground": "default", "surface": "default",
}  # fmt: skip

LEAST_CONTRAST = 4.5
"""What text needs against its ground (WCAG 2.2, success criterion 1.4.3)."""


def colour(app: App[Any], name: str) -> Any:
    """A colour of the theme, or of the terminal where the theme leaves colours to it."""
    from textual.color import Color, ColorParseError

    value = app.theme_variables.get(name, "")
    if app.native_ansi_color or value.startswith("ansi"):
        return ANSI[name]
    try:
        found, ink, ground = (Color.parse(app.theme_variables.get(n, "")) for n in (name, "foreground", "surface"))
    except ColorParseError:
        return ANSI[name]
    if name == "surface":
        return found.rgb
    part = 0.0
    while contrast(found.blend(ink, part), ground) < LEAST_CONTRAST and part < 1:
        part += 0.1  # names of lines are written in their colour
    return found.blend(ink, part).rgb


def contrast(one: Color, other: Color) -> float:
    """How far two colours are apart in luminance, 1 to 21, as the Web Content Accessibility Guidelines define it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
