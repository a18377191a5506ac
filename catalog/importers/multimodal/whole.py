"""Types that are more than one tower, one connector and one decoder."""

from __future__ import annotations

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.connectors import Connector, Drop, Join, Map, Merge, Normalise, Pool
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import decoders
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.multimodal import native, projectors, towers
from catalog.importers.multimodal.assembly import looking
from catalog.importers.multimodal.projectors import Place, Project, connector
from catalog.importers.multimodal.sam import narrowing, neck
from catalog.importers.multimodal.text import language
from catalog.importers.multimodal.towers import QKVO
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, LmHead, PatchEmbedding, Pooler, Stack, TokenEmbedding


def _inner(f: Fields) -> Stack:
    return language(f, f.child("text_config"), f.flag("tie_word_embeddings"))


def _with(stack: Stack, *extras: Extra) -> Stack:
    return stack.model_copy(update={"extras": (*stack.extras, *extras)})


def video_llava(f: Fields) -> Architecture:
    """Video-LLaVA (arXiv:2311.10122): one tower for pictures, one for frames, and a connector that both use."""
    decoder = _inner(f)
    image = looking(f, decoder.hidden, projectors.llava)
    video = looking(f, decoder.hidden, lambda p: (), name="video", key="vision_config")
    return Architecture(stacks=(video, image, decoder))


def deepseek_vl_hybrid(f: Fields) -> Architecture:
    """DeepSeek-VL 7B (arXiv:2403.05525, section 3.1): SigLIP at low and Segment Anything's tower at high resolution.

    The high one's whole-attention output passes a second neck of its own and is added.
    """
    decoder = _inner(f)
    half = decoder.hidden // 2
    channels = f.child("high_res_vision_config").size("output_channels", default=256)

    def low(p: Place) -> tuple[Connector, ...]:
        return connector(Map(outputs=half), Join(layers=2), Map(outputs=decoder.hidden))

    tower = looking(f, decoder.hidden, lambda p: _hybrid(channels, half), key="high_res_vision_config", name="high")
    return Architecture(
        stacks=(_with(tower, Learned(name="alpha", elements=1)), looking(f, decoder.hidden, low), decoder)
    )


def _hybrid(channels: int, half: int) -> tuple[Connector, ...]:
    whole = Connector(name="neck_of_inner_layer", steps=neck(channels))
    return (whole, Connector(name="neck", steps=(*neck(channels), *narrowing(channels), Map(outputs=half))))


def janus(f: Fields) -> Architecture:
    """Janus (arXiv:2501.17811): a tower that reads images; the weights that draw them are held, not run, for text."""
    decoder = _inner(f)

    def project(p: Place) -> tuple[Connector, ...]:
        width, depth = p.v.size("projection_dim"), p.v.size("depth")
        return connector(*(Map(outputs=width) for _ in range(depth)))

    vision = looking(f, decoder.hidden, project)
    q, depth = f.child("vq_config"), f.child("vision_config").size("depth")
    rows, d, wide = q.size("num_embeddings"), q.size("embed_dim"), q.size("image_token_embed_dim")
    drawn = q.size("projection_dim")
    elements = {
        "image_codes": vqgan(q),
        "codes_in": rows * d,
        "codes_aligned": d * drawn + drawn + (depth - 1) * (drawn + 1) * drawn,
        "codes_out": wide * drawn + drawn + drawn * rows + rows,
    }
    held = (Learned(name=name, elements=count, table=True) for name, count in elements.items())
    return Architecture(stacks=(vision, _with(decoder, *held)))


