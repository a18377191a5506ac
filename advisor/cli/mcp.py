"""``whicharch mcp``."""

from __future__ import annotations

import sys

import click


@click.command()
def command() -> None:
    """Give assistants the answers as tools (Model Context Protocol), over standard input and output.

    The tools: ask, recommend, estimate, plan, explain; all of them only read. In the settings of an assistant:

    \b
      {"mcpServers": {"whicharch": {"command": "whicharch", "args": ["mcp"]}}}
    """
    from advisor.service.mcp_server import server

    made = server()
    if sys.stdin.isatty():
        click.echo("whicharch mcp waits for an assistant on standard input (Ctrl+C ends it)", err=True)
    made.run("stdio")
