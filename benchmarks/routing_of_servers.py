"""Which routing of experts measured servers are closest to, with constants of engines fitted on other pairs.

Run from the repository root::

    python -m benchmarks.routing_of_servers

Costs of engines per iteration are chosen anew for each routing, and each pair of model and machine is predicted with
those that suit the other pairs best (``benchmarks.engine_constants``). Kernels' constants do not depend on it: they are
fitted on draws of the routing that each row of their table names (``advisor.fit.routing``).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

from advisor.estimating.routed import mixture_of
from benchmarks.engine_constants import FACTS, best_for_all, step_losses
from calculators.imbalance import routing
from calculators.params import architecture_of
from catalog.loader import load

CANDIDATES = ("balanced", "uniform", "power_law:1.01", "power_law:1.2")


def lines(facts: Path) -> Iterator[str]:
    """Error of the time per token by routing: of mixtures, and of dense models, which share the engines' constants."""
    for name in CANDIDATES:
        routed: list[float] = []
        dense: list[float] = []
        for losses in step_losses(facts, routing(name))[1].values():
            _, held = best_for_all(losses)
            for key, point in held.items():
                own = routed if mixture_of(architecture_of(load(key[0]))) else dense
                own.append(100 * float(losses[key][point]))
        yield (
            f"{name:16} mixtures: mean {mean(routed):.1f} %, median {median(routed):.1f} % over {len(routed)} groups; "
            f"dense: mean {mean(dense):.1f} %, median {median(dense):.1f} % over {len(dense)}"
        )


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path, default=FACTS)
    for line in lines(parser.parse_args().facts):
        print(line)


if __name__ == "__main__":
    main()
