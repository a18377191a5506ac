"""Serves the application on a port; every tab is a process of its own."""

from __future__ import annotations

import asyncio
import shlex
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog.errors import BadInput

LOCAL = ("localhost", "127.0.0.1", "::1")


def is_local(host: str) -> bool:
    """Whether only this computer reaches an address."""
    return host in LOCAL


def public_address(host: str, port: int, given: str | None = None) -> str:
    """The address that a browser uses.

    Raises:
        BadInput: If the given one is no http address.
    """
    if given is None:
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if urlsplit(given).scheme not in ("http", "https") or not urlsplit(given).hostname:
        raise BadInput(f"--public-url: {given!r} is no address; write https://whicharch.example.org")
    return given.rstrip("/")


def is_own_page(origin: str, asked: str, url: str, *, local: bool) -> bool:
    """Whether a WebSocket was opened by a page of this server.

    Args:
        origin: The page's, as the browser sends it.
        asked: The ``Host`` that the browser believes to talk to.
        url: This server's address.
        local: Whether only this computer reaches it; then ``asked`` must be a name of this computer, else another site
            could give its own name this computer's address (DNS rebinding) and pass.
    """
    try:
        page, name = urlsplit(origin).netloc, urlsplit(f"//{asked}").hostname
    except ValueError:  # brackets that hold no address
        return False
    return page == urlsplit(url).netloc or (page == asked and (not local or is_local(name or "")))


def serve(host: str, port: int, url: str) -> None:
    """Serve until interrupted.

    A page of another site cannot drive the application: ``is_own_page``.

    Raises:
        BadInput: If textual-serve is missing, or the port cannot be had.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError as error:
        raise BadInput("serve needs textual-serve, which is not installed: pip install 'whicharch[serve]'") from error

    open_tabs: set[asyncio.Task[Any]] = set()

    class Local(Server):
        """Our page, and only our own page."""

        async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
            """Refuse pages of other sites."""
            origin = request.headers.get("Origin", "")
            if not is_own_page(origin, request.host, self.public_url, local=is_local(host)):
                raise web.HTTPForbidden(text="opened by a page of another site")
            tab = asyncio.current_task()
            assert tab is not None
            open_tabs.add(tab)
            tab.add_done_callback(open_tabs.discard)
            return await super().handle_websocket(request)

        async def on_shutdown(self, app: web.Application) -> None:
            """Close open tabs: else the end would wait a minute for them."""
            for tab in tuple(open_tabs):
                tab.cancel()

        async def on_startup(self, app: web.Application) -> None:
            """Say where."""
            sys.stderr.write(f"whicharch is at {self.public_url} (Ctrl+C ends it)\n")

    command = shlex.join([sys.executable, "-m", "advisor.cli", "tui"])
    server = Local(command, host, port, "whicharch", url, templates_path=Path(__file__).parent)
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()  # before it is said that it is served there
        server.serve()
    except OSError as error:
        raise BadInput(f"--port {port}: cannot be had on {host} ({(error.strerror or str(error)).lower()})") from error
