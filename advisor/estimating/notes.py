"""What a reader of an estimate must know besides its numbers."""

from __future__ import annotations

from advisor.answer import Memory
from advisor.estimating.layouts import layout_notes
from advisor.estimating.resolve import Resolved, hears, prompt_tokens
from advisor.estimating.routed import routing_notes
from advisor.readable import unread
from advisor.served_models import NO_PEAK, uncached, unserved
from advisor.tensor_split import WARNING, splits_tensors
from calculators.efficiency import efficiency
from calculators.lowering import streams_of
from catalog.loader import machine_classes


def notes_of(case: Resolved, memory: Memory) -> tuple[str, ...]:
    """Sentences without a full stop."""
    notes, s = [], case.scenario
    context = case.spec.context_tokens
    length = prompt_tokens(case) + (s.output_tokens if case.generates else 0)
    heard = case.source_tokens if hears(case.architecture) else 0
    if heard:
        length = s.output_tokens
        notes.append(f"each request is {heard:,} encoder tokens of audio, whatever input_tokens says")
    elif hears(case.architecture):
        notes.append("the prompt is counted as text; for audio its tower's work comes on top")
    if context and length > context:
        notes.append(f"{length:,} tokens exceed the advertised context of {context:,}")
    if s.cached_prefix:
        state = " and its recurrent state" if memory.state_bytes else ""
        notes.append(
            f"the first {s.cached_prefix:,} tokens of every prompt are cached: neither read again nor kept "
            f"twice{state}; engines share whole pages (16 tokens in vLLM)"
        )
    if memory.kv_cache_reserved_bytes > 1.05 * memory.kv_cache_bytes > 0:
        notes.append(
            "an engine that reserves full-length pages for windowed layers takes "
            f"{memory.kv_cache_reserved_bytes / 2**30:.1f} GiB of cache instead of {memory.kv_cache_bytes / 2**30:.1f}"
        )
    if case.generates and (problem := unread(case.weights, case.machine, case.engine)):
        notes.append(f"{problem}: the figures are as if it did")
    if case.generates and (problem := unserved(case.spec, case.machine, case.engine.id)):
        notes.append(f"{problem}: the figures are as if it did")
    if case.generates and (problem := uncached(case.spec, case.machine, case.engine.id, s.cache)):
        notes.append(f"{problem}: the figures are as if it did")
    if not case.machine.peak_tflops:
        notes.append(NO_PEAK.format(case.machine.id))
    if case.engine.id == "llama.cpp" and s.layout.tp > 1:
        refused = "" if splits_tensors(case.spec) and s.cache == "bf16" else ", and it refuses this model or cache"
        notes.append(f"{WARNING}{refused}")
    if memory.usable_bytes is None:
        notes.append(f"the memory of {case.machine.id} depends on what is fitted; compare the total with yours")
    if case.machine.id and efficiency(case.machine, case.weights, machine_classes()).badge == "spec sheet":
        notes.append(f"times on {case.machine.id} follow from its data sheet: nothing like it was measured")
    for stack in case.architecture.stacks if s.images else ():
        if streams_of(case.architecture)[stack.name].kind == "image":
            notes.append(f"each image adds {case.image_tokens:,} tokens")
    return (*notes, *layout_notes(case), *routing_notes(case))
