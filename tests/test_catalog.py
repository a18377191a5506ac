"""Every entry of the catalog loads, says where it comes from, and agrees with what was published."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from calculators import count_params
from catalog.errors import BadInput
from catalog.importers.huggingface import read_config
from catalog.loader import (
    ROOT,
    all_formats,
    all_machines,
    all_models,
    all_tasks,
    load,
    load_format,
    load_machine,
    machine_classes,
    overlay_problems,
    price_lists,
    refresh,
)  # fmt: skip
from catalog.near import nearest
from catalog.quality import groups
from catalog.spec import ModelSpec
from catalog.writer import to_yaml

MODELS = all_models()
DISCLOSED = [spec for spec in MODELS if spec.is_disclosed]


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.id)
def test_a_file_is_named_after_its_entry_and_loads_back_from_its_own_yaml(spec: ModelSpec):
    assert (ROOT / "models" / f"{spec.id}.yaml").is_file()
    assert ModelSpec.model_validate(yaml.safe_load(to_yaml(spec))) == spec


@pytest.mark.parametrize("spec", [spec for spec in DISCLOSED if not spec.published], ids=lambda spec: spec.id)
def test_the_composition_is_what_the_importer_reads_from_the_published_configuration(spec: ModelSpec):
    assert spec.reference is not None
    config = dict(spec.reference.config)
    chosen = None if spec.reference.library == "diffusers" else spec.reference.class_name
    assert read_config(config, spec.id, chosen).architecture == spec.architecture


@pytest.mark.parametrize("spec", DISCLOSED, ids=lambda spec: spec.id)
def test_active_parameters_are_at_most_all_and_less_only_for_mixtures(spec: ModelSpec):
    params = count_params(spec)
    assert 0 < params.active <= params.total
    has_experts = "'moe'" in str(spec.model_dump())
    assert (params.active < params.total) is has_experts


def test_every_family_of_the_field_has_two_models():
    for family in ("encoder", "decoder", "encoder-decoder", "moe", "ssm", "hybrid", "vision", "dual-encoder",
                   "vision-language", "diffusion", "api"):  # fmt: skip
        assert sum(spec.family == family for spec in MODELS) >= 2, family


def test_names_and_aliases_lead_to_one_model_only():
    names = [name for spec in MODELS for name in {spec.id, *(alias.lower() for alias in spec.aliases)}]
    assert len(names) == len(set(names))
    assert load("meta-llama/Meta-Llama-3-8B-Instruct").id == "llama-3-8b"


def test_references_between_entries_resolve():
    for spec in MODELS:
        load_format(spec.published_weights)
    machines = {machine.id for machine in all_machines()}
    assert set(price_lists()) <= machines
    printed = {score.benchmark for spec in MODELS for score in spec.scores} | set(groups())
    for task in all_tasks():
        assert set(task.benchmarks) <= printed, task.id


def test_tasks_judge_each_family_once():
    for task in all_tasks():
        families = [suits.family for suits in task.families]
        assert len(families) == len(set(families)), task.id
        assert any(suits.grade == "preferred" for suits in task.families), task.id


def test_formats_take_at_least_their_nominal_bits():
    for format in all_formats():
        assert format.bits >= format.nominal_bits * 0.99, format.id


def test_machines_hold_dense_peaks_and_plausible_memory():
    for machine in all_machines():
        if {"bf16", "fp8"} <= set(machine.peak_tflops) and machine.kind.endswith("gpu") and machine.id != "rubin-sxm":
            assert machine.peak_tflops["fp8"] <= 2.3 * machine.peak_tflops["bf16"], machine.id
        assert machine.usable_bytes is None or machine.usable_bytes < (machine.memory_bytes or 0)
    assert load_machine("l40s").peak_tflops["fp8"] == 733  # the sparse 1,466 is marketing


def test_each_class_of_machines_has_constants():
    ids = [entry.id for entry in machine_classes()]
    assert len(ids) == len(set(ids))
    assert {"nvidia-datacenter", "nvidia-consumer", "apple", "cpu"} <= set(ids)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(BadInput, match=r"unknown model 'lama-3-8b'.*llama-3-8b"):
        load("lama-3-8b")
    with pytest.raises(BadInput, match=r"unknown machine 'h100'.*h100-"):
        load_machine("h100")
    assert nearest("mixtral", ["mistral-7b", "mixtral-8x7b", "gpt2"])[0] in ("mixtral-8x7b", "mistral-7b")


def test_a_broken_file_of_the_user_is_reported_and_the_rest_loads(overlay: Path):
    folder = overlay / "models"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(to_yaml(load("gpt2")).replace("id: gpt2", "id: mine").replace("aliases", "# "))
    (folder / "broken.yaml").write_text("id: broken\nname: [")
    refresh()
    assert load("mine").id == "mine"
    assert {spec.id for spec in all_models()} == {spec.id for spec in MODELS} | {"mine"}
    (problem,) = overlay_problems()
    assert "broken.yaml, line" in problem
    with pytest.raises(BadInput, match=r"broken\.yaml, line"):
        load("broken")
