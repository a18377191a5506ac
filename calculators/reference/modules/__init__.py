"""Modules of our own that witness models which no library we can install builds."""

from __future__ import annotations

import torch

from calculators.reference.modules.hyena import HyenaForCausalLM
from calculators.reference.modules.routed import ArcticForCausalLM, GrokForCausalLM
from calculators.reference.modules.rwkv import Rwkv5ForCausalLM, Rwkv6ForCausalLM, RWKV7ForCausalLM
from calculators.reference.modules.s4 import S4ForCausalLM
from calculators.reference.modules.samba import SambaForCausalLM

MODULES: dict[str, type[torch.nn.Module]] = {
    "HyenaForCausalLM": HyenaForCausalLM,
    "ArcticForCausalLM": ArcticForCausalLM,
    "GrokForCausalLM": GrokForCausalLM,
    "RWKV7ForCausalLM": RWKV7ForCausalLM,
    "Rwkv5ForCausalLM": Rwkv5ForCausalLM,
    "Rwkv6ForCausalLM": Rwkv6ForCausalLM,
    "S4ForCausalLM": S4ForCausalLM,
    "SambaForCausalLM": SambaForCausalLM,
}
"""Classes by the names that published configurations give them; each takes a configuration's fields."""
