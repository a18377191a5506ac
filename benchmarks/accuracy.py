"""Errors of predictions on every measured table that a reader knows: ``whicharch accuracy`` on the project's facts.

Run from the repository root::

    python -m benchmarks.accuracy [--json] [--by machine,engine] ...

Bands: ``benchmarks/bands.py``. What was fitted on what: ``benchmarks/engine_constants.py`` and ``whicharch fit``.
"""

from __future__ import annotations

import sys

from advisor.cli import main
from benchmarks.engine_constants import FACTS

if __name__ == "__main__":
    main(["accuracy", str(FACTS / "measured"), *sys.argv[1:]])
