"""What every catalog entry is built from: a strict, frozen value and a source."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_set = object.__setattr__
_NONE_SET: set[str] = set()


class Spec(BaseModel):
    """A frozen value, so it can key a cache; strict about names, so a typo in YAML is an error."""

    # Schemas are built on first use, and attribute docstrings are left to readers: both would cost 0.2 s at start-up.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    def __getstate__(self) -> dict[Any, Any]:
        """Fields alone, which is half of what pydantic pickles: the compiled catalog holds thousands of these."""
        return {name: self.__dict__[name] for name in type(self).model_fields}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Back from fields; which of them were given and which are defaults is forgotten."""
        _set(self, "__dict__", state)
        _set(self, "__pydantic_fields_set__", _NONE_SET)
        _set(self, "__pydantic_extra__", None)
        _set(self, "__pydantic_private__", None)


Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*$", max_length=80)]
"""A catalog id: lower case, digits, dots and dashes; it is also the file's name."""

Size = Annotated[int, Field(gt=0, le=2**40, strict=True)]
"""A dimension of a tensor or a number of things: a positive integer below 2**40."""

Count = Annotated[int, Field(ge=0, le=2**40, strict=True)]
"""Like ``Size``, but may be zero."""

Date = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
"""A year, a month or a day, ISO 8601."""


class Source(Spec):
    """Where a fact was read. In YAML a plain string is enough."""

    where: Annotated[str, Field(min_length=3)]
    """Paper and equation, report, repository and commit, or page."""
    as_of: Date | None = None
    """When the fact held or was read."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"where": value} if isinstance(value, str) else value

    def __str__(self) -> str:
        return self.where if self.as_of is None else f"{self.where} (as of {self.as_of})"


class Entry(Spec):
    """A named thing with at least one source."""

    id: Identifier
    name: Annotated[str, Field(min_length=1)]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if not self.name.strip():
            raise ValueError("name is blank")
        return self
