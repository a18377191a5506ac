"""Published throughput: every row by its own metric."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import accuracy, estimate

HEAD = "model,hardware,n_gpus,tp,precision,engine,isl,osl,concurrency_or_batch,metric,value,notes,tier,source\n"
SETTING = "Llama-3.1-8B,H100-80GB-SXM,1,1,BF16,vLLM 0.19.0,1024,256"


def table(path: Path, *rows: str) -> Path:
    path.write_text(HEAD + "\n".join(f"{row},x,A,y" for row in rows) + "\n", encoding="utf-8")
    return path


def test_a_rate_of_output_is_the_time_of_an_answer(tmp_path):
    (comparison,) = accuracy(table(tmp_path / "t.csv", f"{SETTING},16,output tok/s,1600")).compared
    e = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=16, input_tokens=1024, output_tokens=256)
    assert comparison.quantity == "answer"
    assert comparison.measured == pytest.approx(16 * 256 / 1600)
    assert e.time.e2e_s is not None
    assert comparison.predicted == pytest.approx(e.time.e2e_s.p50, rel=1e-6)


def test_tokens_in_and_out_and_rates_by_device_are_told_apart(tmp_path):
    both, each = accuracy(
        table(
            tmp_path / "t.csv",
            f"{SETTING},16,total tok/s (in+out),8000",
            f"{SETTING.replace(',1,1,', ',2,2,')},16,output tok/s/gpu,800",
        )
    ).compared
    assert both.measured == pytest.approx(16 * (1024 + 256) / 8000)
    assert each.measured == pytest.approx(16 * 256 / (800 * 2))


def test_a_rate_of_requests_needs_the_times_of_its_answers(tmp_path):
    load = SETTING + ",QPS=4"
    alone = accuracy(table(tmp_path / "a.csv", f"{load},mean TTFT ms,50"))
    assert list(alone.tables[0].reasons) == ["a rate of requests whose times of answers are not printed"]
    both = accuracy(table(tmp_path / "b.csv", f"{load},mean TTFT ms,50", f"{load},mean ITL ms,10"))
    assert {c.quantity: c.measured for c in both.compared} == {"ttft": 0.05, "tpot": 0.01}
    assert both.compared[0].keys["clients"] == f"{4 * (0.05 + 255 * 0.01):g}"


def test_rows_without_a_number_of_clients_are_counted(tmp_path):
    found = accuracy(table(tmp_path / "t.csv", f"{SETTING},Offline,output tok/s,1600", f"{SETTING},1,samples/s,3"))
    assert found.tables[0].reasons == {
        "number of clients not printed": 1, "not a metric that is compared: samples/s": 1,
    }  # fmt: skip
