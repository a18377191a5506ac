"""Command lines that give the same answer again."""

from __future__ import annotations

from shlex import quote
from typing import Any

from advisor.decision.fields import WISHES, Wish
from advisor.quantities import number_text, seconds, usd_per_hour
from advisor.requirements import Needs, Requirements


def recommend_command(wanted: Requirements) -> str:
    """``whicharch recommend`` with every requirement that is not its default."""
    usual = Requirements()
    parts = ["whicharch recommend"]
    for wish in WISHES:
        value = getattr(wanted, wish.field)
        if value != getattr(usual, wish.field) or wish.field == "task":
            parts += _flags(wish, value)
    return " ".join(parts)


def _flags(wish: Wish, value: Any) -> list[str]:
    if wish.kind == "flag":
        return [f"--{wish.flag}"]
    if wish.kind == "names":
        return [f"--{wish.flag} {quote(name)}" for name in value]
    return [f"--{wish.flag} {quote(value if isinstance(value, str) else written(wish, value))}"]


def written(wish: Wish, value: float) -> str:
    """A number that reads back as the same, with the unit that the flag would otherwise take for another."""
    match wish.field:
        case "memory_bytes":
            gib = value / 2**30
            return f"{gib:g}GiB" if float(f"{gib:g}") == gib else f"{number_text(value)}B"
        case "budget_usd_per_hour":
            hour, month = f"{number_text(value)}/hour", f"{number_text(round(value * 730, 2))}/month"
            return month if len(month) < len(hour) and usd_per_hour(month, "budget") == value else hour
        case "ttft_s" | "tpot_s" | "e2e_s":
            millis = f"{number_text(round(value * 1e3, 9))}ms"
            return millis if value < 1 and seconds(millis, "duration") == value else f"{number_text(value)}s"
        case "context_tokens" | "input_tokens" | "output_tokens" if value % 1024 == 0:
            return f"{int(value) // 1024}k"
        case "min_params" | "max_params" if float(f"{value / 1e9:g}") * 1e9 == value:
            return f"{value / 1e9:g}B"
    return number_text(value)


def estimate_command(
    needs: Needs,
    users: int,
    model: str,
    machine: str,
    weights: str,
    cache: str,
    tp: int,
    pp: int,
    engine: str,
    *,
    writes: bool,
    images: int = 0,
) -> str:
    """``whicharch estimate`` for one copy of a model, with its users and the typical lengths; recommendations time
    further tokens with the context full.
    """
    parts = [f"whicharch estimate {quote(model)} --machine {quote(machine)} --weights {weights}"]
    if writes and cache not in ("bf16", "–"):
        parts.append(f"--kv {cache}")
    if tp > 1:
        parts.append(f"--gpus {tp}")
    if pp > 1:
        parts.append(f"--pp {pp}")
    parts.append(f"--engine {engine}")
    parts.append(f"--batch {users} --input {needs.input_tokens}")
    if writes:
        parts.append(f"--output {needs.output_tokens}")
    if images:
        parts.append(f"--images {images}")
    return " ".join(parts)
