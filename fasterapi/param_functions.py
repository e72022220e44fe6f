"""`Path`, `Query`, `Header`, `Cookie` and `Body`, as handlers use them.

>>> async def items(q: Annotated[str | None, Query(max_length=50)] = None, page: int = Query(1, ge=1)): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fasterapi import params

if TYPE_CHECKING:
    from typing import Unpack

    from fasterapi._options import BodyOptions, HeaderOptions, ParamOptions

__all__ = ["Body", "Cookie", "Header", "Path", "Query"]


def Path(default: Any = ..., **options: Unpack[ParamOptions]) -> Any:  # noqa: N802
    """Declare a parameter from the path. It has no default."""
    return params.Path(default, **options)


def Query(default: Any = ..., **options: Unpack[ParamOptions]) -> Any:  # noqa: N802
    """Declare a parameter from the query string; a list takes every occurrence of its name."""
    return params.Query(default, **options)


def Header(default: Any = ..., **options: Unpack[HeaderOptions]) -> Any:  # noqa: N802
    """Declare a parameter from the header fields; `x_token` is read from `x-token`."""
    return params.Header(default, **options)


def Cookie(default: Any = ..., **options: Unpack[ParamOptions]) -> Any:  # noqa: N802
    """Declare a parameter from the Cookie field."""
    return params.Cookie(default, **options)


def Body(default: Any = ..., **options: Unpack[BodyOptions]) -> Any:  # noqa: N802
    """Declare a parameter from the JSON body."""
    return params.Body(default, **options)
