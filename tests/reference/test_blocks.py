"""Chunked scans over several blocks, whole and broken ones, against their real classes."""

from __future__ import annotations

import pytest
from hypothesis import find
from linear_configs import LINEAR
from test_perturbed import follow

from calculators.reference.subject import Subject
from catalog import from_hf_config


@pytest.mark.parametrize("kind", [kind for kind in LINEAR if "rwkv" not in kind])
def test_a_scan_over_several_blocks_is_exact(kind: str) -> None:
    spec = from_hf_config(find(LINEAR[kind], lambda _: True))
    subject = Subject.of(spec)
    for new, more in ((63, 2), (64, 64), (130, 65)):
        follow(spec, subject, new, more)