def vqgan(q: Fields) -> int:
    """Parameters of a VQGAN (arXiv:2012.09841): convolutions down and up, codes, attention where it is smallest."""
    base, factors = q.size("base_channels"), q.value("channel_multiplier")
    blocks, latent, d = q.size("num_res_blocks"), q.size("latent_channels"), q.size("embed_dim")

    def convolution(inputs: int, outputs: int, kernel: int = 3) -> int:
        return inputs * outputs * kernel**2 + outputs

    def residual(inputs: int, outputs: int) -> int:
        shortcut = convolution(inputs, outputs, 1) if inputs != outputs else 0
        return 2 * (inputs + outputs) + convolution(inputs, outputs) + convolution(outputs, outputs) + shortcut

    def attention(width: int) -> int:
        return 2 * width + 4 * convolution(width, width, 1)

    def middle(width: int) -> int:
        return 2 * residual(width, width) + attention(width)

    widths: list[int] = [base * factor for factor in factors]
    last, deepest = len(widths) - 1, widths[-1]
    double = 2 if q.flag("double_latent") else 1
    down = convolution(q.size("in_channels"), base) + middle(deepest) + 2 * deepest
    down += convolution(deepest, double * latent)
    inputs = base
    for level, width in enumerate(widths):
        for _ in range(blocks):
            down += residual(inputs, width) + (attention(width) if level == last else 0)
            inputs = width
        down += convolution(width, width) if level != last else 0
    up = convolution(latent, deepest) + middle(deepest)
    inputs = deepest
    for level in reversed(range(len(widths))):
        for _ in range(blocks + 1):
            up += residual(inputs, widths[level]) + (attention(widths[level]) if level == last else 0)
            inputs = widths[level]
        up += convolution(inputs, inputs) if level else 0
    up += 2 * inputs + convolution(inputs, q.size("out_channels"))
    return down + up + q.size("num_embeddings") * d + convolution(latent, d, 1) + convolution(d, latent, 1)


def minicpm(f: Fields) -> Architecture:
    """MiniCPM-V 4.6 and MiniCPM-OCR: chains that merge patches once more, the last into the model's width."""
    decoder = _inner(f)
    kernel = f.value("merge_kernel_size", default=[2, 2])
    factor = kernel[0] * kernel[1]

    def project(p: Place) -> tuple[Connector, ...]:
        wide = p.tower.hidden * factor
        outputs = [p.tower.hidden] * (f.size("merger_times") - 1) + [p.width]
        return connector(
            *(
                step
                for out in outputs
                for step in (Merge(factor=factor), Normalise(), Map(outputs=wide), Map(outputs=out))
            )
        )

    return Architecture(stacks=(looking(f, decoder.hidden, project), decoder))


def molmo2(f: Fields) -> Architecture:
    """Molmo 2: two layers of the tower side by side; squares of patches are read by their means; a gated block.

    Scores inside the squares are left out of FLOPs: of this connector parameters are proven.
    """
    decoder, a = _inner(f), f.child("adapter_config")
    layers, d = len(a.value("vision_feature_layer")), a.size("num_attention_heads") * a.size("head_dim")
    narrow = a.size("num_key_value_heads") * a.size("head_dim")
    bias = a.flag("attention_bias", True)
    vision = looking(
        f, decoder.hidden,
        lambda p: connector(
            Join(layers=layers), Pool(factor=4), Map(outputs=d, bias=bias),
            Map(outputs=a.size("hidden_size"), bias=bias),
            Map(outputs=a.size("intermediate_size"), gated=True, bias=False),
            Map(outputs=a.size("text_hidden_size"), bias=False),
        ),
    )  # fmt: skip
    read = (Linear(name=f"pooling.{p}", inputs=layers * vision.hidden, outputs=narrow, bias=bias) for p in ("k", "v"))
    return Architecture(stacks=(_with(vision, *read), decoder))


def _hearing(f: Fields, hidden: int, embedding: AudioEmbedding, bias: tuple[str, ...], *maps: Map) -> Stack:
    """Whisper's layers before a connector."""
    a = f.child("audio_config")
    heads = a.size("encoder_attention_heads")
    layer = Layer(
        mixer=Attention(
            heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=bias, position="absolute",  # type: ignore[arg-type]
        ),
        channel=Dense(width=a.size("encoder_ffn_dim"), gated=False, bias=True, activation="gelu"),
    )  # fmt: skip
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", embedding=embedding,
        groups=fold([layer] * a.size("encoder_layers")), heads=(Connector(steps=maps),),
    )  # fmt: skip


