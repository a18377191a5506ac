"""README and --help agree with the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor.cli import COMMANDS, cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.S)
LINES = [line.partition("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
EXAMPLES = [line for line in LINES if line.startswith("whicharch ") and "path/to" not in line]


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_of_the_readme_run(line: str):
    run = CliRunner().invoke(cli, shlex.split(line)[1:])
    assert run.exit_code == 0, run.output


def test_the_first_command_of_the_readme_ends_in_the_example_below_it():
    assert LINES[0].partition(".venv/bin/whicharch ")[2] in {line.removeprefix("whicharch ") for line in EXAMPLES}


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(compile(code, "README.md", "exec"), {})
    assert "37552282624 9210691584" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_and_explains_itself(command: str):
    assert f"whicharch {command}" in README or command == "tui"
    run = CliRunner().invoke(cli, [command, "--help"])
    assert run.exit_code == 0
    assert COMMANDS[command][1].rstrip(".") in CliRunner().invoke(cli, ["--help"]).output.replace(
        "\n             ", " "
    )


def test_options_named_in_the_readme_exist():
    helps = "".join(CliRunner().invoke(cli, [command, "--help"]).output for command in COMMANDS)
    for option in set(re.findall(r"`(--[a-z]+)", README)):
        assert option in helps, option


def test_the_picture_of_the_readme_is_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / path).is_file(), path
