"""Models of which a part stays in the host's memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from advisor.answer import Band, Estimate, Memory
from advisor.estimating.bands import inverse, whole_answer
from advisor.estimating.common import usd_for
from advisor.estimating.generating import generating
from advisor.estimating.resolve import Resolved, demand_of, prompt_tokens, server_of
from calculators.engine_rates import usable_bytes
from calculators.offload import Split, best_split
from calculators.serving import closed_loop, decode_workload, prefill_workload
from catalog.errors import BadInput
from catalog.loader import load_machine

UNMEASURED = "no measured residuals of models split between a GPU and a CPU"


def check(case: Resolved) -> None:
    """Raise ``BadInput`` where a host cannot help."""
    s = case.scenario
    if (host := load_machine(s.host)).kind != "cpu":
        raise BadInput(f"host {s.host}: is a {host.kind}; a host is a CPU, as core-i9-13900k or generic-desktop-ddr4")
    if s.layout.devices > 1:
        raise BadInput(f"host {s.host}: splits between a GPU and a CPU are for one device, not {s.layout.devices}")
    if not case.generates or case.encoder_decoder:
        raise BadInput(
            f"host {s.host}: {case.spec.id} is {case.spec.family}; splits are for models that write, decoders"
        )
    if s.speculate:
        raise BadInput(f"host {s.host}: guessing ahead ({s.speculate}) is not modelled for splits")
    if case.machine.usable_bytes is None:
        raise BadInput(f"host {s.host}: the memory of {case.machine.id} is not known")


def offloaded(case: Resolved, memory: Memory) -> Estimate:
    """The best split, and its times; a model that fits keeps its estimate.

    Raises:
        BadInput: If the host is unknown or cannot help.
    """
    check(case)
    whole = generating(case, memory)
    if memory.fits:
        return replace(whole, notes=(*whole.notes, f"all of it fits {case.machine.id}: nothing is left to the host"))
    split = _split(case, memory)
    if split is None:
        return replace(whole, notes=(*whole.notes, f"activations alone exceed {case.machine.id}"))
    return _with_split(case, whole, split)


def _split(case: Resolved, memory: Memory) -> Split | None:
    s, host = case.scenario, load_machine(case.scenario.host)
    demand = demand_of(case)
    link = case.machine.link.pcie_gb_per_s or host.link.pcie_gb_per_s
    if link is None:
        raise BadInput(f"host {s.host}: the link between it and {case.machine.id} is not known")
    usable = usable_bytes(case.engine, case.machine)
    assert usable is not None  # checked above
    return best_split(
        server_of(case),
        server_of(replace(case, machine=host)),
        case.weights,
        step=decode_workload(demand, [float(s.batch)], done=s.output_tokens / 2),
        prompt=prefill_workload(demand, batch=[1.0]),
        room_bytes=usable,
        fixed_bytes=memory.activation_bytes + memory.overhead_bytes,
        cache_bytes=memory.kv_cache_bytes + memory.state_bytes,
        pcie_bytes_per_s=link * 1e9,
        pass_tokens=case.engine.activation_tokens,
        hidden=max(stack.hidden for stack in case.architecture.stacks),
    )


def _with_split(case: Resolved, whole: Estimate, split: Split) -> Estimate:
    s, memory = case.scenario, whole.memory
    overhead = (case.engine.busy_request_ms if s.batch > 1 else case.engine.idle_request_ms) * 1e-3
    prefill, decode = np.array(split.prefill_s), np.array(split.decode_s)
    served = closed_loop(prefill, decode, prefill + decode, s.batch, np.array(s.output_tokens), overhead)
    first, each = (_plain(float(value)) for value in (served.ttft_s, served.tpot_s))
    answer = whole_answer(first, each, s.output_tokens - 1)
    read, step = _plain(split.prefill_s), _plain(split.decode_s)
    rate = float(served.output_tokens_per_s)
    cache = memory.kv_cache_bytes * split.gpu_layers / split.layers
    state = memory.state_bytes * split.gpu_layers / split.layers
    hourly = whole.cost.usd_per_hour
    return replace(
        whole,
        memory=replace(
            memory,
            weights_bytes=split.gpu_bytes - cache - state - memory.activation_bytes - memory.overhead_bytes,
            kv_cache_bytes=cache,
            state_bytes=state,
            total_bytes_per_gpu=split.gpu_bytes,
            fits=True,
            max_batch=None,  # another split holds more
        ),
        time=replace(
            whole.time, ttft_s=first, tpot_s=each, e2e_s=answer, prefill_s=read, decode_s=step,
            first_step_s=None, last_step_s=None, joined_step_s=None,
        ),
        throughput=replace(
            whole.throughput, total=rate, per_user=rate / s.batch, per_gpu=rate,
            band=inverse(answer, s.batch * s.output_tokens), prefill=inverse(read, prompt_tokens(case)),
            decode=inverse(step, s.batch),
        ),
        cost=replace(
            whole.cost,
            usd_per_million_input_tokens=usd_for(split.prefill_s / prompt_tokens(case), hourly),
            usd_per_million_output_tokens=usd_for(split.decode_s / s.batch, hourly),
            usd_per_thousand_requests=usd_for(
                (split.prefill_s + s.output_tokens * split.decode_s / s.batch) * 1e-3, hourly
            ),
        ),
        breakdown=(),
        energy=None,
        offload=split,
        notes=(*(n for n in whole.notes if "times on" not in n), *_notes(case, split)),
    )  # fmt: skip


def _plain(seconds: float) -> Band:
    return Band(seconds, None, None, "class default", UNMEASURED)


def _notes(case: Resolved, split: Split) -> tuple[str, ...]:
    parts = f"{split.gpu_layers} of {split.layers} layers on {case.machine.id}"
    if split.expert_layers:
        parts += f", the routed experts of {split.gpu_expert_layers} of {split.expert_layers} layers there too"
    return (
        f"the best split leaves {split.host_bytes / 2**30:.1f} GiB to {case.scenario.host}: {parts} "
        f"(llama.cpp: {split.options})",
        f"each step is {1e3 * split.gpu_s:.1f} ms on the GPU, {1e3 * split.host_s:.1f} ms on the CPU and "
        f"{1e3 * split.transfer_s:.2f} ms between them",
        f"prompts are read on the GPU; what lies in the host's memory is copied for each pass of "
        f"{case.engine.activation_tokens} tokens at the link's nominal rate",
    )
