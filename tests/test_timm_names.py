"""timm's names of image networks."""

import pytest

from calculators.params import count_params
from catalog.importers.huggingface import from_hf_config
from catalog.importers.timm_names import config_of
from catalog.loader import load

PUBLISHED = {  # millions of parameters in timm's results
    "vit_tiny_patch16_224": 5.72, "vit_base_patch16_384": 86.86, "vit_giant_patch14_224": 1012.61,
    "deit_base_distilled_patch16_384": 87.63, "resnet26": 16.0, "resnet200": 64.67, "regnety_120": 51.82,
    "regnetx_320": 107.81, "convnext_femto": 5.22, "convnextv2_huge": 660.29, "efficientnet_b1": 7.79,
    "swin_large_patch4_window7_224": 196.53,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_name_makes_the_network_of_that_size(name: str):
    config = config_of(name)
    assert config is not None
    assert count_params(from_hf_config(config, name=name)).total / 1e6 == pytest.approx(PUBLISHED[name], abs=0.02)


def test_a_catalogued_network_has_the_same_size_by_timms_name():
    for name, ours in (("resnet50", "resnet-50"), ("vit_large_patch16_224.augreg_in21k", "vit-l16")):
        config = config_of(name)
        assert config is not None
        made, known = (count_params(spec).total for spec in (from_hf_config(config, name=name), load(ours)))
        assert made == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize("name", ["resnet50d", "vit_base_patch16_siglip_256", "regnety_008_tv", "xcit_nano", ""])
def test_variants_are_left_alone(name: str):
    assert config_of(name) is None
