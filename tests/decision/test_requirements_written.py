"""Requirements as flags, as a file and as a command line are the same requirements."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.cli import cli
from advisor.cli.recommend import command
from advisor.cli.requirement_options import given as given_by
from advisor.decision.commands import recommend_command
from advisor.decision.fields import WISHES
from advisor.decision.file import read_requirements, schema
from advisor.quantities import usd_per_hour
from advisor.requirements import Requirements
from catalog.errors import BadInput

FILE = """
task: rag
context: 32k
ttft: 800ms
memory: 24GiB
budget: 2000/month
rate: 300/min
quality-floor: 40%
languages: [de, en]
max_params: 14B
privacy: own-servers
"""


def parsed(line: str) -> Requirements:
    """What the command itself reads from its flags."""
    import shlex

    context: click.Context = command.make_context("recommend", shlex.split(line)[2:])
    fields = {wish.field: context.params[wish.field] for wish in WISHES}
    return Requirements(**given_by(context.params["file"], fields))


def test_every_requirement_has_one_flag():
    assert sorted(wish.field for wish in WISHES) == sorted(Requirements.model_fields)
    assert len({wish.flag for wish in WISHES}) == len(WISHES)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Requirements,
        task=st.sampled_from(["chat", "rag"]),
        context_tokens=st.none() | st.integers(1, 2**20),
        users=st.integers(1, 500),
        requests_per_s=st.none() | st.floats(1e-3, 1e5),
        ttft_s=st.none() | st.floats(1e-3, 100),
        tokens_per_s=st.none() | st.floats(0.1, 1e5),
        memory_bytes=st.none() | st.floats(1e6, 1e13),
        machines=st.sampled_from([(), ("l4",), ("l4", "h100-sxm")]),
        budget_usd_per_hour=st.none() | st.floats(0.01, 1e3),
        quality_floor=st.none() | st.floats(0, 1),
        commercial=st.booleans(),
        privacy=st.sampled_from(["any", "own-servers"]),
        traits=st.sampled_from([(), ("labels change", "free questions")]),
        organisations=st.sampled_from([(), ("Alibaba (Qwen)",)]),
        max_params=st.none() | st.floats(1e5, 1e13),
        preset=st.sampled_from(["balanced", "cost-first"]),
        latency_weight=st.none() | st.floats(0, 10),
    )
)
def test_the_reproducible_command_reads_back_as_the_same_requirements(wanted: Requirements):
    assert parsed(recommend_command(wanted)) == wanted


def test_a_file_takes_units_flags_names_and_json_names(tmp_path):
    path = tmp_path / "needs.yaml"
    path.write_text(FILE)
    wanted = Requirements(**read_requirements(path))
    assert wanted == Requirements(
        task="rag", context_tokens=32768, ttft_s=0.8, memory_bytes=24 * 2**30, budget_usd_per_hour=2000 / 730,
        requests_per_s=5, quality_floor=0.4, languages=("de", "en"), max_params=14e9, privacy="own-servers",
    )  # fmt: skip


def test_a_flag_goes_before_the_file(tmp_path):
    path = tmp_path / "needs.yaml"
    path.write_text(FILE)
    both = given_by(str(path), {"ttft_s": 0.3, "machines": (), "commercial": False})
    assert (both["ttft_s"], both["context_tokens"]) == (0.3, 32768)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ttft: soon", "500ms"),
        ("tft: 1s", "did you mean"),
        ("ttft: 1s\nttft_s: 2", "given twice"),
        ("quality-floor: 140%", "60%"),
        ("- chat", "needs.yaml"),
    ],
)
def test_a_wrong_file_is_told_by_name_and_line(tmp_path, text: str, says: str):
    path = tmp_path / "needs.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"needs\.yaml") as error:
        read_requirements(path)
    assert says in str(error.value)


def test_the_schema_knows_flags_and_lets_quantities_have_units():
    found = schema()["properties"]
    assert {wish.flag for wish in WISHES} | set(Requirements.model_fields) <= set(found)
    assert {"type": "string"} in found["ttft"]["anyOf"]
    run = CliRunner().invoke(cli, ["schema", "requirements"])
    assert json.loads(run.stdout)["properties"]["privacy"]["enum"] == ["any", "own-servers", "own-premises"]


def test_a_budget_a_month_is_written_as_it_was_said():
    for said in ("3000/month", "3/hour", "1.37/hour"):
        wanted = Requirements(budget_usd_per_hour=usd_per_hour(said, "budget"))
        assert f"--budget {said}" in recommend_command(wanted)
        assert parsed(recommend_command(wanted)) == wanted
