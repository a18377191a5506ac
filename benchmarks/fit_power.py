"""Constants of the power model (``calculators/energy.py``) from measured runs.

``measured/power_ml_energy.csv`` is a transcript of part of the ML.ENERGY leaderboard (github.com/ml-energy/leaderboard,
public/data/tasks/lm-arena-chat.json: vLLM on H100 and B200, power of all GPUs of a run). Prompts of LM Arena are taken
as 200 tokens, which it does not print; 60 or 400 move the constants by less than their error.

Run from the repository root::

    python -m benchmarks.fit_power            # prints constants and what leaving out costs
    python -m benchmarks.fit_power --write    # and writes catalog/power.yaml
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.estimating.energy import utilisation
from advisor.estimating.resolve import Resolved, resolve
from advisor.scenario import Scenario
from calculators.energy import power_share

HERE = Path(__file__).parent
ROOT = HERE.parent
INPUT_TOKENS = 200


@dataclass(frozen=True)
class Run:
    """Power of one measured server, and how busy its devices were."""

    group: str
    machine: str
    share: float
    """Measured power over TDP."""
    measured: tuple[float, float]
    """(u_flops, u_bytes) at the measured rate."""
    predicted: tuple[float, float]
    """The same at the rate that the calculators predict."""


def runs(path: Path = HERE / "measured" / "power_ml_energy.csv") -> list[Run]:
    """The measured servers (ML.ENERGY)."""
    found = []
    with path.open() as file:
        for row in csv.DictReader(file):
            batch, gpus = float(row["batch"]), int(row["gpus"])
            case = case_of(
                row["model"], row["machine"], row["weights"], gpus, round(batch), round(float(row["output_tokens"]))
            )
            rate = float(row["output_tokens_per_s"] or batch / float(row["median_itl_ms"]) * 1e3)
            assert case.machine.tdp_w
            found.append(
                Run(
                    f"{row['model']} {row['weights']} on {gpus} {row['machine']}",
                    row["machine"],
                    float(row["power_w"]) / gpus / case.machine.tdp_w,
                    utilisation(case, rate / case.scenario.output_tokens),
                    utilisation(case),
                )
            )
    return found


def case_of(model: str, machine: str, weights: str, gpus: int, batch: int, output: int) -> Resolved:
    """A measured server as a scenario."""
    asked: dict[str, Any] = {"model": model, "machine": machine, "weights": weights, "tp": gpus}
    return resolve(Scenario(**asked, batch=batch, input_tokens=INPUT_TOKENS, output_tokens=output))


def fit(rows: list[Run]) -> tuple[float, float, float]:
    """(static, per_flops, per_bytes): robust, each group weighing the same; on measured rates."""
    from scipy.optimize import least_squares

    weights = np.sqrt([1 / sum(other.group == run.group for other in rows) for run in rows])
    u, share = np.array([run.measured for run in rows]), np.array([run.share for run in rows])

    def residuals(c: Any) -> Any:
        return (power_share(u[:, 0], u[:, 1], *c) / share - 1) * weights

    static, flops, moved = least_squares(
        residuals, [0.4, 1.0, 0.4], bounds=([0, 0, 0], [1, 3, 2]), loss="soft_l1", f_scale=0.1
    ).x
    return float(static), float(flops), float(moved)


def left_out(rows: list[Run], by: str) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """``measured / predicted`` of each group, under constants of the others and predicted rates."""
    found = {}
    for key in sorted({getattr(run, by) for run in rows}):
        constants = fit([run for run in rows if getattr(run, by) != key])
        inside = [run for run in rows if getattr(run, by) == key]
        found[key] = np.array([run.share / float(power_share(*run.predicted, *constants)) for run in inside])
    return found


def weighted_quantiles(groups: dict[str, Any], at: tuple[float, ...]) -> list[float]:
    """Quantiles over all values, every group weighing the same."""
    values = np.concatenate(list(groups.values()))
    weights = np.concatenate([np.full(len(g), 1 / len(g)) for g in groups.values()])
    order = np.argsort(values)
    total = np.cumsum(weights[order]) / weights.sum()
    return [float(values[order][np.searchsorted(total, q)]) for q in at]


def main(write: bool) -> None:
    """Print errors of groups and machines left out, and the constants; write them if asked."""
    rows = runs()
    constants = fit(rows)
    groups = left_out(rows, "group")
    errors = {name: float(np.median(np.abs(1 / ratios - 1))) for name, ratios in groups.items()}
    for name, error in errors.items():
        print(f"{name:<42}{error:6.1%}  measured/predicted {np.median(groups[name]):.2f}")
    for machine, ratios in left_out(rows, "machine").items():
        print(f"{'all of ' + machine:<42}{np.median(np.abs(1 / ratios - 1)):6.1%}")
    constant = float(np.median([run.share for run in rows]))
    alone = float(np.median([abs(constant / run.share - 1) for run in rows]))
    print(f"{f'a constant share of {constant:.2f}':<42}{alone:6.1%}")
    p10, p50, p90 = weighted_quantiles(groups, (0.1, 0.5, 0.9))
    median = float(np.median(list(errors.values())))
    print(f"constants {constants}, ratio p10 {p10:.3f} p50 {p50:.3f} p90 {p90:.3f}, median error {median:.1%}")
    if write:
        (ROOT / "catalog" / "power.yaml").write_text(TEXT.format(
            static=constants[0], flops=constants[1], moved=constants[2], p10=p10, p50=p50, p90=p90, error=median,
            rows=len(rows),
        ))  # fmt: skip


TEXT = """# Power of accelerators at work. Written by benchmarks/fit_power.py --write.
models:
  - id: nvidia-datacenter
    vendor: nvidia
    kinds: [datacenter gpu]
    machines: [h100-sxm, b200-sxm]
    static: {static:.3f}
    per_flops: {flops:.3f}
    per_bytes: {moved:.3f}
    p10: {p10:.3f}
    p50: {p50:.3f}
    p90: {p90:.3f}
    median_error: {error:.3f}
    rows: {rows}
    source: >-
      ML.ENERGY leaderboard (github.com/ml-energy/leaderboard, lm-arena-chat, vLLM on H100 and B200);
      benchmarks/measured/power_ml_energy.csv
"""


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
