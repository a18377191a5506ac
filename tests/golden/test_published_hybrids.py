"""What publishers of recurrent and convolutional hybrids print, and what their designs are for, against our counts."""

from __future__ import annotations

import pytest

from calculators import cache_bytes, count_flops, count_params
from calculators.lowering import lower
from calculators.workload import Workload
from catalog import load
from catalog.spec import Architecture, Layer


@pytest.mark.parametrize(
    ("name", "printed", "unit", "source"),
    [
        ("falcon-h1-34b", 33.6, 1e9, "arXiv:2507.22448, table of architectures"),
        ("falcon-h1-7b", 7.59, 1e9, "arXiv:2507.22448, table of architectures"),
        ("lfm2-8b-a1b", 8.3, 1e9, "LiquidAI/LFM2-8B-A1B, model card"),
        ("recurrentgemma-2b", 2.68, 1e9, "arXiv:2404.07839, table 1"),
        ("recurrentgemma-9b", 8.58, 1e9, "arXiv:2404.07839, table 1"),
        ("samba-1.3b", 1.3, 1e9, "microsoft/Samba, README"),
    ],
)
def test_the_count_rounds_to_the_printed_figure(name: str, printed: float, unit: float, source: str) -> None:
    digits = len(str(printed).partition(".")[2])
    assert round(count_params(load(name)).total / unit, digits) == printed, source


@pytest.mark.parametrize(
    ("name", "printed", "source"),
    [
        ("hyena-153m", 153, "arXiv:2302.10866, section 4"),
        ("s4-wikitext-103", 249, "arXiv:2111.00396, table of WikiText-103"),
        ("samba-421m", 421, "microsoft/Samba, README"),
    ],
)
def test_the_count_in_whole_millions_is_the_printed_one(name: str, printed: int, source: str) -> None:
    """These authors cut digits off: 421.8, 249.7 and 153.7."""
    assert count_params(load(name)).total // 10**6 == printed, source


@pytest.mark.parametrize("tokens", [4_096, 1_000_000])
def test_recurrentgemma_remembers_a_window_and_one_number_per_channel(tokens: int) -> None:
    """8 of 26 layers keep 2,048 tokens of one head; the others 2,560 numbers in 32 bits and 3 columns in 16
    (arXiv:2404.07839, section 2)."""
    window, state = 8 * 2_048 * 2 * 256 * 2, 18 * 2_560 * (4 + 3 * 2)
    assert cache_bytes(load("recurrentgemma-2b"), tokens) == window + state


def test_s4_remembers_its_state_only() -> None:
    """32 layers of 1,024 channels with 64 numbers in 32 bits, after a word and after a book."""
    spec = load("s4-wikitext-103")
    assert cache_bytes(spec, 1) == cache_bytes(spec, 100_000) == 32 * 1_024 * 64 * 4


def test_zamba_shares_one_block_among_thirteen_uses() -> None:
    """Sharing saves weights and nothing else (arXiv:2405.16712, section 2)."""
    spec = load("zamba-7b-v1")
    assert isinstance(spec.architecture, Architecture)
    uses = [
        layer.shared
        for group in spec.architecture.stacks[0].groups
        for layer in group.layers * group.repeat
        if layer.shared
    ]
    assert [use.again for use in uses] == [False] + [True] * 12
    own = spec.model_copy(update={"architecture": unshared(spec.architecture)})
    h = 3_712
    block = 3 * (2 * h) ** 2 + 2 * h * h + 3 * h * 14_848 + 3 * h  # q, k, v of twice the width; o; feed-forward; norms
    assert count_params(own).total - count_params(spec).total == 12 * block
    assert count_flops(own, 64) == count_flops(spec, 64)
    assert cache_bytes(own, 64) == cache_bytes(spec, 64)


def unshared(architecture: Architecture) -> Architecture:
    """The same with weights of its own in each use."""
    (stack,) = architecture.stacks

    def alone(layer: Layer) -> Layer:
        own = layer.shared and layer.shared.model_copy(update={"again": False})
        return layer.model_copy(update={"shared": own})

    groups = tuple(g.model_copy(update={"layers": tuple(map(alone, g.layers))}) for g in stack.groups)
    return Architecture(stacks=(stack.model_copy(update={"groups": groups}),))


def test_a_step_of_hyena_costs_as_much_as_attention_and_a_prompt_n_log_n() -> None:
    """``2·d·n`` in each layer (arXiv:2310.18780, section 2.1), against transforms of 2.5·n·log2(n)."""
    spec = load("hyena-153m")
    filters = 2 * (33 * 64 + 2 * 64 * 64 + 64 * 864)
    assert count_flops(spec, 1, 1_000) - count_flops(spec, 1, 999) == 18 * (2 * 864 + filters)
    assert count_flops(spec, 1, 1_000, count="needed") - count_flops(spec, 1, 999, count="needed") == 18 * 2 * 864
    assert isinstance(spec.architecture, Architecture)
    long = next(op for op in lower(spec.architecture) if op.name.endswith("mixer.long_convolution"))
    cost = {n: float(long.pointwise.value(Workload.exact(1, n))) for n in (1_024, 2_048)}
    rest = 3 * 864 + 864
    assert cost[1_024] == 3 * 864 * 2.5 * 2_048 * 11 + 1_024 * rest
    assert cost[2_048] == 3 * 864 * 2.5 * 4_096 * 12 + 2_048 * rest
