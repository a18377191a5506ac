"""``dataclass`` of the standard library, built lazily: the same classes at a fifth of the time at start-up.

The standard decorator compiles some six functions for each class, 0.8 ms, and a command loads 160 classes of which it
makes few. Here ``__init__`` is compiled when a class is first called, and what compares, hashes, prints and guards
values is shared. Anything but plain ``frozen``, ``slots`` and ``eq`` goes to the standard decorator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["changed", "dataclass"]

T = TypeVar("T")
_set = object.__setattr__


def changed(value: T, **fields: Any) -> T:
    """A value with other fields: ``dataclasses.replace`` without ``__init__`` and its checks, so faster."""
    made = object.__new__(type(value))
    for name in value.__dataclass_fields__:  # type: ignore[attr-defined]
        _set(made, name, fields[name] if name in fields else getattr(value, name))
    return made


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True, **more: Any
    ) -> Any:
        """As ``dataclasses.dataclass``."""

        def wrap(of: type) -> type:
            if more or _special(of):
                return dataclasses.dataclass(of, frozen=frozen, slots=slots, eq=eq, **more)
            return _lazily(of, frozen, slots, eq)

        return wrap if cls is None else wrap(cls)


_OWN = ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__", "__getstate__", "__setstate__")


def _special(cls: type) -> bool:
    """Whether a class has what only the standard decorator knows to handle: methods of its own, bases, odd fields."""
    own = vars(cls)
    if any(name in own for name in _OWN) or any(hasattr(base, dataclasses._FIELDS) for base in cls.__mro__[1:]):  # type: ignore[attr-defined]
        return True
    words = [str(hint) for hint in own.get("__annotations__", {}).values()]
    if any("InitVar" in word or "KW_ONLY" in word for word in words):
        return True
    return any(isinstance(v, dataclasses.Field) and v.kw_only is True for v in own.values())


def _lazily(cls: type, frozen: bool, slots: bool, eq: bool) -> type:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    made.__dataclass_params__ = dataclasses._DataclassParams(True, True, eq, False, False, frozen)  # type: ignore[attr-defined]
    fields = dataclasses.fields(made)

    def first(self: Any, *args: Any, **named: Any) -> None:
        made.__init__ = _init(made, frozen)
        made.__init__(self, *args, **named)

    made.__init__ = first
    made.__repr__ = _repr(tuple(f.name for f in fields if f.repr))
    if eq:
        compared = _values(tuple(f.name for f in fields if f.compare))
        made.__eq__ = _eq(compared)
        hashed = tuple(f.name for f in fields if (f.compare if f.hash is None else f.hash))
        made.__hash__ = _hash(_values(hashed)) if frozen else None
    if frozen:
        _guard(made, frozenset(f.name for f in fields))
        if slots:
            _pickled(made, tuple(f.name for f in fields))
    return made  # type: ignore[no-any-return]


def _init(cls: Any, frozen: bool) -> Callable[..., None]:
    """The constructor, as source text compiled once."""
    scope: dict[str, Any] = {"_set": _set, "_absent": dataclasses.MISSING}
    parameters, body = ["self"], []
    for f in dataclasses.fields(cls):
        value = f.name
        if f.default_factory is not dataclasses.MISSING:
            scope[f"_make_{f.name}"] = f.default_factory
            value = f"_make_{f.name}() if {f.name} is _absent else {f.name}" if f.init else f"_make_{f.name}()"
            default = "=_absent"
        elif f.default is not dataclasses.MISSING:
            scope[f"_default_{f.name}"] = f.default
            default = f"=_default_{f.name}"
            value = value if f.init else f"_default_{f.name}"
        else:
            default = ""
        if f.init:
            parameters.append(f.name + default)
        elif not default:
            continue
        body.append(f" _set(self, {f.name!r}, {value})" if frozen else f" self.{f.name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(body or [" pass"]), scope)
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of some fields of an object."""
    if not names:
        return lambda self: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda self: (get(self),)


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def __eq__(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    @recursive_repr()
    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _guard(cls: Any, names: frozenset[str]) -> None:
    """Refuse assignments, as a frozen dataclass does."""

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    cls.__setattr__, cls.__delattr__ = __setattr__, __delattr__


def _pickled(cls: Any, names: tuple[str, ...]) -> None:
    """Frozen slots are pickled as the list of their values."""

    def __getstate__(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            _set(self, name, value)

    cls.__getstate__, cls.__setstate__ = __getstate__, __setstate__
