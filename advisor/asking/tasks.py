"""Which task a question is about, by synonyms, by words that meet, and by what includes what."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from advisor.asking.draft import Draft
from advisor.asking.lengths import words_of
from advisor.asking.lexicon import Item
from advisor.asking.words import Token, spelling
from catalog.asking import vocabulary


def task_of(draft: Draft, found: Sequence[Token], items: Sequence[Item], against: Collection[Item]) -> str:
    """The task; conversation where none is named, which is said, as it is where several are."""
    words = vocabulary()
    named: dict[str, str] = {}
    for item in items:
        if item.kind != "task":
            continue
        said = words_of(draft, found, item.first, item.last)
        if item.phrase[0] == "task":
            draft.put("task", item.value, said)
            return item.value
        if item in against:
            draft.note("task", said, f"not {item.value}: the task that is wanted decides")
        else:
            named.setdefault(item.value, said)
    norms = {token.norm for token in found}
    for pair in words.together:
        met = [_met(group, norms) for group in pair.words]
        if all(met):
            named.setdefault(pair.task, " … ".join(met))
    pocket = any(i.kind == "absent" and i.value in words.phones.words for i in items)
    if (not named or set(named) == {"chat"}) and (
        pocket or any(i.kind == "deployment" and i.value == "on-device" for i in items)
    ):
        named = {"on-device": next(iter(named.values()), "on-device")}
    left = [task for task in named if not any(task in words.over.get(other, ()) for other in named if other != task)]
    if not left:
        left = list(named)
    refused = [i for i in items if i.kind == "noted" and words.noted[i.value].refuse and i not in against]
    if refused and not left:
        said = words_of(draft, found, refused[0].first, refused[0].last)
        draft.problems.append(f"{said!r}: no task of the catalog does this; whicharch catalog list tasks shows them")
    if not left:
        draft.fields["task"] = "chat"
        draft.assumed.append("the task is chat (none is named)")
        return "chat"
    task = left[0]
    draft.put("task", task, named[task])
    if len(left) > 1:
        others = ", ".join(f"{other} ({named[other]!r})" for other in left[1:])
        draft.assume("task", named[task], left, f"the task is {task}, named first; ask separately for {others}")
    return task


def _met(group: Sequence[str], norms: Collection[str]) -> str:
    """The first word of a group that the question uses."""
    return next((phrase for phrase in group if all(word in norms for word in spelling(phrase))), "")
