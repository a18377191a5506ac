"""``whicharch`` and ``whicharch tui``: the one place below the faces that starts one."""

from __future__ import annotations

import click


@click.command(name="tui")
def command() -> None:
    """Open the terminal application."""
    import gc

    gc.enable()
    from tui.app import WhicharchApp

    WhicharchApp().run()
