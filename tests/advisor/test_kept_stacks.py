"""Stacks that several threads ask for at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from advisor.kept import stacks
from calculators.plan import Layout
from calculators.stacked import Stack


def test_threads_that_ask_at_once_find_all_of_their_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHICHARCH_HOME", str(tmp_path))
    joined, names = stacks.joined, ["llama-3.2-1b", "qwen3-0.6b", "llama-3.1-8b"]

    def slowly(old: Stack, new: Stack) -> Stack:
        time.sleep(0.3)  # others may add meanwhile
        return joined(old, new)

    monkeypatch.setattr(stacks, "joined", slowly)
    layout = Layout(tp=2)
    first = stacks.stack_for({"qwen3-8b": ("bf16",)}, layout)
    start = Barrier(len(names))

    def ask(name: str) -> None:
        start.wait(20)
        stacks.stack_for({name: ("bf16",)}, layout)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(ask, names))
    assert first.stack is not None
    assert sorted(first.stack.places) == sorted(["qwen3-8b", *names])
