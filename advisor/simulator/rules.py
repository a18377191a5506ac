"""How an inference engine forms its passes: budgets, admission, preemption. Presets are engines as shipped.

A pass at time ``t``, as both engines here (``engine`` and ``oracle``) must carry it out:

1. Requests that arrived by ``t`` join the queue (with ``steps_ahead``: by the start of the pass before, unless nothing
   was queued or running); those that could never fit are refused.
2. Requests whose cache was computed elsewhere join the running ones, as far as they fit.
3. Where prompts and steps share passes, each running sequence takes the blocks of its next token, oldest first; while
   there is no room, the newest running request (with priorities: the least important, then the newest) is preempted:
   it loses its cache, goes to the head of the queue, and later reads prompt and own answer again.
4. Prompts that are partly read continue, oldest first.
5. If nobody was preempted, requests are admitted from the head of the queue while the budget of tokens, the limit of
   sequences and the blocks allow; the first that is not admitted stops it.
6. Where prompts and steps do not share passes, 4 and 5 come first, and a pass of steps is made only if they found
   nothing to read.
7. The pass takes ``StepModel.step_s``. At its end every running sequence has its next token, and every prompt that was
   read to its end its first (or, after a preemption, its next).

Sources:
    vLLM V1 ``Scheduler.schedule`` (and ``scheduler_reserve_full_isl``: a request is admitted only if its whole prompt
    fits); SGLang ``get_next_batch_to_run`` and ``PrefillAdder``; TensorRT-LLM capacity scheduler policies. All as
    quoted in public code and documentation, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from catalog.errors import BadInput, unknown


@dataclass(frozen=True, slots=True)
class Rules:
    """How one replica schedules."""

    budget_tokens: int = 8192
    """Tokens of one pass, a step's own included where it shares the pass."""
    max_sequences: int = 256
    block_tokens: int = 16
    """Tokens per block of cache."""
    chunked: bool = True
    """Whether a prompt may be read over several passes."""
    chunk_tokens: int = 0
    """Tokens of one prompt in one pass; 0: as many as the budget allows."""
    mixed: bool = True
    """Whether prompts and steps share a pass; else prompts go first."""
    reserve: Literal["chunk", "input", "all"] = "chunk"
    """What must fit before a request is admitted: its first chunk, its whole prompt (checked, not kept), or prompt and
    answer (kept, so that nothing is ever preempted)."""
    output_share: float = 0.0
    """Share of what the running requests have yet to write that admission leaves free, besides the candidate's own
    prompt and answer; 0: not looked at. Needs ``block_tokens=1``."""
    priorities: bool = False
    """Whether smaller ``Jobs.priority`` goes first; else first come, first served."""
    prefix_cache: bool = False
    """Whether blocks of equal prefixes are computed once and kept until their room is needed, oldest use first."""
    steps_ahead: int = 0
    """1 where the next pass is already decided while one runs (asynchronous scheduling): a request is seen if it came
    by the start of the pass before, or if nothing ran."""
    context_tokens: int = 0
    """Prompt and answer together at most; longer ones are refused. 0: no limit but the cache."""
    label: str = ""

    def __post_init__(self) -> None:
        for name in ("budget_tokens", "max_sequences", "block_tokens"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.mixed and self.max_sequences > self.budget_tokens:
            raise BadInput(
                f"max_sequences={self.max_sequences} exceeds budget_tokens={self.budget_tokens}: "
                "every running sequence takes one token of each pass"
            )
        if self.steps_ahead not in (0, 1):
            raise BadInput(f"steps_ahead must be 0 or 1, got {self.steps_ahead}")
        if self.reserve not in ("chunk", "input", "all"):
            raise unknown("reserve", self.reserve, ("chunk", "input", "all"))
        if self.output_share and (self.block_tokens != 1 or self.reserve == "all"):
            raise BadInput(
                "output_share counts tokens that are not reserved: it needs block_tokens=1, and not reserve=all"
            )
        if not 0 <= self.output_share <= 1:
            raise BadInput(f"output_share must be between 0 and 1, got {self.output_share:g}")
        if self.reserve == "all" and self.prefix_cache:
            raise BadInput("reserve='all' with a prefix cache is not modelled")

    def with_(self, **changes: Any) -> Rules:
        """The same with other values; ``None`` leaves a value as it is."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


PRESETS: dict[str, Rules] = {
    "vllm": Rules(budget_tokens=8192, max_sequences=256, reserve="input", prefix_cache=True, label="vLLM ≥ 0.19"),
    "vllm-v1": Rules(budget_tokens=8192, max_sequences=256, reserve="chunk", prefix_cache=True, label="vLLM V1 < 0.19"),
    "sglang": Rules(
        budget_tokens=16384, max_sequences=256, block_tokens=1, chunk_tokens=8192, mixed=False, reserve="input",
        output_share=0.098, prefix_cache=True, label="SGLang",
    ),
    "tensorrt-llm": Rules(
        budget_tokens=8192, max_sequences=2048, block_tokens=32, chunked=False, reserve="all",
        label="TensorRT-LLM, in-flight batching, GUARANTEED_NO_EVICT",
    ),
    "tensorrt-llm-max-utilization": Rules(
        budget_tokens=8192, max_sequences=2048, block_tokens=32, reserve="chunk",
        label="TensorRT-LLM, in-flight batching, MAX_UTILIZATION, chunked context",
    ),
    "llama.cpp": Rules(
        budget_tokens=2048, max_sequences=4, block_tokens=1, reserve="all", label="llama.cpp server, four slots",
    ),
}  # fmt: skip
"""By name. Budgets are defaults of large data-centre GPUs; ``Rules.with_`` sets those of a launch line. SGLang's
``output_share`` is what its ratio decays to (0.7 · 0.14)."""


def preset(name: str) -> Rules:
    """The rules of an engine.

    Raises:
        BadInput: If the name is unknown, with the nearest.
    """
    if name not in PRESETS:
        raise unknown("scheduler", name, PRESETS)
    return PRESETS[name]
