"""Bad input gets one sentence with file, line and field; never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from advisor import quantities
from advisor.accuracy.files import read
from catalog import BadInput, from_hf_config, load
from catalog.writer import to_yaml

LLAMA = {
    "model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
    "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 1000,
}  # fmt: skip


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("num_key_value_heads", 3, "heads=8 is not a multiple of kv_heads=3"),
        ("num_hidden_layers", -1, "'num_hidden_layers' is -1; expected a positive integer"),
        ("num_hidden_layers", 2.5, "'num_hidden_layers' is 2.5; expected a positive integer"),
        ("vocab_size", "many", "'vocab_size' is 'many'; expected a positive integer"),
        ("vocab_size", 10**30, "expected a positive integer"),
        ("hidden_size", None, "'hidden_size' is missing"),
        ("num_attention_heads", 7, "hidden_size=256 is not a multiple of num_attention_heads=7"),
        ("tie_word_embeddings", "yes", "expected true or false"),
        ("model_type", "lama", "did you mean llama"),
        ("architectures", ["LlamaForCausalML"], "LlamaForCausalLM"),
    ],
)
def test_an_impossible_configuration_names_file_field_and_remedy(tmp_path: Path, field: str, value, message: str):
    path = write(tmp_path / "config.json", json.dumps({**LLAMA, field: value}))
    with pytest.raises(BadInput, match=r"config\.json") as caught:
        load(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "line 1"),
        ('{"model_type": "llama",\n "hidden_size": }', "line 2, column"),
        ('{"model_type": "llama", "hidden_size": 25', "ends too early"),
        ("[1, 2]", "expected a JSON object"),
        (b"\xff\xfe\x00", "is no UTF-8 text"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_says_where(tmp_path: Path, text: str | bytes, message: str):
    with pytest.raises(BadInput) as caught:
        load(write(tmp_path / "config.json", text))
    assert message in str(caught.value)
    assert "config.json" in str(caught.value)


def test_two_hundred_megabytes_of_brackets_are_refused_unread(tmp_path: Path):
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b"[" * 10**6)
    with pytest.raises(BadInput, match="is 200 MB"):
        load(path)


def test_an_alias_bomb_is_refused_at_its_first_alias(tmp_path: Path):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(BadInput, match=r"bomb\.yaml, line 2: aliases"):
        load(write(tmp_path / "bomb.yaml", "\n".join(lines)))


def spec_yaml(**changes: str) -> str:
    text = to_yaml(load("llama-3-8b"))
    for old, new in changes.items():
        text = text.replace(old.replace("__", ": "), new)
    return text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kv_heads: 8", "kv_heads: 5", "heads=32 is not a multiple of kv_heads=5"),
        ("kv_heads: 8", "kv_head: 8", "unknown field 'kv_head'; did you mean kv_heads?"),
        ("head_dim: 128", "head_dim: -128", "greater than 0"),
        ("head_dim: 128", "head_dim: 128, window: wide", "should be a whole number"),
        ("kind: attention", "kind: atention", "attention"),
        ("repeat: 32", "repeat: 0", "greater than 0"),
        ("family: decoder", "family: decodr", "decoder"),
    ],
)
def test_an_impossible_spec_names_line_and_field(tmp_path: Path, old: str, new: str, message: str):
    text = to_yaml(load("llama-3-8b")).replace(old, new)
    number = next(i for i, line in enumerate(text.splitlines(), 1) if new in line)
    with pytest.raises(BadInput) as caught:
        load(write(tmp_path / "mine.yaml", text))
    assert f"mine.yaml, line {number}" in str(caught.value)
    assert message in str(caught.value)


def test_malformed_yaml_names_line_and_column(tmp_path: Path):
    with pytest.raises(BadInput, match=r"mine\.yaml, line 3, column 1.*began in line 2"):
        load(write(tmp_path / "mine.yaml", "id: mine\nname: [open\n"))


@pytest.mark.parametrize(("text", "message"), [("", "is empty; expected"), ("- 1\n", "holds a list; expected")])
def test_a_file_without_fields_says_what_it_holds(tmp_path: Path, text: str, message: str):
    with pytest.raises(BadInput, match=message):
        load(write(tmp_path / "mine.yaml", text))


def test_a_number_that_is_too_large_is_called_so():
    for text in ("1000000001", "9" * 40):
        with pytest.raises(BadInput, match="too large"):
            quantities.count(text, "--users")
    with pytest.raises(BadInput, match="too large"):
        quantities.tokens("9999999999k", "--input")


def test_a_list_of_known_words_that_is_cut_says_so():
    with pytest.raises(BadInput, match=r"unknown model '######'; known: .* and [\d,]+ more$"):
        load("######")


def test_benchmarks_nested_too_deeply_are_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="nested too deeply"):
        read(write(tmp_path / "deep.json", "[" * 200_000))


def test_yaml_never_executes_anything(tmp_path: Path):
    marker = tmp_path / "executed"
    text = f"id: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{marker}']]"
    with pytest.raises(BadInput, match=r"mine\.yaml"):
        load(write(tmp_path / "mine.yaml", text))
    assert not marker.exists()


def test_a_field_that_is_not_understood_is_named():
    spec = from_hf_config({**LLAMA, "surprising_heads": 3})
    assert spec.notes is not None
    assert "surprising_heads" in spec.notes


@pytest.mark.parametrize(
    ("declared", "format"),
    [
        ({}, "bf16"),
        ({"torch_dtype": "float32"}, "fp32"),
        ({"dtype": "float16"}, "fp16"),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}, "fp8-block"),
        ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [1, 32]}}, "fp8"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "awq-int4"),
    ],
)
def test_a_configuration_declares_its_weight_format(declared: dict, format: str):
    assert from_hf_config({**LLAMA, **declared}).published_weights == format


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (quantities.tokens, "16x"), (quantities.tokens, "-1"), (quantities.tokens, "0"), (quantities.tokens, "1.5"),
        (quantities.tokens, "1e999"),
        (quantities.memory_bytes, "1e999"),
        (quantities.usd_per_hour, "1e999"),
        (quantities.count, "9" * 5000),
        (quantities.count, "-8"), (quantities.count, "eight"), (quantities.seconds, "1 parsec"),
        (quantities.seconds, "0s"), (quantities.memory_bytes, "24 apples"), (quantities.usd_per_hour, "5/fortnight"),
        (quantities.token_range, "256k"), (quantities.token_range, "256k..1k"),
    ],
)  # fmt: skip
def test_a_quantity_that_cannot_be_read_says_how_to_write_it(parse, text: str):
    with pytest.raises(BadInput, match="--option"):
        parse(text, "--option")


def test_quantities_read_as_people_write_them():
    assert quantities.tokens("16k", "x") == 16384
    assert quantities.seconds("60ms", "x") == pytest.approx(0.06)
    assert quantities.memory_bytes("24GiB", "x") == 24 * 2**30
    assert quantities.memory_bytes("80GB", "x") == 80e9
    assert quantities.usd_per_hour("730/month", "x") == pytest.approx(1.0)
    assert quantities.token_range("1k..256k", "x") == (1024, 262144)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["estimate", "llama-3-8x", "--machine", "l4"], "llama-3-8b"),
        (["estimate", "llama-3-8b", "--machine", "l5"], "l4"),
        (["estimate", "llama-3-8b", "--machine", "l4", "--batch", "-1"], "--batch"),
        (["estimate", "llama-3-8b", "--machine", "l4", "--weights", "fp9"], "fp8"),
        (["estimate", "llama-3-8b", "--machine", "l4", "--kv", "fp9"], "fp8"),
        (["estimate", "llama-3-8b", "--machine", "h100-sxm", "--tp", "3"], "32 heads of decoder do not divide by 3"),
        (["estimate", "gpt-4o", "--machine", "l4"], "undisclosed"),
        (["estimate", "bert-base-uncased", "--machine", "l4", "--images", "2"], "does not take images"),
        (["estimate", "/nonexistent/config.json", "--machine", "l4"], "no such file"),
        (["recommend", "--task", "chatt"], "chat"),
        (["recommend", "--ttft", "soon"], "--ttft"),
        (["scale", "llama-3-8b", "--context", "1k"], "1k..256k"),
        (["scale", "vit-b16"], "fixed number of tokens"),
        (["estimat"], "estimate"),
        (["catalog", "show", "llama-3-8bb"], "llama-3-8b"),
    ],
)
def test_the_command_line_answers_in_one_line_and_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    from advisor.cli import main

    with pytest.raises(SystemExit) as done:
        main(arguments)
    told = capsys.readouterr()
    assert done.value.code == 2
    assert message in told.err.splitlines()[-1]
    assert told.out == ""


def test_a_process_that_is_asked_nonsense_exits_with_2():
    command = [sys.executable, "-c", "from advisor.cli import main; main()", "estimate", "llama-3-8x"]
    done = subprocess.run([*command, "--machine", "l4"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "llama-3-8b" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_reader_that_closes_early_is_no_failure():
    command = [sys.executable, "-c", "from advisor.cli import main; main()", "catalog", "list", "models"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.wait(60) == 0


def test_a_failure_of_ours_is_called_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    from advisor.cli import main

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(import_module("advisor.estimate"), "resolve", broken)
    with pytest.raises(SystemExit) as caught:
        main(["estimate", "llama-3-8b", "--machine", "l4"])
    assert caught.value.code == 3
    assert "our fault" in capsys.readouterr().err


def test_specs_written_as_yaml_hold_no_aliases():
    assert "&" not in yaml.dump(yaml.safe_load(spec_yaml()))
