"""What the Models page asks of the advisor, and what it gets back. Called off the event loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.errors import BadInput

if TYPE_CHECKING:
    from advisor.answer import Estimate
    from advisor.breakdown import Breakdown
    from advisor.comparing import Comparison
    from advisor.evidence import Standing
    from advisor.figures import Figure
    from advisor.growing import Growth
    from advisor.scaling import Scaling
    from advisor.sight import Sight
    from catalog.spec import Score
    from catalog.terms import Supported, Terms
    from tui.library import Model

UNDISCLOSED = "The publisher does not disclose the architecture; only prices and limits are known."


@dataclass(frozen=True)
class Findings:
    """A model under a load; what could not be computed has a sentence instead."""

    layers: tuple[str, ...] = ()
    sights: tuple[Sight, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    estimate: Estimate | None = None
    sizes: tuple[Figure, ...] = ()
    figures: tuple[Figure, ...] = ()
    refusal: str = ""
    breakdown: Breakdown | None = None
    breakdown_refusal: str = ""
    growth: Growth | None = None
    growth_refusal: str = ""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a model, and its terms."""

    standings: tuple[Standing, ...]
    scores: tuple[Score, ...]
    """Of its own report, then of tables across models."""
    terms: Terms
    supported: Supported | None


@dataclass(frozen=True)
class SideBySide:
    """Models at one workload, and their growth."""

    comparison: Comparison
    scaling: Scaling | None
    """``None`` where fewer than two of them read text of any length."""


def examine(model: Model, load: Mapping[str, Any]) -> Findings:
    """Compute what there is to say about a model under a load; some tens of milliseconds."""
    from advisor.breakdown import breakdown
    from advisor.estimate import estimate
    from advisor.figures import figures, sizes
    from advisor.growing import grow
    from advisor.layering import layer_lines
    from advisor.sight import sights
    from calculators.params import params_by_part

    spec = model.spec
    if not spec.is_disclosed:
        return Findings(refusal=UNDISCLOSED, breakdown_refusal=UNDISCLOSED, growth_refusal=UNDISCLOSED)
    found: dict[str, Any] = {
        "layers": tuple(layer_lines(spec)), "sights": sights(spec), "parts": tuple(params_by_part(spec).items()),
    }  # fmt: skip
    try:
        answer = estimate(model=model.id, **load)
        found |= {"estimate": answer, "sizes": sizes(answer), "figures": figures(answer)}
    except BadInput as error:
        found["refusal"] = str(error)
    try:
        found["breakdown"] = breakdown(model=model.id, **load)
    except BadInput as error:
        found["breakdown_refusal"] = str(error)
    try:
        fields = {name: load[name] for name in ("machine", "weights", "cache", "batch", "tp")}
        found["growth"] = grow(model.id, **fields)
    except BadInput as error:
        found["growth_refusal"] = str(error)
    return Findings(**found)


def weigh(model: Model) -> Evidence:
    """Quality at every task, terms, and the context that is supported; over half a second the first time."""
    from advisor.evidence import standings
    from catalog.quality import scores_of
    from catalog.terms import supported_context, terms_of

    spec = model.spec
    return Evidence(standings(spec), scores_of(spec), terms_of(spec), supported_context(spec))


def put_side_by_side(models: tuple[str, ...], load: Mapping[str, Any]) -> SideBySide:
    """Compare models.

    Raises:
        BadInput: As ``compare``.
    """
    from advisor.comparing import compare
    from advisor.scaling import scale

    comparison = compare(models, **load)
    fields = {name: load[name] for name in ("machine", "weights", "cache", "batch", "tp")}
    growing = []
    for model in models:
        try:
            scale([model], context=(1024, 1024), **fields)
            growing.append(model)
        except BadInput:
            continue
    return SideBySide(comparison, scale(growing, per_octave=4, **fields) if len(growing) > 1 else None)
