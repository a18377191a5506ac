"""Connectors between tower and language model, one function per shape; sizes come from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

from catalog.connectors import Connector, Convolve, Drop, Join, Learned, Map, Merge, Normalise, Pool, Step
from catalog.errors import BadInput
from catalog.importers.fields import Fields
from catalog.importers.multimodal.sam import narrowing, neck
from catalog.spec import PatchEmbedding, Stack


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connector stands."""

    f: Fields
    """The outer configuration."""
    v: Fields
    """That of the tower."""
    tower: Stack
    width: int
    """Hidden width of the language model."""

    @property
    def patches(self) -> PatchEmbedding:
        """The tower's patches."""
        assert isinstance(self.tower.embedding, PatchEmbedding)
        return self.tower.embedding


Chain = tuple[Step, ...]
Project = Callable[[Place], tuple[Connector, ...]]


def connector(*steps: Step, name: str = "connector", repeat: int = 1) -> tuple[Connector, ...]:
    """One chain as the tower's only head."""
    return (Connector(name=name, steps=steps, repeat=repeat),)


def llava(p: Place) -> tuple[Connector, ...]:
    """LLaVA 1.5 (arXiv:2310.03744): two linear layers; ``default`` leaves the class token out."""
    layers = p.f.value("vision_feature_layer", default=-1)
    bias = p.f.flag("multimodal_projector_bias", True)
    chain: list[Step] = []
    if p.f.value("vision_feature_select_strategy", default="default") == "default":
        chain.append(Drop(tokens=1))
    if isinstance(layers, list):
        chain.append(Join(layers=len(layers)))
    return connector(*chain, Map(outputs=p.width, bias=bias), Map(outputs=p.width, bias=bias))


def vipllava(p: Place) -> tuple[Connector, ...]:
    """ViP-LLaVA (arXiv:2312.00784): five layers of the tower, concatenated and normed."""
    layers = p.f.value("vision_feature_layer", default=[0])
    joined = len(layers) if isinstance(layers, list) else 1
    return connector(
        Drop(tokens=1), Join(layers=joined), Normalise(), Map(outputs=p.width), Map(outputs=p.width)
    )  # fmt: skip


def two_layers(p: Place) -> tuple[Connector, ...]:
    """Two linear layers on every token (DeepSeek-VL, VideoLLaMA)."""
    return connector(Map(outputs=p.width), Map(outputs=p.width))


def one_layer(p: Place) -> tuple[Connector, ...]:
    """One linear layer on every token (PaliGemma, arXiv:2407.07726)."""
    p.f.read.update(("hidden_size", "projection_dim"))
    return connector(Map(outputs=p.v.size("projection_dim", default=p.width)))


def gemma3(p: Place) -> tuple[Connector, ...]:
    """Gemma 3 (arXiv:2503.19786): averages over squares, a norm and a matrix."""
    side = isqrt(p.patches.patches)
    kernel = side // isqrt(p.f.size("mm_tokens_per_image"))
    return connector(Pool(factor=max(1, kernel) ** 2), Normalise(norm="rms"), Map(outputs=p.width, bias=False))


