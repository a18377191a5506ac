"""``whicharch`` and ``whicharch tui``: the one place below the faces that starts one."""

from __future__ import annotations

import os
import sys

import click

from catalog.errors import BadInput

OTHERWISE = 'ask with whicharch ask "...", or open the application in a browser with whicharch serve'
CRASHED = 1
"""What Textual ends with after an exception."""


@click.command(name="tui")
def command() -> None:
    """Open the terminal application."""
    import gc

    if "TEXTUAL_DRIVER" not in os.environ:  # a browser needs no terminal
        _check_terminal()
    gc.enable()
    from tui.app import WhicharchApp

    app = WhicharchApp()
    app.run()
    if code := app.return_code:
        raise SystemExit(3 if code == CRASHED else code)


def _check_terminal() -> None:
    """Refuse what cannot be drawn on.

    Raises:
        BadInput: If input or output is no terminal, or one that only prints lines.
    """
    streams = {"input": sys.stdin, "output": sys.stdout, "errors": sys.stderr}
    redirected = [name for name, stream in streams.items() if stream is None or not stream.isatty()]
    if redirected:
        raise BadInput(f"the application needs a terminal; redirected: {', '.join(redirected)}; {OTHERWISE}")
    if os.environ.get("TERM") == "dumb":
        raise BadInput(f"TERM=dumb: this terminal only prints lines, the application draws; {OTHERWISE}")
