"""What other programs may ask: five questions, inputs checked, over MCP (``mcp_server``) and HTTP (``http_api``)."""

from __future__ import annotations


def release() -> str:
    """The installed version; ``unknown`` where the source runs without having been installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("whicharch")
    except PackageNotFoundError:
        return "unknown"
