"""S4 as a language model: written from the paper, with the layout of its authors' WikiText-103 experiment.

The state space is that of arXiv:2111.00396, section 3: a diagonal of conjugate pairs minus a rank-one term, bilinear
discretisation, Cauchy sums for the kernel (algorithm 1), and Woodbury's identity for a step (appendix C.2). As the
algorithm does, it learns the readout already corrected for the length; steps read out with the same vector, which costs
the same. Layout: state-spaces/s4, configs/experiment/lm/s4-wt103.yaml and src/models/nn/adaptive_softmax.py.
"""

from __future__ import annotations

from itertools import pairwise
from math import pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import CausalLMOutputWithPast


def _complex(pairs: Tensor) -> Tensor:
    return torch.view_as_complex(pairs.float().contiguous())


class S4Layer(nn.Module):
    """A state space per channel, then a gated linear layer."""

    def __init__(self, hidden: int, state: int, tied: bool) -> None:
        super().__init__()
        sets, pairs = 1 if tied else hidden, state // 2
        self.readout = nn.Parameter(torch.empty(hidden, pairs, 2))
        self.decay = nn.Parameter(torch.empty(sets, pairs))
        self.frequency = nn.Parameter(torch.empty(sets, pairs))
        self.low_rank = nn.Parameter(torch.empty(sets, pairs, 2))
        self.inputs = nn.Parameter(torch.empty(sets, pairs, 2))
        self.log_step = nn.Parameter(torch.empty(hidden))
        self.skip = nn.Parameter(torch.empty(hidden))
        self.out = nn.Linear(hidden, 2 * hidden)

    def _system(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Diagonal, low rank, input and readout, and twice the inverse of the step, all per channel and pair."""
        diagonal = torch.complex(-self.decay.float().exp(), self.frequency.float())
        rate = 2 / self.log_step.float().exp()[:, None]
        return diagonal, _complex(self.low_rank), _complex(self.inputs), _complex(self.readout), rate

    def kernel(self, length: int) -> Tensor:
        """The convolution's filter, ``(hidden, length)``."""
        diagonal, low, inputs, readout, rate = self._system()
        angles = torch.arange(length // 2 + 1, device=low.device) * (-2 * pi / length)
        roots = torch.polar(torch.ones_like(angles), angles)
        points = rate[..., None] * ((1 - roots) / (1 + roots))

        def cauchy(left: Tensor, right: Tensor) -> Tensor:
            product, poles = (left.conj() * right)[..., None], diagonal[..., None]
            terms = product / (points - poles) + product.conj() / (points - poles.conj())
            return terms.sum(-2)

        bent = cauchy(readout, low) * cauchy(low, inputs) / (1 + cauchy(low, low))
        spectrum = 2 / (1 + roots) * (cauchy(readout, inputs) - bent)
        return torch.fft.irfft(spectrum, n=length)

    def convolve(self, u: Tensor) -> Tensor:
        """All tokens at once, ``(batch, hidden, length)``."""
        length = u.shape[-1]
        spectrum = torch.fft.rfft(self.kernel(length), n=2 * length)
        return torch.fft.irfft(torch.fft.rfft(u, n=2 * length) * spectrum, n=2 * length)[..., :length]

    def step(self, u: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One token, ``(batch, hidden)``, on the state ``(batch, hidden, pairs)``."""
        diagonal, low, inputs, readout, rate = self._system()

        def dot(left: Tensor, right: Tensor) -> Tensor:
            return 2 * (left.conj() * right).real.sum(-1, keepdim=True)

        pushed = rate * state + diagonal * state - low * dot(low, state) + 2 * inputs * u[..., None]
        inverse = 1 / (rate - diagonal)
        state = inverse * pushed
        state = state - inverse * low * dot(low, state) / (1 + dot(low, inverse * low))
        return dot(readout, state)[..., 0], state

    def forward(self, x: Tensor, state: Tensor | None, keep: bool) -> tuple[Tensor, Tensor | None]:
        """Mix tokens, then channels; with ``keep`` token by token, so that the state is known afterwards."""
        u = x.float().transpose(1, 2)
        if keep:
            now = (
                torch.zeros(*u.shape[:2], self.readout.shape[1], dtype=torch.complex64, device=u.device)
                if state is None
                else torch.view_as_complex(state)
            )
            outputs = []
            for token in u.unbind(-1):
                output, now = self.step(token, now)
                outputs.append(output)
            y, state = torch.stack(outputs, -1), torch.view_as_real(now)
        else:
            y = self.convolve(u)
        y = (y + u * self.skip.float()[:, None]).transpose(1, 2).to(x.dtype)
        return functional.glu(self.out(functional.gelu(y))), state


class _Block(nn.Module):
    """S4 layers in a row, then a feed-forward, each behind a norm."""

    def __init__(self, hidden: int, state: int, tied: bool, depth: int, expand: int) -> None:
        super().__init__()
        self.mixers = nn.ModuleList(S4Layer(hidden, state, tied) for _ in range(depth))
        self.up, self.down = nn.Linear(hidden, expand * hidden), nn.Linear(expand * hidden, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(depth + 1))

    def forward(self, x: Tensor, states: list[Tensor | None], keep: bool) -> Tensor:
        """Add each part's result; ``states`` are replaced."""
        for i, mixer in enumerate(self.mixers):
            mixed, states[i] = mixer(self.norms[i](x), states[i], keep)
            x = x + mixed
        return x + self.down(functional.gelu(self.up(self.norms[-1](x))))


class S4ForCausalLM(nn.Module):
    """S4 with adaptive inputs and softmax."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        hidden, self.depth = config["d_model"], config["s4_per_layer"]
        ends = [0, *config["cutoffs"], config["vocab_size"]]
        widths = [hidden // config["div_val"] ** i for i in range(len(ends) - 1)]
        rows = [high - low for low, high in pairwise(ends)]
        self.ends = ends
        self.tables = nn.ModuleList(nn.Embedding(n, width) for n, width in zip(rows, widths, strict=True))
        self.widen = nn.ModuleList(nn.Linear(width, hidden, bias=False) for width in widths)
        self.blocks = nn.ModuleList(
            _Block(hidden, config["d_state"], config["tie_state"], self.depth, config["expand"])
            for _ in range(config["n_layers"])
        )
        self.norm = nn.LayerNorm(hidden)
        self.narrow, self.tails = nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, len(rows) - 1)
        self.bias = nn.Parameter(torch.empty(config["vocab_size"]))

    def _embed(self, ids: Tensor) -> Tensor:
        """Each token by every table, and of these its own."""
        x: Any = 0
        for i, (table, widen) in enumerate(zip(self.tables, self.widen, strict=True)):
            low, high = self.ends[i], self.ends[i + 1]
            here = ((ids >= low) & (ids < high))[..., None]
            x = x + widen(table((ids - low).clamp(0, high - low - 1))) * here
        return x

    def _logits(self, x: Tensor) -> Tensor:
        """Log-probabilities of all words, tails weighed by their place beside the frequent words."""
        first = functional.linear(self.narrow(x), self.tables[0].weight, self.bias[: self.ends[1]])
        head = torch.cat((first, self.tails(x)), -1).log_softmax(-1)
        parts = [head[..., : self.ends[1]]]
        for i in range(1, len(self.tables)):
            narrow = functional.linear(x, self.widen[i].weight.t())
            scores = functional.linear(narrow, self.tables[i].weight, self.bias[self.ends[i] : self.ends[i + 1]])
            parts.append(scores.log_softmax(-1) + head[..., -i, None])
        return torch.cat(parts, -1)

    def forward(
        self,
        input_ids: Tensor,
        past_key_values: list[list[Tensor | None]] | None = None,
        use_cache: bool = True,
        return_dict: bool = True,
    ) -> Any:
        """Log-probabilities, and with ``use_cache`` each layer's state."""
        kept = past_key_values or [[None] * self.depth for _ in self.blocks]
        states = [list(layer) for layer in kept]
        x = self._embed(input_ids)
        for block, own in zip(self.blocks, states, strict=True):
            x = block(x, own, use_cache)
        logits = self._logits(self.norm(x))
        if not return_dict:
            return (logits,)
        return CausalLMOutputWithPast(logits=logits, past_key_values=states if use_cache else None)  # type: ignore[arg-type]
