"""What each device holds."""

from __future__ import annotations

from functools import lru_cache

from advisor.answer import Memory
from advisor.estimating.resolve import Resolved, passes_of, prompt_tokens
from calculators.activations import peak_activation_bytes
from calculators.engine_rates import usable_bytes
from calculators.measures import NEEDED, RESERVED, Policy
from calculators.plan import Layout
from calculators.table import Floats, compile_table
from calculators.workload import Workload
from catalog.spec import Architecture


def memory_of(case: Resolved) -> Memory:
    """What one device holds while the batch is served at full length; a shared prefix is held once."""
    s, layout = case.scenario, case.scenario.layout
    table = compile_table(case.architecture, layout)
    prompt = prompt_tokens(case)
    length = s.output_tokens if case.encoder_decoder else prompt + s.output_tokens - s.cached_prefix
    source = case.source_tokens

    def held(policy: Policy = NEEDED) -> tuple[Floats, Floats]:
        """(growing, constant) bytes of the batch, of one request and of none, each with what all requests share."""
        cached = s.cached_prefix
        own = Workload.of([s.batch, 1, 0, 1], 0, [length] * 3 + [cached], source=[source] * 3 + [0], encode=0)
        growing, constant = table.held_bytes(own, case.cache_bits, policy)
        return (growing[:3] + growing[3], constant[:3] + constant[3]) if cached else (growing[:3], constant[:3])

    weights = table.weight_bytes(case.weights)
    if case.generates:
        needed = held()
        growing, constant = (float(part[0]) for part in needed)
        reserved = float(held(RESERVED)[0][0])
    else:
        growing = constant = reserved = 0.0
    activations = _activation_bytes(case.architecture, layout, *_largest_pass(case, prompt))
    overhead = case.engine.memory_gib * 2**30
    draft, draft_each = _draft_bytes(case, length) if s.speculate else (0.0, 0.0)
    drafting = draft + s.batch * draft_each
    total = weights + growing + constant + activations + overhead + drafting
    usable = usable_bytes(case.engine, case.machine)
    most = None
    if usable is not None and case.generates:
        _, one, shared = (float(part) for part in needed[0] + needed[1])
        free = usable - weights - activations - overhead - shared
        each = one - shared
        free, each = free - draft, each + draft_each
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


def _draft_bytes(case: Resolved, length: int) -> tuple[float, float]:
    """Bytes of a draft's weights, and of what it keeps for one request."""
    from advisor.estimating.drafting import draft_of

    draft = draft_of(case)
    kept = draft.table(case).held_bytes(Workload.of([1], 0, length), case.cache_bits)
    return draft.weight_bytes(case), float(sum(part[0] for part in kept))


@lru_cache(maxsize=4096)
def _activation_bytes(
    architecture: Architecture, layout: Layout, batch: int, new: int, source: int, images: int
) -> float:
    w = Workload.of([batch], new, 0, source=source, images=images)
    return float(peak_activation_bytes(architecture, w, tp=layout)[0])


def _largest_pass(case: Resolved, prompt: int) -> tuple[int, int, int, int]:
    """(sequences, new tokens, source, images) of the pass with most activations.

    A prefill chunk, or the whole batch for models that answer in one pass.
    """
    s = case.scenario
    ranks = s.layout.dp
    if not case.generates:
        return s.batch * passes_of(case)[1], prompt, 0, 0
    if case.encoder_decoder:
        return ranks, 1, case.source_tokens, 0
    each = -(-s.batch // ranks)
    return ranks, min((prompt - s.cached_prefix) * each, case.engine.activation_tokens), 0, s.images
