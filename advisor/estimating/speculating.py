"""An estimate with speculative decoding: what a round costs, what it yields, and when it stops paying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from advisor.answer import Band, Speculation
from advisor.estimating.drafting import Draft, acceptance_of
from advisor.estimating.resolve import Resolved
from calculators.over_output import passes_over_output_s
from calculators.serving import Demand, Served, Server, closed_loop, decode_workload, prefill_workload
from calculators.speculative import pays_up_to, round_s, verification

MOST_DRAFTED = 8
"""Drafted tokens among which the best number is looked for: as far as acceptance was measured."""


def speculate(
    case: Resolved, server: Server, demand: Demand, draft: Draft, overhead_s: float
) -> tuple[Served, Speculation]:
    """What clients of a closed loop see, and the rounds behind it.

    A prompt rides along with a verification; the draft reads it as well, to fill its own cache.
    """
    s, drafted = case.scenario, case.scenario.speculative_tokens
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
    each = total / length.p50
    output = s.output_tokens
    together = case.engine.activation_tokens / max(float(np.asarray(prompt.new).sum()), 1)
    loop = closed_loop(
        alone + reads, each, each + np.maximum(joined - total, 0), s.batch, output, overhead_s, together=together,
        steps_ahead=case.engine.steps_ahead,
    )  # fmt: skip
    longer = 1.5 * (total - each) if s.batch > 1 else 0.0  # a prompt waits for half a round and rides with a whole one
    tpot, ttft = loop.tpot_s, loop.ttft_s + longer
    plain = closed_loop(*passes_over_output_s(server, prompt, step, output - 1), s.batch, output, overhead_s)
    rate = s.batch * output / (ttft + max(output - 1, 0) * tpot)
    served = replace(
        loop, ttft_s=ttft, calm_ttft_s=loop.calm_ttft_s + longer, output_tokens_per_s=rate, shared_s=joined
    )
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
