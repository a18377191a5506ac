"""Wishes that rule out a model however it is run, and machines: deployment, privacy, maker, licence, size, evidence."""

from __future__ import annotations

import re
from functools import lru_cache

from advisor.machines import rentable
from advisor.ranking.facts import facts_of
from advisor.report import count_text, tokens_text
from advisor.requirements import Requirements
from calculators.efficiency import class_of
from catalog.errors import BadInput, unknown
from catalog.loader import all_machines, listed_models, machine_classes, machine_prices
from catalog.machine import Machine
from catalog.spec import ModelSpec
from catalog.terms import refuted, supported_context, terms_of

PERSONAL = frozenset({"apple", "consumer gpu", "soc"})
"""Machines that one person has on the desk, in the bag or in a device."""


def check_names(wanted: Requirements) -> None:
    """Refuse names that no model of the catalog bears: they would rule everything out without a word.

    Raises:
        BadInput: With the nearest that exist.
    """
    if wanted.organisations or wanted.without_organisations:
        houses = {spec.organisation for spec in listed_models() if spec.organisation}
        for name in (*wanted.organisations, *wanted.without_organisations):
            if not any(_same(house, name) for house in houses):
                raise unknown("organisation", name, houses)
    if wanted.licences:
        known = {spec.licence.name for spec in listed_models() if spec.licence}
        for name in wanted.licences:
            if not any(_begins(licence, name) for licence in known):
                raise unknown("licence", name, known)
    for code in wanted.languages:
        if not _CODE.fullmatch(code):
            raise BadInput(f"unknown language {code!r}; write its ISO 639 code, such as de, or multilingual")


def _same(name: str, said: str) -> bool:
    """Whether they differ in capitals at most."""
    return name.casefold() == said.casefold()


def _begins(name: str, said: str) -> bool:
    return name.casefold().startswith(said.casefold())


_CODE = re.compile("[a-z]{2,3}(-[a-zA-Z]{2,4})?|multilingual")


def obstacle(spec: ModelSpec, wanted: Requirements) -> str | None:
    """The wish that a model fails, in words; ``None`` where there is none."""
    house = spec.organisation or "an unknown maker"
    if spec.availability == "removed":
        return "its provider no longer serves it"
    if wanted.deployment == "api" and spec.is_disclosed:
        return "an API is asked for"
    if wanted.deployment not in ("any", "api") and not spec.is_disclosed:
        return f"{wanted.deployment} is asked for, and it is sold behind an API only"
    if wanted.privacy != "any" and not spec.is_disclosed:
        return "texts may not go to a provider, and it is sold behind an API only"
    if wanted.fine_tuning and terms_of(spec).open_weights is not True:
        return "it is to be fine-tuned, and its weights cannot be had"
    if lacks := [m for m in wanted.modalities if m not in spec.inputs]:
        return f"takes no {' and no '.join(lacks)}"
    if wanted.families and spec.family not in wanted.families:
        return f"only {', '.join(wanted.families)} is asked for"
    if spec.family in wanted.without_families:
        return f"{spec.family} is excluded"
    if wanted.organisations and not _by(spec, wanted.organisations):
        return f"by {house}, not by whom is asked for"
    if _by(spec, wanted.without_organisations):
        return f"{house} is excluded"
    if wanted.licences and not _licensed(spec, wanted.licences):
        return f"licence {spec.licence.name if spec.licence else 'unknown'} is not {' or '.join(wanted.licences)}"
    if missing := _missing_languages(spec, wanted.languages):
        return f"not stated to know {', '.join(missing)}"
    return _size_problem(spec, wanted) or _context_problem(spec, wanted)


def _context_problem(spec: ModelSpec, wanted: Requirements) -> str | None:
    """Where evidence for the context is asked for and a length is given."""
    needed = wanted.context_tokens
    if wanted.context_evidence == "advertised" or needed is None:
        return None
    known = supported_context(spec)
    if known is None:
        return "nobody measured its context" if wanted.context_evidence == "measured" else None
    if refuted(known, needed) or (wanted.context_evidence == "measured" and known.measured_tokens < needed):
        return f"RULER supports {tokens_text(known.tokens)} of {tokens_text(needed)}"
    return None


def machines_for(wanted: Requirements) -> list[Machine]:
    """Machines to choose from where none is named; only such whose speed is known.

    Usually those that somebody rents out. Where the network is cut off or texts stay on the premises, those that are
    sold; on a device, those that a person has.
    """
    kept = _known_speed()
    if wanted.deployment == "on-device":
        return [m for m in kept if m.kind in PERSONAL]
    if wanted.deployment == "air-gapped" or wanted.privacy == "own-premises":
        return [m for m in kept if sold(m)]
    return [m for m in kept if rentable(m)]


def sold(machine: Machine) -> bool:
    """Whether a price of purchase is known: some accelerators can only be rented."""
    return any(price.usd_purchase for price in machine_prices(machine.id))


@lru_cache(maxsize=1)
def _known_speed() -> tuple[Machine, ...]:
    classes = machine_classes()
    return tuple(m for m in all_machines() if m.memory_gib and (m.roofline or class_of(m, classes)))


def _by(spec: ModelSpec, houses: tuple[str, ...]) -> bool:
    return spec.organisation is not None and any(_same(spec.organisation, house) for house in houses)


def _licensed(spec: ModelSpec, licences: tuple[str, ...]) -> bool:
    return spec.licence is not None and any(_begins(spec.licence.name, name) for name in licences)


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
    total = facts_of(spec).params.total
    if wanted.max_params is not None and total > wanted.max_params * ROUNDED:
        return f"{count_text(total)} parameters are over {count_text(wanted.max_params)}"
    if wanted.min_params is not None and total * ROUNDED < wanted.min_params:
        return f"{count_text(total)} parameters are under {count_text(wanted.min_params)}"
    return None


ROUNDED = 1.05
"""Sizes are said in round numbers: an "8B" model has up to 8.4 billion."""
