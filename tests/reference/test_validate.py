"""The catalog against PyTorch, and the comparison against itself: a wrong number must be found."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from advisor import validate as run_validate
from advisor.cli import main
from advisor.validate import Check, Measure, _compare, _measure, _named, _spread, smallest_of_each
from calculators.reference.observation import Observation, Setting
from catalog import BadInput, load
from catalog.loader import all_models
from catalog.spec import ModelSpec

module = import_module("advisor.validate")  # the package's attribute of that name is the function

TEXT = {"parameters", "prefill_flops", "fvcore_flops", "cache_bytes"}
REPRESENTATIVES = {
    "modernbert-base": TEXT,
    "gemma-2-2b": TEXT | {"decode_flops"},
    "t5-small": TEXT | {"decode_flops"},
    "deepseek-v2-lite": TEXT | {"decode_flops"},
    "mamba-130m": TEXT | {"decode_flops"},
    "nemotron-h-8b": TEXT | {"decode_flops"},
    "vit-b16": TEXT,
    "qwen2-vl-2b": TEXT | {"decode_flops", "image_flops"},
    "dit-xl-2-256": TEXT,
}
"""One of each family and each kind of cache (full, windowed, latent, cross, scan state, none), and what is compared."""


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing torch in new processes takes longer than most checks."""

    def one_by_one(measure: Measure, specs: Sequence[ModelSpec], jobs: int) -> Iterator[tuple[int, Any]]:
        yield from enumerate(map(measure, specs))

    monkeypatch.setattr(module, "_spread", one_by_one)


def failures(checks: list[Check]) -> list[str]:
    return [f"{c.model} {c.quantity} ({c.setting}): {c.status} {c.difference} {c.note}" for c in checks if not c.passed]


def check_model(spec: ModelSpec) -> list[Check]:
    """The checks of one model, measured in this process."""
    return _compare(_named(spec), _measure(spec))


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_a_model_of_each_family_is_exact(name: str) -> None:
    checks = check_model(load(name))
    assert not failures(checks)
    assert {check.quantity for check in checks if check.status == "equal"} == REPRESENTATIVES[name]
    assert all(check.note for check in checks if check.status == "not applicable")


@pytest.mark.slow
def test_the_whole_catalog_is_exact() -> None:
    checks = run_validate()
    assert not failures(checks)
    assert {check.model for check in checks} == {spec.id for spec in all_models() if spec.is_disclosed}


def test_every_disclosed_model_of_the_catalog_names_its_class_or_what_was_published() -> None:
    without = {spec.id for spec in all_models() if spec.is_disclosed and spec.reference is None}
    assert without == {spec.id for spec in all_models() if spec.published is not None and spec.reference is None}
    assert without == {"glam-64b-64e", "phi-3-vision", "phi-3.5-vision"}


def wrong(name: str, old: str, new: str, folder: Path) -> Path:
    """A copy of a catalog entry with one dimension changed, but not in its reference."""
    from catalog import loader

    text = (loader.ROOT / "models" / f"{name}.yaml").read_text()
    architecture, reference = text.split("\nreference:")
    assert architecture.count(old) == 1
    path = folder / f"{name}.yaml"
    path.write_text(architecture.replace(old, new) + "\nreference:" + reference)
    return path


@pytest.mark.parametrize(
    ("name", "old", "new", "quantities"),
    [
        ("gpt2", "width: 3072", "width: 3071", {"parameters", "prefill_flops", "decode_flops", "fvcore_flops"}),
        ("llama-3.2-1b", "kv_heads: 8", "kv_heads: 4", {"parameters", "prefill_flops", "cache_bytes"}),
        ("mistral-7b-v0.1", "window: 4096", "window: 4095", {"decode_flops", "cache_bytes"}),
        ("mamba-130m", "dt_rank: 48", "dt_rank: 48, conv: 3", {"parameters", "prefill_flops", "cache_bytes"}),
    ],
)
def test_a_wrong_dimension_is_found(name: str, old: str, new: str, quantities: set[str], tmp_path: Path) -> None:
    checks = check_model(load(wrong(name, old, new, tmp_path)))
    assert quantities <= {check.quantity for check in checks if check.status == "differs"}


