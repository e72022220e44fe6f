"""The options of parameter declarations, for type checkers and editors; nothing imports this module at run time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypedDict

__all__ = ["BodyOptions", "HeaderOptions", "ParamOptions"]


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
