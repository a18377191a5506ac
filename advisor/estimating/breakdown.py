"""Where the time of a pass goes, operator by operator."""

from __future__ import annotations

import numpy as np

from advisor.answer import Share
from calculators.serving import Server
from calculators.workload import Workload


def shares(server: Server, prefill: Workload, decode: Workload | None) -> tuple[Share, ...]:
    """Each operator's part in the prefill and in a decode step."""
    table = server.table
    first = server.operators_s(prefill.reshape(-1))[0, :, 0]
    second = (
        server.operators_s(server.in_flight(decode).reshape(-1))[0, :, 0]
        if decode is not None
        else np.zeros_like(first)
    )
    setting = server.settings.settings[0]
    values = table.values(prefill.reshape(-1))
    flops = (table.coefficients["needed"] @ values)[:, 0]
    moved = (table.traffic(setting.weights, setting.cache_bits) @ values)[:, 0]
    return tuple(
        Share(op.name, op.kind.value, op.repeat, float(flops[i]), float(moved[i]), float(first[i]), float(second[i]))
        for i, op in enumerate(table.operators)
    )
