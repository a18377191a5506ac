"""Weight files: written by their own libraries, read back as specs with exact bytes; damaged ones get a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from advisor import estimate
from advisor.cli import main
from advisor.formats import weights_of
from advisor.importing import import_model
from calculators import count_params
from calculators.memory import weight_bytes
from calculators.stored import stored_bytes
from catalog import BadInput, load
from catalog.stored import role_of

H, F, V, LAYERS, HEADS, KV, D = 64, 96, 160, 3, 4, 2, 16
LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": H, "intermediate_size": F,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV, "vocab_size": V,
    "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
}  # fmt: skip
LAYER = {"attn_q": (HEADS * D, H), "attn_k": (KV * D, H), "attn_v": (KV * D, H), "attn_output": (H, HEADS * D),
         "ffn_gate": (F, H), "ffn_up": (F, H), "ffn_down": (H, F), "attn_norm": (H,), "ffn_norm": (H,)}  # fmt: skip
TO_HF = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
         "ffn_norm": "post_attention_layernorm"}  # fmt: skip


@pytest.fixture
def home(overlay: Path) -> Path:
    return overlay.parent


def write_gguf(path: Path, *, quantized: bool = True, arch: str = "llama", **fields: Any) -> int:
    """A small llama as llama.cpp stores it; returns the bytes of its tensors."""
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name("Tiny Llama")
    sizes = {"embedding_length": H, "feed_forward_length": F, "block_count": LAYERS, "context_length": 512}
    for key, value in (sizes | fields).items():
        writer.add_uint32(f"{arch}.{key}", value)
    writer.add_uint32(f"{arch}.attention.head_count", HEADS)
    writer.add_uint32(f"{arch}.attention.head_count_kv", KV)
    total = 0
    names = {"token_embd": (V, H), "output": (V, H), "output_norm": (H,), "rope_freqs": (D // 2,)}
    names |= {f"blk.{i}.{name}": shape for i in range(LAYERS) for name, shape in LAYER.items()}
    for name, shape in names.items():
        data = np.zeros(shape, dtype=np.float32)
        if quantized and len(shape) == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            packed = gguf.quants.quantize(data, kind)
            writer.add_tensor(f"{name}.weight", packed, raw_dtype=kind)
            size = packed.nbytes
        else:
            writer.add_tensor(f"{name}.weight", data)
            size = data.nbytes
        total += size if name != "rope_freqs" else 0
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return total


def write_checkpoint(folder: Path, parts: int = 1) -> int:
    """The same as transformers stores it, in one file or several with an index."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA))
    names = {"model.embed_tokens.weight": (V, H), "lm_head.weight": (V, H), "model.norm.weight": (H,)}
    names |= {f"model.layers.{i}.{TO_HF[name]}.weight": shape for i in range(LAYERS) for name, shape in LAYER.items()}
    tensors = {name: np.zeros(shape, dtype=np.float16) for name, shape in names.items()}
    if parts == 1:
        save_file(tensors, folder / "model.safetensors")
    else:
        where = {name: f"model-{i % parts + 1:05}-of-{parts:05}.safetensors" for i, name in enumerate(tensors)}
        for part in set(where.values()):
            save_file({name: tensor for name, tensor in tensors.items() if where[name] == part}, folder / part)
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return sum(tensor.nbytes for tensor in tensors.values())


def test_a_gguf_file_is_the_model_of_its_configuration_with_exact_bytes(tmp_path: Path):
    size = write_gguf(tmp_path / "tiny.gguf")
    spec = load(tmp_path / "tiny.gguf")
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    assert spec.architecture == load(tmp_path / "config.json").architecture
    assert stored_bytes(spec) == size
    assert {row.format for row in spec.stored} == {"Q8_0", "F32"}
    assert sum(row.elements for row in spec.stored) == count_params(spec).total
    assert weight_bytes(spec, weights_of(spec)) == pytest.approx(size, rel=1e-12)
    assert {row.role for row in spec.stored} == {"matrix", "embedding", "head", "vector"}


