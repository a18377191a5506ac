"""Where the numbers of a page to learn from come from: formulas with the numbers put in, and sources."""

from __future__ import annotations

from typing import Any

from advisor.explain import explain
from advisor.explain_time import TIMES, explain_time
from advisor.explanation_text import full_text
from advisor.scenario import Scenario
from catalog.errors import BadInput
from catalog.knowledge import Comparison
from catalog.loader import checked, load, load_family, load_innovation, load_task
from catalog.spec import ModelSpec

SHOWN = 4
"""Largest parts of each sum that are listed."""
ASKS = {
    "kv-cache": "kv-cache", "parameters": "parameters", "reading-flops": "flops", "token-flops": "flops",
    "weights": "weights", "attention-traffic": "attention-traffic", "tpot": "tpot", "ttft": "ttft",
}  # fmt: skip
"""From a measure of an innovation to the quantity that explains it."""
OTHERS = {
    "requests": "(usable memory − weights − activations − engine) / cache of one request, in whole pages of 16 tokens; "
    "before: of the longest context\n  source   arXiv:2309.06180, section 7.2",
    "scan-traffic": "Σ layers · ((3·D + 2·N)·L·2 bytes + 2·D·N·4 bytes); before, step by step: besides 6·L·D·N·4 bytes "
    "(L tokens, D inner width, N state of a channel)\n  source   arXiv:2312.00752, section 3.3.2 and appendix D",
}
"""Formulas of measures that no quantity explains."""
GUESSED = (
    "(time to guess k tokens + time of the pass that checks them) / tokens kept per round; where each guess is "
    "accepted with probability α, (1 − α^(k+1)) / (1 − α) are kept\n  source   arXiv:2211.17192, equation 1"
)


def explained(kind: str, name: str) -> str:
    """Formulas behind the numbers of the page about a family, an innovation or a task.

    Raises:
        BadInput: If there is no such page.
    """
    match kind:
        case "family":
            parts = _family(name)
        case "innovation":
            parts = [_comparison(c) for c in load_innovation(name).comparisons]
        case _:
            parts = _task(name)
    return "\n\n".join(parts) or "No number of this page has a formula: prices are those that providers ask."


def _text(model: str | ModelSpec, quantity: str, **fields: Any) -> str:
    try:
        if quantity in TIMES and not isinstance(model, ModelSpec):
            return full_text(explain_time(checked(Scenario, {"model": model, **fields}, "scenario"), quantity), SHOWN)
        return full_text(explain(model, quantity, **fields), SHOWN)
    except BadInput as error:
        return f"{quantity}: {error}"


def _held(spec: ModelSpec, *, context: int, batch: int = 1, **_: Any) -> str:
    """The cache, and the state of models that keep one."""
    found = [explain(spec, quantity, context=context, batch=batch) for quantity in ("kv-cache", "state")]
    return "\n\n".join(full_text(e, SHOWN) for e in found if e.value) or full_text(found[0], SHOWN)


def _family(name: str) -> list[str]:
    from advisor.families import MACHINE, profile, request_of, served_weights

    page = load_family(name)
    found = profile(page)
    if found is None:
        return []
    parts = [_text(found.model, "parameters"), _text(found.model, "weights", weights=found.weights)]
    if found.lengths:
        longest = found.lengths[-1]
        parts.append(_text(found.model, "flops", context=longest.tokens))
        if longest.held_bytes:
            parts.append(_held(load(found.model), context=longest.tokens))
    setting = {"machine": MACHINE, "weights": served_weights(load(found.model)), **request_of(name)}
    for one in found.loads:
        quantities = ("ttft", "tpot") if one.token_s else ("ttft",)
        parts += [_text(found.model, quantity, batch=one.requests, **setting) for quantity in quantities]
    return parts


def _comparison(c: Comparison) -> str:
    """A number with the idea and without it."""
    from advisor.innovations import effect, without

    said = effect(c).sentence
    if c.measure in OTHERS:
        e = effect(c)
        return f"{said}\n  formula  {OTHERS[c.measure]}\n  values   {e.before:,.0f} before, {e.after:,.0f} {e.unit} now"
    quantity = ASKS[c.measure]
    if quantity in TIMES:
        fields = {"machine": c.machine, "tp": c.devices, "batch": c.batch, "input_tokens": c.context,
                  "output_tokens": c.output, "weights": c.weights or ""}  # fmt: skip
        if c.speculate or c.cached:
            by = f"guessing by {c.speculate}" if c.speculate else f"{c.cached:,} tokens of the prompt cached"
            now = (
                GUESSED if c.speculate else "the same with the tokens that are not cached\n  source   arXiv:2309.06180"
            )
            before = f"Before, without {by}:\n{_text(c.model, quantity, **fields)}"
            return f"{said}\n\n{before}\n\nNow:\n  formula  {now}"
        before = _text(c.model, quantity, **{**fields, "weights": "bf16"})
        return f"{said}\n\nBefore ({c.before}):\n{before}\n\nNow:\n{_text(c.model, quantity, **fields)}"
    spec = load(c.model)
    sizes: dict[str, Any] = {"context": c.context, "batch": c.batch, "step": c.measure == "token-flops"}
    today = sizes | ({"weights": c.weights} if c.weights else {})
    old = sizes | ({"weights": "bf16"} if c.measure == "weights" else {})
    if c.measure == "kv-cache":
        before = _held(without(spec, c.before, c.context), **old)
        return f"{said}\n\nBefore ({c.before}):\n{before}\n\nNow:\n{_held(spec, **today)}"
    before = _text(without(spec, c.before, c.context), quantity, **old)
    if c.measure == "attention-traffic":
        return f"{said}\n\n{_text(spec, quantity, **today)}"
    return f"{said}\n\nBefore ({c.before}):\n{before}\n\nNow:\n{_text(spec, quantity, **today)}"


def _task(name: str) -> list[str]:
    from advisor.families import MACHINE, served_weights
    from advisor.learn import learn

    task = load_task(name)
    parts = []
    for row in learn(name).data["numbers"]:
        weights = task.shown_in or served_weights(load(row["model"]))
        fields = {"machine": task.shown_on or MACHINE, "weights": weights, "input_tokens": row["input_tokens"],
                  "output_tokens": row["output_tokens"]}  # fmt: skip
        if row["family"] == "vision-language":
            fields["images"] = 1
        writes = "text" in task.outputs
        parts.append(_text(row["model"], "e2e" if writes else "ttft", **fields))
        parts.append(_text(row["model"], "cost", batch=row["at_once"], **fields))
    return parts
