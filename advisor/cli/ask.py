"""``whicharch ask``."""

from __future__ import annotations

import sys

import click

from advisor.asking.ask import answer as answer_to
from advisor.asking.ask import understood
from advisor.asking.draft import Reading
from advisor.asking.open_points import OpenPoint, settled
from advisor.asking.sentence import sentence
from advisor.cli.fitting import echo, folded
from advisor.cli.options import print_json
from advisor.cli.recommend import decision_options, show


@click.command()
@click.argument("question", nargs=-1, required=True, metavar="QUESTION")
@click.option("--explain", is_flag=True, help="Print how the question was read, and nothing else.")
@click.option("--assume", is_flag=True, help="Ask nothing about what is ambiguous: take what is assumed.")
@decision_options
def command(
    question: tuple[str, ...], explain: bool, assume: bool, limit: int, of: str | None, path: str | None,
    sensitivity: bool, as_json: bool, as_csv: bool, as_md: bool,
) -> None:  # fmt: skip
    """Read a question in plain English and rank architectures, models and machines for it.

    Rules read it, no model does. First comes what was understood and from which words, what was assumed, and what was
    not understood or is not applied. At a terminal it asks which of several meanings was meant; elsewhere it states
    what it assumes. Exits with 1 if nothing keeps every promise.

    Example: whicharch ask "chat in German on one RTX 4090, first token under 300 ms"
    """
    from advisor.decision.details import ALL

    text = " ".join(question)
    reading = understood(text)
    if not (assume or as_json or as_csv or as_md) and at_terminal():
        reading = settled(reading, [(point, _asked(point)) for point in reading.unsure])
    if explain:
        _explain(reading, as_json)
        return
    answer = answer_to(reading, limit=ALL, rejections=limit)
    if not as_json:
        narrated = as_csv or as_md or path is not None
        for line in [*reading_lines(answer.reading), *([] if narrated else [""])]:
            for part in [line] if narrated else folded(line, 4):
                click.echo(part, err=narrated)
    show(answer.advice, limit, of, path, sensitivity, as_json=as_json, as_csv=as_csv, as_md=as_md, more=answer.about())
    sys.exit(0 if answer.advice.recommendations else 1)


def at_terminal() -> bool:
    """Whether a person reads and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _asked(point: OpenPoint) -> str:
    """The meaning that a person chooses; return takes the assumed one."""
    return str(click.prompt(point.question, type=click.Choice(point.options), default=point.options[0], err=True))


def _explain(reading: Reading, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        data = asdict(reading)
        print_json({**data, "requirements": reading.requirements.model_dump(), "same": sentence(reading.requirements)})
        return
    for line in reading_lines(reading):
        echo(line, 4)
    click.echo(f"in other words: {sentence(reading.requirements)}")


def reading_lines(reading: Reading) -> list[str]:
    """What was understood and from which words, what was assumed, what is not applied, what was not understood."""
    wide = max((len(u.name) for u in reading.understood), default=0)
    value = max((len(u.value) for u in reading.understood), default=0)
    lines = ["understood:"] if reading.understood else ["understood: nothing"]
    lines += [f"  {u.name:{wide}}  {u.value:{value}}  from {u.words!r}" for u in reading.understood]
    if reading.corrected:
        lines.append("read as: " + ", ".join(f"{wrong!r} as {right!r}" for wrong, right in reading.corrected.items()))
    if reading.assumed:
        lines += ["assumed:", *(f"  {text}" for text in reading.assumed)]
    if reading.noted:
        lines += ["noted, not applied:", *(f"  {n.what} ({n.words!r}): {n.why}" for n in reading.noted)]
    if reading.not_understood:
        lines.append("not understood: " + ", ".join(repr(words) for words in reading.not_understood))
    return lines