def test_an_estimate_of_a_file_weighs_what_the_file_holds(tmp_path: Path):
    size = write_gguf(tmp_path / "tiny.gguf")
    answer = estimate(model=str(tmp_path / "tiny.gguf"), machine="rtx-4090")
    assert answer.to_dict()["memory"]["weights_bytes"] == pytest.approx(size)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_checkpoint_of_safetensors_is_read_by_its_headers(tmp_path: Path, parts: int):
    size = write_checkpoint(tmp_path / "tiny", parts)
    spec = load(tmp_path / "tiny")
    assert spec.id == "tiny"
    assert stored_bytes(spec) == size == 2 * count_params(spec).total
    assert {row.format for row in spec.stored} == {"F16"}


def test_an_import_says_where_a_file_and_its_configuration_disagree(tmp_path: Path):
    write_gguf(tmp_path / "tiny.gguf")
    assert "elements" not in (import_model(str(tmp_path / "tiny.gguf")).notes or "")
    write_checkpoint(tmp_path / "tiny")
    assert "elements" not in (import_model(str(tmp_path / "tiny")).notes or "")
    save_file({"mtp.extra": np.zeros((3, 5), dtype=np.float16)}, tmp_path / "tiny" / "more.safetensors")
    assert "15 elements more than its configuration describes" in (import_model(str(tmp_path / "tiny")).notes or "")


