"""``whicharch serve``."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="localhost", show_default=True, help="Address to listen on; localhost: this computer.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--public-url", metavar="URL", help="Address that browsers use, where a proxy stands before this one.")
def command(host: str, port: int, public_url: str | None) -> None:
    """Serve the terminal application in a browser.

    Every tab is a process of its own; the page fetches nothing from elsewhere, and pages of other sites cannot drive
    it. Nobody is asked for a password: an address other than localhost is open to everybody who can reach it.
    """
    from tui.web.serving import is_local, public_address, serve

    if not is_local(host):
        click.echo(
            f"Warning: everybody who can reach {host}:{port} can use this application, and through it write files as "
            "you. Put a proxy with a password before it.",
            err=True,
        )
    serve(host, port, public_address(host, port, public_url))
