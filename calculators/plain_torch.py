"""What eager PyTorch costs besides its kernels, on machines where ``whicharch calibrate`` measured it.

    products of several rows:  + copies · weights / (bandwidth·η_b)
    recurrences:               tokens · state · t_number + length · t_token + t_layer
    scans in chunks:           tokens · state · t_number + t_layer

Libraries on processors repack the weights of every product of more than one row (a step over one sequence is none), and
without a fused kernel a scan is many small ones over tensors of tokens times state.
"""

from __future__ import annotations

import numpy as np

from calculators.memory import role_bits
from calculators.operators import Kind, Operator
from calculators.roofline import Setting
from calculators.table import ROLES, Floats, Table
from calculators.workload import Workload
from catalog.engine import PassHabits
from catalog.machine import Machine, PlainTorch

RECURRENCES = ("mamba",)
"""Origins of scans that plain torch runs token by token."""
CHUNKED = ("mamba2",)
"""Origins of scans that it runs in chunks."""


def on_machine(habits: PassHabits, machine: Machine) -> PassHabits:
    """An engine's habits with what starting a kernel was measured to cost on a machine."""
    own = machine.plain_torch
    if own is None or not habits.eager:
        return habits
    cost = {"kernel_us": own.kernel_us} if machine.kind == "cpu" else {"host_us": own.kernel_us}
    return habits.model_copy(update={"kernel_us": 0.0, "host_us": 0.0, **cost})


def plainly(seconds: Floats, setting: Setting, table: Table, values: Floats, w: Workload) -> None:
    """Change the seconds of one setting's operators, shape (O, N), to those of plain torch, in place."""
    own = setting.machine.plain_torch
    if own is None:
        return
    if own.weight_copies:
        products = table.of_kind(Kind.GEMM, Kind.EXPERTS)
        bits = role_bits(setting.weights)
        held = table.read_elements[products] @ np.array([bits[role] for role in ROLES]) / 8
        read = held[:, None] * (table.touched[products] @ values)
        rows = table.coefficients["reads"][products] @ values / table.row_width[products, None]
        several = rows > np.array([op.repeat for op, p in zip(table.operators, products, strict=True) if p])[:, None]
        streaming = setting.eff.bandwidth_bytes_per_s * setting.eff.products.memory
        seconds[products] += own.weight_copies * several * read / streaming
    for row, operator in enumerate(table.operators):
        if operator.kind is Kind.SCAN:
            spent = _scan_s(operator, own, w)
            if spent is not None:
                seconds[row] = operator.repeat * spent


def _scan_s(operator: Operator, own: PlainTorch, w: Workload) -> Floats | None:
    """Seconds of one scan; ``None`` where plain torch was not measured on its kind."""
    state = float(sum(operator.cache_reads.terms.values()))
    tokens = np.asarray(w.batch * w.new, dtype=np.float64)
    if operator.origin in RECURRENCES and own.recurrence_ns is not None:
        fixed = w.new * own.recurrence_token_us + own.recurrence_us
        return tokens * state * own.recurrence_ns * 1e-9 + fixed * 1e-6
    if operator.origin in CHUNKED and own.chunked_ns is not None:
        return tokens * state * own.chunked_ns * 1e-9 + own.chunked_us * 1e-6
    return None
