from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from fasterapi import applications
from fasterapi._dispatch import handle_exception, handle_status, handle_validation_error, intercepted_statuses
from fasterapi.applications import App, Worker
from fasterapi.exceptions import HTTPException, RequestValidationError
from fasterapi.responses import JSONResponse, PlainTextResponse


class TeapotError(Exception):
    pass


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    app.enter_worker(Worker(0, 1, "pinned", 1), debug=False, root_path="")
    yield app
    applications._serving = None


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("fasterapi")
    propagate, logger.propagate = logger.propagate, True
    yield caplog
    logger.propagate = propagate


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def _browser(make_request: Any) -> Any:
    headers = {"host": "h", "accept": "text/html,*/*", "cookie": "session=private"}
    return make_request(raw_headers=[(name.encode(), value.encode()) for name, value in headers.items()])


def test_http_exception_answers_as_it_says(app: App) -> None:
    status, headers, body = handle_exception(app, None, HTTPException(404, "gone", {"X-A": "b"}), "GET /")
    assert (status, body) == (404, b'{"detail":"gone"}')
    assert (b"x-a", b"b") in headers
    assert (b"content-type", b"application/json") in headers


def test_http_exception_has_the_phrase_by_default_and_any_detail() -> None:
    assert HTTPException(405).detail == "Method Not Allowed"
    assert HTTPException(599).detail == ""
    assert str(HTTPException(400, {"a": 1})) == "400: {'a': 1}"


def test_http_exception_without_body(app: App) -> None:
    status, headers, body = handle_exception(app, None, HTTPException(204), "GET /")
    assert (status, headers, body) == (204, [], b"")


def test_an_unhandled_exception_is_500_with_the_logs_id(app: App, log: Any) -> None:
    status, _, body = handle_exception(app, None, _raised(ZeroDivisionError("x")), "GET /div (div)")
    answer = json.loads(body)
    assert status == 500
    assert answer == {"detail": "Internal Server Error", "request_id": answer["request_id"]}
    (record,) = log.records
    assert record.request_id == answer["request_id"]
    assert record.getMessage() == "GET /div (div) failed"
    assert record.exc_info[0] is ZeroDivisionError


def test_a_5xx_http_exception_carries_the_logs_id(app: App, log: Any) -> None:
    status, _, body = handle_exception(app, None, HTTPException(503, "later"), "GET /")
    assert status == 503
    assert json.loads(body) == {"detail": "later", "request_id": log.records[0].request_id}


def test_a_detail_that_json_cannot_hold_is_500(app: App, log: Any) -> None:
    status, _, _ = handle_exception(app, None, HTTPException(400, object()), "GET /")
    assert status == 500
    assert log.records[0].exc_info[0] is TypeError


def test_handlers_are_found_by_status_class_and_base_class(app: App) -> None:
    app.exception_handler(LookupError)(lambda request, exc: PlainTextResponse("lookup", 410))
    app.exception_handler(418)(lambda request, exc: PlainTextResponse("pot", 418))
    assert handle_exception(app, None, KeyError(), "r")[2] == b"lookup"
    assert handle_exception(app, None, HTTPException(418), "r")[2] == b"pot"
    assert handle_exception(app, None, HTTPException(404), "r")[0] == 404


def test_an_async_handler_gives_a_coroutine_of_the_answer(app: App) -> None:
    @app.exception_handler(TeapotError)
    async def brew(request: Any, exc: TeapotError) -> JSONResponse:
        await asyncio.sleep(0)
        return JSONResponse({"short": str(exc)}, 418)

    status, _, body = asyncio.run(handle_exception(app, None, TeapotError("stout"), "r"))
    assert (status, body) == (418, b'{"short":"stout"}')


def test_a_catch_all_handler_answers_but_the_failure_is_logged(app: App, log: Any) -> None:
    app.add_exception_handler(Exception, lambda request, exc: PlainTextResponse("sorry", 500))
    assert handle_exception(app, None, _raised(OSError("disk")), "r")[2] == b"sorry"
    assert log.records[0].exc_info[0] is OSError
    assert handle_exception(app, None, HTTPException(404), "r")[2] == b'{"detail":"Not Found"}'


def test_a_handler_that_fails_or_returns_no_response_is_500(app: App, log: Any) -> None:
    def broken(request: Any, exc: Exception) -> Any:
        raise RuntimeError("worse")

    async def wrong(request: Any, exc: Exception) -> Any:
        return {"not": "a response"}

    app.add_exception_handler(KeyError, broken)
    app.add_exception_handler(TeapotError, wrong)
    assert handle_exception(app, None, KeyError(), "r")[0] == 500
    assert asyncio.run(handle_exception(app, None, TeapotError(), "r"))[0] == 500
    assert [record.exc_info[0] for record in log.records] == [RuntimeError, TypeError]


def test_the_app_chooses_which_of_the_engines_answers_it_gives(app: App, make_request: Any) -> None:
    assert intercepted_statuses(app) == frozenset()
    app.add_exception_handler(404, lambda request, exc: PlainTextResponse("lost", 404))
    assert intercepted_statuses(app) == {404}
    app.add_exception_handler(HTTPException, lambda request, exc: PlainTextResponse(str(exc.headers), exc.status_code))
    app.add_exception_handler(
        RequestValidationError, lambda request, exc: JSONResponse([exc.errors()[0]["type"], exc.body], 400)
    )
    assert intercepted_statuses(app) == {404, 405, 422}
    assert handle_status(app, None, 404, None)[2] == b"lost"
    assert handle_status(app, None, 405, {"Allow": "GET"})[2] == b"{'Allow': 'GET'}"
    errors = b'{"detail":[{"type":"missing","loc":["query","q"]}]}'
    request = make_request(body=b'{"a":1}')
    assert handle_validation_error(app, request, errors, "r")[2] == b'["missing",{"a":1}]'


def test_debug_shows_a_page_to_browsers_and_text_to_others(app: App, make_request: Any, log: Any) -> None:
    app.debug = True
    secret = "<script>alert(1)</script>"

    def failing(value: str) -> None:
        raise ValueError(value)

    try:
        failing(secret)
    except ValueError as error:
        status, headers, page = handle_exception(app, _browser(make_request), error, "GET / (failing)")
        _, other_headers, text = handle_exception(app, make_request(), error, "GET / (failing)")
    assert status == 500
    assert (b"content-type", b"text/html; charset=utf-8") in headers
    assert (b"content-type", b"text/plain; charset=utf-8") in other_headers
    assert secret.encode() not in page
    assert b"&lt;script&gt;alert(1)" in page
    assert b"session=private" not in page
    assert b"raise ValueError(value)" in page
    assert log.records[0].request_id.encode() in page
    assert b"ValueError: <script>" in text
