"""The answers that the framework gives itself, for an app's own exception handlers to fall back on.

>>> @app.exception_handler(HTTPException)  # doctest: +SKIP
... async def note(request, exc):
...     print(exc)
...     return await http_exception_handler(request, exc)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fasterapi.exceptions import HTTPException, RequestValidationError
from fasterapi.responses import JSONResponse, Response

if TYPE_CHECKING:
    from fasterapi.requests import Request

__all__ = ["http_exception_handler", "request_validation_exception_handler"]

_BODILESS_STATUSES = (204, 304)


async def http_exception_handler(request: Request, exc: HTTPException) -> Response:
    """The status and the headers of the exception, with its detail as JSON."""
    if exc.status_code in _BODILESS_STATUSES:
        return Response(status_code=exc.status_code, headers=exc.headers)
    return JSONResponse({"detail": exc.detail}, exc.status_code, exc.headers)


async def request_validation_exception_handler(request: Request, exc: RequestValidationError) -> JSONResponse:
    """422 with the list of errors."""
    return JSONResponse({"detail": exc.errors()}, 422)