def qwen2_5_omni(f: Fields) -> Architecture:
    """Qwen2.5-Omni's thinker (arXiv:2503.20215): Whisper's encoder halved in time, and Qwen2.5-VL."""
    decoder, a = _inner(f), f.child("audio_config")
    hidden, out = a.size("d_model"), a.size("output_dim")
    embedding = AudioEmbedding(
        features=a.size("num_mel_bins"),
        convolutions=(
            Convolution(outputs=hidden, kernel=3, padding=2),
            Convolution(outputs=hidden, kernel=3, stride=2, padding=2),
        ),
    )
    audio = _hearing(f, hidden, embedding, ("q", "v", "o"), Map(outputs=out))
    audio = _with(audio, Learned(name="begin_and_end", elements=2 * out, table=True))
    return Architecture(stacks=(audio, looking(f, decoder.hidden, projectors.qwen2_5), decoder))


def qwen3_omni(f: Fields) -> Architecture:
    """Qwen3-Omni's thinker (arXiv:2509.17765): an encoder of its own for audio, and Qwen3-VL with experts."""
    decoder, a = _inner(f), f.child("audio_config")
    hidden, channels, out = a.size("d_model"), a.size("downsample_hidden_size"), a.size("output_dim")
    embedding = AudioEmbedding(
        features=a.size("num_mel_bins"), plane=True, projection=True, projection_bias=False,
        convolutions=(Convolution(outputs=channels, kernel=3, stride=2, padding=2),) * 3,
    )  # fmt: skip
    audio = _hearing(f, hidden, embedding, ("q", "k", "v", "o"), Map(outputs=hidden), Map(outputs=out))
    return Architecture(stacks=(audio, looking(f, decoder.hidden, projectors.qwen3), decoder))


def fuyu(f: Fields) -> Architecture:
    """Fuyu (adept.ai/blog/fuyu-8b): patches enter the language model through one linear layer, without a tower.

    That layer is held; its FLOPs are not counted, because no stack of this grammar runs without layers.
    """
    decoder = _inner(f)
    inputs = f.size("num_channels") * f.size("patch_size") ** 2
    f.read.add("image_size")
    return Architecture(
        stacks=(_with(decoder, Learned(name="patches_in", elements=(inputs + 1) * decoder.hidden, table=True)),)
    )


def _bert_decoder(f: Fields, source: str | None, **embedding: int) -> Stack:
    """BERT's layers, causal, with cross-attention to the image where ``source`` is given."""
    hidden, heads = f.size("hidden_size"), f.size("num_attention_heads")
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    d = hidden // heads
    layer = Layer(
        mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, bias=QKVO, position="absolute"),
        cross=CrossAttention(heads=heads, head_dim=d, source=source, bias=QKVO) if source else None,
        channel=Dense(width=f.size("intermediate_size"), gated=False, bias=True, activation="gelu"),
        norms="post",
    )
    return Stack(
        name="decoder", role="decoder", hidden=hidden, norm="layer", final_norm=False,
        embedding=TokenEmbedding(
            vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings"), norm=True, **embedding
        ),
        groups=fold([layer] * f.size("num_hidden_layers")),
    )  # fmt: skip


def git(f: Fields) -> Architecture:
    """GIT (arXiv:2205.14100): CLIP's tokens before the text in one decoder of BERT's layers."""
    head = LmHead(tied=f.flag("tie_word_embeddings"), bias=True)
    decoder = _bert_decoder(f, None).model_copy(update={"heads": (head,)})
    if f.value("num_image_with_embedding") is not None:
        raise BadInput(f"{f.where}: num_image_with_embedding (video) is not modelled")
    project: Project = lambda p: connector(Map(outputs=p.width), Normalise())  # noqa: E731
    return Architecture(stacks=(looking(f, decoder.hidden, project), decoder))


