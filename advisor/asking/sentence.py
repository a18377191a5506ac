"""Requirements as one English sentence that reads back as the same requirements."""

from __future__ import annotations

from advisor.quantities import number_text
from advisor.requirements import Requirements
from catalog.asking import vocabulary


def sentence(wanted: Requirements) -> str:
    """A sentence for ``read``; the task is named by its id."""
    words = vocabulary()
    parts = [f"task {wanted.task}"]
    parts += [f"in {words.languages[code][0]}" for code in wanted.languages if code in words.languages]
    machines = " or ".join(wanted.machines)
    if machines:
        parts.append(f"on {machines}")
    if wanted.max_gpus is not None:
        parts.append(f"at most {wanted.max_gpus} gpus")
    if wanted.users != 1:
        parts.append(f"{wanted.users} concurrent users")
    for name, label in (("context_tokens", "context"), ("input_tokens", "prompt"), ("output_tokens", "answer")):
        if (length := getattr(wanted, name)) is not None:
            parts.append(f"{label} of {length} tokens")
    for name, label in (("ttft_s", "first token"), ("tpot_s", "inter token latency"), ("e2e_s", "whole answer")):
        if (limit := getattr(wanted, name)) is not None:
            parts.append(f"{label} under {number_text(limit)} s")
    if wanted.tokens_per_s is not None:
        parts.append(f"total throughput at least {number_text(wanted.tokens_per_s)} tokens/s")
    if wanted.requests_per_s is not None:
        parts.append(f"mean rate {number_text(wanted.requests_per_s)} requests/s")
    if wanted.memory_bytes is not None:
        parts.append(f"memory at most {number_text(wanted.memory_bytes)} bytes")
    if wanted.budget_usd_per_hour is not None:
        parts.append(f"at most ${number_text(wanted.budget_usd_per_hour)} per hour")
    if wanted.deployment != "any":
        parts.append({"api": "via api"}.get(wanted.deployment, wanted.deployment))
    if wanted.commercial:
        parts.append("commercial use")
    parts += [f"only {words.families[family][0]}" for family in wanted.families]
    parts += [f"no {words.families[family][0]}" for family in wanted.without_families]
    parts += [f"only {name}" for name in wanted.organisations]
    parts += [f"no {name}" for name in wanted.without_organisations]
    parts += [f"{name} licence" for name in wanted.licences]
    if wanted.at_least:
        parts.append(f"as good as {wanted.at_least}")
    if wanted.fine_tuning:
        parts.append(words.fine_tuning[0])
    parts += [words.traits[trait][0] for trait in wanted.traits if trait in words.traits]
    if wanted.labelled_examples is not None:
        examples = wanted.labelled_examples
        parts.append(f"{examples} labelled examples" if examples else words.untrained[0])
    if wanted.min_params is not None:
        parts.append(f"at least {number_text(wanted.min_params)} parameters")
    if wanted.max_params is not None:
        parts.append(f"at most {number_text(wanted.max_params)} parameters")
    given = [(name, getattr(wanted, f"{name}_weight")) for name in ("quality", "cost", "latency")]
    said = [f"{name} {number_text(weight)}" for name, weight in given if weight is not None]
    if said:
        parts.append(f"weighing {', '.join(said)}")
    elif wanted.preset != "balanced":
        parts.append(words.presets[wanted.preset.removesuffix("-first")][0])
    return ", ".join(parts)
