"""U-Nets of Stable Diffusion and the autoencoders between pixels and latents."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.convolutions import Branches, Convolution, Convolutions, ConvolvedEmbedding, Norm, Skip, Steer, Step
from catalog.errors import BadInput
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.pyramids import sizes
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Conditioning, Layer, Stack

CAPTION = 77
"""Tokens of a CLIP caption."""


def _inner(out: int, steer: int = 0) -> tuple[Step, ...]:
    """Norm and 3 by 3 twice, steered in between."""
    step: tuple[Step, ...] = (Norm(), Convolution(out=out, kernel=3, bias=True))
    return (*step, *((Steer(width=steer),) if steer else ()), *step)


def _residual(inputs: int, out: int, steer: int = 0) -> Step:
    """The same added to its input, which a 1 by 1 carries to another width."""
    return Branches(branches=(_inner(out, steer), (Convolution(out=out, bias=True),) if inputs != out else ()))


def _block(*steps: Step, residual: bool = True) -> Layer:
    return Layer(channel=Convolutions(steps=steps, residual=residual), norms="none")


def _transformer(hidden: int, heads: int, depth: int, caption: int, where: str) -> list[Layer]:
    """A spatial transformer: a norm and a linear layer, blocks that see themselves and the caption, a linear layer.

    Source: arXiv:2112.10752, appendix E.2.1.
    """
    if hidden % heads:
        raise BadInput(f"{where}: a block of {hidden} channels is not a multiple of its {heads} heads")
    d = hidden // heads
    block = Layer(
        mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, causal=False, bias=("o",), position="none"),
        cross=CrossAttention(heads=heads, head_dim=d, source="caption", source_width=caption, bias=("o",)),
        channel=Dense(width=4 * hidden, bias=True, activation="gelu"),
    )
    linear = Convolution(out=hidden, bias=True)
    return [_block(Norm(), linear, residual=False), *([block] * depth), _block(linear, residual=False)]


def _stack(name: str, hidden: int, embedding: ConvolvedEmbedding, layers: list[Layer], **rest: Any) -> Stack:
    made = {"norm": "layer", "final_norm": False, "role": "denoiser"} | rest
    return Stack(**made, name=name, hidden=hidden, embedding=embedding, groups=fold(layers))


def _per_block(f: Fields, key: str, count: int, default: Any) -> list[Any]:
    value = f.value(key, default=default)
    if isinstance(value, list | tuple):
        if len(value) != count:
            raise BadInput(
                f"{f.where}: field {key!r} has {len(value)} entries; expected one for each of {count} blocks"
            )
        return list(value)
    return [value] * count


PLAIN = {
    "class_embed_type": None, "encoder_hid_dim": None, "time_cond_proj_dim": None, "num_class_embeds": None,
    "time_embedding_act_fn": None, "timestep_post_act": None, "cross_attention_norm": None,
    "mid_block_only_cross_attention": None, "encoder_hid_dim_type": None, "reverse_transformer_layers_per_block": None,
    "dual_cross_attention": False, "only_cross_attention": False, "class_embeddings_concat": False,
    "resnet_skip_time_act": False, "addition_embed_type_num_heads": 64, "conv_in_kernel": 3, "conv_out_kernel": 3,
    "time_embedding_type": "positional", "resnet_time_scale_shift": "default", "downsample_padding": 1,
    "mid_block_type": "UNetMidBlock2DCrossAttn", "attention_type": "default", "time_embedding_dim": None,
}  # fmt: skip
"""What the U-Nets of Stable Diffusion have; anything else is refused by name."""


def expect(f: Fields, expected: dict[str, Any]) -> None:
    """Refuse other values than those modelled.

    Raises:
        BadInput: For the first field that differs.
    """
    for key, value in expected.items():
        found = f.value(key, default=value)
        if found != value:
            raise BadInput(f"{f.where}: {key}={found!r} is not modelled; expected {value!r}")


def unet(f: Fields) -> Architecture:
    """U-Net: residual blocks steered by time, spatial transformers, skips across (arXiv:2112.10752; 2307.01952)."""
    expect(f, PLAIN)
    f.read.update(
        "act_fn center_input_sample flip_sin_to_cos freq_shift norm_eps norm_num_groups mid_block_scale_factor "
        "resnet_out_scale_factor upcast_attention use_linear_projection addition_time_embed_dim dropout".split()
    )
    widths = sizes(f, "block_out_channels")
    count = len(widths)
    downs, ups = f.names("down_block_types", count) or [], f.names("up_block_types", count) or []
    for names, kinds in ((downs, ("CrossAttnDownBlock2D", "DownBlock2D")), (ups, ("CrossAttnUpBlock2D", "UpBlock2D"))):
        for name in names:
            if name not in kinds:
                raise BadInput(f"{f.where}: block {name!r} is not modelled; known: {', '.join(kinds)}")
    added = f.value("addition_embed_type")
    if added not in (None, "text_time"):
        raise BadInput(f"{f.where}: addition_embed_type={added!r} is not modelled; known: text_time")
    heads = _per_block(f, "num_attention_heads", count, f.value("attention_head_dim", default=8))
    f.read.add("attention_head_dim")
    depths = _per_block(f, "transformer_layers_per_block", count, 1)
    repeats = _per_block(f, "layers_per_block", count, 2)
    caption, steer = f.size("cross_attention_dim"), 4 * widths[0]

    def seeing(name: str, index: int) -> list[Layer]:
        if not name.startswith("CrossAttn"):
            return []
        return _transformer(widths[index], heads[index], depths[index], caption, f.where)

    stacks: list[Stack] = []
    skips = [widths[0]]
    before = widths[0]
    for index, (name, hidden) in enumerate(zip(downs, widths, strict=True)):
        if index == 0:
            entry: dict[str, Any] = {"side": f.size("sample_size"), "channels": f.size("in_channels")}
            head: Step = Convolution(out=hidden, kernel=3, bias=True)
        else:
            entry = {"source": f"down{index - 1}"}
            head = Convolution(out=before, kernel=3, stride=2, bias=True)
            skips.append(before)
        embedding = ConvolvedEmbedding(steps=(head, _residual(before, hidden, steer)), **entry)
        layers = seeing(name, index)
        for _ in range(repeats[index] - 1):
            layers += [_block(*_inner(hidden, steer)), *seeing(name, index)]
        skips += [hidden] * repeats[index]
        conditioning = Conditioning(
            frequency=widths[0], width=steer, caption_width=caption, caption_tokens=CAPTION, caption_layers=0,
            pooled=f.size("projection_class_embeddings_input_dim") if added else None,
        )  # fmt: skip
        rest = {"conditioning": conditioning} if index == 0 else {}
        stacks.append(_stack(f"down{index}", hidden, embedding, layers, **rest))
        before = hidden
    f.read.add("projection_class_embeddings_input_dim")
    middle = ConvolvedEmbedding(source=f"down{count - 1}", steps=(_residual(before, before, steer),))
    layers = [*seeing("CrossAttn", count - 1), _block(*_inner(before, steer))]
    stacks.append(_stack("middle", before, middle, layers))
    for index, name in enumerate(ups):
        place = count - 1 - index
        hidden = widths[place]
        first: list[Step] = [Convolution(out=before, kernel=3, bias=True, enlarge=2)] if index else []
        wide = skips.pop()
        embedding = ConvolvedEmbedding(
            source=f"up{index - 1}" if index else "middle",
            steps=(*first, Skip(channels=wide), _residual(before + wide, hidden, steer)),
        )
        layers = seeing(name, place)
        for _ in range(repeats[place]):
            wide = skips.pop()
            block = _block(Skip(channels=wide), _residual(hidden + wide, hidden, steer), residual=False)
            layers += [block, *seeing(name, place)]
        stacks.append(_stack(f"up{index}", hidden, embedding, layers))
        before = hidden
    out = Convolutions(steps=(Norm(), Convolution(out=f.size("out_channels"), kernel=3, bias=True)))
    return Architecture(stacks=(*stacks[:-1], stacks[-1].model_copy(update={"heads": (out,)})))


def autoencoder(f: Fields) -> Architecture:
    """A convolutional autoencoder with one attention in the middle of each half (arXiv:2112.10752, section 3.1)."""
    widths, repeats = sizes(f, "block_out_channels"), f.size("layers_per_block")
    count, latent = len(widths), f.size("latent_channels")
    for key, kind in (("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")):
        if any(name != kind for name in f.names(key, count) or []):
            raise BadInput(f"{f.where}: {key} other than {kind} is not modelled")
    f.read.update(
        "act_fn norm_num_groups scaling_factor shift_factor force_upcast latents_mean latents_std sample_size".split()
    )
    side, last = f.size("sample_size"), widths[-1]
    attends = Layer(
        mixer=Attention(
            heads=1, kv_heads=1, head_dim=last, causal=False, bias=("q", "k", "v", "o"), position="none"
        )
    )  # fmt: skip
    same = _block(*_inner(last))
    middle = [same, *([attends] if f.flag("mid_block_add_attention", True) else []), same]
    stacks: list[Stack] = []
    before = widths[0]
    for index, hidden in enumerate(widths):
        if index == 0:
            entry: dict[str, Any] = {"side": side, "channels": f.size("in_channels")}
            head = Convolution(out=hidden, kernel=3, bias=True)
        else:
            entry = {"source": f"encoder{index - 1}"}
            head = Convolution(out=before, kernel=3, stride=2, padding=1, bias=True)
        embedding = ConvolvedEmbedding(steps=(head, _residual(before, hidden)), **entry)
        layers = [_block(*_inner(hidden))] * (repeats - 1)
        rest: dict[str, Any] = {"role": "vision"}
        if index == count - 1:
            layers += middle
            moments = Convolution(out=2 * latent, kernel=3, bias=True)
            mixed = (Convolution(out=2 * latent, bias=True),) if f.flag("use_quant_conv", True) else ()
            rest["heads"] = (Convolutions(steps=(Norm(), moments, *mixed)),)
        stacks.append(_stack(f"encoder{index}", hidden, embedding, layers, **rest))
        before = hidden
    for index, hidden in enumerate(reversed(widths)):
        if index == 0:
            mixed = (Convolution(out=latent, bias=True),) if f.flag("use_post_quant_conv", True) else ()
            embedding = ConvolvedEmbedding(
                side=side // 2 ** (count - 1), channels=latent,
                steps=(*mixed, Convolution(out=last, kernel=3, bias=True)),
            )  # fmt: skip
            layers = [*middle, *([same] * (repeats + 1))]
        else:
            up = Convolution(out=before, kernel=3, bias=True, enlarge=2)
            embedding = ConvolvedEmbedding(source=f"decoder{index - 1}", steps=(up, _residual(before, hidden)))
            layers = [_block(*_inner(hidden))] * repeats
        rest = {"role": "painter"}
        if index == count - 1:
            pixels = Convolution(out=f.size("out_channels"), kernel=3, bias=True)
            rest["heads"] = (Convolutions(steps=(Norm(), pixels)),)
        stacks.append(_stack(f"decoder{index}", hidden, embedding, layers, **rest))
        before = hidden
    return Architecture(stacks=tuple(stacks))