def test_damaged_files_get_a_sentence(tmp_path: Path):
    write_gguf(tmp_path / "tiny.gguf")
    whole = (tmp_path / "tiny.gguf").read_bytes()
    for name, data in {
        "cut": whole[: len(whole) // 2],
        "head": whole[:40],
        "empty": b"",
        "text": b"hello world",
    }.items():
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(data)
        with pytest.raises(BadInput, match=rf"{name}.gguf: not a whole GGUF file"):
            load(path)
    with pytest.raises(BadInput, match="no such file"):
        load(tmp_path / "absent.gguf")
    write_gguf(tmp_path / "other.gguf", arch="lama")
    with pytest.raises(BadInput, match="did you mean llama"):
        load(tmp_path / "other.gguf")
    write_checkpoint(tmp_path / "tiny", 2)
    part = next((tmp_path / "tiny").glob("*-00002-of-*.safetensors"))
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(BadInput, match="not a whole safetensors file"):
        load(tmp_path / "tiny")
    part.unlink()
    with pytest.raises(BadInput, match="which is missing"):
        load(tmp_path / "tiny")
    (tmp_path / "tiny" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../x"}}))
    with pytest.raises(BadInput, match="outside its own folder"):
        load(tmp_path / "tiny")
    (tmp_path / "tiny" / "config.json").unlink()
    with pytest.raises(BadInput, match=r"config\.json: no such file"):
        load(tmp_path / "tiny")


def test_adding_writes_whole_files_that_every_command_knows(home: Path, tmp_path: Path, capsys):
    write_gguf(tmp_path / "tiny.gguf")
    assert run("catalog", "add", str(tmp_path / "tiny.gguf"), "--as", "mine") == 0
    capsys.readouterr()
    assert load("mine").stored
    assert load("mine").id == "mine"
    assert run("catalog", "add", str(tmp_path / "tiny.gguf"), "--as", "mine") == 2
    assert "is there already" in capsys.readouterr().err
    assert run("catalog", "add", str(tmp_path / "tiny.gguf"), "--as", "mine", "--replace") == 0
    assert run("catalog", "add", str(tmp_path / "tiny.gguf"), "--as", "../x") == 2
    assert [path.name for path in (home / "catalog" / "models").iterdir()] == ["mine.yaml"]
    assert run("explain", "mine", "weights") == 0
    assert "as stored" in capsys.readouterr().out


def test_importing_prints_yaml_that_loads_back(tmp_path: Path, capsys):
    write_checkpoint(tmp_path / "tiny")
    assert run("import", str(tmp_path / "tiny")) == 0
    printed = capsys.readouterr()
    (tmp_path / "back.yaml").write_text(printed.out)
    assert load(tmp_path / "back.yaml") == load(tmp_path / "tiny")
    assert "in the file" in printed.err


def test_a_type_that_nobody_describes_is_traced(tmp_path: Path):
    config = LLAMA | {"architectures": ["LlamaForCausalLM"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    traced, read = import_model(str(tmp_path / "config.json"), trace=True), load(tmp_path / "config.json")
    from calculators import cache_bytes, count_flops

    assert count_params(traced).total == count_params(read).total
    for new, past in ((16, 0), (200, 0), (1, 77)):
        assert count_flops(traced, new, past) == count_flops(read, new, past)
    assert cache_bytes(traced, 333) == cache_bytes(read, 333)
    assert "Traced" in (traced.notes or "")


def test_what_cannot_be_traced_is_refused(tmp_path: Path):
    windowed = LLAMA | {"model_type": "mistral", "architectures": ["MistralForCausalLM"]}
    for fields, told in (
        ({"model_type": "lama"}, "did you mean llama"),
        ({"model_type": "vit"}, "no text model"),
        (windowed | {"sliding_window": 20}, "no square law"),
        (windowed | {"sliding_window": 4096}, "no square law"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(fields))
        with pytest.raises(BadInput, match=told):
            import_model(str(tmp_path / "config.json"), trace=True)


def test_the_hub_is_asked_for_headers_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import huggingface_hub

    (tmp_path / "config.json").write_text(json.dumps(LLAMA))

    class Info:
        shape, dtype, data_offsets = [V, H], "BF16", (0, 2 * V * H)

    file = SimpleNamespace(tensors={"model.embed_tokens.weight": Info()})
    metadata = SimpleNamespace(files_metadata={"model.safetensors": file})
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(tmp_path / "config.json"))
    monkeypatch.setattr(huggingface_hub, "get_safetensors_metadata", lambda *_, **__: metadata)
    spec = import_model("someone/Tiny-Llama")
    assert spec.id == "tiny-llama"
    assert f"{count_params(spec).total - V * H:,} elements fewer" in (spec.notes or "")
    with pytest.raises(BadInput, match="names no multi-token-prediction layers"):
        import_model("someone/Tiny-Llama", mtp=True)
    assert stored_bytes(spec) == 2 * V * H

    def offline(*_: Any, **__: Any) -> None:
        raise OSError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    with pytest.raises(BadInput, match=r"someone/x: no configuration from the hub \(no connection\)"):
        import_model("someone/x")


def test_roles_are_told_by_name():
    names = {"blk.0.ffn_gate_inp.weight": "vector", "blk.0.ffn_gate_exps.weight": "expert", "output.weight": "head",
             "model.layers.0.mlp.experts.3.up_proj.weight": "expert", "token_embd.weight": "embedding",
             "bert.encoder.layer.0.output.dense.weight": "matrix", "lm_head.weight": "head"}  # fmt: skip
    assert {name: role_of(name, 2) for name in names} == names
    assert role_of("model.norm.weight", 1) == "vector"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_unknown_fields_are_named_at_every_depth():
    from catalog import from_hf_config

    vision = {"model_type": "clip_vision_model", "hidden_size": 32, "num_attention_heads": 2, "twisted_width": 7}
    text = {"model_type": "llama", "extra_towers": 3}
    config = {"model_type": "llava", "vision_config": vision, "text_config": text, "mystery": 1, "pad_token_id": 0}
    notes = from_hf_config(config).notes or ""
    for field in ("mystery", "vision_config.twisted_width", "text_config.extra_towers"):
        assert field in notes
    assert "pad_token_id" not in notes


def test_bytes_stay_exact_where_names_do_not_tell_the_role(tmp_path: Path):
    write_gguf(tmp_path / "tiny.gguf")
    spec = load(tmp_path / "tiny.gguf")
    rows = tuple(row.model_copy(update={"role": "matrix"}) if row.role == "head" else row for row in spec.stored)
    shifted = spec.model_copy(update={"stored": rows})
    assert weight_bytes(shifted, weights_of(shifted)) == pytest.approx(stored_bytes(spec), rel=1e-12)
