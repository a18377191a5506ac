"""Eager PyTorch on machines where it was measured: repacked weights, scans without fused kernels, starting kernels."""

from __future__ import annotations

import numpy as np
import pytest

from calculators.efficiency import efficiency
from calculators.params import architecture_of
from calculators.plain_torch import on_machine
from calculators.rates import pass_time
from calculators.roofline import Setting, Settings
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.base import Source
from catalog.importers.huggingface import from_hf_config
from catalog.loader import load_engine, load_format, load_machine, machine_classes
from catalog.machine import Machine, PlainTorch, Roofline

SOURCE = Source(where="by hand")
WIDTH, LAYERS, STATE = 128, 3, 16
MAMBA = {
    "model_type": "mamba", "architectures": ["MambaForCausalLM"], "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
    "vocab_size": 256, "state_size": STATE, "expand": 2,
}  # fmt: skip
LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
    "num_attention_heads": 2, "intermediate_size": 256, "vocab_size": 256, "tie_word_embeddings": True,
}  # fmt: skip


def machine(**plain: float) -> Machine:
    box = load_machine("core-i9-13900k")
    roofline = Roofline(compute=0.5, memory=0.5, launch_us=1.0, p=1.0, source=SOURCE)
    torch = PlainTorch.model_validate({"kernel_us": 0.0, "source": SOURCE, **plain})
    return box.model_copy(update={"roofline": {"fp32": roofline}, "plain_torch": torch})


def seconds(config: dict, box: Machine, w: Workload) -> np.ndarray:
    weights = load_format("fp32")
    table = compile_table(architecture_of(from_hf_config(config, name="x", where="x")), 1)
    settings = Settings([Setting(box, efficiency(box, weights, machine_classes()), weights, 32)])
    return pass_time(settings, table, w, [load_engine("pytorch").passes]).total_s[0]


def test_weights_are_repacked_where_a_product_has_several_rows():
    w = Workload.of(np.array([1.0, 1.0, 4.0]), np.array([1.0, 8.0, 1.0]), np.array([8.0, 0.0, 8.0]))
    extra = seconds(LLAMA, machine(weight_copies=2.0), w) - seconds(LLAMA, machine(), w)
    layer = 4 * WIDTH * WIDTH + 3 * WIDTH * 256
    head = WIDTH * 256
    box = machine()
    streaming = box.bandwidth_bytes_per_s * 0.5
    assert extra[0] == 0  # one row
    assert extra[2] == pytest.approx(2 * 4 * (LAYERS * layer + head) / streaming)
    assert extra[1] == pytest.approx(2 * 4 * LAYERS * layer / streaming)  # a prompt's head has one row, its last token


def test_a_recurrence_costs_by_token_and_number_of_state_and_by_token():
    w = Workload.of(np.array([2.0, 2.0]), np.array([10.0, 20.0]), 0)
    box = machine(recurrence_ns=5000.0, recurrence_token_us=100.0)
    found = seconds(MAMBA, box, w)
    numbers = 2 * WIDTH * STATE
    scan = LAYERS * (2 * w.new * numbers * 5e-6 + w.new * 1e-4)
    assert found[1] - found[0] == pytest.approx(scan[1] - scan[0], rel=0.01)  # next to which the rest is small
    longer = seconds(MAMBA, box, Workload.of(np.array([1.0]), np.array([1.0]), np.array([10.0])))
    assert longer[0] == pytest.approx(LAYERS * (numbers * 5e-6 + 1e-4), rel=0.02)


def test_starting_kernels_adds_up_on_a_processor_and_hides_behind_a_gpu():
    habits = load_engine("pytorch").passes
    assert habits is not None
    box = machine(kernel_us=50.0)
    assert (on_machine(habits, box).kernel_us, on_machine(habits, box).host_us) == (50.0, 0.0)
    card = load_machine("l4").model_copy(update={"plain_torch": box.plain_torch})
    assert (on_machine(habits, card).kernel_us, on_machine(habits, card).host_us) == (0.0, 50.0)
    plain = load_machine("l4")
    assert on_machine(habits, plain) is habits
    w = Workload.of(np.array([1.0]), np.array([4.0]), 0)
    table = compile_table(architecture_of(from_hf_config(LLAMA, name="x", where="x")), 1)
    assert seconds(LLAMA, box, w) - seconds(LLAMA, machine(), w) == pytest.approx(table.launches.sum() * 50e-6)
