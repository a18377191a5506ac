"""Measured passes of encoders and image networks beside predicted ones."""

from pathlib import Path

import pytest

from advisor.accuracy.pass_runs import PassRun, machine_of, run_of
from advisor.accuracy.report import accuracy

HEAD = "model,hardware,batch,seq_or_img,precision,value,unit,params_m,gmacs,task,engine,notes,tier,source"
ROW = dict(zip(
    HEAD.split(","),
    ["vit_base_patch16_384", "RTX4090", "512.0", "384", "amp-fp16", "941", "img/s", "86.86", "55.54", "inference",
     "timm PyTorch 2.4 eager", "activations_M=101.56", "A", "a test"], strict=True,
))  # fmt: skip


def test_a_rate_is_the_time_of_a_batch():
    run = run_of(ROW, 1)
    assert isinstance(run, PassRun)
    assert run.spec is not None
    assert (run.machine, run.engine, run.weights) == ("rtx-4090", "pytorch", "fp16")
    assert run.pass_s == pytest.approx(512 / 941)


def test_whole_systems_count_by_device():
    run = run_of(ROW | {"hardware": "8x NVIDIA H100-SXM-80GB", "unit": "img/s (whole system)"}, 1)
    assert isinstance(run, PassRun)
    assert run.pass_s == pytest.approx(8 * 512 / 941)


def test_another_size_means_another_network_which_only_its_counts_describe():
    run = run_of(ROW | {"params_m": "90"}, 1)
    assert isinstance(run, PassRun)
    assert run.spec is None
    assert run.counts is not None
    assert run.counts.macs == pytest.approx(55.54e9)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"task": "training step (fwd+bwd+opt)"}, "training"),
        ({"hardware": "a toaster"}, "machine"),
        ({"engine": "by hand"}, "engine"),
        ({"batch": ""}, "batch"),
        ({"task": "MLPerf Server"}, "limit"),
        ({"seq_or_img": "variable"}, "size"),
        ({"precision": "unstated"}, "precision"),
        ({"unit": "ms (p90, batch 1)"}, "unit"),
        ({"value": "0"}, "value"),
        ({"model": "mystery", "gmacs": ""}, "catalog"),
    ],
)
def test_rows_that_cannot_be_compared_say_why(changed: dict[str, str], reason: str):
    skipped = run_of(ROW | changed, 1)
    assert isinstance(skipped, str)
    assert reason in skipped


def test_printed_machines_are_the_catalogs():
    assert machine_of("A100") == ("a100-sxm4-80gb", 1)
    assert machine_of("CPU Core i9-10940X") == ("core-i9-10940x", 1)
    assert machine_of("8x NVIDIA H200-SXM-141GB") == ("h200-sxm", 8)


def test_a_table_is_recognised_and_every_row_accounted_for(tmp_path: Path):
    rows = [ROW, ROW | {"params_m": "90"}, ROW | {"batch": ""}]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEAD, *(",".join(row.values()) for row in rows)]))
    found = accuracy(path)
    (table,) = found.tables
    assert table.layout == "encoder_vision_throughput"
    assert {c.quantity for c in table.compared} == {"counted pass", "pass"}
    assert table.reasons == {"batch not stated": 1}
    whole = next(c for c in table.compared if c.quantity == "pass")
    assert abs(whole.error) < 0.2
    assert whole.p10 is not None
    assert whole.p90 is not None
    assert whole.p10 < whole.predicted < whole.p90
