"""timm has the same networks from other hands: its counts and ours are equal."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from calculators import count_flops, count_params
from calculators.reference.counting import torch_flops
from calculators.reference.models import parameters
from calculators.reference.subject import Subject
from catalog import load
from catalog.spec import Reference

pytestmark = pytest.mark.skipif(
    find_spec("timm") is None,
    reason="needs the extra timm, apart because its torchvision breaks beside a CPU build of torch",
)

SAME = {
    "convnext-tiny": "convnext_tiny",
    "deit-tiny-distilled": "deit_tiny_distilled_patch16_224",
    "resnet-50": "resnet50",
    "swin-tiny": "swin_tiny_patch4_window7_224",
    "vit-b16": "vit_base_patch16_224",
}


@pytest.mark.parametrize(("entry", "name"), SAME.items())
def test_timm_counts_what_we_count(entry: str, name: str) -> None:
    spec = load(entry)
    assert not isinstance(spec.architecture, str)
    subject = Subject(spec.architecture, Reference(library="timm", class_name=name, config={}))
    assert parameters(subject.model) == count_params(spec).total
    setting = subject.setting()
    flops, _ = torch_flops(lambda: subject.run(setting))
    assert flops == count_flops(spec, setting.new, 0, setting.batch)
