"""The search line of the Models page: words that must all appear, and facets."""

from __future__ import annotations

import re
from collections.abc import Callable

from tui.library import Model

_PARAMS = re.compile(r"^([<>])=?([0-9]*\.?[0-9]+)([kmbt]?)$")
_CONTEXT = re.compile(r"^ctx([<>])=?([0-9]*\.?[0-9]+[km]?)$")
_UNFINISHED = re.compile(r"^(ctx)?[<>]=?[0-9]*\.?$|^(licen[cs]e|family):$")
"""A facet that is still being typed; it filters nothing yet."""
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
Test = Callable[[Model], bool]


def matcher(query: str) -> Test:
    """A test for models.

    Every word must appear in id, name, family, organisation or aliases; ``<30b`` and ``>7b`` compare parameters,
    ``ctx>100k`` the context length, ``licence:apache`` the licence, ``family:moe`` the family.
    """
    tests = [_test(word) for word in query.lower().split()]
    return lambda model: all(test(model) for test in tests)


def _test(word: str) -> Test:
    if match := _PARAMS.match(word):
        more, bound = match[1] == ">", float(match[2]) * _SCALE[match[3]]
        return lambda m: m.params is not None and (m.params.total > bound if more else m.params.total < bound)
    if match := _CONTEXT.match(word):
        from advisor.quantities import tokens
        from catalog.errors import BadInput

        more = match[1] == ">"
        try:
            length = tokens(match[2])
        except BadInput:
            return lambda m: False
        return lambda m: (n := m.spec.context_tokens) is not None and (n > length if more else n < length)
    if _UNFINISHED.match(word):
        return lambda m: True
    facet, colon, value = word.partition(":")
    if colon and facet in ("licence", "license"):
        return lambda m: m.spec.licence is not None and value in m.spec.licence.name.lower()
    if colon and facet == "family":
        return lambda m: value in m.spec.family
    return lambda m: word in m.words
