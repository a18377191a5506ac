"""What each device holds."""

from __future__ import annotations

from advisor.answer import Memory
from advisor.estimating.drafting import Draft, draft_of
from advisor.estimating.resolve import Resolved, passes_of, prompt_tokens
from calculators.activations import peak_activation_bytes
from calculators.measures import NEEDED, RESERVED, Policy
from calculators.memory import weight_bytes
from calculators.table import compile_table
from calculators.workload import Workload


def memory_of(case: Resolved) -> Memory:
    """What one device holds while the batch is served at full length; a shared prefix is held once."""
    s, layout = case.scenario, case.scenario.layout
    table = compile_table(case.architecture, layout)
    prompt = prompt_tokens(case)
    length = s.output_tokens if case.encoder_decoder else prompt + s.output_tokens - s.cached_prefix
    source = case.source_tokens

    def held(batch: int, policy: Policy = NEEDED) -> tuple[float, float]:
        """(growing, constant) bytes of so many requests and of what they share."""
        own = Workload.of([batch], 0, length, source=source, encode=0)
        growing, constant = (float(x[0]) for x in table.held_bytes(own, case.cache_bits, policy))
        if s.cached_prefix:
            shared = Workload.of([1], 0, s.cached_prefix, encode=0)
            more = [float(x[0]) for x in table.held_bytes(shared, case.cache_bits, policy)]
            return growing + more[0], constant + more[1]
        return growing, constant

    weights = weight_bytes(case.spec, case.weights, layout)
    if case.generates:
        growing, constant = held(s.batch)
        reserved = held(s.batch, RESERVED)[0]
    else:
        growing = constant = reserved = 0.0
    activations = float(peak_activation_bytes(case.architecture, _largest_pass(case, prompt), tp=layout)[0])
    overhead = case.engine.memory_gib * 2**30
    draft = draft_of(case)
    drafting = 0.0 if draft is None else draft.weight_bytes(case) + s.batch * _draft_cache(case, draft, length)
    total = weights + growing + constant + activations + overhead + drafting
    usable = case.machine.usable_bytes
    most = None
    if usable is not None and case.generates:
        shared = sum(held(0))
        free = usable - weights - activations - overhead - shared
        each = sum(held(1)) - shared
        if draft is not None:
            free -= draft.weight_bytes(case)
            each += _draft_cache(case, draft, length)
        most = max(0, int(free // each)) * layout.dp if each > 0 else None
    return Memory(
        weights_bytes=weights,
        kv_cache_bytes=growing,
        kv_cache_reserved_bytes=reserved,
        state_bytes=constant,
        activation_bytes=activations,
        overhead_bytes=overhead,
        total_bytes_per_gpu=total,
        usable_bytes=usable,
        fits=None if usable is None else total <= usable,
        max_batch=most,
        draft_bytes=drafting,
    )


def _draft_cache(case: Resolved, draft: Draft, length: int) -> float:
    """Bytes that a draft keeps for one request."""
    return float(sum(part[0] for part in draft.table(case).held_bytes(Workload.of([1], 0, length), case.cache_bits)))


def _largest_pass(case: Resolved, prompt: int) -> Workload:
    """The pass with most activations: a prefill chunk, or the whole batch for models that answer in one pass."""
    s = case.scenario
    ranks = s.layout.dp
    if not case.generates:
        return Workload.of([s.batch * passes_of(case)[1]], prompt, 0)
    if case.encoder_decoder:
        return Workload.of([ranks], 1, 0, source=case.source_tokens)
    return Workload.of(
        [ranks],
        min((prompt - s.cached_prefix) * -(-s.batch // ranks), case.engine.activation_tokens),
        0,
        images=s.images,
    )
