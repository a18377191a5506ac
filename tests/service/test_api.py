"""``whicharch serve --api``: the same answers over HTTP, described, read-only, and clear about bad input."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from advisor import estimate, explain, recommend
from advisor.cli import cli
from advisor.plain import finite
from advisor.service.http_api import api
from catalog.errors import BadInput

ROOT = Path(__file__).parents[2]
client = TestClient(api())
SCENARIO = {"model": "llama-3.1-8b", "machine": "l4"}


def same(answer: httpx.Response, expected: dict) -> bool:
    import json

    return answer.status_code == 200 and answer.json() == json.loads(json.dumps(finite(expected)))


def test_answers_are_those_of_the_commands():
    assert same(client.post("/estimate", json=SCENARIO), estimate(**SCENARIO).to_dict())
    wanted = {"task": "classification", "machines": ("l4",)}
    assert same(client.post("/recommend?limit=3", json=wanted), recommend(**wanted, limit=3).to_dict())
    asked = {"model": "mixtral-8x7b", "quantity": "kv-cache", "context": 32768}
    assert same(client.post("/explain", json=asked), explain("mixtral-8x7b", "kv-cache", context=32768).to_dict())
    timed = client.post("/explain", json={**SCENARIO, "quantity": "tpot"}).json()
    assert timed["value"] == pytest.approx(estimate(**SCENARIO).time.tpot_s.p50)


def test_a_question_is_read_and_answered():
    by_query = client.get("/ask", params={"question": "classify emails on one L4", "limit": 2})
    posted = client.post("/ask", json={"question": "classify emails on one L4", "limit": 2})
    assert by_query.json() == posted.json()
    assert posted.json()["requirements"]["task"] == "classification"
    assert len(posted.json()["recommendations"]) == 2


def test_a_plan_is_simulated():
    asked = {"traffic": [{"preset": "chat", "rate": "1/s"}], "slo": "ttft.p95<2s", "models": ["llama-3.1-8b"],
             "machines": ["l4"], "requests": 200, "seeds": 1, "months": 1}  # fmt: skip
    plan = client.post("/plan", json=asked).json()
    assert plan["kept"]
    assert plan["best"]["machine"] == "l4"


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/estimate", {"model": "lama-3.1-8b", "machine": "l4"}, 400, "did you mean llama-3.1-8b"),
        ("/estimate", {"model": "../../etc/passwd", "machine": "l4"}, 400, "no files are read"),
        ("/estimate", {"model": "config.json", "machine": "l4"}, 400, "no files are read"),
        ("/estimate", {**SCENARIO, "batch": 0}, 422, "batch: Input should be greater than 0"),
        ("/estimate", {**SCENARIO, "bach": 1}, 422, "bach: Extra inputs are not permitted"),
        ("/estimate", {"model": "m" * 300, "machine": "l4"}, 400, "unknown model"),
        ("/estimate", {**SCENARIO, "speculate": "draft:/tmp"}, 400, "no files are read"),
        ("/recommend", {"machines": ["/tmp"]}, 400, "no files are read"),
        ("/recommend?limit=1000", {}, 422, "limit: Input should be less than or equal to 50"),
        ("/ask", {"question": ""}, 422, "question: String should have at least 1 character"),
        ("/ask", {"question": "chat with 8k context and 128k context"}, 400, "keep one of them"),
        ("/explain", {"model": "llama-3-8b", "quantity": "kv-cahce"}, 400, "did you mean kv-cache"),
        ("/plan", {"traffic": []}, 422, "traffic:"),
    ],
)
def test_bad_input_is_one_sentence(path, body, status, told):
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert told in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_folders_and_lists_of_lengths_of_this_computer_are_not_read(tmp_path: Path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "lengths").write_text("10 20 30")
    monkeypatch.chdir(tmp_path)
    plan = {"slo": "ttft.p95<2s", "models": ["llama-3.1-8b"], "machines": ["l4"], "requests": 100, "seeds": 1}
    one = {"rate": "1/s", "input": "100", "output": "100"}
    for path, body in (
        ("/estimate", {"model": "mine", "machine": "l4"}),
        ("/explain", {"model": "mine", "quantity": "kv-cache"}),
        ("/estimate", {**SCENARIO, "speculate": "draft:mine"}),
        ("/plan", {**plan, "models": ["mine"], "traffic": [one]}),
        ("/plan", {**plan, "traffic": [{**one, "input": f"empirical:{tmp_path / 'lengths'}"}]}),
        ("/plan", {**plan, "traffic": [{**one, "output": " Empirical:lengths"}]}),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, "no files are read" in answer.text) == (400, True), answer.text
    (tmp_path / "l4").mkdir()  # a folder that happens to be called like an entry
    (tmp_path / "llama-3.1-8b").mkdir()
    assert client.post("/estimate", json=SCENARIO).status_code == 200


def test_it_describes_itself_and_changes_nothing():
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/ask", "/recommend", "/estimate", "/plan", "/explain", "/catalog/{kind}", "/health"
    }  # fmt: skip
    assert {verb for path in described["paths"].values() for verb in path} == {"get", "post"}
    assert "ttft_s" in described["components"]["schemas"]["Requirements"]["properties"]
    assert "h100-sxm" in client.get("/catalog/machines").json()
    assert client.get("/catalog/secrets").status_code == 422
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/docs").status_code == 404  # that page would fetch scripts from elsewhere


def test_it_is_served_to_this_computer_alone_and_refuses_other_names():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "advisor.cli", "serve", "--api", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            try:
                up = httpx.get(f"http://127.0.0.1:{port}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        assert up.json() == {"status": "ok"}
        other = httpx.get(f"http://127.0.0.1:{port}/health", headers={"Host": "elsewhere.example"})
        assert other.status_code == 400
    finally:
        server.terminate()
        told = server.communicate(timeout=20)[1]
    assert f"http://localhost:{port}" in told
    assert "Warning" not in told


def test_other_addresses_are_warned_about(monkeypatch):
    monkeypatch.setattr("advisor.service.http_api.run", lambda host, port: None)
    run = CliRunner().invoke(cli, ["serve", "--api", "--host", "0.0.0.0"])
    assert run.exit_code == 0, run.output
    assert "Warning: everybody who can reach 0.0.0.0:8000" in run.stderr
    refused = CliRunner().invoke(cli, ["serve", "--api", "--public-url", "https://x.example"])
    assert refused.exit_code == 2


def test_a_plan_ends_when_its_time_is_up_and_compares_few_models():
    from advisor.planning.schema import PlanFile
    from advisor.service.requests import MOST_MODELS, bounded, deadline

    deadline(60)()
    with pytest.raises(BadInput, match="takes longer than 0 s"):
        deadline(0)()
    named = {"traffic": ({"preset": "chat", "rate": "1/s"},), "slo": "ttft.p95<1s", "machines": ("l4",)}
    bounded(PlanFile.model_validate(named | {"models": ("llama-3.1-8b",) * MOST_MODELS}))
    with pytest.raises(BadInput, match="over 5 models"):
        bounded(PlanFile.model_validate(named | {"models": ("llama-3.1-8b",) * (MOST_MODELS + 1)}))
