"""What the Machines page works out, off the event loop: this computer, and a machine under a load."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from catalog.errors import BadInput
from tui.widgets.machine_detail import Found

if TYPE_CHECKING:
    from advisor.detect import Detection


LOOK = "import pickle, sys; from advisor.detect import detect; pickle.dump(detect(), sys.stdout.buffer)"


def look() -> Detection:
    """Recognise this computer; half a second of measuring its processor.

    A process of its own does it: what measures copies takes a quarter of a GB for a moment, libraries of drivers stay
    loaded, and a driver that fails takes its process with it.
    """
    from advisor.detect import Detection

    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return Detection((), (f"This computer could not be looked at: {last}",))
    found: Detection = pickle.loads(done.stdout)
    return found


def examine(
    name: str, place: str, devices: int, picks: Sequence[tuple[str, str, int]], load: Mapping[str, Any]
) -> Found:
    """Compute what there is to say about a machine under a load; some tens of milliseconds a pick.

    Args:
        name: Id of the machine.
        place: What it is found by: its id, or the path of its file.
        devices: That share each layer.
        picks: Id, place and devices of each machine to compare.
        load: Fields of ``Scenario``.
    """
    from advisor.breakdown import breakdown
    from advisor.machine_choice import best, placed
    from advisor.machine_prices import prices
    from advisor.machine_sheet import facts
    from catalog.loader import load_machine

    found, refusal = None, ""
    try:
        found = breakdown(machine=place, tp=devices, **load)
    except BadInput as error:
        refusal = str(error)
    ids = {place: name for name, place, _ in picks}
    choices = tuple(
        replace(choice, machine=ids[choice.machine]) for choice in placed([(at, n) for _, at, n in picks], **load)
    )
    return Found(facts(load_machine(place)), prices(name), found, refusal, choices, best(choices))
