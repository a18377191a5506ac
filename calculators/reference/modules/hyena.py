"""Hyena as a language model: written from the paper, with the layout of its authors' experiments on The Pile.

The operator is that of arXiv:2302.10866, definition 3.1, with the filters of section 3.3: a network with sine
activations over positional features, under an exponential window. Layout: HazyResearch/safari,
configs/experiment/pile/hyena.yaml and src/models/sequence/hyena.py. That code generates by running the whole sequence
again; here a step multiplies the inputs kept so far by the filter, as arXiv:2310.18780, section 2.1, describes.
"""

from __future__ import annotations

from math import pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import CausalLMOutputWithPast

State = dict[str, Tensor]
"""What one layer remembers: the last columns of the short convolution, and all inputs of each long one."""


class Filter(nn.Module):
    """From positions to the taps of long filters."""

    def __init__(self, channels: int, features: int, width: int, layers: int, positions: int, learned: bool) -> None:
        super().__init__()
        table = torch.empty(positions, features)
        if learned:
            self.features = nn.Parameter(table)
        else:
            self.register_buffer("features", self._waves(positions, features))
        self.first = nn.Linear(features, width)
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.last = nn.Linear(width, channels, bias=False)
        self.frequency = nn.Parameter(torch.empty(width))
        self.register_buffer("decay", torch.empty(channels))

    @staticmethod
    def _waves(positions: int, features: int) -> Tensor:
        """Time, then cosines and sines of rising frequency."""
        time = torch.linspace(0, 1, positions)[:, None]
        angles = 2 * pi * time * torch.arange(features // 2)
        return torch.cat((time, angles.cos(), angles.sin()), 1)

    def forward(self, length: int) -> Tensor:
        """``(channels, length)``."""
        h = torch.sin(self.frequency * self.first(self.features[:length]))
        for layer in self.inner:
            h = torch.sin(self.frequency * layer(h))
        time = torch.arange(length, device=h.device, dtype=h.dtype)[:, None] / len(self.features)
        return (self.last(h) * torch.exp(-time * self.decay.abs())).t()


class HyenaOperator(nn.Module):
    """Projections, a short convolution, and long convolutions between gates."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.hidden, self.order, self.columns = config["d_model"], config["order"], config["short_filter_order"]
        wide, deep = (self.order + 1) * self.hidden, (self.order - 1) * self.hidden
        self.project = nn.Linear(self.hidden, wide)
        self.short = nn.Conv1d(wide, wide, self.columns, groups=wide)
        self.filter = Filter(
            deep,
            config["emb_dim"],
            config["filter_order"],
            config["num_inner_mlps"],
            config["l_max"],
            config["learned_positions"],
        )
        self.skip = nn.Parameter(torch.empty(deep))
        self.out = nn.Linear(self.hidden, self.hidden)

    def forward(self, x: Tensor, state: State) -> Tensor:
        """Mix the tokens; ``state`` is read and replaced."""
        u = self.project(x).transpose(1, 2)
        before = state.get("short")
        u = torch.cat((u.new_zeros(*u.shape[:2], self.columns - 1) if before is None else before, u), -1)
        state["short"] = u[..., u.shape[-1] - self.columns + 1 :].clone()
        *gates, v = self.short(u).split(self.hidden, 1)
        seen = state["long.0"].shape[-1] if "long.0" in state else 0
        taps = self.filter(seen + v.shape[-1]).split(self.hidden)
        skips = self.skip.split(self.hidden)
        for i, gate in enumerate(reversed(gates[1:])):
            v = v * gate
            history = torch.cat((state[f"long.{i}"], v), -1) if seen else v
            state[f"long.{i}"] = history
            v = self._convolve(history, taps[i], v.shape[-1]) + v * skips[i][:, None]
        return self.out((v * gates[0]).transpose(1, 2))

    @staticmethod
    def _convolve(history: Tensor, taps: Tensor, new: int) -> Tensor:
        """The last ``new`` outputs: one as a product with all inputs, several in the frequency domain."""
        length = history.shape[-1]
        if new == 1 and length > 1:
            return torch.einsum("bdn,dn->bd", history, taps.flip(-1))[..., None]
        spectrum = torch.fft.rfft(history.float(), n=2 * length) * torch.fft.rfft(taps.float(), n=2 * length)
        return torch.fft.irfft(spectrum, n=2 * length)[..., length - new : length].to(history.dtype)


class _Block(nn.Module):
    """The operator and a feed-forward, each behind a norm."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        hidden, width = config["d_model"], config["d_inner"]
        self.mixer = HyenaOperator(**config)
        self.norm_mixer, self.norm_channel = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.up, self.down = nn.Linear(hidden, width), nn.Linear(width, hidden)

    def forward(self, x: Tensor, state: State) -> Tensor:
        """Add both results."""
        x = x + self.mixer(self.norm_mixer(x), state)
        return x + self.down(functional.gelu(self.up(self.norm_channel(x))))


class HyenaForCausalLM(nn.Module):
    """Hyena with the embedding as its head; the vocabulary is padded."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        multiple = config["pad_vocab_size_multiple"]
        rows = -(-config["vocab_size"] // multiple) * multiple
        self.embedding = nn.Embedding(rows, config["d_model"])
        self.blocks = nn.ModuleList(_Block(**config) for _ in range(config["n_layer"]))
        self.norm = nn.LayerNorm(config["d_model"])

    def forward(
        self,
        input_ids: Tensor,
        past_key_values: list[State] | None = None,
        use_cache: bool = True,
        return_dict: bool = True,
    ) -> Any:
        """Logits, and what each layer remembers."""
        states: list[State] = (
            [dict(state) for state in past_key_values] if past_key_values else [{} for _ in self.blocks]
        )
        x = self.embedding(input_ids)
        for block, state in zip(self.blocks, states, strict=True):
            x = block(x, state)
        logits = functional.linear(self.norm(x), self.embedding.weight)
        if not return_dict:
            return (logits,)
        return CausalLMOutputWithPast(logits=logits, past_key_values=states if use_cache else None)  # type: ignore[arg-type]
