"""Models that answer in one pass, as engines run them."""

import numpy as np
import pytest

from calculators import rates
from calculators.efficiency import efficiency
from calculators.operators import Kind
from calculators.params import architecture_of, count_params
from calculators.rates import Counts, PassTime, activation_bytes, counted_time_s, resized
from calculators.serving import Server
from calculators.workload import Workload
from catalog.engine import PassHabits
from catalog.errors import BadInput
from catalog.loader import load, load_engine, load_format, load_machine, machine_classes


def served(model: str, machine: str = "rtx-4090", weights: str = "fp16") -> Server:
    m, f = load_machine(machine), load_format(weights)
    return Server.of(architecture_of(load(model)), m, efficiency(m, f, machine_classes()), f, 16)


def pass_time(server: Server, w: Workload, engines: list[PassHabits | None]) -> PassTime:
    return rates.pass_time(server.settings, server.table, w, engines)


def habits(**values: float) -> PassHabits:
    return PassHabits.model_validate(values | {"source": "a test"})


IMAGES = Workload.of(np.array([1.0, 8, 64, 512]), 1, 0)


@pytest.mark.parametrize("model", ["resnet-50", "vit-b16", "convnext-tiny", "bert-base-uncased"])
def test_without_habits_half_precision_takes_what_the_roofline_says(model: str):
    server = served(model)
    assert pass_time(server, IMAGES, [None]).total_s[0] == pytest.approx(server.pass_s(IMAGES))


def test_a_crossing_reads_or_writes_what_convolutions_made_once():
    server = served("resnet-50")
    convolutions = server.table.of_kind(Kind.CONVOLUTION)
    made = (server.table.coefficients["writes"][convolutions] @ server.table.values(IMAGES)).sum(axis=0)
    eff = server.settings.settings[0].eff
    more = [pass_time(server, IMAGES, [habits(convolution_crossings=c)]).total_s[0] for c in (1, 3)]
    assert more[1] - more[0] == pytest.approx(2 * made * 2 / (eff.bandwidth_bytes_per_s * eff.plain.memory))


def test_rates_rise_with_the_batch_until_the_device_is_busy():
    for engine in ("pytorch", "torch-compile", "tensorrt"):
        seconds = pass_time(served("resnet-50"), IMAGES, [load_engine(engine).passes]).total_s[0]
        rates = IMAGES.batch / seconds
        assert (np.diff(rates) > 0).all()
        assert rates[3] < 1.2 * rates[2]


def test_small_batches_wait_for_the_host_and_large_ones_do_not():
    server = served("bert-base-uncased", "h100-sxm")
    w = Workload.of(np.array([1.0, 2, 256]), 128, 0)
    slow = pass_time(server, w, [habits(host_us=100)])
    assert slow.total_s[0, 0] == slow.total_s[0, 1] == pytest.approx(server.table.launches.sum() * 100e-6)
    assert slow.total_s[0, 2] == pass_time(server, w, [None]).total_s[0, 2]


def test_folding_removes_norms_and_additions_of_a_convolutional_network_only():
    w = Workload.of(np.array([64.0]), 1, 0)
    for model, all_light in (("resnet-50", True), ("vit-b16", False)):
        server = served(model)
        light = server.table.of_kind(Kind.NORM, Kind.ELEMENTWISE)
        left = pass_time(server, w, [habits(folds_norms=True)]).operators_s[0][light].sum()
        assert (left == 0) == all_light


def test_unfused_scores_cost_only_sequences_too_long_for_the_fused_kernel():
    server = served("bert-base-uncased")
    w = Workload.of(np.array([4.0, 4]), np.array([384, 385]), 0)
    fused, apart = (pass_time(server, w, [habits(score_crossings=c, fused_tokens=384)]).total_s[0] for c in (0, 4))
    eff = server.settings.settings[0].eff
    scores = 12 * 12 * 4 * 385**2
    assert apart[0] == fused[0]
    assert apart[1] - fused[1] == pytest.approx(4 * scores * 2 / (eff.bandwidth_bytes_per_s * eff.plain.memory))


def test_one_call_times_many_settings():
    machines = [load_machine(name) for name in ("rtx-4090", "t4")]
    one = [served("resnet-50", m.id) for m in machines]
    both = Server(one[0].table, type(one[0].settings)([s.settings.settings[0] for s in one]))
    engines = [load_engine("pytorch").passes, None]
    together = pass_time(both, IMAGES, engines).total_s
    for row, server, engine in zip(together, one, engines, strict=True):
        assert row == pytest.approx(pass_time(server, IMAGES, [engine]).total_s[0])


def test_32_bit_activations_are_twice_as_wide():
    assert [activation_bytes(served("vit-b16", weights=w).settings.settings[0].eff) for w in ("fp16", "fp32")] == [2, 4]


def test_counts_alone_give_compute_then_crossings_then_weights():
    eff = served("resnet-50").settings.settings[0].eff
    stream = eff.bandwidth_bytes_per_s * eff.plain.memory
    assert eff.peak_flops_per_s is not None
    time = counted_time_s(eff, Counts(4e9, 11e6, 25e6), 8, habits(counted_crossings=5, counted_us=70))
    compute = 8 * 8e9 / (eff.peak_flops_per_s * eff.products.compute)
    assert time == pytest.approx(compute + (5 * 8 * 11e6 + 25e6) * 2 / stream + 70e-6)


def test_a_network_on_larger_images_keeps_its_convolutions():
    spec = load("resnet-50")
    larger = spec.model_copy(update={"architecture": resized(architecture_of(spec), 448)})
    assert count_params(larger).total == count_params(spec).total
    flops = [
        (s.table.coefficients["needed"] @ s.table.values(IMAGES)).sum(axis=0)[0]
        for s in (served("resnet-50"), Server.of(architecture_of(larger), load_machine("t4"), efficiency(
            load_machine("t4"), load_format("fp16"), machine_classes()), load_format("fp16"), 16))
    ]  # fmt: skip
    assert flops[1] == pytest.approx(4 * flops[0], rel=0.001)


@pytest.mark.parametrize(("model", "side"), [("vit-b16", 225), ("bert-base-uncased", 224)])
def test_impossible_image_sizes_are_refused(model: str, side: int):
    with pytest.raises(BadInput, match=r"patch|no image"):
        resized(architecture_of(load(model)), side)


def test_convolutions_run_in_the_type_of_their_weights():
    w = Workload.of(np.array([64.0]), 1, 0)

    def seconds(machine: str, weights: str, engine: PassHabits | None) -> float:
        server = served("resnet-50", machine, weights)
        return float(pass_time(server, w, [engine]).operators_s[0][server.table.of_kind(Kind.CONVOLUTION)].sum())

    assert seconds("v100-sxm2-16gb", "fp32", None) > 4 * seconds("v100-sxm2-16gb", "fp16", None)
    # TF32 on an A100: half the rate of 16 bits, and activations twice as wide; shares of the peaks are not the same
    assert 1.6 < seconds("a100-sxm4-80gb", "fp32", None) / seconds("a100-sxm4-80gb", "fp16", None) < 2.2
    # between folded 8-bit convolutions there are 8-bit activations; eager PyTorch has none
    folded = habits(folds_norms=True)
    assert seconds("l4", "int8", folded) < 0.6 * seconds("l4", "fp16", folded)
