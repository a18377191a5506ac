"""Token mixers: how tokens exchange information. One class per mechanism, told apart by ``kind``.

A new mechanism is a class here and in ``Mixer``, a function in ``calculators.lowering``, and a proof in
``tests/reference``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from catalog.mixers.attention import (
    Attention,
    Convolved,
    CrossAttention,
    Disentangled,
    LatentAttention,
    Projection,
    Smoothed,
)
from catalog.mixers.bare import BareAttention, Fourier
from catalog.mixers.compressed import CompressedAttention
from catalog.mixers.convolutional import Hyena, ShortConvolution
from catalog.mixers.delta import GatedDeltaNet, KimiDelta
from catalog.mixers.expert_heads import ExpertAttention
from catalog.mixers.hybrid import ParallelHeads, SharedBlock
from catalog.mixers.image import ReducedAttention, WindowAttention
from catalog.mixers.joint import JointAttention
from catalog.mixers.linear import LightningAttention, LinearMixer
from catalog.mixers.linear_recurrence import S4, RgLru
from catalog.mixers.long import LongAttention
from catalog.mixers.rwkv import Rwkv, Rwkv4, Rwkv5, Rwkv6, Rwkv7
from catalog.mixers.sparse import BlockIndexer, Indexer
from catalog.mixers.state_space import Mamba, Mamba2
from catalog.mixers.traced import Traced
from catalog.mixers.xlstm import MLstm

Mixer = Annotated[
    Attention
    | BareAttention
    | CompressedAttention
    | ExpertAttention
    | Fourier
    | GatedDeltaNet
    | Hyena
    | JointAttention
    | KimiDelta
    | LatentAttention
    | LightningAttention
    | LongAttention
    | Mamba
    | Mamba2
    | MLstm
    | ParallelHeads
    | ReducedAttention
    | RgLru
    | S4
    | Rwkv4
    | Rwkv5
    | Rwkv6
    | Rwkv7
    | ShortConvolution
    | Traced
    | WindowAttention,
    Field(discriminator="kind"),
]

__all__ = [
    "S4",
    "Attention",
    "BareAttention",
    "BlockIndexer",
    "CompressedAttention",
    "Convolved",
    "CrossAttention",
    "Disentangled",
    "ExpertAttention",
    "Fourier",
    "GatedDeltaNet",
    "Hyena",
    "Indexer",
    "JointAttention",
    "KimiDelta",
    "LatentAttention",
    "LightningAttention",
    "LinearMixer",
    "LongAttention",
    "MLstm",
    "Mamba",
    "Mamba2",
    "Mixer",
    "ParallelHeads",
    "Projection",
    "ReducedAttention",
    "RgLru",
    "Rwkv",
    "Rwkv4",
    "Rwkv5",
    "Rwkv6",
    "Rwkv7",
    "SharedBlock",
    "ShortConvolution",
    "Smoothed",
    "Traced",
    "WindowAttention",
]
