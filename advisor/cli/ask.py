"""``whicharch ask``."""

from __future__ import annotations

import sys
from collections import Counter

import click

from advisor.asking.ask import Answer, ask
from advisor.asking.draft import Reading
from advisor.asking.sentence import sentence
from advisor.cli.options import COUNT, print_csv, print_json, print_markdown, table_options
from advisor.cli.recommend import HEADERS, cells, print_shortlist


@click.command()
@click.argument("question", nargs=-1, required=True, metavar="QUESTION")
@click.option("--explain", is_flag=True, help="Print how the question was read, and nothing else.")
@click.option("--limit", type=COUNT, default="8", show_default=True, help="Rows to print.")
@table_options
def command(question: tuple[str, ...], explain: bool, limit: int, as_json: bool, as_csv: bool, as_md: bool) -> None:
    """Read a question in plain English and rank architectures, models and machines for it.

    Rules read it, no model does. First comes what was understood and from which words, what was assumed, and what was
    not understood or is not applied. Exits with 1 if nothing keeps every promise.

    Example: whicharch ask "chat in German on one RTX 4090, first token under 300 ms"
    """
    text = " ".join(question)
    if explain:
        _explain(text, as_json)
        return
    answer = ask(text, limit=limit)
    rows = [cells(r) for r in answer.advice.recommendations]
    if as_json:
        print_json(answer.to_dict())
    elif as_csv or as_md:
        for line in reading_lines(answer.reading):
            click.echo(line, err=True)
        (print_csv if as_csv else print_markdown)(HEADERS, rows)
    else:
        for line in [*reading_lines(answer.reading), *_excluded(answer), ""]:
            click.echo(line)
        print_shortlist(answer.advice, rows)
    sys.exit(0 if answer.advice.recommendations else 1)


def _explain(text: str, as_json: bool) -> None:
    from dataclasses import asdict

    from advisor.asking.reading import read
    from catalog.errors import BadInput

    reading = read(text)
    if reading.problem:
        raise BadInput(f"question: {reading.problem}")
    if as_json:
        data = asdict(reading)
        print_json({**data, "requirements": reading.requirements.model_dump(), "same": sentence(reading.requirements)})
        return
    for line in reading_lines(reading):
        click.echo(line)
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


def _excluded(answer: Answer) -> list[str]:
    """How many models the wishes rule out, by wish."""
    if not answer.advice.excluded:
        return []
    kinds = Counter(reason for reason in answer.advice.excluded.values())
    common = "; ".join(f"{reason} ({n})" for reason, n in kinds.most_common(3))
    more = sum(kinds.values()) - sum(n for _, n in kinds.most_common(3))
    return [
        f"ruled out by wishes: {len(answer.advice.excluded)} models: {common}" + (f"; others ({more})" * bool(more))
    ]
