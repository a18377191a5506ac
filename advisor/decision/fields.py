"""Requirements as flags of a command and keys of a file: one table for both, their schema, and writing them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from advisor import quantities
from advisor.requirements import Modality, Preset, Requirements
from catalog.spec import Family
from catalog.task import Trait
from catalog.values import dataclass

Kind = Literal["text", "names", "flag", "choice", "quantity", "number"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One requirement as people write it."""

    flag: str
    """Without its dashes; also the key in a file."""
    field: str
    """Of ``Requirements``; also a key in a file."""
    help: str
    kind: Kind = "quantity"
    read: Callable[[str, str], Any] | None = None
    """Text with a unit to a number; raises ``BadInput``."""
    choices: tuple[str, ...] = ()
    metavar: str = ""
    section: str = "wishes"


def _choices(field: str) -> tuple[str, ...]:
    return get_args(Requirements.model_fields[field].annotation)


WISHES: tuple[Wish, ...] = (
    Wish("task", "task", "What it is for (see 'whicharch catalog list tasks').", "text", metavar="ID"),
    Wish("context", "context_tokens", "Length, prompt and answer, that each user needs memory for.",
         read=quantities.tokens, metavar="TOKENS"),
    Wish("input", "input_tokens", "Typical prompt, for which the first token is timed.", read=quantities.tokens,
         metavar="TOKENS"),
    Wish("output", "output_tokens", "Typical answer.", read=quantities.tokens, metavar="TOKENS"),
    Wish("users", "users", "Concurrent requests.", read=quantities.count, metavar="NUMBER"),
    Wish("rate", "requests_per_s", "Mean rate of requests, such as 5/s or 300/min: what a month costs.",
         read=quantities.rate_per_s, metavar="RATE"),
    Wish("ttft", "ttft_s", "Longest time to the first token, such as 500ms.", read=quantities.seconds,
         metavar="DURATION"),
    Wish("tpot", "tpot_s", "Longest time per token after the first, such as 40ms.", read=quantities.seconds,
         metavar="DURATION"),
    Wish("e2e", "e2e_s", "Longest time from the request to the last token.", read=quantities.seconds,
         metavar="DURATION"),
    Wish("throughput", "tokens_per_s", "Least output of all users together: tokens, else answers, per second.",
         read=quantities.rate_per_s, metavar="RATE"),
    Wish("confidence", "confidence", "Least probability that all promises of time are kept, such as 90%.",
         read=quantities.share, metavar="SHARE"),
    Wish("memory", "memory_bytes", "Memory to use per device, such as 20GiB.", read=quantities.memory_bytes,
         metavar="SIZE"),
    Wish("machine", "machines", "Machine to run on; may be repeated. Default: all that are rented out.", "names",
         metavar="ID"),
    Wish("gpus", "max_gpus", "Devices at most, all copies together. Default: 1 where "
         "machines are named, else 8; with --rate that many per copy.", read=quantities.count,
         metavar="NUMBER"),
    Wish("budget", "budget_usd_per_hour", "Money, such as 2000/month or 3/hour.", read=quantities.usd_per_hour,
         metavar="MONEY"),
    Wish("quality-floor", "quality_floor", "Share of the scored models that it must beat, such as 60%.",
         read=quantities.share, metavar="SHARE"),
    Wish("at-least", "at_least", "As good at the task as this model, or better.", "text", metavar="MODEL"),
    Wish("commercial", "commercial", "Leave out licences that forbid commercial use.", "flag"),
    Wish("licence", "licences", "Beginning of a licence's name, such as Apache; may be repeated.", "names",
         metavar="NAME"),
    Wish("deployment", "deployment", "Where it may run.", "choice", choices=_choices("deployment")),
    Wish("privacy", "privacy", "Where texts may go.", "choice", choices=_choices("privacy")),
    Wish("fine-tuning", "fine_tuning", "The weights will be trained further.", "flag"),
    Wish("labelled-examples", "labelled_examples", "Examples at hand to train with.", read=quantities.count_or_none,
         metavar="NUMBER"),
    Wish("language", "languages", "ISO code of a language it must know, such as de; may be repeated.", "names",
         metavar="CODE"),
    Wish("modality", "modalities", "What it must take in besides; may be repeated.", "names",
         choices=get_args(Modality)),
    Wish("context-evidence", "context_evidence", "What speaks for a model's context.", "choice",
         choices=_choices("context_evidence")),
    Wish("trait", "traits", "What else the work asks for; may be repeated.", "names", choices=get_args(Trait)),
    Wish("family", "families", "Only this family of architectures; may be repeated.", "names",
         choices=get_args(Family)),
    Wish("without-family", "without_families", "Not this family; may be repeated.", "names",
         choices=get_args(Family)),
    Wish("organisation", "organisations", "Only models of this maker; may be repeated.", "names", metavar="NAME"),
    Wish("without-organisation", "without_organisations", "No models of this maker; may be repeated.", "names",
         metavar="NAME"),
    Wish("min-params", "min_params", "Least number of parameters, such as 7B.", read=quantities.params,
         metavar="NUMBER"),
    Wish("max-params", "max_params", "Most parameters, such as 14B.", read=quantities.params, metavar="NUMBER"),
    Wish("prefer", "preset", "What counts most.", "choice", choices=get_args(Preset)),
    Wish("quality-weight", "quality_weight", "Weight of quality, instead of the preset's.", "number"),
    Wish("cost-weight", "cost_weight", "Weight of cost.", "number"),
    Wish("latency-weight", "latency_weight", "Weight of latency.", "number"),
)  # fmt: skip
"""Every field of ``Requirements``, in the order in which a person is asked."""
BY_KEY = {key: wish for wish in WISHES for key in (wish.field, wish.flag, wish.flag.replace("-", "_"))}