def blip(f: Fields) -> Architecture:
    """BLIP (arXiv:2201.12086): a ViT, and BERT's layers that read it by cross-attention."""
    text = f.child("text_config")
    head = LmHead(tied=True, bias=True, transform="dense")
    decoder = _bert_decoder(text, "vision").model_copy(update={"heads": (head,)})
    vision = looking(f, decoder.hidden, lambda p: ())
    if text.size("encoder_hidden_size") != vision.hidden:
        raise BadInput(f"{text.where}: encoder_hidden_size differs from the tower's width {vision.hidden}")
    return Architecture(stacks=(vision, decoder))


def phi3_v(f: Fields) -> Architecture:
    """Phi-3 Vision (arXiv:2404.14219, section 6): CLIP-L at 336 pixels, four tokens merged, two linear layers, Phi-3.

    Published with code of its own; learned vectors stand between rows and between the tiles and the copy of the whole.
    """
    seen = f.value("img_processor", default={})
    f.read.update(("img_processor", "embd_layer", "original_max_position_embeddings"))
    if seen.get("name") != "clip_vision_model" or seen.get("image_dim_out") != 1024:
        raise BadInput(f"{f.where}: field 'img_processor' names another tower than CLIP-L/14 at 336 pixels")
    decoder = decoders.phi3(f).stacks[0]
    clip = {
        "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096, "num_hidden_layers": 24,
        "image_size": 336, "patch_size": 14, "num_channels": 3,
    }  # fmt: skip
    vision = towers.clip(Fields(clip, f"{f.where}, img_processor"))
    heads = connector(Drop(tokens=1), Merge(factor=4), Map(outputs=decoder.hidden), Map(outputs=decoder.hidden))
    vision = vision.model_copy(update={"heads": heads})
    separators = Learned(name="separators", elements=2 * 4 * vision.hidden)
    return Architecture(stacks=(_with(vision, separators), decoder))


def vision_encoder_decoder(f: Fields) -> Architecture:
    """A ViT that is read by a BERT made to write (TrOCR's scheme, arXiv:2109.10282, with other parts)."""
    from catalog.importers.huggingface import TYPES

    e, d = f.child("encoder"), f.child("decoder")
    if e.kind not in ("vit", "deit") or d.kind != "bert":
        raise BadInput(f"{f.where}: encoder {e.kind!r} with decoder {d.kind!r} is not modelled; known: vit with bert")
    entry = TYPES[e.kind]
    encoder = entry.read(e, entry.class_name.removesuffix("ForImageClassification") + "Model").stacks[0]
    if encoder.hidden != d.size("hidden_size"):
        raise BadInput(f"{f.where}: encoder and decoder of different widths are not modelled")
    decoder = _bert_decoder(d, encoder.name, types=d.size("type_vocab_size", zero=True))
    head = LmHead(tied=True, bias=True, transform="dense")
    pooled = any(isinstance(head, Pooler) for head in encoder.heads)
    encoder = encoder if pooled else encoder.model_copy(update={"heads": (Pooler(),)})
    return Architecture(stacks=(encoder, decoder.model_copy(update={"heads": (head,)})))


def pix2struct(f: Fields) -> Architecture:
    """Pix2Struct (arXiv:2210.03347): patches of any aspect ratio, and T5's decoder that reads them."""
    t = f.child("text_config")
    hidden, heads, d = t.size("hidden_size", "d_model"), t.size("num_heads"), t.size("d_kv")
    layer = Layer(
        mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, position="relative"),
        cross=CrossAttention(heads=heads, head_dim=d, source="vision"),
        channel=Dense(width=t.size("d_ff"), gated=True, activation="gelu"),
    )
    decoder = Stack(
        name="decoder", role="decoder", hidden=hidden, embedding=TokenEmbedding(vocab=t.size("vocab_size")),
        relative_buckets=t.size("relative_attention_num_buckets"), groups=fold([layer] * t.size("num_layers")),
        heads=(LmHead(tied=t.flag("tie_word_embeddings")),),
    )  # fmt: skip
    return Architecture(stacks=(looking(f, hidden, lambda p: ()), decoder))


