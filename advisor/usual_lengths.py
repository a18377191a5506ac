"""Lengths of a request where nobody says them: the usual ones, within what a model takes."""

from __future__ import annotations

from advisor.scenario import Scenario

INPUT, OUTPUT = (Scenario.model_fields[name].default for name in ("input_tokens", "output_tokens"))
ANSWER_SHARE = 4
"""Of a context too short for the usual lengths, one part in so many goes to the answer."""


def usual_lengths(
    context: int | None, *, writes: bool, given_input: int | None = None, given_output: int | None = None
) -> tuple[int, int]:
    """Prompt and answer in tokens; what is given stays, however long."""
    output = given_output or OUTPUT
    if context is None:
        return given_input or INPUT, output
    if given_output is None and writes and (given_input or INPUT) + OUTPUT > context:
        output = max(1, min(OUTPUT, context // ANSWER_SHARE if given_input is None else context - given_input))
    room = max(1, context - (output if writes else 0))
    return given_input or min(INPUT, room), output


def within(scenario: Scenario, context: int | None, *, writes: bool, hears: bool = False) -> Scenario:
    """A scenario whose lengths, where nobody gave them, are within a model's context.

    ``hears``: the context holds the transcript alone, because audio has an encoder of its own.
    """
    given = [
        getattr(scenario, n) if n in scenario.model_fields_set else None for n in ("input_tokens", "output_tokens")
    ]
    if context is None or None not in given:
        return scenario
    if hears:
        lengths = scenario.input_tokens, given[1] or min(OUTPUT, context)
    else:
        lengths = usual_lengths(context, writes=writes, given_input=given[0], given_output=given[1])
    if lengths == (scenario.input_tokens, scenario.output_tokens):
        return scenario
    return scenario.model_copy(update={"input_tokens": lengths[0], "output_tokens": lengths[1]})
