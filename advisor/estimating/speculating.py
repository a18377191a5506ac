"""An estimate with speculative decoding: what a round costs, what it yields, and when it stops paying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from advisor.answer import Band, Speculation
from advisor.estimating.drafting import Draft, acceptance_of, draft_of
from advisor.estimating.resolve import Resolved
from calculators.over_output import passes_over_output_s
from calculators.overlap import delay_share
from calculators.serving import Demand, Served, Server, closed_loop, decode_workload, prefill_workload, serve
from calculators.speculative import pays_up_to, round_s, verification

MOST_DRAFTED = 8
"""Drafted tokens among which the best number is looked for: as far as acceptance was measured."""


def speculate(case: Resolved, server: Server, demand: Demand, overhead_s: float) -> tuple[Served, Speculation]:
    """What clients of a closed loop see, and the rounds behind it.

    A round is to them what a step is without speculation, only that it yields several tokens.

    A prompt rides along with a verification; the draft reads it as well, to fill its own cache.
    """
    s, draft, drafted = case.scenario, draft_of(case), case.scenario.speculative_tokens
    length = acceptance_of(case, draft, drafted)
    drafts = draft.server(case)
    step = decode_workload(demand, s.batch, done=s.output_tokens / 2)
    prompt = prefill_workload(demand)
    rounds = round_s(server, drafts, step, drafted, length.p50)
    alone, verify, shared = passes_over_output_s(server, prompt, verification(step, drafted), s.output_tokens - 1)
    reads = np.asarray(drafts.pass_s(replace(prompt, images=np.zeros_like(prompt.images))))
    logits = rounds.verify_s - server.pass_s(verification(step, drafted))
    total = rounds.draft_s + verify + logits
    joined = shared + logits + rounds.draft_s + reads
    output = s.output_tokens
    read = max(1, int(np.asarray(demand.input_tokens)) - s.cached_prefix)
    loop = closed_loop(
        alone + reads, total, joined, s.batch, output / length.p50, overhead_s,
        delay_share(server.table.layout, np.asarray(float(s.batch)), np.asarray(float(output))),
        together=server.chunk_tokens / read, steps_ahead=case.engine.steps_ahead,
    )  # fmt: skip
    plain = serve(server, demand, s.batch, request_overhead_s=overhead_s, steps_ahead=case.engine.steps_ahead)
    tpot = loop.tpot_s / length.p50
    rate = s.batch * output / (loop.ttft_s + max(output - 1, 0) * tpot)
    served = replace(loop, decode_s=total / length.p50, tpot_s=tpot, output_tokens_per_s=rate)
    pays = pays_up_to(server, drafts, step, drafted, length.p50)
    found = Speculation(
        method=draft.method,
        draft=draft.name,
        tokens=drafted,
        acceptance=length,
        draft_s=float(rounds.draft_s),
        verify_s=float(verify + logits),
        plain_tpot_s=float(plain.tpot_s),
        gain=float(plain.tpot_s / tpot),
        pays_from_batch=None if pays is None else pays[0],
        pays_to_batch=None if pays is None else pays[1],
        best_tokens=_best(case, server, drafts, draft, demand),
    )
    return served, found


def _best(case: Resolved, server: Server, drafts: Server, draft: Draft, demand: Demand) -> int | None:
    """How many drafted tokens give the fastest rounds at this batch; ``None`` where their acceptance is not known."""
    given = case.scenario.acceptance
    if given is not None and given >= 1:
        return None
    step = decode_workload(demand, case.scenario.batch, done=case.scenario.output_tokens / 2)
    gains = {}
    for k in range(1, MOST_DRAFTED + 1):
        length = acceptance_of(case, draft, k).p50
        gains[k] = float(round_s(server, drafts, step, k, length).gain(length))
    return max(gains, key=gains.__getitem__)


def widened(band: Band, acceptance: Band) -> Band:
    """A time per token whose error is also that of the acceptance."""
    if acceptance.badge == "given":
        return replace(band, basis=f"{band.basis}, without speculation")
    if band.p10 is None or band.p90 is None or acceptance.p10 is None or acceptance.p90 is None:
        return band
    basis = (
        f"{band.basis}, without speculation; {acceptance.p10:g} to {acceptance.p90:g} tokens accepted per round "
        f"({acceptance.basis})"
    )
    badge = band.badge if acceptance.badge == "measured" else acceptance.badge
    low, high = (acceptance.p50 / end for end in (acceptance.p90, acceptance.p10))
    return Band(band.p50, band.p10 * low, band.p90 * high, badge, basis)
