"""``whicharch serve``."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="localhost", show_default=True, help="Address to listen on; localhost: this computer.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--public-url", metavar="URL", help="Address that browsers use, where a proxy stands before this one.")
@click.option("--api", is_flag=True, help="Serve answers to other programs over HTTP, instead of the application.")
def command(host: str, port: int, public_url: str | None, api: bool) -> None:
    """Serve the terminal application in a browser, or with --api the answers over HTTP.

    Every tab is a process of its own; the page fetches nothing from elsewhere, and pages of other sites cannot drive
    it. Nobody is asked for a password: an address other than localhost is open to everybody who can reach it.

    The API only reads: /ask, /recommend, /estimate, /plan, /explain and /catalog, described at /openapi.json; answers
    are those of the commands' --json. For example:

    \b
      whicharch serve --api
      curl "http://localhost:8000/ask?question=chat+on+one+RTX+4090"
    """
    from tui.web.serving import is_local, public_address

    if api:
        from advisor.service.http_api import run

        if public_url is not None:
            raise click.UsageError("--public-url is for the application; the API needs none")
        if not is_local(host):
            click.echo(
                f"Warning: everybody who can reach {host}:{port} can ask here, without a password. Put a proxy with "
                "one before it.",
                err=True,
            )
        click.echo(f"the API is at {public_address(host, port, None)} (Ctrl+C ends it)", err=True)
        run(host, port)
        return
    from tui.web.serving import serve

    if not is_local(host):
        click.echo(
            f"Warning: everybody who can reach {host}:{port} can use this application, and through it write files as "
            "you. Put a proxy with a password before it.",
            err=True,
        )
    serve(host, port, public_address(host, port, public_url))
