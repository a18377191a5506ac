"""Scans in plain torch, as frameworks run them where no fused kernel is installed, and as cases to time.

Sources: Mamba (arXiv:2312.00752, algorithm 2: the recurrence), Mamba-2 (arXiv:2405.21060, listing 1: the chunked form).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional

from calculators.reference.kernels import SIZES, Case, random
from calculators.reference.timing import Call


def selective_scan(
    x: torch.Tensor, dt: torch.Tensor, decay: torch.Tensor, b: torch.Tensor, c: torch.Tensor
) -> torch.Tensor:
    """The recurrence of Mamba, token by token.

    Args:
        x: Inputs, shape (batch, channels, tokens).
        dt: Step sizes, like ``x``.
        decay: ``A``, shape (channels, state).
        b: Input maps, shape (batch, tokens, state).
        c: Output maps, like ``b``.

    Returns:
        Outputs, like ``x``.
    """
    forget = torch.exp(decay[None, :, None, :] * dt[..., None])
    taken = dt[..., None] * b[:, None] * x[..., None]
    state = torch.zeros(*x.shape[:2], decay.shape[1], dtype=x.dtype, device=x.device)
    outputs = []
    for index in range(x.shape[2]):
        state = forget[:, :, index] * state + taken[:, :, index]
        outputs.append(torch.matmul(state, c[:, index, :, None])[:, :, 0])
    return torch.stack(outputs, dim=-1)


def chunked_scan(
    x: torch.Tensor, log_decay: torch.Tensor, b: torch.Tensor, c: torch.Tensor, chunk: int
) -> torch.Tensor:
    """The chunked form of Mamba-2: masked products inside chunks, a short recurrence between them.

    Args:
        x: Inputs times step sizes, shape (batch, tokens, heads, head_dim); tokens are a multiple of ``chunk``.
        log_decay: Step sizes times ``A``, shape (batch, tokens, heads).
        b: Input maps, shape (batch, tokens, heads, state).
        c: Output maps, like ``b``.
        chunk: Tokens per chunk.

    Returns:
        Outputs, like ``x``.
    """
    batch, tokens, heads, dim = x.shape
    x, b, c = (t.reshape(batch, tokens // chunk, chunk, heads, t.shape[-1]) for t in (x, b, c))
    log_decay = log_decay.reshape(batch, tokens // chunk, chunk, heads).permute(0, 3, 1, 2)
    total = torch.cumsum(log_decay, dim=-1)
    inside = torch.exp(_segments(log_decay))
    diagonal = torch.einsum("bclhn,bcshn,bhcls,bcshp->bclhp", c, b, inside, x)
    left = torch.exp(total[..., -1:] - total)
    states = torch.einsum("bclhn,bhcl,bclhp->bchpn", b, left, x)
    states = torch.cat([torch.zeros_like(states[:, :1]), states], dim=1)
    between = torch.exp(_segments(functional.pad(total[..., -1], (1, 0))))
    states = torch.einsum("bhzc,bchpn->bzhpn", between, states)[:, :-1]
    off = torch.einsum("bclhn,bchpn,bhcl->bclhp", c, states, torch.exp(total))
    return (diagonal + off).reshape(batch, tokens, heads, dim)


def _segments(x: torch.Tensor) -> torch.Tensor:
    """``[..., i, j]`` is the sum of ``x`` from ``j + 1`` to ``i``, minus infinity above the diagonal."""
    n = x.shape[-1]
    spread = x[..., None].expand(*x.shape, n).masked_fill(~torch.ones(n, n, device=x.device).tril(-1).bool(), 0)
    return torch.cumsum(spread, dim=-2).masked_fill(~torch.ones(n, n, device=x.device).tril().bool(), -torch.inf)


def selective_scans(dtype: str, shapes: Sequence[tuple[int, int, int, int]]) -> Iterator[Case]:
    """Mamba's recurrence over (batch, tokens, channels, state): 7 operations per channel, state and token."""
    size = SIZES[dtype]
    for batch, tokens, channels, state in shapes:

        def make(device: str, z: tuple[int, ...] = (batch, tokens, channels, state)) -> Call:
            n, t, d, s = z
            x, dt = random((n, d, t), dtype, device), random((n, d, t), dtype, device).abs() * 0.1
            decay, b, c = (
                -random((d, s), dtype, device).abs(),
                random((n, t, s), dtype, device),
                random((n, t, s), dtype, device),
            )
            return lambda: selective_scan(x, dt, decay, b, c)

        sizes = {"batch": batch, "tokens": tokens, "channels": channels, "state": state}
        moved = float(size * batch * tokens * (3 * channels + 2 * state))
        yield Case("selective_scan", dtype, sizes, 9.0 * batch * tokens * channels * state, moved, make)


def chunked_scans(dtype: str, shapes: Sequence[tuple[int, int, int, int, int, int]]) -> Iterator[Case]:
    """Mamba-2's chunked form over (batch, tokens, heads, head_dim, state, chunk)."""
    size = SIZES[dtype]
    for batch, tokens, heads, dim, state, chunk in shapes:

        def make(device: str, z: tuple[int, ...] = (batch, tokens, heads, dim, state, chunk)) -> Call:
            n, t, h, p, s, q = z
            x, b, c = (
                random((n, t, h, p), dtype, device),
                random((n, t, h, s), dtype, device),
                random((n, t, h, s), dtype, device),
            )
            log_decay = -random((n, t, h), dtype, device).abs() * 0.1
            return lambda: chunked_scan(x, log_decay, b, c, q)

        names = ("batch", "tokens", "heads", "head_dim", "state", "chunk")
        sizes = dict(zip(names, (batch, tokens, heads, dim, state, chunk), strict=True))
        pairs = (chunk + 1) / 2
        flops = 2.0 * batch * tokens * heads * (pairs * (state + dim) + 2 * dim * state)
        moved = float(size * batch * tokens * heads * (2 * dim + 2 * state + 1))
        yield Case("chunked_scan", dtype, sizes, flops, moved, make)


def short_convolutions(dtype: str, shapes: Sequence[tuple[int, int, int, int]]) -> Iterator[Case]:
    """Causal convolutions of one filter per channel over (batch, tokens, channels, width)."""
    size = SIZES[dtype]
    for batch, tokens, channels, width in shapes:

        def make(device: str, z: tuple[int, ...] = (batch, tokens, channels, width)) -> Call:
            n, t, d, k = z
            x, w = random((n, d, t), dtype, device), random((d, 1, k), dtype, device)
            return lambda: functional.conv1d(functional.pad(x, (k - 1, 0)), w, groups=d)

        sizes = {"batch": batch, "tokens": tokens, "channels": channels, "width": width}
        moved = float(size * 2 * batch * tokens * channels)
        yield Case("short_convolution", dtype, sizes, 2.0 * batch * tokens * channels * width, moved, make)
