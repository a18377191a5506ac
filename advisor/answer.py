"""The shape of an estimate: what every face prints and ``--json`` spells out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from calculators.params import Params
from catalog.values import dataclass

if TYPE_CHECKING:
    from calculators.offload import Split


@dataclass(frozen=True, slots=True)
class Flops:
    """FLOPs of the whole batch; executed by the eager reference and needed by a good kernel."""

    prefill: int
    decode: int
    prefill_needed: int
    decode_needed: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on each device."""

    weights_bytes: float
    kv_cache_bytes: float
    """Keys and values of all requests at full length, as the architecture needs."""
    kv_cache_reserved_bytes: float
    """The same as an engine reserves that keeps whole pages, full length also in windowed layers."""
    state_bytes: float
    activation_bytes: float
    overhead_bytes: float
    total_bytes_per_gpu: float
    usable_bytes: float | None
    fits: bool | None
    """``None`` where the machine's memory is not known."""
    max_batch: int | None
    """Most concurrent requests of this length that fit; 0 if the weights alone do not."""
    draft_bytes: float = 0.0
    """Weights and caches of a draft that speculates."""


@dataclass(frozen=True, slots=True)
class Band:
    """A number with an 80 % band; without measured residuals the band is absent."""

    p50: float
    p10: float | None
    p90: float | None
    badge: str
    basis: str


@dataclass(frozen=True, slots=True)
class Time:
    """What a client sees."""

    ttft_s: Band | None
    """To the first token; for a model that does not generate, the whole answer."""
    tpot_s: Band | None
    """Per further token; ``None`` where nothing is generated token by token."""
    e2e_s: Band
    """From the request to its last token."""
    prefill_s: Band
    """One request's prompt on its own."""
    decode_s: Band | None
    """One step of the whole batch, mean over the answer."""
    first_step_s: float | None = None
    """Between a client's first token and its second, while nobody else's prompt is read."""
    last_step_s: float | None = None
    """The same for its last two tokens; slower, because its cache has grown."""
    joined_step_s: float | None = None
    """A gap between two tokens in which another client's prompt is read."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """All requests together."""

    unit: str
    """``tok/s`` of output; of models that answer in one pass the unit of their first rate, or ``requests/s``."""
    total: float
    per_user: float
    per_gpu: float
    """``total`` over all devices."""
    band: Band
    """``total`` with its error band."""
    prefill: Band | None = None
    """Prompt tokens per second while one prompt is read and nothing else."""
    decode: Band | None = None
    """Tokens per second of the whole batch while nobody's prompt is read."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast something is done, in the unit in which people ask for it."""

    unit: str
    """``images/s``, ``documents/s``, ``pairs/s``, ``image-text pairs/s``, or ``audio s/s``: seconds of audio per
    second, which is one over the real-time factor."""
    total: Band
    per_gpu: float
    each_s: Band
    """Seconds of machine time for one of them: ``s/image``; of audio the real-time factor."""
    about: str
    """What one of them is, and what is not included."""


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars; ``None`` where the machine has no known price."""

    usd_per_million_input_tokens: float | None
    usd_per_million_output_tokens: float | None
    usd_per_thousand_requests: float | None
    usd_per_hour: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules of all devices, while they are at work."""

    joules_per_request: Band
    joules_per_output_token: float | None
    """The same over the tokens of the answer; the prompt's share included."""
    watts_per_gpu: float
    is_bound: bool
    """Whether nothing like it was measured: then TDP times time, which it does not exceed."""
    host_w_per_gpu: float
    """What was asked to be added for the host, per device."""
    pue: float
    """Power usage effectiveness that the sum was multiplied with."""


@dataclass(frozen=True, slots=True)
class Speculation:
    """Speculative decoding: rounds of a draft and a verification."""

    method: str
    draft: str
    tokens: int
    """Drafted per round."""
    acceptance: Band
    """Tokens that a round yields, the model's own included; the band is the range over measured models and modes."""
    draft_s: float
    """Drafting, per round."""
    verify_s: float
    """Verification, per round."""
    plain_tpot_s: float
    """Per token without speculation, other clients' prompts included."""
    gain: float
    """How many times faster tokens come with it."""
    pays_from_batch: int | None
    pays_to_batch: int | None
    """Largest batch at which a round yields tokens faster than plain steps; ``None`` if it never does."""
    best_tokens: int | None
    """How many drafted tokens would be fastest at this batch; ``None`` where their acceptance is not known."""


@dataclass(frozen=True, slots=True)
class Share:
    """One operator's part in a pass."""

    name: str
    kind: str
    repeat: int
    flops: float
    bytes: float
    prefill_s: float
    decode_s: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer to ``estimate``."""

    scenario: dict[str, Any]
    model: str
    family: str
    machine: str
    n_gpus: int
    weights: str
    kv: str
    engine: str
    params: Params
    flops: Flops
    memory: Memory
    time: Time
    throughput: Throughput
    cost: Cost
    breakdown: tuple[Share, ...]
    notes: tuple[str, ...]
    speculation: Speculation | None = None
    energy: Energy | None = None
    rates: tuple[Rate, ...] = ()
    """For models that answer in one pass or listen: how fast, in their own units."""
    offload: Split | None = None
    """Where the parts of a model lie that does not fit its GPU, if a host was given."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
