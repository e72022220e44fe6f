"""Errors that a handler raises to answer, and those that the framework raises at the developer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "FasterAPIError",
    "HTTPException",
    "NoMatchFound",
    "RequestTimeout",
    "RequestValidationError",
    "reason_phrase",
]


class HTTPException(Exception):
    """Answer the request with `status_code` and the body `{"detail": detail}`.

    `detail` is anything that JSON can hold; left out, it is the status code's reason phrase.

    >>> raise HTTPException(404, "no such task")  # doctest: +SKIP
    """

    def __init__(
        self,
        status_code: int,
        detail: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if detail is None:
            detail = reason_phrase(status_code)
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status_code={self.status_code!r}, detail={self.detail!r})"


def reason_phrase(status_code: int) -> str:
    """The registered phrase of a status code; empty for one that has none.

    >>> reason_phrase(404)
    'Not Found'
    """
    from http import HTTPStatus

    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""


class RequestValidationError(ValueError):
    """A request that does not fit its handler's parameters (422).

    The engine answers such a request itself; this is raised only for the exception handler that an app registered.
    """

    def __init__(self, errors: Sequence[Any], *, body: Any = None) -> None:
        super().__init__(errors)
        self._errors = errors
        self.body = body

    def errors(self) -> Sequence[Any]:
        """One dict per mistake: `type`, `loc`, `msg`, `input` and, for some, `ctx`."""
        return self._errors

    def __str__(self) -> str:
        count = len(self._errors)
        return f"{count} validation error{'' if count == 1 else 's'}: {list(self._errors)!r}"


class RequestTimeout(BaseException):
    """Raised in a handler whose time is up, wherever its code is: its request was answered with 504 already.

    Not an `Exception`, so that `except Exception` in a loop does not keep the handler going. It may be caught to clean
    up, and should be raised again.
    """


class FasterAPIError(RuntimeError):
    """The app uses the framework in a way that cannot work."""


class NoMatchFound(FasterAPIError):
    """No route has that name and these path parameters."""

    def __init__(self, name: str, path_params: Mapping[str, Any]) -> None:
        params = ", ".join(path_params)
        super().__init__(f"no route is named {name!r} with the path parameters {{{params}}}")