def cohere(p: Place) -> tuple[Connector, ...]:
    """Command A Vision: pixel shuffle and a gated block."""
    merge, inner = p.f.size("downsample_factor") ** 2, p.f.size("alignment_intermediate_size")
    return connector(Merge(factor=merge), Map(outputs=inner // 2, gated=True), Map(outputs=p.width))


def shuffle(p: Place) -> tuple[Connector, ...]:
    """Idefics 3 (arXiv:2408.12637): pixel shuffle and one matrix."""
    return connector(Merge(factor=p.f.size("scale_factor") ** 2), Map(outputs=p.width, bias=False))


def internvl(p: Place) -> tuple[Connector, ...]:
    """InternVL (arXiv:2404.16821): pixel shuffle, a norm and two linear layers; the class token is left out."""
    ratio = p.f.value("downsample_ratio", default=0.5)
    steps: list[Step] = [Drop(tokens=1)]
    if p.f.value("vision_feature_select_strategy", default="default") != "default":
        steps = []
    return connector(
        *steps, Merge(factor=int(1 / ratio) ** 2), Normalise(), Map(outputs=p.width), Map(outputs=p.width)
    )  # fmt: skip


def mistral3(p: Place) -> tuple[Connector, ...]:
    """Mistral Small 3.1: four patches become one before two linear layers."""
    bias = p.f.flag("multimodal_projector_bias")
    merge = p.f.size("spatial_merge_size") ** 2
    layers = p.f.value("vision_feature_layer", default=-1)
    if isinstance(layers, list) and len(layers) > 1:
        raise BadInput(f"{p.f.where}: vision_feature_layer={layers} of several layers is not modelled for Mistral 3")
    return connector(
        Normalise(norm="rms"), Merge(factor=merge), Map(outputs=p.tower.hidden, bias=False),
        Map(outputs=p.width, bias=bias), Map(outputs=p.width, bias=bias),
    )  # fmt: skip


def _merger(p: Place, outputs: int, inner: int | None = None, before: bool = True) -> Chain:
    """A norm before or behind the merging of patches, then two linear layers."""
    merge = p.v.size("spatial_merge_size", default=2) ** 2
    inner = inner or merge * p.tower.hidden
    steps: list[Step] = [Normalise(norm=p.tower.norm), Merge(factor=merge)]
    return (*(steps if before else reversed(steps)), Map(outputs=inner), Map(outputs=outputs))


def qwen2(p: Place) -> tuple[Connector, ...]:
    """Qwen2-VL: four patches become one; the class takes the width of the language model from the tower's field."""
    return connector(*_merger(p, p.v.size("hidden_size")))


def qwen2_5(p: Place) -> tuple[Connector, ...]:
    """Qwen2.5-VL: as Qwen2-VL, with an RMS norm."""
    return connector(*_merger(p, p.v.size("out_hidden_size")))


def qwen3(p: Place) -> tuple[Connector, ...]:
    """Qwen3-VL: besides, a chain for each of some inner layers, added to the language model's first layers."""
    outputs = p.v.size("out_hidden_size")
    deep = p.v.value("deepstack_visual_indexes", default=[])
    chains = connector(*_merger(p, outputs, before=False), name="deepstack", repeat=len(deep)) if deep else ()
    return (*chains, *connector(*_merger(p, outputs)))


def hyperclova(p: Place) -> tuple[Connector, ...]:
    """HyperCLOVA X: Qwen2.5-VL's chain and one more linear layer."""
    return connector(*_merger(p, p.v.size("out_hidden_size")), Map(outputs=p.width))


def wide(key: str) -> Project:
    """A chain like Qwen2-VL's whose inner width stands in field ``key``."""

    def project(p: Place) -> tuple[Connector, ...]:
        return connector(*_merger(p, p.width, p.f.size(key)))

    return project


def merged(p: Place) -> tuple[Connector, ...]:
    """Qwen2-VL's chain into the language model's own width (PaddleOCR-VL)."""
    return connector(*_merger(p, p.width))


def kimi(p: Place) -> tuple[Connector, ...]:
    """Kimi K2.5: a norm of its own width, then Qwen2-VL's chain."""
    kernel = p.v.value("merge_kernel_size", default=[2, 2])
    if p.f.size("projection_hidden_size", default=p.tower.hidden) != p.tower.hidden:
        raise BadInput(f"{p.f.where}: projection_hidden_size differs from the tower's width {p.tower.hidden}")
    merge = kernel[0] * kernel[1]
    return connector(Normalise(), Merge(factor=merge), Map(outputs=merge * p.tower.hidden), Map(outputs=p.width))


def glm(inner: str) -> Project:
    """GLM-4V: a strided convolution merges patches; a matrix, a norm and a gated block follow.

    ``inner`` names the field of the gated block's width; ``thrice`` means three times the output's.
    """

    def project(p: Place) -> tuple[Connector, ...]:
        outputs, merge = p.v.size("out_hidden_size"), p.v.size("spatial_merge_size", default=2)
        width = outputs * p.v.size("in_channels", default=3) if inner == "thrice" else p.v.size(inner)
        return connector(
            Convolve(outputs=outputs, kernel=merge, stride=merge), Map(outputs=outputs, bias=False), Normalise(),
            Map(outputs=width, gated=True, bias=False), Map(outputs=outputs, bias=False),
        )  # fmt: skip

    return project


def ernie(p: Place) -> tuple[Connector, ...]:
    """ERNIE 4.5 VL: chains that merge in space and in time, then one into the language model's width.

    One picture passes both: in time it is merged with itself.
    """
    space, time = p.v.size("spatial_merge_size") ** 2, p.v.size("temporal_merge_size", default=2)
    wide = p.tower.hidden * space
    return connector(
        Merge(factor=space), Map(outputs=wide), Map(outputs=wide), Normalise(), Join(layers=time),
        Map(outputs=wide), Map(outputs=wide), Normalise(), Map(outputs=p.width), Normalise(norm="rms"),
    )  # fmt: skip


def lfm2(p: Place) -> tuple[Connector, ...]:
    """LFM2-VL: pixel unshuffle, a norm where wanted, two linear layers."""
    merge, inner = p.f.size("downsample_factor") ** 2, p.f.size("projector_hidden_size")
    bias = p.f.flag("projector_bias", True)
    norm: Chain = (Normalise(),) if p.f.flag("projector_use_layernorm", True) else ()
    return connector(Merge(factor=merge), *norm, Map(outputs=inner, bias=bias), Map(outputs=p.width, bias=bias))


def ovis(p: Place) -> tuple[Connector, ...]:
    """Ovis 2 (arXiv:2405.20797): a distribution over a visual vocabulary, and a table of visual words."""
    vocabulary, reserved = p.v.size("vocab_size"), p.v.size("num_visual_indicator_tokens")
    stride, width = p.v.size("hidden_stride", default=1), p.f.size("hidden_size")
    return connector(
        Merge(factor=stride**2), Map(outputs=vocabulary - reserved, bias=False), Normalise(),
        Map(outputs=width, bias=False), Learned(name="indicators", elements=reserved * width, table=True),
    )  # fmt: skip


def llama4(p: Place) -> tuple[Connector, ...]:
    """Llama 4: pixel shuffle, two matrices of the tower's adapter, one into the language model's width."""
    merge = int(1 / p.v.value("pixel_shuffle_ratio", default=0.5)) ** 2
    inner, outputs = p.v.size("projector_input_dim"), p.v.size("projector_output_dim")
    return connector(
        Drop(tokens=1),
        Merge(factor=merge),
        fitted(merge * p.tower.hidden, p.v.size("intermediate_size"), inner),
        fitted(inner, outputs, outputs),
        fitted(outputs, p.v.size("vision_output_dim"), p.width),
    )


def fitted(arriving: int, inputs: int, outputs: int) -> Map:
    """A matrix whose input width the configuration names on its own."""
    return Map(outputs=outputs, bias=False, inputs=None if inputs == arriving else inputs)


def muse(p: Place) -> tuple[Connector, ...]:
    """Muse: two matrices on merged patches, one into the language model's width."""
    merge, inner = p.v.size("merge_size") ** 2, p.f.size("projector_hidden_size")
    return connector(
        Merge(factor=merge), Map(outputs=inner, bias=False), Map(outputs=inner, bias=False),
        Map(outputs=p.width, bias=False),
    )  # fmt: skip


def minimax(p: Place) -> tuple[Connector, ...]:
    """MiniMax M3 VL: two linear layers per patch, two more on merged ones."""
    inner, merge = p.f.size("projector_hidden_size"), p.v.size("spatial_merge_size") ** 2
    return connector(
        Map(outputs=inner), Map(outputs=p.width), Merge(factor=merge), Map(outputs=inner), Map(outputs=p.width)
    )  # fmt: skip


def step(p: Place) -> tuple[Connector, ...]:
    """Step 3: two strided convolutions and one matrix."""
    h = p.tower.hidden
    return connector(
        Convolve(outputs=2 * h, stride=2), Convolve(outputs=4 * h, stride=2),
        Map(outputs=p.width, bias=p.f.flag("projector_bias")),
    )  # fmt: skip


def nemotron(p: Place) -> tuple[Connector, ...]:
    """Nemotron Nano VL: pixel shuffle, an RMS norm, two matrices; class and register tokens are left out."""
    ratio = p.f.value("downsample_ratio", default=0.5)
    return connector(
        Drop(tokens=p.patches.extra_tokens), Merge(factor=int(1 / ratio) ** 2), Normalise(norm="rms"),
        Map(outputs=p.f.size("projector_hidden_size"), bias=False), Map(outputs=p.width, bias=False),
    )  # fmt: skip


def mllama(p: Place) -> tuple[Connector, ...]:
    """Llama 3.2 Vision: outputs of some inner layers beside the last's, and one linear layer."""
    layers = 1 + len(p.v.value("intermediate_layers_indices", default=[]))
    padding = p.patches.tiles * p.patches.padding
    drop: Chain = (Drop(tokens=padding),) if padding else ()
    return connector(*drop, Join(layers=layers), Map(outputs=p.width))


def got_ocr(p: Place) -> tuple[Connector, ...]:
    """GOT-OCR 2 (arXiv:2409.01704): the tower's neck, two strided convolutions, one linear layer."""
    channels = p.v.size("output_channels", default=256)
    return connector(*neck(channels), *narrowing(channels), Map(outputs=p.width))


def docling(p: Place) -> tuple[Connector, ...]:
    """Granite Docling: a coarse way and a fine one with four times the tokens, chains from inner layers for each.

    Counts are for the coarse way; the weights of the fine one are held.
    """
    factor, out = p.v.size("scale_factor"), p.v.size("out_hidden_size")
    deep = len(p.v.value("deepstack_visual_indexes", default=[]))

    def chains(name: str, side: int) -> tuple[Connector, ...]:
        way: Chain = (Merge(factor=side**2), Normalise(), Map(outputs=out), Map(outputs=out))
        return connector(*way, name=f"{name}_deepstack", repeat=deep) if deep else ()

    fine: tuple[Connector, ...] = ()
    if p.v.flag("use_fine_route"):
        side = factor // 2
        fine = (
            *chains("fine", side), *connector(Merge(factor=side**2), Map(outputs=out, bias=False), name="fine")
        )  # fmt: skip
    coarse = connector(
        Normalise(), Merge(factor=factor**2), Map(outputs=out, bias=False), Normalise(), Map(outputs=out, bias=False),
        Normalise(),
    )  # fmt: skip
    return (*fine, *chains("coarse", factor), *coarse)
