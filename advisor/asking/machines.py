"""Machines of a question: names, how many, memory options, and what a name leaves open."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from advisor.asking.amounts import Amount
from advisor.asking.draft import Draft
from advisor.asking.lengths import words_of
from advisor.asking.lexicon import Item, Lexicon
from advisor.asking.words import Token, spelling
from catalog.asking import vocabulary
from catalog.loader import load_machine
from catalog.machine import Machine
from catalog.task import Task

SLOW = ("cpu", "soc")
"""Kinds of machines on which a large model may answer slower than one reads."""
GIB = 2**30
ARTICLES = frozenset(("a", "an", "one", "single"))
SEVERAL = 8
"""Devices where only a plural says how many: one node."""
CARDS = frozenset(("gpu", "card", "accelerator"))
COUNTS = frozenset(("x", "×", "*", "of", "nvidia", "amd", "single", "my", "our", "apple", "intel", "geforce", "tesla",
                    "macbook", "air", "mac", "mini", "studio", "laptop"))  # fmt: skip


def standing(items: Sequence[Item], found: Sequence[Token], lex: Lexicon) -> list[Item]:
    """Items without numbers that only look like machines: ``3090 tokens`` are tokens."""
    kept = []
    for item in items:
        bare = item.kind in ("machine", "model") and item.last - item.first == 1 and found[item.first].kind == "number"
        after = found[item.last] if item.last < len(found) else None
        before = found[item.first - 1].raw if item.first else ""
        if item.value in ("phone", "tablet") and after is not None and after.norm in vocabulary().recordings:
            continue  # a "phone call"
        unit = after is not None and after.norm in lex.units and not (after.raw == "s" and after.glued)
        if after is not None and after.raw in ("concurrent", "simultaneous", "parallel", "daily", "registered"):
            continue
        if bare and ((unit and lex.units[after.norm][0] != "devices") or before in ("$", "€", "£")):  # type: ignore[union-attr]
            continue
        kept.append(item)
    return kept


def machines(
    draft: Draft, found: Sequence[Token], items: Sequence[Item], quantities: list[Amount], against: Collection[Item]
) -> list[Amount]:
    """Put machines, their count and their memory; the quantities that are left, without those used here."""
    words = vocabulary()
    named = [item for item in items if item.kind == "machine"]
    no_gpu = [item for item in named if item.value in words.no_gpu or _graphics(item, against)]
    denied = [item for item in named if item in against and item not in no_gpu]
    for item in denied:
        said = words_of(draft, found, item.first, item.last)
        draft.note("machine", said, "machines are chosen by naming those that may be used")
    named = [item for item in named if item not in denied]
    generic = {spelling(phrase) for phrase in words.generic_machines} | {spelling(p) for p in words.no_gpu}
    specific = [item for item in named if item.phrase not in generic]
    _contradiction(draft, found, no_gpu, specific)
    _absent(draft, found, items)
    used: set[int] = set()
    counts = []
    chosen: list[str] = []
    for item in specific or named:
        options = words.machines.get(item.value, (item.value,))
        (first, last), picked = _with_memory(draft, found, item, options, quantities, used)
        said = words_of(draft, found, first, last)
        if len(options) > 1 and picked == options[0]:
            others = ", ".join(o for o in options if o != picked)
            draft.assume("machine", said, options, f"{said!r} is {picked} (not {others})")
        for key in (item.value, picked):
            if (key in words.machine_notes and item.value not in ("cpu server",)) or key == "cpu server":
                draft.assumed.append(words.machine_notes[key])
                break
        chosen.append(picked)
        draft.add("machines", (picked,), said)
        counts.append(_count(found, item, quantities, used))
    _settle_count(draft, found, specific or named, counts)
    _several(draft, specific, counts)
    _memory_of_machine(draft, found, specific or named, chosen, quantities, used)
    _usual_memory(draft, found, specific or named, chosen, quantities)
    if not chosen:
        _cards_of_memory(draft, found, quantities, used)
    return [amount for number, amount in enumerate(quantities) if number not in used]


def _several(draft: Draft, items: Sequence[Item], counts: Sequence[int | None]) -> None:
    """``our H100s``: more than one, and nobody says how many."""
    said = draft.words.get("machines", "")
    plural = said[-1:] == "s" and said[-2:-1].isdigit()
    if len(items) == 1 and counts == [None] and plural and not items[0].phrase[-1].endswith("s"):
        draft.put("max_gpus", SEVERAL, said)
        draft.assumed.append(f"{said!r} are at most {SEVERAL} (write how many, as in '4 x {said[:-1]}')")


def _cards_of_memory(draft: Draft, found: Sequence[Token], quantities: Sequence[Amount], used: set[int]) -> None:
    """``two 80 GB GPUs``, ``a single 24 GB card``: the number before a memory counts the cards after it."""
    for amount in quantities:
        after = found[amount.last] if amount.last < len(found) else None
        if amount.kind != "bytes" or after is None or after.norm not in CARDS or not amount.first:
            continue
        first = amount.first - (2 if found[amount.first - 1].raw in ("x", "×", "*") and amount.first > 1 else 1)
        count = _use(quantities, used, first)
        if count is None and found[amount.first - 1].raw in ("a", "an") and not after.raw.endswith("s"):
            count = 1
        if count is not None:
            draft.put("max_gpus", count, words_of(draft, found, first, amount.last + 1))


def _graphics(item: Item, against: Collection[Item]) -> bool:
    return item in against and item.value in ("consumer gpu", "gaming gpu")


def _contradiction(draft: Draft, found: Sequence[Token], no_gpu: Sequence[Item], specific: Sequence[Item]) -> None:
    without = [i for i in no_gpu if {"no", "without"} & set(i.phrase)]
    cards = [i for i in specific if _kind(i) not in ("cpu", "apple", "soc")]
    if without and cards:
        first, second = (words_of(draft, found, i[0].first, i[0].last) for i in (without, cards))
        draft.problems.append(f"machine: the question says both {first!r} and {second!r}; keep one of them")


def _kind(item: Item) -> str:
    options = vocabulary().machines.get(item.value, (item.value,))
    return load_machine(options[0]).kind


def _absent(draft: Draft, found: Sequence[Token], items: Sequence[Item]) -> None:
    phones = vocabulary().phones
    for item in items:
        if item.kind != "absent":
            continue
        said = words_of(draft, found, item.first, item.last)
        if item.value in phones.words:
            draft.note(
                "phone", said, "no phone is in the catalog: memory is limited, speed and price are not a phone's"
            )
            draft.put("deployment", "on-device", said)
            draft.put("memory_bytes", phones.memory_bytes, said)
            draft.put("max_gpus", 1, said)
            draft.assumed.append(f"a model on a phone may take {phones.memory_bytes / 1e9:g} GB")
        else:
            draft.note("machine", said, "not in the catalog; whicharch catalog list machines shows what is")


def _with_memory(
    draft: Draft,
    found: Sequence[Token],
    item: Item,
    options: Sequence[str],
    quantities: Sequence[Amount],
    used: set[int],
) -> tuple[tuple[int, int], str]:
    """The option whose memory is said beside the name, else the first."""
    for number, amount in enumerate(quantities):
        if amount.kind != "bytes" or not _beside(found, amount, item):
            continue
        gib = amount.value / 1e9 if amount.unit.startswith("g") and "i" not in amount.unit else amount.value / 2**30
        for option in options:
            have = load_machine(option).memory_gib
            if have is not None and abs(have - gib) <= 0.03 * gib + 0.5:
                used.add(number)
                return (min(item.first, amount.first), max(item.last, amount.last)), option
    return (item.first, item.last), options[0]


def _beside(found: Sequence[Token], amount: Amount, item: Item) -> bool:
    """Whether only a few weak words stand between."""
    between = found[item.last : amount.first] if amount.first >= item.last else found[amount.last : item.first]
    weak = {"with", "(", ")", "and", "of", "ram", "memory", "vram", "unified", "gpu", "nvidia", "a", "an"}
    weak |= {"laptop", "macbook", "air", "mac", "mini", "studio"}
    return len(between) <= 3 and all(token.raw in weak for token in between)


def _count(found: Sequence[Token], item: Item, quantities: Sequence[Amount], used: set[int]) -> int | None:
    """Devices, from a number just before or after a name; ``None`` where nothing is said."""
    first = item.first
    while first and found[first - 1].raw in COUNTS and found[first - 1].raw != "single":
        first -= 1
    if first and found[first - 1].raw in ARTICLES:
        _use(quantities, used, first - 1)
        return 1
    number = _use(quantities, used, first - 1)
    if number is not None:
        return number
    last = item.last + (item.last < len(found) and found[item.last].raw == "s" and found[item.last].glued)
    if last + 1 < len(found) and found[last].raw in ("x", "×", "*"):
        return _use(quantities, used, last + 1)
    return None


def _use(quantities: Sequence[Amount], used: set[int], at: int) -> int | None:
    """The count that stands at a token, and that it is used."""
    for number, amount in enumerate(quantities):
        if amount.first <= at < amount.last and amount.kind in ("plain", "devices") and not amount.thousand:
            used.add(number)
            return round(amount.value) if amount.value >= 1 else None
    return None


def _settle_count(draft: Draft, found: Sequence[Token], items: Sequence[Item], counts: Sequence[int | None]) -> None:
    known = [count for count in counts if count is not None]
    if not known:
        return
    said = words_of(draft, found, items[0].first, items[-1].last) if len(items) > 1 else draft.words["machines"]
    draft.put("max_gpus", max(known), f"{max(known)} × {said}")
    if len(set(known)) > 1:
        draft.assumed.append(f"up to {max(known)} devices of each machine, though fewer are named for some")


def _usual_memory(
    draft: Draft, found: Sequence[Token], items: Sequence[Item], chosen: Sequence[str], quantities: Sequence[Amount]
) -> None:
    """A computer whose memory nobody states gets the usual one: without a limit, models of any size would run on it."""
    if "memory_bytes" in draft.fields or any(amount.kind == "bytes" for amount in quantities):
        return
    usual = vocabulary().usual_memory_gib
    for item, machine_id in zip(items, chosen, strict=True):
        machine = load_machine(machine_id)
        if _by_id(draft, found, item):
            continue
        if machine.memory_gib is None:
            fitted = usual.get(item.value, usual["usual"])
            draft.put("memory_bytes", _for_models(item, machine, fitted), draft.words["machines"])
            draft.assumed.append(
                f"{machine_id} is taken with {fitted:g} GiB{_kept(item, machine, fitted)}; say how much yours has, "
                "as in '64 GB of memory'"
            )
            return
        if machine.vendor == "apple":
            draft.assumed.append(f"{machine_id} has {machine.memory_gib:g} GiB; say how much yours has")


def _by_id(draft: Draft, found: Sequence[Token], item: Item) -> bool:
    """Whether a machine is named by its id, as in our own sentences: nothing is assumed of it then."""
    return words_of(draft, found, item.first, item.last) == item.value and "-" in item.value


def readable(draft: Draft, found: Sequence[Token], items: Sequence[Item], task: Task) -> None:
    """Without a graphics card answers come at least as fast as they are read, where nobody says how fast."""
    given, names = vocabulary().assumptions, draft.fields.get("machines", ())
    said = {"ttft_s", "tpot_s", "e2e_s", "tokens_per_s", "requests_per_s"} & set(draft.fields)
    if not names or said or "text" not in task.outputs or not task.targets.tpot_s:
        return
    if any(_by_id(draft, found, i) for i in items if i.kind == "machine"):
        return
    if all(load_machine(name).kind in SLOW for name in names):
        per_s = given.words_read_per_s * given.tokens_per_word
        draft.put("tpot_s", round(1 / per_s, 3), draft.words["machines"])
        draft.assumed.append(
            f"answers come as fast as they are read, {per_s:.1f} tokens a second; else write 'no rush'"
        )


def _memory_of_machine(
    draft: Draft, found: Sequence[Token], items: Sequence[Item], chosen: Sequence[str], quantities: Sequence[Amount],
    used: set[int],
) -> None:  # fmt: skip
    """``M3 Max 64GB``: that much is fitted, and a share of it may be used, as on the catalog's machine."""
    for item, machine_id in zip(items, chosen, strict=True):
        for number, amount in enumerate(quantities):
            if number in used or amount.kind != "bytes" or not _beside(found, amount, item):
                continue
            machine = load_machine(machine_id)
            fitted = amount.value / (1e9 if amount.value % 1e9 == 0 else 2**30)
            words = words_of(draft, found, amount.first, amount.last)
            used.add(number)
            draft.put("memory_bytes", _for_models(item, machine, fitted), words)
            kept = _kept(item, machine, fitted)
            share = kept or f", {100 * machine.usable_memory:.0f} % may hold the model"
            draft.assumed.append(f"of {fitted:g} GiB{share} ({machine_id})")


def _for_models(item: Item, machine: Machine, fitted_gib: float) -> float:
    """Bytes that models may take of so much fitted memory."""
    system = vocabulary().system_gib.get(item.value, 0.0)
    free = max(fitted_gib / 4, fitted_gib - system)
    return float(int(min(free, fitted_gib * machine.usable_memory) * GIB))


def _kept(item: Item, machine: Machine, fitted_gib: float) -> str:
    """What the system keeps, where that is more than the machine's usual share."""
    free = _for_models(item, machine, fitted_gib) / GIB
    return f", {free:g} of them for the model beside the system" if free < fitted_gib * machine.usable_memory else ""
