"""CPU time from the start of the process to the first paint of the terminal application, and what it imported by then.

Each run starts the application in a real pseudo-terminal of 120 x 40, as a user would, and ends it right after the
first frame. Run from the repository root::

    python -m benchmarks.tui_start [runs]
"""

from __future__ import annotations

import fcntl
import os
import pty
import statistics
import struct
import subprocess
import sys
import termios
import threading

CHILD = """
import os, sys, time
from tui.app import WhicharchApp

class Timed(WhicharchApp):
    def painted(self):
        names = " ".join(sorted({name.partition(".")[0] for name in sys.modules} & set(WATCHED)))
        os.write(int(sys.argv[1]), f"{time.process_time()} {names}".encode())
        self.exit()

WATCHED = ("numpy", "pydantic", "networkx", "torch", "plotext", "yaml", "click")
Timed().run()
"""


def first_paint(columns: int = 120, rows: int = 40) -> tuple[float, list[str], bytes]:
    """CPU seconds, watched modules that were imported, and everything written to the terminal."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    seen = bytearray()

    def drain() -> None:
        try:
            while data := os.read(leader, 65536):
                seen.extend(data)
        except OSError:
            pass

    threading.Thread(target=drain, daemon=True).start()
    inlet, outlet = os.pipe()
    env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(outlet)],
        stdin=follower, stdout=follower, stderr=follower, pass_fds=[outlet], env=env, start_new_session=True,
    )  # fmt: skip
    os.close(outlet)
    told = os.read(inlet, 1000).decode().split()
    os.close(inlet)
    child.wait(timeout=60)
    os.close(follower)
    assert told, seen.decode(errors="replace")[-2000:]
    return float(told[0]), told[1:], bytes(seen)


def main(runs: int = 9) -> None:
    """Print the median and the range of so many starts."""
    times = []
    for _ in range(runs):
        seconds, modules, screen = first_paint()
        assert b"Shortlist" in screen, "nothing was painted"
        times.append(seconds)
    print(f"first paint: median {statistics.median(times) * 1e3:.0f} ms CPU over {runs} runs", end=" ")
    print(f"({min(times) * 1e3:.0f} to {max(times) * 1e3:.0f}); limit 700 ms")
    print(f"imported by then: {', '.join(modules) or 'none of numpy, pydantic, networkx, torch, plotext, yaml, click'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