def lfm3_vl(f: Fields) -> Architecture:
    """LFM 3 VL: a tower of short convolutions over the plane and of attention, then Qwen2-VL's chain."""
    decoder, v = _inner(f), f.child("vision_config")
    hidden, heads, n = v.size("hidden_size"), v.size("num_attention_heads"), v.size("num_hidden_layers")
    kinds = v.names("layer_types", n)
    if kinds is None:
        raise BadInput(f"{v.where}: field 'layer_types' is missing; it tells convolutions from attention")
    channel = Dense(width=v.size("intermediate_size"))
    sees = Attention(
        heads=heads, kv_heads=v.size("num_key_value_heads"), head_dim=hidden // heads, causal=False, qk_norm="head"
    )
    near: tuple[Extra, ...] = (
        Learned(name="convolution.norm", elements=hidden),
        Linear(name="convolution.in", inputs=hidden, outputs=3 * hidden),
        Linear(name="convolution", inputs=v.size("conv_kernel_size") ** 2, outputs=hidden),
        Linear(name="convolution.out", inputs=hidden, outputs=hidden),
    )
    layers = [
        Layer(channel=channel, extras=near) if kind == "conv" else Layer(mixer=sees, channel=channel) for kind in kinds
    ]
    embedding = PatchEmbedding(
        size=native.QWEN3_SIDE, patch=v.size("patch_size"), channels=v.size("in_channels"),
        frames=v.size("temporal_patch_size"), bias=False, positions=False, norm=True,
    )  # fmt: skip
    merge, bias = v.size("spatial_merge_size") ** 2, f.flag("projector_bias", True)
    chain = connector(
        *((Normalise(),) if f.flag("projector_use_layernorm", True) else ()), Merge(factor=merge),
        Map(outputs=f.size("projector_hidden_size"), bias=bias), Map(outputs=decoder.hidden, bias=bias),
    )  # fmt: skip
    tower = towers.tower(hidden, embedding, layers, "rms", final_norm=False)
    return Architecture(stacks=(tower.model_copy(update={"heads": chain}), decoder))


def idefics(f: Fields) -> Architecture:
    """Idefics 1, after Flamingo (arXiv:2204.14198): gated layers that read the image between LLaMA's own."""
    for key in ("use_resampler", "qk_layer_norms"):
        if f.flag(key):
            raise BadInput(f"{f.where}: {key}=true is not modelled for Idefics 1")
    if f.size("additional_vocab_size", default=0, zero=True):
        raise BadInput(f"{f.where}: additional_vocab_size (rows of their own for new tokens) is not modelled")
    f.read.update(
        ("freeze_text_layers", "freeze_vision_layers", "perceiver_config", "alpha_type", "tie_word_embeddings")
    )
    if f.value("alpha_type") != "float":
        raise BadInput(f"{f.where}: alpha_type={f.value('alpha_type')!r} is not modelled; expected 'float'")
    v = f.child("vision_config")
    every = f.size("cross_layer_interval")
    wide, heads = v.size("embed_dim"), v.size("num_attention_heads")
    layers = [towers.block(v, wide, heads, v.size("intermediate_size"))] * v.size("num_hidden_layers")
    vision = towers.tower(wide, towers.patches(v, bias=False, extra_tokens=1, norm=True), layers)
    own = Layer(mixer=decoders.attention(f), channel=decoders.gated(f))
    reader = Layer(
        cross=CrossAttention(heads=own.mixer.heads, head_dim=own.mixer.head_dim, source="vision"),  # type: ignore[union-attr]
        channel=own.channel,
        extras=(Learned(name="gates", elements=2),),
    )
    mixed = [
        layer for i in range(f.size("num_hidden_layers")) for layer in ((reader, own) if i % every == 0 else (own,))
    ]
    return Architecture(stacks=(vision, decoders.stack(f, mixed, tied=f.flag("tie_word_embeddings"), lm=True)))
