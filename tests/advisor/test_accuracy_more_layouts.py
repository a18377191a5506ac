"""Readers of kernels besides the matrix products, of recorded runs, of training, and of tables without times."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import accuracy
from advisor.accuracy.readers.training_mfu import MPT, flops_per_token, spec_of
from advisor.cli import cli
from calculators.params import count_params
from catalog.errors import BadInput
from catalog.loader import load_machine

H100 = load_machine("h100-sxm")


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_captured_all_reduce_is_the_machines_and_one_started_by_hand_takes_its_start_more(tmp_path):
    found = accuracy(table(
        tmp_path / "c.csv",
        "system,backend,version,kernel_source,allreduce_dtype,num_gpus,message_elems,bytes,latency_ms,busbw_GBps",
        "h100_sxm,vllm,0.24.0,vLLM_custom_graph,bfloat16,8,1048576,2097152,0.02,1",
        "h100_sxm,vllm,0.24.0,vLLM_custom_eager,bfloat16,8,1048576,2097152,0.02,1",
    ))  # fmt: skip
    captured, started = found.compared
    (own,) = [each for each in H100.allreduce if each.gpus == 8]
    size, bus = 2 * 1048576, own.bus_gb_per_s * 1e9
    two = own.second_us * 1e-6 + 2 * 7 / 8 * size / bus
    assert captured.predicted == pytest.approx(own.alpha_us * 1e-6 + min(7 * size / bus, two))
    assert started.predicted - captured.predicted == pytest.approx(H100.eager.launch_us * 1e-6)


def test_bidirectional_attention_is_longer_than_its_products_and_shorter_than_three_times(tmp_path):
    found = accuracy(table(
        tmp_path / "a.csv",
        "system,backend,version,kernel_source,batch_size,seq_len,num_heads,head_dim,attn_dtype,latency_ms",
        "h100_sxm,vllm,0.24.0,fa3,4,8192,16,128,bfloat16,1.5",
    ))  # fmt: skip
    (comparison,) = found.compared
    ideal = 4 * 128 * 4 * 16 * 8192**2 / H100.peak_flops_per_s("bf16")
    assert ideal < comparison.predicted < 3 * ideal
    assert comparison.keys["kernel"] == "attention bidirectional vllm"


def test_a_long_convolution_of_mamba_is_its_traffic_at_the_share_of_the_bandwidth_that_was_fitted(tmp_path):
    head = "system,backend,version,kernel_source,phase,batch_size,seq_len,num_tokens,d_model,d_state,d_conv,nheads,"
    found = accuracy(table(
        tmp_path / "m.csv", head + "head_dim,n_groups,chunk_size,model_name,latency_ms",
        "h100_sxm,trtllm,1.3.0,causal_conv1d_fn,context,8,4096,32768,4096,128,4,128,64,8,256,X,1.0",
        "h100_sxm,trtllm,1.3.0,something_else,context,8,4096,32768,4096,128,4,128,64,8,256,X,1.0",
    ))  # fmt: skip
    (comparison,) = found.compared
    moved = 2 * 8 * (128 * 64 + 2 * 8 * 128) * (2 * 4096 + 2 * 3)
    own = H100.short_convolution
    expected = moved / (H100.bandwidth_bytes_per_s * own.memory) + own.launch_us * 1e-6
    assert comparison.predicted == pytest.approx(expected)
    assert found.tables[0].reasons == {"no formula for kernels of something_else": 1}


HEAD = (
    "hardware,model,dtype,tp,dp,ep,engine,engine_version,max_num_seqs,max_num_batched_tokens,workload,request_id,"
    "isl,osl,arrival_s,ttft_ms,tpot_ms,e2e_ms,source"
)


def _request(number: int, arrival_s: float) -> str:
    server = "H100-80GB-SXM,meta-llama/Llama-3.1-8B,bf16,1,1,1,vllm,0.19.0,256,2048,w"
    return f"{server},r{number},512,65,{arrival_s},40,7,488,here"


def test_requests_that_come_alone_take_what_one_request_takes_and_answers_are_their_tokens(tmp_path):
    path = table(tmp_path / "run_requests.csv", HEAD, *(_request(i, 30.0 * i) for i in (2, 0, 1)))
    found = accuracy(path)
    assert len(found.compared) == 9
    by_line = {line: {c.quantity: c.predicted for c in found.compared if c.line == line} for line in (1, 2, 3)}
    for times in by_line.values():
        assert times == pytest.approx(by_line[1], rel=1e-6)
        assert times["e2e"] == pytest.approx(times["ttft"] + 64 * times["tpot"])


def test_a_summary_needs_the_arrivals_of_the_file_beside_it(tmp_path):
    head = (
        "hardware,model,dtype,tp,dp,ep,engine,engine_version,max_num_seqs,max_num_batched_tokens,workload,num_requests,"
        "isl_mean,osl_mean,ttft_mean_ms,tpot_mean_ms,tpot_p90_ms,e2e_mean_ms,source"
    )
    server = "H100-80GB-SXM,meta-llama/Llama-3.1-8B,bf16,1,1,1,vllm,0.19.0,256,2048,w"
    path = table(tmp_path / "run_summary.csv", head, f"{server},2,512,65,40,7,7,488,here")
    (reason,) = accuracy(path).tables[0].reasons
    assert "arrivals" in reason
    table(tmp_path / "run_requests.csv", HEAD, _request(0, 0), _request(1, 30))
    compared = accuracy(path).compared
    assert sorted((c.quantity, c.keys["statistic"]) for c in compared) == [
        ("e2e", "mean"), ("tpot", "mean"), ("tpot", "p90"), ("ttft", "mean"),
    ]  # fmt: skip


TRAINING = (
    "model,params,hardware,n_gpus,seq,batch,precision,tflops_per_gpu,mfu_pct,hfu_pct,tokens_per_s_per_gpu,memory_gb,"
    "parallelism,notes,tier,source"
)


def test_reported_rates_of_training_give_the_flops_of_a_token(tmp_path):
    """Llama 3 8B at 8,192 tokens: six per weight of products, and half the square of attention."""
    weights = 8030261248 - 128256 * 4096 - 65 * 4096  # no look-up, no norms
    flops = 6 * weights + 6 * 32 * 4096 * 8193  # a causal triangle with its diagonal
    row = f"LLAMA3_8B,,GB200,8,8192,GBS=128,MXFP8,{flops * 30000 / 1e12},,,30000,,,Pre-Training,A,"
    found = accuracy(table(
        tmp_path / "t.csv", TRAINING, row + "NVIDIA-NeMo/Megatron-Bridge", row.replace("Pre-Training", "LoRA") + "x",
    ))  # fmt: skip
    (comparison,) = found.compared
    assert comparison.measured == pytest.approx(flops)
    assert comparison.error == pytest.approx(0, abs=2e-3)
    assert [skip.line for skip in found.tables[0].skipped] == [2]


@pytest.mark.parametrize(
    ("name", "printed"),
    [("MPT-125m", 124131840), ("MPT-3b", 2647905280), ("MPT-30b", 29964204032), ("MPT-70b", 64862437376)],
)
def test_shapes_of_llm_foundry_have_the_parameters_that_its_table_prints(name, printed):
    """It adds positions and biases, which cost no products."""
    assert count_params(spec_of(name)).total == pytest.approx(printed, rel=5e-3)
    assert set(MPT) > {"125m"}
    assert flops_per_token(name, 2048, "executed") > flops_per_token(name, 2048, "needed")


@pytest.mark.parametrize(
    ("head", "row", "command"),
    [
        ("file,model,mode,num_speculative_tokens,mean_acceptance_length", "a,b,c,1,1.8", "estimate --speculate"),
        ("gpu,vendor,tdp_w,all_in_kw_per_gpu,usd_per_gpu_hr_own_hyperscaler,usd_per_gpu_hr_rent_3yr,source",
         "H100,NVIDIA,700,1.37,1.17,2.0,x", "machine show"),
    ],
)  # fmt: skip
def test_tables_without_times_are_recognised_and_say_what_uses_them(tmp_path, head, row, command):
    shown = CliRunner().invoke(cli, ["accuracy", str(table(tmp_path / "t.csv", head, row))])
    assert command in shown.stdout
    assert shown.exit_code == 1  # nothing could be compared
    assert shown.stderr == ""


def test_an_unknown_table_is_answered_in_one_short_line(tmp_path):
    path = table(tmp_path / "t.csv", "system,dtype,m,colour", "a,b,c,d")
    with pytest.raises(BadInput) as error:
        accuracy(path)
    reason = str(error.value).removeprefix(str(path))
    assert "nearest: gemm, but without k, latency_ms, n" in reason
    assert len(reason) < 100


def test_what_was_fitted_on_such_rows_is_said_under_the_table_and_in_the_data(tmp_path):
    path = table(
        tmp_path / "g.csv", "system,backend,version,kernel_source,dtype,m,n,k,latency_ms",
        "h100_sxm,vllm,0.24.0,x,bfloat16,512,4096,8192,0.06",
    )  # fmt: skip
    shown = CliRunner().invoke(cli, ["accuracy", str(path)])
    assert "fitted on such rows: the machine's constants, on half of the shapes" in shown.stdout
    (entry,) = accuracy(path).to_dict()["files"]
    assert "half of the shapes" in entry["fitted"]


def test_published_throughput_has_the_engines_bands(tmp_path):
    head = "model,hardware,n_gpus,tp,precision,engine,isl,osl,concurrency_or_batch,metric,value,notes,tier,source"
    row = "Llama 3.1 8B,H100 SXM,1,1,BF16,vLLM 0.15,512,128,8,{},{},,A,x"
    found = accuracy(table(
        tmp_path / "t.csv", head, row.format("mean TTFT ms", 60), row.format("mean TPOT ms", 8),
        row.format("output tok/s", 900),
    ))  # fmt: skip
    first, each, answer = sorted(found.compared, key=lambda c: ("ttft", "tpot", "answer").index(c.quantity))
    assert answer.p10 == pytest.approx(first.p10 + 127 * each.p10)
    assert answer.p90 == pytest.approx(first.p90 + 127 * each.p90)
    assert answer.p10 < answer.predicted < answer.p90
