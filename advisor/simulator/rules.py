"""How an inference engine forms its passes: budgets, admission, preemption. Presets are engines as shipped.

A pass at time ``t``, as both engines here (``engine`` and ``oracle``) must carry it out:

1. Requests that arrived by ``t`` join the queue (with ``steps_ahead``: by the start of the pass before, unless nothing
   was queued or running); those that could never fit are refused.
2. Requests whose cache was computed elsewhere join the running ones, as far as they fit.
3. Where prompts and steps share passes, each running sequence takes the blocks of its next token, oldest first; while
   there is no room, the newest running request (with priorities: the least important, then the newest) is preempted:
   it loses its cache, goes to the head of the queue, and later reads prompt and own answer again.
   With an ``output_share`` (SGLang) requests are retracted instead, where prompts and steps do not share passes: those
   with the fewest tokens written, of these the longest prompts, of these the newest, until the others have room; they
   go to the end of the queue, and the share becomes what the others' answers have turned out to need.
4. Prompts that are partly read continue, oldest first.
5. If nobody was preempted, requests are admitted from the head of the queue while the budget of tokens, the limit of
   sequences and the blocks allow; the first that is not admitted stops it.
6. Where prompts and steps do not share passes, 4 and 5 come first, and a pass of steps is made only if they found
   nothing to read.
7. The pass takes ``StepModel.step_s``. At its end every running sequence has its next token, and every prompt that was
   read to its end its first (or, after a preemption, its next).

Sources:
    vLLM V1 ``Scheduler.schedule`` (and ``scheduler_reserve_full_isl``: a request is admitted only if its whole prompt
    fits); SGLang ``get_next_batch_to_run``, ``PrefillAdder``,
    ``retract_decode`` and ``NewTokenRatioTracker``; TensorRT-LLM capacity scheduler policies. All as
    quoted in public code and documentation, read 2026-11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from catalog.errors import BadInput, unknown
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class OutputShare:
    """How much of what running requests have yet to write admission leaves free (SGLang's ``new_token_ratio``).

    A request is admitted if more tokens are free than its own prompt and answer, the answers of those admitted in the
    same pass, and this share of what the running ones have yet to write. Answers are taken to be as long as they will
    be; SGLang knows only what the client allows, and counts at most 4,096 of each.
    """

    start: float = 0.7
    """At first, and again whenever nothing is queued or running."""
    least: float = 0.098
    """What it falls to."""
    passes: int = 600
    """Passes of steps in which it falls from ``start`` to ``least``, evenly."""
    spare: int = 20
    """After a retraction it is the tokens that the others have written, and so many more each, over all tokens of their
    answers and one."""

    def after(self, share: float, passes: int) -> float:
        """What a share has fallen to."""
        return max(self.least, share - (self.start - self.least) / self.passes * passes)

    def retracted(self, written: int, requests: int, output: int) -> float:
        """What it is after a retraction, by the tokens of the others."""
        return min(1.0, (written + self.spare * requests) / (output + 1))


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
    output_share: OutputShare | None = None
    """What admission leaves free for answers that are being written; ``None``: nothing. Needs ``block_tokens=1``, and
    prompts and steps that do not share passes."""
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
        if self.output_share is not None:
            if self.block_tokens != 1 or self.reserve == "all" or self.mixed:
                raise BadInput("output_share needs block_tokens=1, mixed=False, and not reserve=all")
            if not 0 <= self.output_share.least <= self.output_share.start <= 1 or self.output_share.passes < 1:
                raise BadInput("output_share: 0 ≤ least ≤ start ≤ 1 and at least one pass are needed")
        if self.reserve == "all" and self.prefix_cache:
            raise BadInput("reserve='all' with a prefix cache is not modelled")

    def with_(self, **changes: Any) -> Rules:
        """The same with other values; ``None`` leaves a value as it is."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


PRESETS: dict[str, Rules] = {
    "vllm": Rules(budget_tokens=8192, max_sequences=256, reserve="input", prefix_cache=True, label="vLLM ≥ 0.19"),
    "vllm-v1": Rules(budget_tokens=8192, max_sequences=256, reserve="chunk", prefix_cache=True, label="vLLM V1 < 0.19"),
    "sglang": Rules(
        budget_tokens=8192, max_sequences=256, block_tokens=1, mixed=False, reserve="input",
        output_share=OutputShare(), prefix_cache=True, label="SGLang",
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
        budget_tokens=2048, max_sequences=4, block_tokens=1, reserve="all", label="llama.cpp server",
    ),
}  # fmt: skip
"""By name. Budgets are defaults of large data-centre GPUs; ``Rules.with_`` sets those of a launch line. SGLang's is
its ``chunked_prefill_size``, which all prompts of a pass share; it takes back requests, not their newest (above)."""


def preset(name: str) -> Rules:
    """The rules of an engine.

    Raises:
        BadInput: If the name is unknown, with the nearest.
    """
    if name not in PRESETS:
        raise unknown("scheduler", name, PRESETS)
    return PRESETS[name]