def test_the_command_says_no_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With worker processes, as people run it."""
    bad = wrong("gpt2", "width: 3072", "width: 3073", tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["validate", str(bad), "t5-small", "--jobs", "2"])
    assert done.value.code == 1
    out = capsys.readouterr().out
    assert "DIFFERS  gpt2, parameters" in out
    assert "ours 124,458,252, the real model 124,439,808" in out
    assert "2 models, 10 checks: 6 equal, 4 differ, 0 failed" in out


def test_the_command_says_yes_with_0(in_this_process: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["validate", "t5-small"])
    assert done.value.code == 0
    assert "1 model, 5 checks: 5 equal, 0 differ, 0 failed" in capsys.readouterr().out


def test_json_carries_every_check(in_this_process: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["validate", "flan-t5-base", "--json"])
    assert done.value.code == 0
    data = json.loads(capsys.readouterr().out)
    assert data["summary"]["differ"] == data["summary"]["failed"] == 0
    parameters = data["checks"][0]
    assert parameters["difference"] == 0
    assert parameters["measured"] - parameters["departure"] == parameters["reference"] == parameters["ours"]
    assert "transformers 5 ties" in parameters["note"]


def test_a_config_json_is_checked_like_an_entry(tmp_path: Path) -> None:
    reference = load("t5-small").reference
    assert reference is not None
    path = tmp_path / "config.json"
    path.write_text(json.dumps(reference.config))
    assert not failures(check_model(load(path)))


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (["claude-opus-4.5"], "undisclosed"),
        (["llama-3-9b"], "llama-3-8b"),
        (["gpt2", "--jobs", "0"], "jobs"),
    ],
)
def test_bad_input_ends_with_2(models: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["validate", *models])
    assert done.value.code == 2
    assert message in capsys.readouterr().err


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "missing", lambda: ["torch", "fvcore"])
    with pytest.raises(BadInput, match=r"needs torch, fvcore: pip install 'whicharch\[validate\]'"):
        run_validate(["gpt2"])


def test_a_class_that_does_not_exist_fails_the_check_and_not_the_run() -> None:
    spec = load("gpt2")
    assert spec.reference is not None
    unknown = spec.model_copy(update={"reference": spec.reference.model_copy(update={"class_name": "Gpt9Model"})})
    (check,) = check_model(unknown)
    assert check.status == "failed"
    assert "no model class 'Gpt9Model'" in check.note


def _measure_or_die(spec: ModelSpec) -> list[Observation]:
    if spec.id == "gpt2-xl":
        os._exit(9)
    if spec.id == "gpt2":
        raise RuntimeError("broken")
    return [Observation("parameters", "nobody", Setting(), 1)]


def test_a_process_that_dies_takes_nothing_else_with_it() -> None:
    specs = [load(name) for name in ("t5-small", "gpt2-xl", "gpt2", "vit-b16", "t5-base")]
    outcomes = dict(_spread(_measure_or_die, specs, 2))
    assert sorted(outcomes) == [0, 1, 2, 3, 4]
    assert isinstance(outcomes[1], BrokenProcessPool)
    assert isinstance(outcomes[2], RuntimeError)
    assert all(isinstance(outcomes[index], list) for index in (0, 3, 4))


def test_quick_takes_the_smallest_of_each_class() -> None:
    specs = [spec for spec in all_models() if spec.reference]
    chosen = smallest_of_each(specs, lambda spec: spec.reference.class_name if spec.reference else spec.id)
    classes = [spec.reference.class_name for spec in chosen if spec.reference]
    assert len(classes) == len(set(classes)) == len({spec.reference.class_name for spec in specs if spec.reference})
    assert {"smollm2-135m", "gpt2", "deepseek-v2-lite"} <= {spec.id for spec in chosen}


def test_progress_counts_to_the_end(in_this_process: None) -> None:
    seen: list[tuple[int, int, str]] = []
    run_validate(["t5-small", "gpt2"], progress=lambda *step: seen.append(step))
    assert [(done, total) for done, total, _ in seen] == [(1, 2), (2, 2)]
    assert {name for _, _, name in seen} == {"t5-small", "gpt2"}
