"""What the engine asks Python for when a request does not end in a handler's result.

Each function gives an answer as (status, raw headers, body), or a coroutine of one where the app's own handler is
`async def`. The engine calls them with the interpreter's GIL held, on the worker's thread, where no deadline interrupts
them: code of the app goes through `exposed`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from fasterapi._engine import exposed, sheltered
from fasterapi._logging import error_logger
from fasterapi.exceptions import HTTPException, RequestValidationError
from fasterapi.responses import JSONResponse, Response

if TYPE_CHECKING:
    from fasterapi.applications import App
    from fasterapi.requests import Request

__all__ = [
    "handle_exception",
    "handle_status",
    "handle_validation_error",
    "intercepted_statuses",
    "log_timeout",
    "new_request_id",
]

type Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
type Outcome = Answer | Coroutine[Any, Any, Answer]

_BODILESS_STATUSES = (204, 304)


def intercepted_statuses(app: App) -> frozenset[int]:
    """The engine's own answers (404, 405, 422) that this app wants to give itself, read once per worker at start.

    For 422 the engine then calls `handle_validation_error`, for the others `handle_status`; it writes every status
    that is not in the set without Python.
    """
    statuses: set[int] = {status for status in (404, 405) if status in app.exception_handlers}
    if HTTPException in app.exception_handlers:
        statuses |= {404, 405}
    if RequestValidationError in app.exception_handlers:
        statuses.add(422)
    return frozenset(statuses)


def handle_status(app: App, request: Request | None, status: int, headers: Mapping[str, str] | None) -> Outcome:
    """The app's own 404 or 405; `headers` are those that the engine would have sent (Allow)."""
    return handle_exception(app, request, HTTPException(status, headers=headers), "routing")


def handle_validation_error(app: App, request: Request | None, body: bytes, route: str) -> Outcome:
    """The app's own 422, from the JSON `body` that the engine would have sent."""
    import json

    received: Any = None
    if request is not None and request._body:
        try:
            received = json.loads(request._body)
        except ValueError:
            received = request._body
    error = RequestValidationError(json.loads(body)["detail"], body=received)
    return handle_exception(app, request, error, route)


def handle_exception(app: App, request: Request | None, exc: Exception, route: str) -> Outcome:
    """The answer to a request whose handling raised `exc`; `route` names it in the log ("GET /x (handler)").

    An HTTPException is answered as it says, and every other exception with 500 and a logged traceback, unless the app
    has a handler for it.
    """
    handler = _handler_for(app, exc)
    if handler is None:
        return _unhandled(app, request, exc, route)
    catch_all = [found for key, found in app.exception_handlers.items() if key in (500, Exception)]
    if handler in catch_all:
        _log(exc, route, request, _id_of(request))
    try:
        result = exposed(handler, request, exc)
    except Exception as error:  # noqa: BLE001 - the app's handler failed: answered and logged like any other failure
        return _unhandled(app, request, error, route)
    if hasattr(result, "__await__"):
        return _finish(app, request, result, route)
    return _answer_of(app, request, result, route)


def log_timeout(exc: BaseException, route: str, request_id: str, traceparent: str | None) -> None:
    """Log where a handler was that the engine ended because its time was up; its request has been answered."""
    extra = {"request_id": request_id, "traceparent": traceparent}
    error_logger.error("%s was ended: its time was up", route, exc_info=exc, extra=extra)


def new_request_id() -> str:
    """An id for a request that nothing is known of any more."""
    return os.urandom(8).hex()


def _id_of(request: Request | None) -> str:
    """The id that a 5xx answer and the log's entries about its request share."""
    return new_request_id() if request is None else request.request_id


def _handler_for(app: App, exc: Exception) -> Callable[[Any, Any], Any] | None:
    handlers = app.exception_handlers
    if not handlers:
        return None
    if isinstance(exc, HTTPException) and exc.status_code in handlers:
        return handlers[exc.status_code]
    for kind in type(exc).__mro__:
        if kind in handlers:
            return handlers[kind]
        # These two have an answer of their own, which comes before a handler for one of their base classes.
        if kind in (HTTPException, RequestValidationError):
            return None
    return handlers.get(500)


async def _finish(app: App, request: Request | None, pending: Awaitable[Any], route: str) -> Answer:
    try:
        result = await pending
    except Exception as error:  # noqa: BLE001 - as in handle_exception
        return sheltered(_unhandled, app, request, error, route)
    return sheltered(_answer_of, app, request, result, route)


def _answer_of(app: App, request: Request | None, result: Any, route: str) -> Answer:
    if isinstance(result, Response):
        return result.status_code, result.raw_headers, result.body
    error = TypeError(f"an exception handler returned {type(result).__name__}, not a Response")
    return _unhandled(app, request, error, route)


def _unhandled(app: App, request: Request | None, exc: Exception, route: str) -> Answer:
    if isinstance(exc, HTTPException):
        try:
            return _http_error(exc, route, request)
        except (TypeError, ValueError) as error:
            error.__context__ = exc
            exc = error
    request_id = _id_of(request)
    _log(exc, route, request, request_id)
    if app.debug:
        response = exposed(_debug_response, request, exc, route, request_id)
    else:
        response = JSONResponse({"detail": "Internal Server Error", "request_id": request_id}, 500)
    return 500, response.raw_headers, response.body


def _http_error(exc: HTTPException, route: str, request: Request | None) -> Answer:
    response: Response
    if exc.status_code in _BODILESS_STATUSES:
        response = Response(status_code=exc.status_code, headers=exc.headers)
    elif exc.status_code < 500:
        response = JSONResponse({"detail": exc.detail}, exc.status_code, exc.headers)
    else:
        request_id = _id_of(request)
        response = JSONResponse({"detail": exc.detail, "request_id": request_id}, exc.status_code, exc.headers)
        _log(exc, route, request, request_id)
    return response.status_code, response.raw_headers, response.body


def _log(exc: Exception, route: str, request: Request | None, request_id: str) -> None:
    extra = {"request_id": request_id}
    if request is not None and (traceparent := request.traceparent) is not None:
        extra["traceparent"] = traceparent
    error_logger.error("%s failed", route, exc_info=exc, extra=extra)


def _debug_response(request: Request | None, exc: Exception, route: str, request_id: str) -> Response:
    from fasterapi import _debug_page

    accepts = "" if request is None else request.headers.get("accept", "")
    render = _debug_page.html if "text/html" in accepts else _debug_page.text
    return render(request, exc, route=route, request_id=request_id)
