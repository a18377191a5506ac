"""The lazy ``dataclass`` is the standard one to whoever uses it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field

import pytest

from catalog import values


@values.dataclass(frozen=True, slots=True)
class Lazy:
    """A value."""

    x: int
    y: list[int] = field(default_factory=list, compare=False)
    z: str = "a"

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x")


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    """A value."""

    x: int
    y: list[int] = field(default_factory=list, compare=False)
    z: str = "a"


@values.dataclass
class Changing:
    """A thing."""

    x: int
    y: int = dataclasses.field(default=2, init=False)


def test_values_are_made_compared_hashed_and_printed_as_by_the_standard_decorator():
    for cls in (Lazy, Standard):
        one, same, other = cls(1), cls(x=1, y=[5], z="a"), cls(1, z="b")
        assert one == same
        assert one != other
        assert hash(one) == hash(same)
        assert one != (1, "a")
        assert one.y == []
        assert one.y is not cls(1).y
        assert repr(other) == f"{cls.__name__}(x=1, y=[], z='b')"
        assert dataclasses.replace(one, z="c") == cls(1, z="c")
        assert values.changed(one, z="c") == cls(1, z="c") != one
        assert dataclasses.asdict(one) == {"x": 1, "y": [], "z": "a"}
        assert cls.__match_args__ == ("x", "y", "z")
        assert pickle.loads(pickle.dumps(same)).y == [5]
        assert copy.copy(same) == same
        assert not hasattr(one, "__dict__")
        with pytest.raises(TypeError, match="x"):
            cls()  # type: ignore[call-arg]
    assert Lazy(1) != Standard(1)


def test_a_frozen_value_refuses_assignment_and_its_own_check_runs():
    with pytest.raises(FrozenInstanceError, match="'x'"):
        Lazy(1).x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del Lazy(1).x  # type: ignore[misc]
    with pytest.raises(ValueError, match="x"):
        Lazy(-1)


def test_a_changing_one_is_assigned_to_and_has_no_hash():
    thing = Changing(1)
    thing.x = 3
    assert (thing.x, thing.y) == (3, 2)
    assert thing == Changing(3)
    with pytest.raises(TypeError, match="unhashable"):
        hash(thing)


def test_children_and_classes_with_methods_of_their_own_are_left_to_the_standard_decorator():
    @values.dataclass(frozen=True)
    class Child(Lazy):
        """Another."""

        more: int = 0

        def __repr__(self) -> str:
            return "child"

    assert Child(1, more=4).more == 4
    assert repr(Child(1)) == "child"
    with pytest.raises(FrozenInstanceError):
        Child(1).more = 5  # type: ignore[misc]
