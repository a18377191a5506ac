"""Vision transformers of one width: patches in, one stack of layers, class scores or features out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.mixers import Attention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Classifier, Group, Head, Layer, PatchEmbedding, Pooler, Stack, TokenEmbedding

QKVO: tuple[Projection, ...] = ("q", "k", "v", "o")


def layer(f: Fields, bias: tuple[Projection, ...] = QKVO, **rest: Any) -> Layer:
    """A pre-norm layer with biases, sizes by the usual names."""
    hidden, heads = f.size("hidden_size"), f.size("num_attention_heads")
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    causal = rest.pop("causal", False)
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=causal, cached=not causal, bias=bias,
        position="absolute", relative_buckets=rest.pop("relative_buckets", 0),
    )  # fmt: skip
    channel = rest.pop("channel", None) or Dense(
        width=f.size("intermediate_size"), gated=False, bias=True, activation="gelu"
    )
    return Layer(mixer=mixer, channel=channel, **rest)


def square(f: Fields, key: str) -> int:
    """A side that the configuration gives as a number or as two equal ones.

    Raises:
        BadInput: If they differ.
    """
    value = f.value(key)
    if isinstance(value, list):
        if len(set(map(str, value))) != 1 or not isinstance(value[0], int):
            raise BadInput(f"{f.where}: {key}={value} is not square")
        return int(value[0])
    return f.size(key)


def labels(f: Fields) -> int:
    """How many classes a head tells apart."""
    return f.size("num_labels") if f.value("num_labels") and "num_labels" in f else kinds.labels(f)


def stack(f: Fields, block: Layer, embedding: PatchEmbedding | TokenEmbedding, **rest: Any) -> Stack:
    """A tower of equal layers."""
    group = Group(repeat=f.size("num_hidden_layers"), layers=(block,))
    return Stack(
        **({"name": "vision", "role": "vision", "norm": "layer"} | rest),
        hidden=f.size("hidden_size"), embedding=embedding, groups=(group,),
    )  # fmt: skip


def patches(f: Fields, **rest: Any) -> PatchEmbedding:
    """Patches of a square image, sizes by the usual names."""
    sizes = {"size": square(f, "image_size"), "patch": square(f, "patch_size"), "channels": f.size("num_channels")}
    return PatchEmbedding(**(sizes | rest))


def vit(f: Fields, heads: tuple[Head, ...], tokens: int = 1, **rest: Any) -> Architecture:
    """ViT: patches, class tokens, learned positions (arXiv:2010.11929)."""
    f.read.update(("pooler_output_size", "pooler_act"))
    bias = QKVO if f.flag("qkv_bias", True) else ("o",)
    tower = stack(f, layer(f, bias), patches(f, extra_tokens=tokens, **rest), heads=heads)
    return Architecture(stacks=(tower,))


def dinov2(f: Fields, heads: tuple[Head, ...]) -> Architecture:
    """DINOv2: a ViT with layer scale and a mask token; the giant's feed-forward is gated (arXiv:2304.07193)."""
    ratio, hidden = f.value("mlp_ratio"), f.size("hidden_size")
    if not isinstance(ratio, int | float) or ratio <= 0:
        raise BadInput(f"{f.where}: field 'mlp_ratio' is {ratio!r}; expected a positive number")
    width = int(hidden * ratio)
    gated = f.flag("use_swiglu_ffn")
    if gated:
        width = (int(width * 2 / 3) + 7) // 8 * 8
    channel = Dense(width=width, gated=gated, bias=True, activation="silu" if gated else "gelu")
    bias = QKVO if f.flag("qkv_bias", True) else ("o",)
    registers = f.size("num_register_tokens", default=0, zero=True)
    embedding = patches(f, extra_tokens=1, mask_token=f.flag("use_mask_token", True))
    if registers:  # registers have no position
        embedding = embedding.model_copy(update={"extra_tokens": 1 + registers, "unplaced": registers})
    block = layer(f, bias, channel=channel, layer_scale=True)
    return Architecture(stacks=(stack(f, block, embedding, heads=heads),))


