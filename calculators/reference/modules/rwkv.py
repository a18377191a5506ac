"""RWKV-5, 6 and 7 as their papers write them, token by token; transformers has a class for RWKV-4 only.

Written from arXiv:2404.05892 (Eagle and Finch) and arXiv:2503.14456 (Goose), with the state in 32 bits. Counts depend
on shapes alone; values were not compared with the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import CausalLMOutputWithPast

State = dict[str, Tensor]
"""What one layer remembers: the last tokens that both mixes saw, and the matrices."""


def _vector(size: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(size))


def _narrow(inputs: int, rank: int, outputs: int) -> nn.ParameterList:
    """Two matrices in a row."""
    return nn.ParameterList([torch.empty(inputs, rank), torch.empty(rank, outputs)])


def _square(size: int, outputs: int) -> nn.Linear:
    return nn.Linear(size, outputs, bias=False)


def _before(x: Tensor, last: Tensor | None) -> Tensor:
    """Each token's predecessor; before the first stands the last of the pass before, or nothing."""
    first = torch.zeros_like(x[:, :1]) if last is None else last[:, None]
    return torch.cat((first, x[:, :-1]), 1)


class ChannelMix(nn.Module):
    """A squared ReLU between two matrices; Eagle and Finch gate the result."""

    def __init__(self, hidden: int, width: int, gated: bool) -> None:
        super().__init__()
        self.mix_key, self.key, self.value = _vector(hidden), _square(hidden, width), _square(width, hidden)
        self.mix_receptance = _vector(hidden) if gated else None
        self.receptance = _square(hidden, hidden) if gated else None

    def forward(self, x: Tensor, state: State) -> Tensor:
        """Transform each token, and remember the last."""
        change = _before(x, state.get("channel")) - x
        state["channel"] = x[:, -1]
        result = self.value(functional.relu(self.key(x + change * self.mix_key)) ** 2)
        if self.receptance is None:
            return result
        return torch.sigmoid(self.receptance(x + change * self.mix_receptance)) * result


