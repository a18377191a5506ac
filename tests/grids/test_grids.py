"""Sweeps: every point once, whatever is killed or cut off; the same on a cluster as here."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import estimate, simulate
from advisor.cli import cli
from advisor.grids import executors
from advisor.grids.schema import SweepFile, read_sweep
from advisor.grids.sweep import sweep_file
from catalog.errors import BadInput

ROOT = Path(__file__).parents[2]
GRID = {
    "fixed": {"input_tokens": 512, "output_tokens": 64},
    "grid": {"model": ["llama-3.1-8b", "qwen3-8b"], "machine": ["l4", "l40s"], "batch": [1, 8, 64]},
}
RATES = {
    "what": "simulate",
    "fixed": {"model": "llama-3.1-8b", "input": "300", "output": "60", "requests": 1500},
    "grid": {"machine": ["l4", "l40s"], "seed": [0, 1, 2], "rate": [1, 2, 3, 4]},
}


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def points(path, names=("machine", "seed", "rate")):
    return Counter(tuple(row[n] for n in names) for row in rows(path))


def test_a_row_is_what_estimate_says(tmp_path):
    out = tmp_path / "a.csv"
    done = sweep_file(SweepFile.model_validate(GRID), out, workers=1)
    assert (done.points, done.already, done.evaluated, done.refused) == (12, 0, 12, 0)
    row = next(
        r for r in rows(out) if (r["model"], r["machine"], r["batch"]) == ("qwen3-8b", "l40s", "8")
    )  # fmt: skip
    e = estimate(model="qwen3-8b", machine="l40s", batch=8, input_tokens=512, output_tokens=64)
    assert float(row["tpot_s"]) == e.time.tpot_s.p50
    assert float(row["ttft_p90_s"]) == e.time.ttft_s.p90
    assert row["fits"] == "True"


def test_a_row_is_what_simulate_says(tmp_path):
    out = tmp_path / "a.csv"
    grid = RATES | {"grid": {"machine": ["l4"], "rate": [2]}}
    sweep_file(SweepFile.model_validate(grid), out, workers=1)
    (row,) = rows(out)
    run = simulate(model="llama-3.1-8b", machine="l4", input="300", output="60", requests=1500, rate=2)
    assert float(row["ttft_p95_s"]) == run.outcome.ttft_s.p95
    assert float(row["usd_per_hour"]) == run.outcome.usd_per_hour
    assert row["saturated"] == str(run.outcome.verdict.saturated)


def test_a_point_that_cannot_be_evaluated_says_why(tmp_path):
    out = tmp_path / "a.csv"
    grid = GRID | {"grid": {"model": ["llama-3.1-8b"], "machine": ["l4"], "tp": [1, 3]}}
    assert sweep_file(SweepFile.model_validate(grid), out, workers=1).refused == 1
    good, bad = rows(out)
    assert good["error"] == ""
    assert "tensor parallelism 3" in bad["error"]


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path):
    grid, out = SweepFile.model_validate(RATES), tmp_path / "a.csv"

    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep_file(grid, out, workers=1, progress=stop)
    with open(out, "ab") as file:
        file.write(b'llama-3.1-8b,300,60,1500,l4,"1')  # cut off in the middle of a row
    seen = []
    done = sweep_file(grid, out, workers=1, progress=lambda n, _: seen.append(n))
    assert (done.already, done.evaluated) == (5, 19)
    assert seen == list(range(5, 25))
    assert set(points(out).values()) == {1}
    assert len(rows(out)) == 24
    again = sweep_file(grid, out, workers=1)
    assert again.evaluated == 0


def test_all_cores_give_what_one_gives_though_one_dies(tmp_path, monkeypatch):
    grid = SweepFile.model_validate(RATES)
    one, all_ = tmp_path / "one.csv", tmp_path / "all.csv"
    sweep_file(grid, one, workers=1)
    pools = []

    class Pool(executors.ProcessPoolExecutor):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            pools.append(self)

    def kill(done, total):
        if done == 6 and len(pools) == 1:
            os.kill(next(iter(pools[0]._processes)), signal.SIGKILL)

    monkeypatch.setattr(executors, "ProcessPoolExecutor", Pool)
    sweep_file(grid, all_, workers=2, progress=kill)
    assert len(pools) == 2, "the set of processes that lost one is replaced"
    assert sorted(map(str, rows(one))) == sorted(map(str, rows(all_)))


def test_another_sweep_is_not_mixed_in(tmp_path):
    out = tmp_path / "a.csv"
    sweep_file(SweepFile.model_validate(GRID), out, workers=1)
    with pytest.raises(BadInput, match="holds another sweep"):
        sweep_file(SweepFile.model_validate(RATES), out, workers=1)


def start(*args):
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *args], env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def cluster():
    """A scheduler and two workers without a nanny, each a process of its own."""
    distributed = pytest.importorskip("distributed")
    address = f"127.0.0.1:{free_port()}"
    port = address.partition(":")[2]
    scheduler = start(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show"
    )
    workers = [
        start(
            "distributed.cli.dask_worker", f"tcp://{address}", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--name", f"w{k}",
        )
        for k in range(2)
    ]  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with distributed.Client(f"tcp://{address}", timeout="2s", set_as_default=False) as client:
                    client.wait_for_workers(2, timeout=max(1, deadline - time.monotonic()))
                break
            except OSError:
                assert time.monotonic() < deadline, "the cluster does not start"
                time.sleep(0.2)
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_a_cluster_finishes_though_a_worker_is_killed_half_way(cluster, tmp_path):
    address, workers = cluster
    grid = SweepFile.model_validate(RATES)
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    sweep_file(grid, here, workers=1)
    killed = []

    def kill(done, total):
        if done >= total // 2 and not killed:
            workers[0].send_signal(signal.SIGKILL)
            killed.append(done)

    result = sweep_file(grid, there, executor=f"dask://{address}", progress=kill)
    assert killed
    assert workers[0].wait(10) == -signal.SIGKILL
    assert (result.evaluated, result.refused) == (24, 0)
    assert set(points(there).values()) == {1}
    assert sorted(map(str, rows(here))) == sorted(map(str, rows(there)))


def test_a_cluster_that_is_not_there_is_named():
    with pytest.raises(BadInput, match="no Dask scheduler answers"):
        list(executors.run(f"dask://127.0.0.1:{free_port()}", "estimate", [[{}]]))
    with pytest.raises(BadInput, match="neither local nor dask"):
        executors.run("slurm", "estimate", [])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"grid": {"modell": ["x"]}}, "unknown field of estimate 'modell'; did you mean model"),
        ({"grid": {"machine": ["l4"]}}, "model is missing"),
        ({"grid": {"model": ["a", "a"], "machine": ["l4"]}}, "listed twice"),
        ({"grid": {"rate": [1], "model": ["a"], "machine": ["l4"]}}, "unknown field of estimate 'rate'"),
        ({"fixed": {"model": "a"}, "grid": {"model": ["a"], "machine": ["l4"]}}, "both fixed and in the grid"),
    ],
)
def test_a_wrong_grid_is_refused(tmp_path, change, complaint):
    path = tmp_path / "sweep.yaml"
    path.write_text(json.dumps({"what": "estimate"} | change), encoding="utf-8")
    with pytest.raises(BadInput, match=complaint):
        read_sweep(path)


def test_the_command_and_parquet(tmp_path):
    path, out = tmp_path / "sweep.yaml", tmp_path / "t.csv"
    path.write_text(json.dumps(GRID), encoding="utf-8")
    run = CliRunner().invoke(cli, ["sweep", str(path), "--out", str(out), "--workers", "1", "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["evaluated"] == 12
    parquet = pytest.importorskip("pyarrow.parquet")
    sweep_file(path, tmp_path / "t.parquet", workers=1)
    assert parquet.read_table(tmp_path / "t.parquet").num_rows == 12


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_examples_are_read(path):
    assert len(read_sweep(path)) > 10
