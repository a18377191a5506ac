"""Measured servers whose devices share a model in other ways than layer by layer."""

from pathlib import Path

import pytest

from advisor.accuracy.readers.forward_pass import layout_of as layout_of_pass
from advisor.accuracy.readers.serving_end_to_end import layout_of
from advisor.accuracy.report import accuracy
from calculators.plan import Layout

PASS_HEAD = (
    "model,tp,dp,run,phase,ctx_tokens,ctx_requests,ctx_kv_tokens,decode_requests,mean_decode_kv,n,latency_ms_median"
)


@pytest.mark.parametrize(
    ("row", "layout"),
    [
        ({"id": "x_c64_tp8_0_ep1_0_1", "tp_size": "8", "attention_dp_size": "1"}, Layout(tp=8)),
        ({"id": "x_c64_tp4_ep4_935", "tp_size": "16", "attention_dp_size": "1"}, Layout(tp=4, ep=4)),
        ({"id": "x_c128_tp8_ep8_9", "tp_size": "1", "attention_dp_size": "64"}, Layout(dp=8, ep=8)),
        ({"id": "x_c32_tp4_ep1_2", "tp_size": "1", "attention_dp_size": "4"}, Layout(dp=4)),
        ({"id": "x", "tp_size": "2", "attention_dp_size": ""}, Layout(tp=2)),
    ],
)
def test_layouts_of_servers_are_read_from_the_identifier(row: dict[str, str], layout: Layout):
    assert layout_of(row) == layout


def test_layouts_of_passes_are_read_from_the_run():
    assert layout_of_pass({"tp": "2", "dp": "4", "run": "full/tp2_ep8_past"}) == Layout(tp=2, dp=4, ep=8)


def test_passes_are_compared_as_prompts_steps_or_both(tmp_path: Path):
    rows = [
        "Qwen/Qwen3-32B,4,1,a/tp4_ep1,decode,0,0,0,8,4096,3,6.6",
        "Qwen/Qwen3-32B,4,1,a/tp4_ep1,context,4096,1,0,0,0,3,50",
        "Qwen/Qwen3-32B,4,1,a/tp4_ep1,mixed,4096,1,0,8,4096,3,55",
        "Some/Model,4,1,a/tp4_ep1,decode,0,0,0,8,4096,3,6.6",
    ]
    path = tmp_path / "forward_pass_b300.csv"
    path.write_text("\n".join([PASS_HEAD, *rows]) + "\n")
    found = accuracy(path).compared
    predicted = {c.keys["phase"]: c.predicted for c in found}
    assert set(predicted) == {"decode", "context", "mixed"}
    assert predicted["context"] < predicted["mixed"] < predicted["context"] + predicted["decode"]
    assert 0.003 < predicted["decode"] < 0.010
    assert {c.keys["machine"] for c in found} == {"b300-sxm"}


def test_every_rank_carries_what_the_row_says(tmp_path: Path):
    path = tmp_path / "forward_pass_b300.csv"
    row = "Qwen/Qwen3.6-35B-A3B,1,{dp},a/tp1_ep{dp},decode,0,0,0,16,4096,3,6.6"
    path.write_text("\n".join([PASS_HEAD, row.format(dp=1), row.format(dp=8)]) + "\n")
    one, eight = (c.predicted for c in accuracy(path).compared)
    assert (
        eight < one
    )  # each device has the same steps, and reads an eighth of the experts that eight times as many visit


def test_rings_are_compared_by_collective_and_all_to_alls_are_not_rings(tmp_path: Path):
    path = tmp_path / "nccl.csv"
    head = "system,nccl_version,op_name,nccl_dtype,num_gpus,message_elems,bytes,latency_ms"
    rows = [f"h100_sxm,2.29,{op},half,8,1,{2**24},0.1" for op in ("all_gather", "all_reduce", "alltoall")]
    path.write_text("\n".join([head, *rows]) + "\n")
    gathered, reduced = (c.predicted for c in accuracy(path).compared)
    launch = 5.6e-6
    assert reduced - launch == pytest.approx(2 * (gathered - launch))
    assert gathered == pytest.approx(launch + 7 * 0.822e-6 + 7 / 8 * 2**24 / 275e9)


def test_all_to_alls_of_tokens_are_compared_both_ways(tmp_path: Path):
    path = tmp_path / "a2a.csv"
    head = "system,comm_backend,phase,comm_dtype,ep_size,node_num,hidden_size,topk,num_experts,num_tokens,latency_us"
    rows = [f"h100_sxm,deepep_ll,{way},{bits},8,1,7168,8,256,64,70" for way, bits in
            (("dispatch", "fp8"), ("dispatch", "bfloat16"), ("combine", "odd"))]  # fmt: skip
    path.write_text("\n".join([head, *rows]) + "\n")
    narrow, wide = (c.predicted for c in accuracy(path).compared)
    assert (wide - 69e-6) / (narrow - 69e-6) == pytest.approx(16 / 8.25)