class TimeMix(nn.Module):
    """What the generations share: projections, a norm per head, a gate."""

    def __init__(self, hidden: int, inner: int, head: int) -> None:
        super().__init__()
        self.inner, self.head = inner, head
        self.receptance, self.key, self.value = (_square(hidden, inner) for _ in range(3))
        self.output = _square(inner, hidden)
        self.norm = nn.GroupNorm(inner // head, inner, eps=64e-5)

    def heads(self, x: Tensor) -> Tensor:
        """Apart by head, in 32 bits."""
        return x.float().unflatten(-1, (-1, self.head))

    def close(self, outputs: list[Tensor], gate: Tensor) -> Tensor:
        """Norm each head, gate, project."""
        x = torch.stack(outputs, 1).flatten(2).to(gate.dtype)
        return self.output(self.norm(x.flatten(0, 1)).view_as(x) * gate)


def _empty(like: Tensor) -> Tensor:
    """A state of nothing: one square matrix per head of (batch, tokens, heads, width)."""
    return like.new_zeros(like.shape[0], like.shape[2], like.shape[3], like.shape[3])


def _remember(decays: Tensor, bonus: Tensor, r: Tensor, k: Tensor, v: Tensor, state: State) -> list[Tensor]:
    """Read decayed outer products of keys and values; the newest counts ``bonus`` instead of 1 (Eagle, Finch)."""
    matrix, outputs = state.get("matrix", _empty(k)), []
    for t in range(k.shape[1]):
        new = k[:, t, :, :, None] @ v[:, t, :, None, :]
        outputs.append((r[:, t, :, None, :] @ (matrix + bonus[..., None] * new)).squeeze(-2))
        matrix = decays[:, t, :, :, None] * matrix + new
    state["matrix"] = matrix
    return outputs


class EagleMix(TimeMix):
    """One learned decay per channel."""

    def __init__(self, hidden: int, inner: int, head: int) -> None:
        super().__init__(hidden, inner, head)
        self.mix = nn.ParameterList([torch.empty(hidden) for _ in range(4)])
        self.decay, self.bonus = _vector(inner), _vector(inner)
        self.gate = _square(hidden, inner)

    def forward(self, x: Tensor, state: State, shared: State) -> Tensor:
        """Mix tokens, and remember the last and the matrices."""
        change = _before(x, state.get("time")) - x
        state["time"] = x[:, -1]
        r, k, v, g = (x + change * mix for mix in self.mix)
        r, k, v = self.heads(self.receptance(r)), self.heads(self.key(k)), self.heads(self.value(v))
        decays = torch.exp(-torch.exp(self.heads(self.decay))).expand_as(k)
        outputs = _remember(decays, self.heads(self.bonus), r, k, v, state)
        return self.close(outputs, functional.silu(self.gate(g)))


class FinchMix(TimeMix):
    """Mixes and decays that depend on the token."""

    def __init__(self, hidden: int, inner: int, head: int, mix_rank: int, decay_rank: int) -> None:
        super().__init__(hidden, inner, head)
        self.mix_any = _vector(hidden)
        self.mix = nn.Parameter(torch.empty(5, hidden))
        self.mix_down = nn.Parameter(torch.empty(hidden, 5 * mix_rank))
        self.mix_up = nn.Parameter(torch.empty(5, mix_rank, hidden))
        self.decay, self.bonus = _vector(inner), _vector(inner)
        self.decay_narrow = _narrow(hidden, decay_rank, inner)
        self.gate = _square(hidden, inner)

    def forward(self, x: Tensor, state: State, shared: State) -> Tensor:
        """Mix tokens, and remember the last and the matrices."""
        change = _before(x, state.get("time")) - x
        state["time"] = x[:, -1]
        narrow = torch.tanh((x + change * self.mix_any) @ self.mix_down).flatten(0, 1)
        own = torch.bmm(narrow.unflatten(-1, (5, -1)).transpose(0, 1), self.mix_up)
        mixes = self.mix[:, None, None] + own.unflatten(1, x.shape[:2])
        w, k, v, r, g = (x + change * mix for mix in mixes)
        down, up = self.decay_narrow
        decays = torch.exp(-torch.exp(self.heads(self.decay + torch.tanh(w @ down) @ up)))
        r, k, v = self.heads(self.receptance(r)), self.heads(self.key(k)), self.heads(self.value(v))
        outputs = _remember(decays, self.heads(self.bonus), r, k, v, state)
        return self.close(outputs, functional.silu(self.gate(g)))


class GooseMix(TimeMix):
    """The delta rule: each token removes what its key found, at a rate per channel, before it adds its value."""

    def __init__(self, hidden: int, inner: int, head: int, ranks: dict[str, int], first: bool) -> None:
        super().__init__(hidden, inner, head)
        self.mix = nn.ParameterList([torch.empty(hidden) for _ in range(6)])
        self.bias = nn.ParameterDict({name: _vector(inner) for name in ("decay", "rate")})
        self.narrow = nn.ModuleDict({name: _narrow(hidden, ranks[name], inner) for name in ("decay", "rate", "gate")})
        self.forget_key, self.rate_key, self.bonus = (_vector(inner) for _ in range(3))
        self.first_value = None if first else _vector(inner)
        self.first_value_narrow = None if first else _narrow(hidden, ranks["value"], inner)

    def low(self, name: str, x: Tensor, inside: Any) -> Tensor:
        """Through one of the pairs of narrow matrices."""
        down, up = self.narrow[name]  # type: ignore[misc]
        return inside(x @ down) @ up

    def forward(self, x: Tensor, state: State, shared: State) -> Tensor:
        """Mix tokens, and remember the last and the matrices."""
        change = _before(x, state.get("time")) - x
        state["time"] = x[:, -1]
        r, w, k, v, a, g = (x + change * mix for mix in self.mix)
        decay = self.bias["decay"] + self.low("decay", w, torch.tanh)
        decay = torch.exp(-torch.exp(-functional.softplus(-self.heads(decay)) - 0.5))
        rate = torch.sigmoid(self.bias["rate"] + self.low("rate", a, nn.Identity()))
        receptance, key, value = self.receptance(r), self.key(k), self.value(v)
        if self.first_value is None or self.first_value_narrow is None:
            shared["value"] = value
        else:
            down, up = self.first_value_narrow
            value = value + (shared["value"] - value) * torch.sigmoid(self.first_value + v @ down @ up)
        forget = functional.normalize(self.heads(key * self.forget_key), dim=-1)
        key = key * (1 + (rate - 1) * self.rate_key)
        outputs = self.correct(decay, forget, forget * self.heads(rate), receptance, key, value, state)
        own = (receptance * key * self.bonus).unflatten(-1, (-1, self.head)).sum(-1, keepdim=True)
        gate = self.low("gate", g, torch.sigmoid)
        x = torch.stack(outputs, 1).flatten(2).to(gate.dtype)
        x = self.norm(x.flatten(0, 1)).view_as(x)
        x = x + (own * value.unflatten(-1, (-1, self.head))).flatten(2)
        return self.output(x * gate)

    def correct(
        self,
        decay: Tensor,
        forget: Tensor,
        removed: Tensor,
        receptance: Tensor,
        key: Tensor,
        value: Tensor,
        state: State,
    ) -> list[Tensor]:
        """Per token four products with the state: what the key finds, its removal, the new outer product, reading."""
        r, k, v = self.heads(receptance), self.heads(key), self.heads(value)
        matrix, outputs = state.get("matrix", _empty(k)), []
        for t in range(k.shape[1]):
            found = matrix @ -forget[:, t, :, :, None]
            matrix = matrix * decay[:, t, :, None, :]
            matrix = matrix + found @ removed[:, t, :, None, :] + v[:, t, :, :, None] @ k[:, t, :, None, :]
            outputs.append((matrix @ r[:, t, :, :, None]).squeeze(-1))
        state["matrix"] = matrix
        return outputs


class _Block(nn.Module):
    def __init__(self, hidden: int, time: TimeMix, channel: ChannelMix) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(hidden), nn.LayerNorm(hidden)])
        self.time, self.channel = time, channel

    def forward(self, x: Tensor, state: State, shared: State) -> Tensor:
        x = x + self.time(self.norms[0](x), state, shared)
        return x + self.channel(self.norms[1](x), state)


