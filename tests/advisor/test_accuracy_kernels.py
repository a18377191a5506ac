"""Kernel tables: products, experts and attention beside the constants' formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from advisor import accuracy
from catalog.loader import load_machine


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_product_is_the_roofline_of_its_machine(tmp_path):
    m, n, k = 512, 4096, 8192
    found = accuracy(table(
        tmp_path / "g.csv", "system,backend,version,kernel_source,dtype,m,n,k,latency_ms",
        f"h100_sxm,vllm,0.24.0,x,bfloat16,{m},{n},{k},0.06",
        f"h100_sxm,trtllm,1.0.0,x,bfloat16,{m},{n},{k},0.06",
        f"nobody_sxm,vllm,0.24.0,x,bfloat16,{m},{n},{k},0.06",
    ))  # fmt: skip
    (comparison,) = found.compared
    machine = load_machine("h100-sxm")
    own = machine.roofline["bf16"]
    compute = 2 * m * n * k / (machine.peak_flops_per_s("bf16") * own.compute)
    memory = 2 * (m * k + n * k + m * n) / (machine.bandwidth_bytes_per_s * own.memory)
    assert comparison.predicted == pytest.approx(
        np.hypot(compute, memory) + own.launch_us * 1e-6 + k * own.inner_ns * 1e-9, rel=1e-6
    )
    assert comparison.keys["kernel"] == "gemm bf16"
    assert {skip.line for skip in found.tables[0].skipped} == {2, 3}


def test_rows_of_attention_keep_their_number_and_windows_are_passed_over(tmp_path):
    head = "system,backend,version,kernel_source,batch_size,isl,kv_len,num_heads,num_key_value_heads,head_dim,"
    found = accuracy(table(
        tmp_path / "a.csv", head + "window_size,attn_dtype,kv_cache_dtype,latency_ms",
        "h100_sxm,vllm,0.24.0,fa,8,1,8191,32,8,128,128,bfloat16,bfloat16,0.1",
        "h100_sxm,vllm,0.24.0,fa,8,1,8191,32,8,128,0,bfloat16,bfloat16,0.1",
    ))  # fmt: skip
    (comparison,) = found.compared
    assert (comparison.line, comparison.keys["kernel"]) == (2, "attention decode")
    read_s = 8 * 8192 * 2 * 2 * 8 * 128 / load_machine("h100-sxm").bandwidth_bytes_per_s
    assert read_s < comparison.predicted < 3 * read_s
    assert [skip.line for skip in found.tables[0].skipped] == [1]
