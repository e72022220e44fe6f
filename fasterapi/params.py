"""Where a handler's parameter comes from and what its value must be.

The classes hold what was declared; `fasterapi._signature` compiles it. In handlers use the functions of the same names
from `fasterapi` (or `fasterapi.param_functions`), whose results fit a parameter of any type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Unpack

    from fasterapi._options import BodyOptions, HeaderOptions, ParamOptions

__all__ = ["OPTION_NAMES", "Body", "Cookie", "Header", "Param", "Path", "Query"]


OPTION_NAMES = frozenset(
    {
        "default_factory",
        "alias",
        "validation_alias",
        "gt",
        "ge",
        "lt",
        "le",
        "multiple_of",
        "min_length",
        "max_length",
        "pattern",
        "regex",
        "strict",
        "allow_inf_nan",
        "max_digits",
        "decimal_places",
        "discriminator",
        "title",
        "description",
        "examples",
        "example",
        "openapi_examples",
        "deprecated",
        "include_in_schema",
        "json_schema_extra",
    }
)
"""What every declaration accepts besides the default; see ParamOptions."""


class Param:
    """What was declared about one parameter.

    Raises:
        TypeError: for an option that this class does not have, or a default beside a default_factory.
    """

    __slots__ = ("__dict__", "alias", "default", "default_factory", "options", "strict")

    extra_options: frozenset[str] = frozenset()

    def __init__(self, default: Any = ..., **options: Any) -> None:
        for name in options:
            if name not in OPTION_NAMES and name not in self.extra_options:
                raise TypeError(f"{type(self).__name__}() got an unexpected keyword argument {name!r}")
        if options.get("regex") is not None:
            import warnings

            warnings.warn("`regex` is deprecated, use `pattern` instead", DeprecationWarning, stacklevel=3)
        if default is not ... and options.get("default_factory") is not None:
            raise TypeError(f"{type(self).__name__}() takes a default or a default_factory, not both")
        self.default = default
        self.default_factory: Callable[[], Any] | None = options.get("default_factory")
        self.alias: str | None = options.get("validation_alias") or options.get("alias")
        self.options: dict[str, Any] = options

    def __getattr__(self, name: str) -> Any:
        if name in OPTION_NAMES or name in self.extra_options:
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
