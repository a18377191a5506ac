"""What each import loads: the command line does not pay for Textual, and nobody for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "fvcore", "diffusers", "textual", "networkx", "rich", "scipy", "plotext")


def loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split("\n")[-2].split())


@pytest.mark.parametrize(
    ("code", "light"),
    [
        ("import catalog, calculators, advisor", ("numpy", "pydantic", "yaml", "click")),
        ("import advisor.cli", ("numpy", "pydantic", "yaml")),
        ("import catalog.writing, tui.settings", ("numpy", "pydantic", "yaml", "click", "tempfile")),
        ("import catalog; catalog.load('llama-3-8b')", ("numpy", "click")),
        ("from advisor import estimate; estimate(model='llama-3-8b', machine='l4')", ("click",)),
        ("from advisor import recommend; recommend(machines=('l4',))", ("click",)),
        ("from advisor import scale; scale(['llama-3-8b'])", ("click",)),
    ],
)
def test_an_import_loads_no_more_than_it_needs(code: str, light: tuple[str, ...]):
    assert loaded(code).isdisjoint({*HEAVY, *light})


def test_public_names_are_functions_in_whatever_order_modules_load():
    code = "from advisor import recommend, estimate, scale\nimport advisor.estimate\nassert callable(advisor.estimate)"
    assert "advisor" in loaded(code + "\nassert callable(estimate) and callable(recommend) and callable(scale)")


def test_help_of_every_command_stays_light():
    from advisor.cli import COMMANDS

    code = f"""
from advisor.cli import main
for name in {[*COMMANDS]}:
    try:
        main([name, '--help'])
    except SystemExit:
        pass
    heavy = {{"torch", "transformers", "textual", "diffusers", "fvcore"}} & set(sys.modules)
    assert not heavy, (name, heavy)
"""
    assert "click" in loaded(code)


def test_pydantic_gets_its_own_loader_for_anything_but_the_absent_plugins():
    code = "from advisor.cli import _without_plugins\n_without_plugins()\nfrom pydantic.plugin import _loader"
    early = f"{code}\nassert _loader.get_plugins() == ()\nassert 'importlib.metadata' not in sys.modules"
    assert "pydantic" in loaded(early)
    asked = "assert _loader.PYDANTIC_ENTRY_POINT_GROUP == 'pydantic'"
    late = f"{code}\n{asked}\nassert sys.modules[_loader.__name__].__file__"
    assert "pydantic" in loaded(late)
