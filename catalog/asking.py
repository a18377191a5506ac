"""The vocabulary of questions: which words mean what. Data only; ``advisor.asking`` reads with it."""

from functools import lru_cache

from catalog.base import Identifier, Spec
from catalog.compiled import load_or_compile
from catalog.loader import ROOT
from catalog.spec import Family
from catalog.task import Trait

VOCABULARY = ROOT / "asking.yaml"
Phrases = tuple[str, ...]


class Together(Spec):
    """A task that one word of each list, in one question, makes."""

    task: Identifier
    words: tuple[Phrases, ...]


class Country(Spec):
    """Organisations by their seat."""

    words: Phrases
    organisations: tuple[str, ...]
    source: str


class Noted(Spec):
    """Something understood that no ranking uses."""

    words: Phrases
    why: str
    deployment: str | None = None
    """What it implies."""
    refuse: bool = False
    """Whether nothing can be recommended for it."""


class PageSizes(Spec):
    """Pages and words in tokens."""

    words_per_page: float
    tokens_per_word: float
    words_read_per_s: float
    source: str


class Phones(Spec):
    """Machines of the pocket, none of which is in the catalog."""

    words: Phrases
    memory_bytes: float
    """Assumed for a model on one."""


class Vocabulary(Spec):
    """All words that a question may use."""

    tasks: dict[Identifier, Phrases]
    together: tuple[Together, ...]
    over: dict[Identifier, tuple[Identifier, ...]]
    """Which tasks each one includes, where both are named."""
    languages: dict[str, Phrases]
    deployment: dict[str, Phrases]
    families: dict[Family, Phrases]
    organisations: dict[str, Phrases]
    houses: dict[str, tuple[str, ...]]
    countries: dict[str, Country]
    licences: dict[str, Phrases]
    commercial: Phrases
    noncommercial: Phrases
    presets: dict[str, Phrases]
    fine_tuning: Phrases
    traits: dict[Trait, Phrases]
    untrained: Phrases
    """Said where no example is labelled."""
    as_good_before: Phrases
    as_good_after: Phrases
    """Beside a model's name: its quality is the least that will do."""
    recordings: Phrases
    """After a duration: it is how long something lasts, not how long an answer may take."""
    places: Phrases
    """After leaving or staying: what data may not leave."""
    noted: dict[str, Noted]
    machines: dict[str, tuple[Identifier, ...]]
    """A spoken name and the machines it may mean, the likeliest first."""
    formats: dict[str, tuple[Identifier, ...]]
    """Spoken names of weight formats, for near matches."""
    generic_machines: Phrases
    """Spoken names that give way where a machine is named beside them."""
    no_gpu: Phrases
    usual_memory_gib: dict[str, float]
    """GiB assumed of a computer by its spoken name, ``usual`` for every other, where nobody says how much it has."""
    system_gib: dict[str, float]
    """GiB that the system of a person's computer keeps, by its spoken name."""
    phones: Phones
    plain_marks: Phrases
    """Makers, said beside a machine's name."""
    registered_units: Phrases
    """People who are counted whether or not they are at work."""
    machine_notes: dict[str, str]
    absent: Phrases
    """Machines that the catalog does not have."""
    units: dict[str, dict[str, float]]
    roles: dict[str, Phrases]
    comparators: dict[str, Phrases]
    numbers: dict[str, float]
    multipliers: dict[str, float]
    negations: Phrases
    only: Phrases
    fillers: Phrases
    foreign: dict[str, Phrases]
    assumptions: PageSizes


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The shipped vocabulary."""
    files = {"asking": VOCABULARY}

    def parse() -> dict[str, Vocabulary]:
        from catalog.parsing import read_entry

        return {"asking": read_entry(Vocabulary, files["asking"], trusted=True)}

    words: Vocabulary = load_or_compile("asking", files, parse)["asking"]
    return words
