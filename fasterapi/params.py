"""Where a handler's parameter comes from and what its value must be.

The classes hold what was declared; `fasterapi._signature` compiles it. In handlers use the functions of the same names
from `fasterapi` (or `fasterapi.param_functions`), whose results fit a parameter of any type.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, TypedDict, Unpack

__all__ = ["Body", "BodyOptions", "Cookie", "Header", "HeaderOptions", "Param", "ParamOptions", "Path", "Query"]


class ParamOptions(TypedDict, total=False):
    """What `Path`, `Query`, `Header`, `Cookie` and `Body` accept besides the default."""

    default_factory: Callable[[], Any] | None
    """Called for the default of each request that does not send the parameter."""
    alias: str | None
    """The parameter's name in the request."""
    validation_alias: str | None
    """The same; it goes before `alias`."""
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    multiple_of: float | None
    min_length: int | None
    """In characters, bytes or items, by the parameter's type."""
    max_length: int | None
    pattern: str | re.Pattern[str] | None
    """A regular expression to be found in the text; RE2's syntax, matched in linear time."""
    regex: str | None
    """The old name of `pattern`."""
    strict: bool | None
    """Accept no value of another type, such as a number in a string."""
    allow_inf_nan: bool | None
    max_digits: int | None
    """Of a Decimal, in all."""
    decimal_places: int | None
    """Of a Decimal, after its point."""
    discriminator: str | None
    """The field that tells the models of a union apart; for pydantic models only."""
    title: str | None
    description: str | None
    examples: list[Any] | None
    example: Any
    openapi_examples: dict[str, Any] | None
    deprecated: bool | str | None
    include_in_schema: bool
    json_schema_extra: Any


class HeaderOptions(ParamOptions, total=False):
    """What `Header` accepts besides the default."""

    convert_underscores: bool
    """Read the parameter `x_token` from the header `x-token`. The default."""


class BodyOptions(ParamOptions, total=False):
    """What `Body` accepts besides the default."""

    embed: bool | None
    """Read a single body parameter from its key of the body's object, too."""
    media_type: str


_OPTION_NAMES = ParamOptions.__optional_keys__


class Param:
    """What was declared about one parameter.

    Raises:
        TypeError: for an option that this class does not have, or a default beside a default_factory.
    """

    __slots__ = ("__dict__", "alias", "default", "default_factory", "options", "strict")

    extra_options: frozenset[str] = frozenset()

    def __init__(self, default: Any = ..., **options: Any) -> None:
        for name in options:
            if name not in _OPTION_NAMES and name not in self.extra_options:
                raise TypeError(f"{type(self).__name__}() got an unexpected keyword argument {name!r}")
        if options.get("regex") is not None:
            warnings.warn("`regex` is deprecated, use `pattern` instead", DeprecationWarning, stacklevel=3)
        if default is not ... and options.get("default_factory") is not None:
            raise TypeError(f"{type(self).__name__}() takes a default or a default_factory, not both")
        self.default = default
        self.default_factory: Callable[[], Any] | None = options.get("default_factory")
        self.alias: str | None = options.get("validation_alias") or options.get("alias")
        self.options: dict[str, Any] = options

    def __getattr__(self, name: str) -> Any:
        if name in _OPTION_NAMES or name in self.extra_options:
            return self.options.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.default is ... else repr(self.default)})"


class Path(Param):
    """A parameter from the path; it has no default."""

    def __init__(self, default: Any = ..., **options: Unpack[ParamOptions]) -> None:
        if default is not ...:
            raise TypeError("Path parameters cannot have a default value")
        super().__init__(default, **options)


class Query(Param):
    """A parameter from the query string."""

    def __init__(self, default: Any = ..., **options: Unpack[ParamOptions]) -> None:
        super().__init__(default, **options)


class Header(Param):
    """A parameter from the header fields."""

    extra_options = frozenset({"convert_underscores"})

    def __init__(self, default: Any = ..., **options: Unpack[HeaderOptions]) -> None:
        self.convert_underscores: bool = options.get("convert_underscores", True)
        super().__init__(default, **options)


class Cookie(Param):
    """A parameter from the Cookie field."""

    def __init__(self, default: Any = ..., **options: Unpack[ParamOptions]) -> None:
        super().__init__(default, **options)


class Body(Param):
    """A parameter from the request's body."""

    extra_options = frozenset({"embed", "media_type"})

    def __init__(self, default: Any = ..., **options: Unpack[BodyOptions]) -> None:
        self.embed: bool | None = options.get("embed")
        self.media_type: str = options.get("media_type", "application/json")
        super().__init__(default, **options)
