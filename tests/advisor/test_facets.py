from __future__ import annotations

import pytest

from advisor.facets import Index
from advisor.room import fitting
from calculators.params import count_params
from catalog.errors import BadInput
from catalog.loader import load

IDS = ("llama-3.1-8b", "mixtral-8x7b", "qwen3-30b-a3b", "bert-base-uncased", "claude-opus-4")


@pytest.fixture(scope="module")
def index() -> Index:
    specs = [load(name) for name in IDS]
    params = [count_params(spec) if spec.is_disclosed else None for spec in specs]
    words = [f"{s.id} {s.name} {s.family} {s.organisation or ''}".lower() for s in specs]
    return Index(specs, params, words)


def found(index: Index, query: str, **fits: frozenset[str]) -> list[str]:
    return [IDS[place] for place in index.find(query, {k.replace("_", "-"): v for k, v in fits.items()}).places]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", list(IDS)),
        ("moe", ["mixtral-8x7b", "qwen3-30b-a3b"]),
        ("<40b >7b", ["llama-3.1-8b", "qwen3-30b-a3b"]),
        (">40", ["mixtral-8x7b"]),
        ("active<5b moe", ["qwen3-30b-a3b"]),
        ("ctx>=128k", ["llama-3.1-8b", "claude-opus-4"]),
        ("licence:apache family:moe", ["mixtral-8x7b", "qwen3-30b-a3b"]),
        ("license:apache -moe", ["bert-base-uncased"]),
        ("task:chat <10b", ["llama-3.1-8b"]),
        ("released>=2025", ["qwen3-30b-a3b", "claude-opus-4"]),
        ("by:mistral", ["mixtral-8x7b"]),
        ("< ctx> family: 8x7b", ["mixtral-8x7b"]),
    ],
)
def test_all_words_and_facets_must_hold(index: Index, query: str, ids: list[str]):
    assert found(index, query) == ids
    assert index.find(query, {}).problems == ()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("licens:apache", "unknown facet 'licens'; did you mean license: or licence:?"),
        ("fits:rtx4090", "unknown machine 'rtx4090'; did you mean rtx-4090"),
        ("family:moes", "no model has family 'moes'; did you mean moe"),
        ("ctx>long", "ctx>long: no length; write it like ctx>100k"),
        ("<many", "<many: no size; write it like <30b"),
        ("released>20x5", "released>20x5: no date"),
        ("task:chats", "unknown task 'chats'; did you mean chat"),
    ],
)
def test_what_means_nothing_says_so_with_what_is_near(index: Index, query: str, sentence: str):
    assert sentence in index.find(query, {}).problems[0]


def test_fits_waits_for_what_is_known_of_the_machine_and_then_filters(index: Index):
    waiting = index.find("fits:rtx-4090", {})
    assert waiting.waits_for == ("rtx-4090",)
    assert len(waiting.places) == len(IDS)
    ids = fitting(index.specs, "rtx-4090")
    assert found(index, "fits:rtx-4090", **{"rtx-4090": ids}) == ["llama-3.1-8b", "bert-base-uncased"]
    assert index.find("fits:rtx-40", {}).said == ("fits: rtx-4060-ti-16gb, rtx-4070-ti-super, rtx-4070-ti, rtx-4070 …",)


def test_room_on_an_unknown_machine_is_refused(index: Index):
    with pytest.raises(BadInput, match="unknown machine"):
        fitting(index.specs, "rtx-9999")


def test_a_word_that_nothing_has_names_models_like_it(index: Index):
    assert index.near("<40b mixtrl")[0] == "mixtral-8x7b"
