"""Who may drive the served application; ``test_browser`` asks a running one."""

from __future__ import annotations

import socket

import pytest

from catalog.errors import BadInput
from tui.web.serving import is_own_page, serve

HERE = "http://localhost:8000"


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://localhost:9000", "localhost:9000"),  # a forwarded port
    ],
)
def test_pages_of_this_computer_are_its_own(origin: str, asked: str):
    assert is_own_page(origin, asked, HERE, local=True)


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        ("https://evil.example", "localhost:8000"),
        ("http://evil.example:8000", "evil.example:8000"),  # a name that was given this computer's address
        ("http://localhost.evil.example", "localhost.evil.example"),
        ("http://localhost:1", "localhost:8000"),  # another server on this computer
        ("", ""),
        ("null", "localhost:8000"),
        ("http://[x", "[x"),
    ],
)
def test_pages_of_others_are_not(origin: str, asked: str):
    assert not is_own_page(origin, asked, HERE, local=True)


def test_a_server_for_others_is_reached_by_whatever_name_it_has():
    assert is_own_page("http://gpu-box:8000", "gpu-box:8000", "http://0.0.0.0:8000", local=False)
    assert is_own_page("https://w.example", "10.0.0.5:8000", "https://w.example", local=True)  # behind a proxy
    assert not is_own_page("https://evil.example", "gpu-box:8000", "http://0.0.0.0:8000", local=False)


def test_a_port_that_is_taken_is_one_sentence_and_nothing_is_said_to_be_served(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"--port {port}: cannot be had on 127.0.0.1"):
            serve("127.0.0.1", port, HERE)
    assert capsys.readouterr().err == ""
