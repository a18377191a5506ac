"""Where the time goes: parts add up, and each says what would make it faster."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from advisor import breakdown, estimate
from advisor.cli import cli
from calculators.breakdown import RESOURCES, terms
from calculators.efficiency import efficiency
from calculators.params import architecture_of
from calculators.serving import Server
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.loader import load, load_format, load_machine, machine_classes

MODELS = ("llama-3.1-8b", "deepseek-v3", "mamba-2.8b", "bert-base-uncased", "flan-t5-base", "vit-b16", "dit-xl-2-256")


@pytest.mark.parametrize("model", MODELS)
def test_resources_add_up_to_the_time_of_each_operator_and_operators_to_the_pass(model):
    for machine in ("h100-sxm", "tpu-v5e", "apple-m4-max"):
        for p in breakdown(model=model, machine=machine, batch=3).passes:
            assert sum(p.due_to.values()) == pytest.approx(p.seconds)
            assert sum(o.seconds for o in p.parts) + p.due_to["engine"] == pytest.approx(p.seconds)
            for o in p.parts:
                assert sum(o.due_to.values()) == pytest.approx(o.seconds)
                assert o.due_to[o.bound] == max(o.due_to.values())


def test_passes_are_those_of_the_estimate():
    asked = {"model": "llama-3.1-8b", "machine": "h100-sxm", "batch": 8, "input_tokens": 1000, "output_tokens": 100}
    e, (prefill, decode) = estimate(**asked), breakdown(**asked).passes
    assert e.time.prefill_s.p50 == pytest.approx(prefill.seconds)
    assert e.time.decode_s is not None
    assert e.time.decode_s.p50 == pytest.approx(decode.seconds, rel=1e-3)


def test_a_machine_faster_at_everything_is_faster_by_what_each_resource_is_worth():
    machine, weights = load_machine("h100-sxm"), load_format("bf16")
    eff = efficiency(machine, weights, machine_classes())
    w = Workload.of(64, 1, 3000)

    def server(eff):
        return Server.of(architecture_of(load("llama-3.1-8b")), machine, eff, weights, 16)

    found = terms(server(eff), w)
    faster = replace(eff, bandwidth_bytes_per_s=eff.bandwidth_bytes_per_s * 1.001)
    saved = found.seconds.sum() - float(server(faster).pass_s(w))
    assert saved == pytest.approx(found.parts["memory"].sum() * 0.001, rel=0.01)


def test_a_long_prompt_is_bound_by_arithmetic_and_a_single_step_by_memory():
    prefill, decode = breakdown(model="llama-3.1-70b", machine="h100-sxm", input_tokens=8192, batch=1).passes
    for p, resource in ((prefill, "compute"), (decode, "memory")):
        assert max(p.due_to, key=p.due_to.__getitem__) == resource
        assert p.parts[0].bound == resource
        assert 0.5 < p.parts[0].fraction_of_roofline <= 1
    # A step reads each weight (2 bytes) once and multiplies and adds once: 1 FLOP per byte.
    assert decode.parts[0].intensity == pytest.approx(1, rel=0.01)


def test_devices_that_share_layers_spend_time_on_links():
    alone, shared = (breakdown(model="llama-3.1-8b", machine="h100-sxm", tp=tp).passes[0].due_to for tp in (1, 4))
    assert alone["link"] == 0
    assert shared["link"] > 0


def test_the_roofline_has_points_below_their_roofs():
    run = CliRunner().invoke(cli, ["estimate", "llama-3.1-8b", "--machine", "h100-sxm", "--roofline"])
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    slope = next(r["bytes_per_s"] for r in data["roofs"] if r["bytes_per_s"])
    ceiling = max(r["flops_per_s"] for r in data["roofs"] if r["flops_per_s"])
    assert len(data["points"]) > 10
    for point in data["points"]:
        assert point["flops_per_s"] <= min(ceiling, slope * point["intensity"]) * 1.001
        assert point["bound"] in RESOURCES
    shares = [p["share"] for p in data["points"] if p["pass"] == "decode"]
    decode = breakdown(model="llama-3.1-8b", machine="h100-sxm").passes[1]
    assert np.sum(shares) + decode.due_to["engine"] / decode.seconds == pytest.approx(1, abs=0.02)


def test_the_command_shows_tables_and_the_json_has_all_operators():
    arguments = ["estimate", "llama-3.1-8b", "--machine", "h100-sxm", "--breakdown"]
    text = CliRunner().invoke(cli, arguments, env={"COLUMNS": "80"}).output
    assert "bound by" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    data = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    assert [p["name"] for p in data["passes"]] == ["prefill", "decode"]
    assert "ttft_s" in data["time"]


def test_a_split_with_a_host_is_not_taken_apart_and_says_so():
    asked = {"model": "llama-3.1-70b", "machine": "rtx-4090", "weights": "gguf-q4_k_m", "host": "ryzen-9-9950x"}
    with pytest.raises(BadInput, match="leave the host out"):
        breakdown(**asked)
