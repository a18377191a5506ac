"""Splits between a GPU and a CPU: memory, bandwidths and the search."""

from __future__ import annotations

import pytest

from advisor import estimate
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by, usable_bytes
from calculators.offload import Split, best_split
from calculators.params import architecture_of
from calculators.serving import Server
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.loader import load, load_engine, load_format, load_machine, machine_classes

HOST = "core-i9-13900k"


def server(model: str, machine: str, weights: str) -> Server:
    format = load_format(weights)
    device = as_run_by(load_engine("llama.cpp"), load_machine(machine), format)
    return Server.of(architecture_of(load(model)), device, efficiency(device, format, machine_classes()), format, 16)


def split(
    model: str, room: float, weights: str = "gguf-q4_k_m", gpu: str = "rtx-4090", **changes: float
) -> Split | None:
    given = {"fixed_bytes": 0.6e9, "cache_bytes": 0.3e9, "pcie_bytes_per_s": 31e9} | changes
    return best_split(
        server(model, gpu, weights), server(model, HOST, weights), load_format(weights),
        step=Workload.of([1.0], 1, 1024, encode=0), prompt=Workload.of([1.0], 1024, 0),
        room_bytes=room, pass_tokens=512, hidden=4096, **given,
    )  # fmt: skip


def test_a_model_that_fits_is_left_whole_on_the_gpu():
    found = split("llama-3.1-8b", 20e9)
    assert found is not None
    assert found.whole
    assert (found.host_s, found.transfer_s) == (0, 0)
    gpu = server("llama-3.1-8b", "rtx-4090", "gguf-q4_k_m").pass_s(Workload.of([1.0], 1, 1024, encode=0))
    assert found.decode_s == pytest.approx(float(gpu[0]), rel=1e-3)
    assert found.options == "-ngl 99"


def test_more_room_never_makes_a_step_slower_and_is_never_exceeded():
    rooms = [2e9, 6e9, 12e9, 18e9, 24e9, 40e9, 60e9]
    found = [split("llama-3.1-70b", room) for room in rooms]
    assert all(each is not None and each.gpu_bytes <= room for each, room in zip(found, rooms, strict=True))
    steps = [each.decode_s for each in found if each is not None]
    assert steps == sorted(steps, reverse=True)
    assert found[-1] is not None
    assert found[-1].whole
    assert steps[0] > 5 * steps[-1]  # 89.6 against 1,008 GB/s


def test_weights_on_both_sides_add_up_to_the_model():
    found = split("llama-3.1-70b", 20e9, cache_bytes=0.0)
    assert found is not None
    total = server("llama-3.1-70b", "rtx-4090", "gguf-q4_k_m").table.weight_bytes(load_format("gguf-q4_k_m"))
    assert found.gpu_bytes - 0.6e9 + found.host_bytes == pytest.approx(total)


def test_of_a_mixture_the_experts_go_first():
    found = split("qwen3-30b-a3b", 10e9)
    assert found is not None
    assert found.gpu_layers == found.layers
    assert 0 < found.gpu_expert_layers < found.expert_layers
    assert found.options == f"-ngl 99 --n-cpu-moe {found.expert_layers - found.gpu_expert_layers}"
    assert found.transfer_s > 0


def test_the_best_split_beats_every_uniform_one_by_layers():
    """Against whole layers alone, as ``-ngl`` without ``--n-cpu-moe`` would do it."""
    found = split("qwen3-30b-a3b", 10e9)
    assert found is not None
    by_layers = found.gpu_bytes / 18.6e9  # share of the model
    on_cpu = float(server("qwen3-30b-a3b", HOST, "gguf-q4_k_m").pass_s(Workload.of([1.0], 1, 1024, encode=0))[0])
    assert found.decode_s < (1 - by_layers) * on_cpu


def test_a_prompt_pays_the_link_once_for_each_pass():
    slow, fast = (split("llama-3.1-70b", 20e9, pcie_bytes_per_s=rate) for rate in (10e9, 20e9))
    assert slow is not None
    assert fast is not None
    away = slow.host_bytes - 128256 * 8192 * 4.5 / 8 - 0.3e9 * (1 - slow.gpu_layers / 80)
    assert slow.prefill_s - fast.prefill_s == pytest.approx(2 * away * (1 / 10e9 - 1 / 20e9), rel=1e-3)


def test_nothing_is_split_where_not_even_activations_fit():
    assert split("llama-3.1-8b", 0.5e9) is None


def test_an_estimate_with_a_host_fits_and_names_the_split():
    alone = estimate(model="llama-3.1-70b", machine="rtx-4090", weights="gguf-q4_k_m", engine="llama.cpp")
    assert alone.memory.fits is False
    answer = estimate(model="llama-3.1-70b", machine="rtx-4090", weights="gguf-q4_k_m", host=HOST)
    assert answer.memory.fits
    assert answer.offload is not None
    assert answer.time.decode_s is not None
    assert answer.time.decode_s.p50 == answer.offload.decode_s
    assert answer.time.decode_s.p10 is None
    assert any(f"-ngl {answer.offload.gpu_layers}" in note for note in answer.notes)
    m = answer.memory
    parts = m.weights_bytes + m.kv_cache_bytes + m.state_bytes + m.activation_bytes + m.overhead_bytes
    assert parts == pytest.approx(m.total_bytes_per_gpu)
    assert m.usable_bytes is not None
    assert m.total_bytes_per_gpu <= m.usable_bytes


def test_a_model_that_fits_ignores_its_host():
    with_host, alone = (
        estimate(model="llama-3.1-8b", machine="rtx-4090", weights="gguf-q4_k_m", engine="llama.cpp", host=host)
        for host in (HOST, "")
    )
    assert with_host.offload is None
    assert with_host.time == alone.time


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"host": "core-i9-13900"}, "core-i9-13900k"),
        ({"host": HOST, "tp": 2}, "one device"),
        ({"host": "h100-sxm"}, "a host is a CPU"),
        ({"host": HOST, "model": "bert-base-uncased"}, "decoders"),
        ({"host": HOST, "speculate": "mtp"}, "not modelled|no multi-token"),
    ],
)
def test_hosts_that_cannot_help_are_refused(fields: dict[str, object], why: str):
    asked = {"model": "llama-3.1-70b", "machine": "rtx-4090", "weights": "gguf-q4_k_m"} | fields
    with pytest.raises(BadInput, match=why):
        estimate(**asked)


def test_llama_cpp_takes_all_that_a_card_offers_and_no_more_of_shared_memory():
    engine = load_engine("llama.cpp")
    card, chip = load_machine("rx-7900-xt"), load_machine("apple-m1-max")
    assert usable_bytes(engine, card) == pytest.approx(20 * 2**30)
    assert usable_bytes(engine, chip) == chip.usable_bytes
    assert usable_bytes(load_engine("vllm"), card) == card.usable_bytes