def beit(f: Fields, heads: tuple[Head, ...]) -> Architecture:
    """BEiT: a ViT without bias on keys, with layer scale, perhaps tables of relative positions (arXiv:2106.08254)."""
    f.read.update(
        "add_fpn auxiliary_channels auxiliary_concat_input auxiliary_loss_weight auxiliary_num_convs pool_scales "
        "semantic_loss_ignore_index use_auxiliary_head use_mean_pooling vocab_size".split()
    )
    embedding = patches(
        f, extra_tokens=1, positions=f.flag("use_absolute_position_embeddings"), mask_token=f.flag("use_mask_token")
    )
    rows = (2 * (embedding.size // embedding.patch) - 1) ** 2 + 3
    scale = f.value("layer_scale_init_value", default=0.0)
    block = layer(
        f, ("q", "v", "o"), layer_scale=scale > 0,
        relative_buckets=rows if f.flag("use_relative_position_bias") else 0,
    )  # fmt: skip
    shared = rows if f.flag("use_shared_relative_position_bias") else 0
    return Architecture(stacks=(stack(f, block, embedding, heads=heads, relative_buckets=shared),))


def data2vec(f: Fields, heads: tuple[Head, ...]) -> Architecture:
    """The same layers; the bare class has no pooler, and with it goes the norm where patches are averaged."""
    architecture = beit(f, heads)
    normed = bool(heads) or not f.flag("use_mean_pooling", True)
    return Architecture(stacks=(architecture.stacks[0].model_copy(update={"final_norm": normed}),))


def imagegpt(f: Fields) -> Architecture:
    """Image GPT: a causal transformer over colours of pixels, norms without bias; scores from the mean."""
    hidden, heads = f.size("n_embd"), f.size("n_head")
    if f.flag("add_cross_attention"):
        raise BadInput(f"{f.where}: add_cross_attention=true is not modelled for Image GPT")
    mixer = Attention(heads=heads, kv_heads=heads, head_dim=hidden // heads, bias=QKVO, position="absolute")
    width = f.value("n_inner") or 4 * hidden
    tower = Stack(
        name="decoder", role="decoder", hidden=hidden, norm="layer-no-bias",
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("n_positions")),
        groups=(
            Group(
                repeat=f.size("n_layer"),
                layers=(Layer(mixer=mixer, channel=Dense(width=width, gated=False, bias=True, activation="gelu")),),
            ),
        ),
        heads=(Classifier(classes=labels(f), bias=False),),
    )  # fmt: skip
    f.read.add("tie_word_embeddings")
    return Architecture(stacks=(tower,))


Read = Callable[[Fields, tuple[Head, ...]], Architecture]


def _type(prefix: str, read: Read, *, pools: bool = False, inputs: int = 1, default: str = "") -> kinds.Type:
    """A bare model, with a pooler where its class has one, and one with class scores."""

    def by_class(f: Fields, class_name: str) -> Architecture:
        end = kinds.ending(f, class_name, prefix, ("Model", "ForImageClassification"))
        if end == "Model":
            if pools and f.size("pooler_output_size", default=f.size("hidden_size")) != f.size("hidden_size"):
                raise BadInput(f"{f.where}: pooler_output_size differs from hidden_size, which is not modelled")
            return read(f, (Pooler(),) if pools else ())
        return read(f, (Classifier(classes=labels(f), input_tokens=inputs),))

    return kinds.Type("vision", prefix + (default or "ForImageClassification"), by_class)


def _deit(f: Fields, class_name: str) -> Architecture:
    """DeiT: a ViT with a second token that learns from a teacher, and a head on each (arXiv:2012.12877)."""
    ends = ("Model", "ForImageClassification", "ForImageClassificationWithTeacher")
    end = kinds.ending(f, class_name, "DeiT", ends)
    head = Classifier(classes=labels(f))
    heads: dict[str, tuple[Head, ...]] = {ends[0]: (Pooler(),), ends[1]: (head,), ends[2]: (head, head)}
    return vit(f, heads[end], tokens=2)


def _imagegpt(f: Fields, class_name: str) -> Architecture:
    kinds.ending(f, class_name, "ImageGPT", ("ForImageClassification",))
    return imagegpt(f)


TYPES: dict[str, kinds.Type] = {
    "beit": _type("Beit", beit),
    "data2vec-vision": _type("Data2VecVision", data2vec),
    "deit": kinds.Type("vision", "DeiTForImageClassification", _deit),
    "dinov2": _type("Dinov2", dinov2, inputs=2, default="Model"),
    "dinov2_with_registers": _type("Dinov2WithRegisters", dinov2, inputs=2),
    "ijepa": _type("IJepa", lambda f, heads: vit(f, heads, tokens=0)),
    "imagegpt": kinds.Type("vision", "ImageGPTForImageClassification", _imagegpt, proof="parameters"),
    "vit": _type("ViT", vit, pools=True),
    "vit_msn": _type("ViTMSN", vit),
}
