"""Which kernels and models ``whicharch calibrate`` times, by device and by how long it may take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from calculators.reference import kernels, scans
from calculators.reference.kernels import DTYPES, Case
from calculators.reference.passes import Pass
from calculators.reference.timing import Timer

Scale = Literal["tiny", "processor", "accelerator"]


@dataclass(frozen=True)
class Group:
    """Cases that one block of constants is fitted to."""

    name: str
    cases: Sequence[Case]
    share: float
    """Of the whole time."""
    modes: tuple[str, ...] = ("eager", "graph")


def scale_of(device: str) -> Scale:
    """What sizes a device deserves."""
    return "processor" if device == "cpu" else "accelerator"


def dtypes_of(device: str) -> tuple[str, ...]:
    """Data types in which a device multiplies fast enough to be worth timing: 16 bits at no less than half of 32."""
    timer = Timer(device, 0.02)
    rates = {}
    for dtype in DTYPES:
        try:
            case = next(kernels.products(dtype, (64,), ((512, 512),)))
            rates[dtype] = case.flops / timer.seconds([case.make(device)])
        except (RuntimeError, NotImplementedError, TypeError):
            continue
    return tuple(dtype for dtype, rate in rates.items() if dtype == "fp32" or rate > 0.5 * rates.get("fp32", 0.0))


ROWS = {
    "tiny": (1, 4, 16, 64),
    "processor": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    "accelerator": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192),
}
WEIGHTS = {
    "tiny": ((128, 128), (256, 128), (128, 512)),
    "processor": ((1024, 1024), (4096, 1024), (1024, 4096), (2048, 2048), (512, 768), (4096, 4096)),
    "accelerator": (
        (1024, 1024),
        (4096, 4096),
        (6144, 4096),
        (14336, 4096),
        (4096, 14336),
        (8192, 8192),
        (32000, 4096),
    ),
}
PREFILL = {
    "tiny": ((1, 2, 32, 32), (1, 2, 32, 64), (2, 2, 32, 64), (1, 4, 32, 128)),
    "processor": tuple(
        (b, h, d, s) for s in (64, 128, 256, 512, 1024, 2048) for b, h, d in ((1, 8, 64), (2, 16, 64), (1, 8, 128))
    ),
    "accelerator": tuple(
        (b, h, 128, s) for s in (128, 512, 1024, 2048, 4096, 8192, 16384) for b, h in ((1, 32), (4, 16), (8, 32))
    ),
}
STEPS = {
    "tiny": ((1, 2, 32, 64), (2, 2, 32, 128), (4, 2, 32, 256), (4, 4, 32, 256)),
    "processor": tuple(
        (b, h, d, s) for s in (128, 512, 2048, 4096) for b, h, d in ((1, 8, 64), (4, 8, 64), (8, 16, 64), (4, 8, 128))
    ),
    "accelerator": tuple(
        (b, h, 128, s) for s in (512, 2048, 8192, 32768) for b, h in ((1, 8), (8, 8), (64, 8), (16, 32))
    ),
}
LIGHT = {
    "tiny": ((16, 128), (64, 256)),
    "processor": ((1, 1024), (64, 1024), (512, 1024), (512, 4096), (4096, 4096)),
    "accelerator": ((1, 4096), (64, 4096), (1024, 4096), (4096, 4096), (8192, 14336), (16, 128256)),
}
IMAGES = {
    "tiny": ((1, 8, 8, 14, 3, 1, 1), (1, 8, 16, 14, 1, 1, 1)),
    "processor": (
        (1, 3, 64, 224, 7, 2, 1), (1, 64, 64, 56, 3, 1, 1), (1, 256, 64, 56, 1, 1, 1), (1, 128, 128, 28, 3, 1, 1),
        (1, 512, 512, 7, 3, 1, 1), (1, 96, 96, 56, 7, 1, 96), (1, 320, 320, 32, 3, 1, 1), (4, 256, 256, 14, 3, 1, 1),
    ),
    "accelerator": tuple(
        (b, *shape)
        for b in (1, 16, 128)
        for shape in (
            (3, 64, 224, 7, 2, 1), (64, 64, 56, 3, 1, 1), (256, 64, 56, 1, 1, 1), (128, 128, 28, 3, 1, 1),
            (256, 256, 14, 3, 1, 1), (512, 512, 7, 3, 1, 1), (512, 2048, 7, 1, 1, 1),  # ResNet-50 (arXiv:1512.03385)
            (3, 96, 224, 4, 4, 1), (96, 96, 56, 7, 1, 96), (384, 384, 14, 7, 1, 384),  # ConvNeXt-T (arXiv:2201.03545)
            (320, 320, 64, 3, 1, 1), (640, 640, 32, 3, 1, 1), (1280, 1280, 16, 3, 1, 1), (2560, 1280, 16, 3, 1, 1),
        )  # the U-Net of Stable Diffusion 1.5 (arXiv:2112.10752)
    ),
}  # fmt: skip
SELECTIVE = {
    "tiny": tuple((b, t, 32, 8) for t in (4, 8, 16) for b in (1, 2)),
    "processor": (
        (1, 16, 512, 16),
        (4, 16, 512, 16),
        (1, 64, 512, 16),
        (1, 256, 512, 16),
        (1, 64, 2048, 16),
        (4, 64, 512, 16),
    ),
    "accelerator": tuple((b, t, c, 16) for t in (16, 256, 1024) for b, c in ((1, 2048), (8, 2048), (1, 8192))),
}
CHUNKED = {
    "tiny": tuple((b, t, 2, 16, 8, 8) for t in (8, 16, 32) for b in (1, 2)),
    "processor": tuple((b, t, 8, 64, n, 64) for t in (64, 256, 1024) for b, n in ((1, 64), (2, 128))),
    "accelerator": tuple((b, t, 64, 64, 128, 256) for t in (256, 1024, 4096, 16384) for b in (1, 4)),
}


def groups(device: str, dtypes: Sequence[str], scale: Scale) -> Iterator[Group]:
    """What to time on a device."""
    sixteen = next((dtype for dtype in ("bf16", "fp16") if dtype in dtypes), "fp32")
    sizes = {"tiny": (1, 4), "processor": (4, 64, 256), "accelerator": (64, 256, 1024, 4096)}[scale]
    yield Group("copy", list(kernels.copies(sizes)), 0.05)
    yield Group("launch", list(kernels.launches()), 0.02)
    for dtype in dtypes:
        cases = list(kernels.products(dtype, ROWS[scale], WEIGHTS[scale]))
        yield Group(f"products {dtype}", cases, 0.4 / len(dtypes))
    prefill = list(kernels.attention(sixteen, PREFILL[scale], prefill=True))
    steps = list(kernels.attention(sixteen, STEPS[scale], prefill=False))
    yield Group("attention prefill", prefill, 0.12)
    yield Group("attention decode", steps, 0.08)
    light = [
        *kernels.elementwise(sixteen, LIGHT[scale]),
        *kernels.lookups(sixteen, 32000 if scale != "tiny" else 512, 512, (1, 64, 512)),
    ]
    yield Group("elementwise", light, 0.08)
    yield Group("convolutions", list(kernels.images(sixteen, IMAGES[scale])), 0.08)
    short = [(b, t, c, 4) for b, t, _, _, c in [(*s[:2], 0, 0, s[2]) for s in SELECTIVE[scale]]]
    yield Group("short convolutions", list(scans.short_convolutions(sixteen, short)), 0.03)
    yield Group("chunked scans", list(scans.chunked_scans("fp32", CHUNKED[scale])), 0.06)
    yield Group("selective scans", list(scans.selective_scans("fp32", SELECTIVE[scale])), 0.08, ("eager",))


def _text(
    kind: str, architecture: str, hidden: int, layers: int, heads: int, inner: int, vocabulary: int, **rest: Any
) -> dict[str, Any]:
    return {
        "model_type": kind, "architectures": [architecture], "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": inner, "vocab_size": vocabulary, **rest,
    }  # fmt: skip


def models(dtype: str, scale: Scale) -> list[Pass]:
    """Three real models, none of which any constant is fitted on: an encoder, a decoder and a state-space model."""
    hidden, layers, vocabulary = {"tiny": (64, 2, 256), "processor": (512, 6, 8192), "accelerator": (2048, 16, 32000)}[
        scale
    ]
    heads, tokens = max(2, hidden // 64), {"tiny": 16, "processor": 256, "accelerator": 1024}[scale]
    batch = 1 if scale == "tiny" else 4
    small = min(hidden, 1024)
    bert = _text("bert", "BertModel", small, layers, max(2, small // 64), 4 * small, vocabulary)
    llama = _text(
        "llama",
        "LlamaForCausalLM",
        hidden,
        layers,
        heads,
        hidden * 11 // 4,
        vocabulary,
        num_key_value_heads=max(1, heads // 4),
    )
    mamba = {
        "model_type": "mamba", "architectures": ["MambaForCausalLM"], "hidden_size": small // 2,
        "num_hidden_layers": layers, "vocab_size": vocabulary, "state_size": 16,
    }  # fmt: skip
    return [
        Pass("encoder (BERT)", bert, dtype, batch, tokens // 2),
        Pass("decoder (Llama)", llama, dtype, 1, tokens),
        Pass("decoder (Llama)", llama, dtype, batch, 1, tokens),
        Pass("state-space (Mamba)", mamba, dtype, 1, tokens // 4),
        Pass("state-space (Mamba)", mamba, dtype, batch, 1, tokens // 4),
    ]


def thin_models(dtype: str) -> dict[str, list[Pass]]:
    """Models so thin that a step is nothing but starting kernels, at two depths: what a framework adds."""
    mamba = {"model_type": "mamba", "architectures": ["MambaForCausalLM"], "state_size": 4}
    mamba2 = {
        "model_type": "mamba2", "architectures": ["Mamba2ForCausalLM"], "state_size": 8, "head_dim": 16, "num_heads": 8,
        "n_groups": 1, "chunk_size": 8, "expand": 2,
    }  # fmt: skip
    sizes = {"hidden_size": 64, "vocab_size": 128}
    depths = (2, 8)
    decoder = {n: _text("llama", "LlamaForCausalLM", 64, n, 2, 128, 128) for n in depths}
    recurrence, chunked = ({n: {**kind, **sizes, "num_hidden_layers": n} for n in depths} for kind in (mamba, mamba2))
    return {
        kind: [Pass(f"thin {kind} {n}", config, dtype, 1, 1, 8) for n, config in own.items()]
        for kind, own in (("decoder", decoder), ("recurrence", recurrence), ("chunked", chunked))
    }
