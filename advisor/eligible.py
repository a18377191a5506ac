"""Wishes that rule a model out however it is run: deployment, family, maker, licence, languages, size."""

from __future__ import annotations

from advisor.report import count_text
from advisor.requirements import Requirements
from calculators.params import count_params
from catalog.spec import ModelSpec


def obstacle(spec: ModelSpec, wanted: Requirements) -> str | None:
    """The wish that a model fails, in words; ``None`` where there is none."""
    house = spec.organisation or "an unknown maker"
    if wanted.deployment == "api" and spec.is_disclosed:
        return "an API is asked for"
    if wanted.deployment not in ("any", "api") and not spec.is_disclosed:
        return f"{wanted.deployment} is asked for, and it is sold behind an API only"
    if wanted.families and spec.family not in wanted.families:
        return f"only {', '.join(wanted.families)} is asked for"
    if spec.family in wanted.without_families:
        return f"{spec.family} is excluded"
    if wanted.organisations and spec.organisation not in wanted.organisations:
        return f"by {house}, not by whom is asked for"
    if spec.organisation in wanted.without_organisations:
        return f"{house} is excluded"
    if wanted.licences and not _licensed(spec, wanted.licences):
        return f"licence {spec.licence.name if spec.licence else 'unknown'} is not {' or '.join(wanted.licences)}"
    if missing := _missing_languages(spec, wanted.languages):
        return f"not stated to know {', '.join(missing)}"
    return _size_problem(spec, wanted)


def _licensed(spec: ModelSpec, licences: tuple[str, ...]) -> bool:
    return spec.licence is not None and any(spec.licence.name.startswith(name) for name in licences)


def _missing_languages(spec: ModelSpec, languages: tuple[str, ...]) -> list[str]:
    """Languages that it lacks by its own statement; a statement of none, or of many, excludes nothing."""
    if not spec.languages or "multilingual" in spec.languages:
        return []
    return [code for code in languages if code not in spec.languages]


def _size_problem(spec: ModelSpec, wanted: Requirements) -> str | None:
    if not spec.is_disclosed:
        return "its size is not disclosed" if wanted.max_params or wanted.min_params else None
    if wanted.max_params is None and wanted.min_params is None:
        return None
    total = count_params(spec).total
    if wanted.max_params is not None and total > wanted.max_params * ROUNDED:
        return f"{count_text(total)} parameters are over {count_text(wanted.max_params)}"
    if wanted.min_params is not None and total * ROUNDED < wanted.min_params:
        return f"{count_text(total)} parameters are under {count_text(wanted.min_params)}"
    return None


ROUNDED = 1.05
"""Sizes are said in round numbers: an "8B" model has up to 8.4 billion."""
