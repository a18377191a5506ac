from __future__ import annotations

import subprocess
import sys

import pytest

from advisor.proving import Proven, prove
from catalog.errors import BadInput


async def test_a_proof_tells_of_its_progress_and_ends_with_checks():
    pytest.importorskip("transformers")
    news = [found async for found in prove(["gpt2"])]
    assert [(n.done, n.total, n.model) for n in news] == [(0, 1, ""), (1, 1, "gpt2"), (1, 1, "")]
    assert news[-1].checks
    assert {check["status"] for check in news[-1].checks} <= {"equal", "not applicable"}


async def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("calculators.reference.missing", lambda: ["torch", "fvcore"])
    with pytest.raises(BadInput, match=r"torch, fvcore: pip install 'whicharch\[validate\]'"):
        _ = [found async for found in prove(["gpt2"])]


async def test_what_the_process_refuses_is_said_in_its_words():
    pytest.importorskip("transformers")
    with pytest.raises(BadInput, match="claude-opus-4 is undisclosed"):
        _ = [found async for found in prove(["claude-opus-4"])]


def test_asking_for_a_proof_imports_no_torch_here():
    code = "import sys, advisor.proving as p; p.unprovable(); print('torch' in sys.modules, p.Proven.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", Proven.__name__]
