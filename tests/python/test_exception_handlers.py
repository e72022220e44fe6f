from __future__ import annotations

import asyncio
from typing import Any

from fasterapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fasterapi.exceptions import HTTPException, RequestValidationError


def test_http_exceptions_are_answered_as_they_say(make_request: Any) -> None:
    response = asyncio.run(http_exception_handler(make_request(), HTTPException(403, "no", {"x-why": "z"})))
    assert (response.status_code, response.body, response.headers["x-why"]) == (403, b'{"detail":"no"}', "z")
    empty = asyncio.run(http_exception_handler(make_request(), HTTPException(304)))
    assert (empty.status_code, empty.body, empty.raw_headers) == (304, b"", [])


def test_validation_errors_are_listed(make_request: Any) -> None:
    error = RequestValidationError([{"type": "missing", "loc": ("query", "q")}])
    response = asyncio.run(request_validation_exception_handler(make_request(), error))
    assert (response.status_code, response.body) == (422, b'{"detail":[{"type":"missing","loc":["query","q"]}]}')
