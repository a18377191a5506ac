"""File types of llama.cpp against the sizes that its own documents and published files give."""

from __future__ import annotations

import pytest

from calculators.gguf import Shape, category, mix_of
from calculators.memory import CACHE_BITS, cache_bytes, gguf_role_bits, weight_bytes
from calculators.operators import Role, Weight
from calculators.params import architecture_of, count_params
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.gguf_blocks import BLOCKS, DEFAULTS, fitting
from catalog.loader import all_formats, load, load_format

README = {
    "q8_0": 8.5008, "q6_k": 6.5633, "q5_k_m": 5.7036, "q5_k_s": 5.5704, "q4_k_m": 4.8944, "q4_k_s": 4.6672,
    "iq4_nl": 4.6818, "iq4_xs": 4.4597, "q3_k_l": 4.2979, "q3_k_s": 3.6429, "iq3_m": 3.7628, "iq3_s": 3.6606,
    "iq3_xs": 3.4977, "iq3_xxs": 3.2548, "q2_k": 3.1593, "q2_k_s": 2.9697, "iq2_m": 2.9294, "iq2_s": 2.7403,
    "iq2_xs": 2.5882, "iq2_xxs": 2.3824, "iq1_m": 2.1460, "iq1_s": 2.0042,
}  # fmt: skip
"""Bits per weight of Llama-3.1-8B: ggml-org/llama.cpp tools/quantize/README.md."""

FILES = [
    ("llama-2-7b", "gguf-q4_0", 3.825e9),
    ("llama-2-7b", "gguf-q4_k_m", 4.080e9),
    ("llama-3.1-8b", "gguf-q4_k_m", 4.913e9),
    ("llama-3.3-70b", "gguf-q4_k_m", 42.513e9),
    ("qwen3-32b", "gguf-q8_0", 34.812e9),
    ("gpt-oss-20b", "gguf-mxfp4", 11.27 * 2**30),
    ("gpt-oss-120b", "gguf-mxfp4", 59.02 * 2**30),
    ("llama-2-70b", "gguf-q5_k_m", 45.41 * 2**30),
]
"""Published files: lhl/strix-halo-testing, llama.cpp benches/dgx-spark, llama.cpp's Llama 2 70B scorechart."""


@pytest.mark.parametrize("name", README)
def test_llama_3_1_8b_has_the_bits_that_llama_cpp_documents(name: str):
    spec = load("llama-3.1-8b")
    bits = 8 * weight_bytes(spec, load_format(f"gguf-{name}")) / count_params(spec).total
    assert bits == pytest.approx(README[name], abs=6e-5)


@pytest.mark.parametrize(("model", "format", "size"), FILES)
def test_published_files_come_out_within_a_thousandth(model: str, format: str, size: float):
    assert weight_bytes(load(model), load_format(format)) == pytest.approx(size, rel=1e-3)


def test_every_gguf_format_names_a_known_file_type_and_nothing_lies_between_roles():
    spec = load("qwen3-8b")
    table = compile_table(architecture_of(spec))
    for format in all_formats():
        if format.gguf is None:
            continue
        assert format.gguf in DEFAULTS
        by_role = gguf_role_bits(format.gguf, spec)
        total = weight_bytes(spec, format)
        elements = dict.fromkeys(Role, 0)
        for op in table.operators:
            for weight in op.weights:
                elements[weight.role] += op.repeat * weight.elements
        assert sum(elements[role] * bits for role, bits in by_role.items()) / 8 == pytest.approx(total)
        assert table.weight_bytes(format) == total


def test_decoding_a_dense_model_reads_every_tensor_but_the_token_table():
    spec, format = load("llama-3.1-8b"), load_format("gguf-q4_k_m")
    table = compile_table(architecture_of(spec))
    w = Workload.of([1], 1, 0)
    bare = table.traffic(format, 16) - table.traffic(load_format("fp32").model_copy(
        update=dict.fromkeys(("bits", "embedding_bits", "head_bits", "vector_bits"), 1e-9)), 16)  # fmt: skip
    read = float((bare @ table.values(w)).sum())
    token_table = 128256 * 4096 * BLOCKS["q4_k"].bits / 8
    assert read == pytest.approx(weight_bytes(spec, format) - token_table, rel=1e-5)


def test_rows_that_blocks_do_not_divide_take_a_narrower_layout():
    assert fitting("q4_k", 4096) == "q4_k"
    assert fitting("q4_k", 2880) == "q5_0"
    assert fitting("q6_k", 2880) == "q8_0"
    assert fitting("iq3_s", 2880) == "iq4_nl"
    assert fitting("q4_k", 100) == "f16"


def test_a_tied_table_is_stored_as_the_head_and_routers_stay_wide():
    table = Weight("decoder.tokens", (262208, 2560), Role.EMBEDDING)
    tied = Shape(34, 34, 2, 0, tied=True)
    assert mix_of("Q4_K_M", table, tied) == {"q6_k": 1}
    assert mix_of("Q4_K_M", table, Shape(34, 34, 2, 0, tied=False)) == {"q4_k": 1}
    assert mix_of("Q4_K_M", Weight("router.weight", (8, 4096), Role.VECTOR), tied) == {"f32": 1}


def test_half_of_the_values_of_a_deep_model_get_more_bits():
    values = Weight("attention.v.weight", (1024, 4096))
    assert category(values) == "v"
    mix = mix_of("Q4_K_M", values, Shape(32, 32, 4, 0, tied=False))
    assert mix == {"q6_k": 0.5, "q4_k": 0.5}  # 4 first, 4 last, every third of the 24 between: 16 of 32


def test_quantized_caches_count_their_scales():
    spec = load("llama-3.1-8b")
    whole = cache_bytes(spec, 1000)
    assert cache_bytes(spec, 1000, dtype="q8_0") * 16 == whole * 8.5
    assert cache_bytes(spec, 1000, dtype="q4_0") * 16 == whole * 4.5
    assert CACHE_BITS["fp8"] == 8