class _RwkvForCausalLM(nn.Module):
    """Embedding and its norm, blocks, a last norm and logits."""

    gated = True
    ratio = 3.5

    def __init__(self, **config: Any) -> None:
        super().__init__()
        hidden = config["hidden_size"]
        self.inner = config.get("attention_hidden_size") or hidden
        self.head = config.get("head_size") or config.get("head_dim") or 64
        width = config.get("intermediate_size") or int(hidden * self.ratio) // 32 * 32
        self.embeddings = nn.Embedding(config["vocab_size"], hidden)
        self.norm_in, self.norm_out = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.blocks = nn.ModuleList(
            _Block(hidden, time, ChannelMix(hidden, width, self.gated)) for time in self.times(config)
        )
        self.logits = _square(hidden, config["vocab_size"])
        if config.get("tie_word_embeddings"):
            self.logits.weight = self.embeddings.weight

    def times(self, config: dict[str, Any]) -> Iterator[TimeMix]:
        """The time mixes of all layers."""
        raise NotImplementedError

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
        x = self.norm_in(self.embeddings(input_ids))
        shared: State = {}
        for block, state in zip(self.blocks, states, strict=True):
            x = block(x, state, shared)
        logits = self.logits(self.norm_out(x))
        kept = states if use_cache else None
        return CausalLMOutputWithPast(logits=logits, past_key_values=kept) if return_dict else (logits,)  # type: ignore[arg-type]


class Rwkv5ForCausalLM(_RwkvForCausalLM):
    """Eagle."""

    def times(self, config: dict[str, Any]) -> Iterator[TimeMix]:
        """The same in each layer."""
        return (EagleMix(config["hidden_size"], self.inner, self.head) for _ in range(config["num_hidden_layers"]))


class Rwkv6ForCausalLM(_RwkvForCausalLM):
    """Finch; its narrow matrices are twice as wide at width 4,096 (ggml-org/llama.cpp, convert_hf_to_gguf.py)."""

    def times(self, config: dict[str, Any]) -> Iterator[TimeMix]:
        """The same in each layer."""
        hidden = config["hidden_size"]
        ranks = (64, 128) if hidden == 4096 else (32, 64)
        return (FinchMix(hidden, self.inner, self.head, *ranks) for _ in range(config["num_hidden_layers"]))


class RWKV7ForCausalLM(_RwkvForCausalLM):
    """Goose."""

    gated = False
    ratio = 4.0

    def times(self, config: dict[str, Any]) -> Iterator[TimeMix]:
        """The first layer keeps its value for the others."""
        fields = {"decay": "decay", "rate": "a", "value": "v", "gate": "gate"}
        ranks = {name: config[f"{field}_low_rank_dim"] for name, field in fields.items()}
        layers = range(config["num_hidden_layers"])
        return (GooseMix(config["hidden_size"], self.inner, self.head, ranks, first=i == 0) for i in layers)
