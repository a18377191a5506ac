"""The served application in a real browser: Debian's chromium and its driver (``apt-get install chromium
chromium-driver``). Skipped where there is none, unless ``WHICHARCH_BROWSER=1`` says that there must be."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ASKED = bool(os.environ.get("WHICHARCH_BROWSER"))
pytestmark = pytest.mark.skipif(
    not ASKED and not (shutil.which("chromium") and shutil.which("chromedriver")), reason="no chromium here"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1300,900",
)  # fmt: skip
LISTEN = """
window.heard = "";
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", async (event) => {
      const data = event.data instanceof Blob ? await event.data.text()
        : event.data instanceof ArrayBuffer ? new TextDecoder().decode(event.data) : "";
      window.heard += data;
    });
  }
};
"""
"""The page draws on a canvas: what it is told to draw is read on its way."""
ESCAPES = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)")
START_S = 60.0


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    environment = os.environ | {"WHICHARCH_HOME": str(tmp_path), "TEXTUAL_ANIMATIONS": "none"}
    server = subprocess.Popen(
        [sys.executable, "-m", "advisor.cli", "serve", "--port", str(port)], env=environment, stderr=subprocess.PIPE
    )
    try:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
    try:
        yield driver
    finally:
        driver.quit()


def drawn(browser: Any) -> str:
    return ESCAPES.sub("", browser.execute_script("return window.heard"))


def wait_for(browser: Any, text: str, since: int = 0) -> None:
    until = time.monotonic() + START_S
    while text not in (shown := drawn(browser)[since:]):
        assert time.monotonic() < until, f"{text!r} was not drawn; the end was {shown[-1500:]!r}"
        time.sleep(0.2)


def test_a_question_typed_in_a_browser_is_answered_and_nothing_comes_from_elsewhere(browser: Any, address: str):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(address)
    wait_for(browser, "ways considered")
    before = len(drawn(browser))
    ActionChains(browser).click(browser.find_element(By.ID, "terminal")).perform()
    ActionChains(browser).send_keys("/").pause(0.5).send_keys("speech recognition on one l4").pause(0.5).send_keys(
        Keys.ENTER
    ).perform()
    wait_for(browser, "whisper", before)
    colours = browser.execute_script(
        """
        const canvas = document.querySelector("canvas.xterm-text-layer");
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const found = new Set();
        for (let i = 0; i < data.length; i += 4) found.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
        return found.size;
        """
    )
    assert colours > 10
    fetched = browser.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert fetched
    assert all(name.startswith((address, address.replace("http", "ws"), "data:")) for name in fetched)


def test_a_page_of_another_site_cannot_drive_the_application(address: str):
    from http.client import HTTPConnection

    port = int(address.rpartition(":")[2])
    answers = {}
    for origin in ("https://evil.example", address):
        connection = HTTPConnection("localhost", port, timeout=20)
        headers = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==", "Origin": origin,
        }  # fmt: skip
        connection.request("GET", "/ws", headers=headers)
        answers[origin] = connection.getresponse().status
        connection.close()
    assert answers == {"https://evil.example": 403, address: 101}
