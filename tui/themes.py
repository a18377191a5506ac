"""Themes of our own beside Textual's: two of high contrast, black on white and white on black."""

from __future__ import annotations

from textual.theme import Theme

CONTRAST_DARK = Theme(
    name="contrast-dark",
    primary="#00d7ff", secondary="#ffd700", accent="#ffff00", foreground="#ffffff", background="#000000",
    surface="#000000", panel="#1c1c1c", boost="#262626", success="#00ff5f", warning="#ffd700", error="#ff8787",
    dark=True,
    variables={
        "block-cursor-background": "#ffff00", "block-cursor-foreground": "#000000",
        "block-cursor-blurred-background": "#585858", "border": "#ffff00", "footer-key-foreground": "#ffff00",
        "text-muted": "#d0d0d0", "text-disabled": "#a8a8a8", "primary-muted": "#003c46",
        "input-selection-background": "#00507a",
    },
)  # fmt: skip
CONTRAST_LIGHT = Theme(
    name="contrast-light",
    primary="#00005f", secondary="#5f0000", accent="#00005f", foreground="#000000", background="#ffffff",
    surface="#ffffff", panel="#e4e4e4", boost="#eeeeee", success="#005f00", warning="#5f3700", error="#870000",
    dark=False,
    variables={
        "block-cursor-background": "#00005f", "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#bcbcbc", "border": "#00005f", "footer-key-foreground": "#00005f",
        "text-muted": "#303030", "text-disabled": "#585858", "primary-muted": "#d7d7ff",
        "input-selection-background": "#afafff",
    },
)  # fmt: skip
THEMES = (CONTRAST_DARK, CONTRAST_LIGHT)
