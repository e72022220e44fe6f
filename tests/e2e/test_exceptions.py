"""What an app makes of exceptions and refusals, and what clients and the log are told."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server, connected

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
    import asyncio

    from fasterapi import App, HTTPException, JSONResponse, PlainTextResponse, Request
    from fasterapi.exceptions import RequestValidationError

    app = App()


    class Teapot(Exception):
        pass


    @app.exception_handler(Teapot)
    async def on_teapot(request: Request, error: Teapot):
        await asyncio.sleep(0.01)
        return JSONResponse({"path": request.url.path, "query": dict(request.query_params)}, 418)


    @app.exception_handler(404)
    def on_missing(request: Request, error: HTTPException):
        return PlainTextResponse(f"nothing at {request.url.path}", 404)


    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError):
        return JSONResponse({"wrong": [entry["loc"] for entry in error.errors()], "body": error.body}, 400)


    @app.get("/teapot")
    def teapot():
        raise Teapot


    @app.get("/late-teapot")
    async def late_teapot():
        await asyncio.sleep(0.01)
        raise Teapot


    @app.get("/typed/{number}")
    def typed(number: int, size: int = 3):
        return number


    @app.get("/missing")
    def missing():
        raise HTTPException(404)


    @app.get("/gone")
    async def gone():
        raise HTTPException(410, {"why": "moved"}, headers={"x-why": "moved"})


    @app.get("/crash")
    def crash():
        raise RuntimeError("secret detail")


    @app.get("/cannot-encode")
    def cannot_encode():
        return {"items": [object()]}


    @app.get("/not-a-number")
    def not_a_number():
        return float("nan")


    @app.get("/split")
    def split():
        return PlainTextResponse("x", headers={"x-good": "yes"})


    @app.get("/exit")
    def leave():
        raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def server(module_serve: Serve):
    with module_serve(APP, "--workers", "1") as running:
        yield running


def get(server: Server, path: str, method: str = "GET"):
    with connected(server) as client:
        client.request(method, path)
        response = client.getresponse()
        return response.status, dict(response.getheaders()), response.read()


@pytest.mark.parametrize("path", ["/teapot", "/late-teapot"])
def test_an_apps_own_exception_handler_is_given_the_request(server, path):
    status, _, body = get(server, f"{path}?a=1")
    assert status == 418
    assert json.loads(body) == {"path": path, "query": {"a": "1"}}


def test_an_app_may_answer_404_itself(server):
    assert get(server, "/nowhere/b%20c")[::2] == (404, b"nothing at /nowhere/b c")
    assert get(server, "/missing")[::2] == (404, b"nothing at /missing")


def test_an_app_may_answer_invalid_requests_itself(server):
    status, _, body = get(server, "/typed/x?size=y")
    assert status == 400
    assert json.loads(body) == {"wrong": [["path", "number"], ["query", "size"]], "body": None}


def test_other_refusals_are_the_engines(server):
    status, headers, body = get(server, "/gone", "POST")
    assert status == 405
    assert headers["allow"] == "GET, HEAD"
    assert json.loads(body) == {"detail": "Method Not Allowed"}


def test_an_http_exception_has_its_status_detail_and_headers(server):
    status, headers, body = get(server, "/gone")
    assert status == 410
    assert headers["x-why"] == "moved"
    assert json.loads(body) == {"detail": {"why": "moved"}}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/crash", "RuntimeError: secret detail"),
        ("/cannot-encode", r"GET /cannot-encode \(cannot_encode\) failed(.|\n)*object"),
        ("/not-a-number", "Out of range float values are not JSON compliant"),
        ("/exit", "SystemExit: 3"),
    ],
)
def test_a_failure_is_500_and_the_log_has_its_traceback_under_the_same_id(server, path, told):
    status, _, body = get(server, path)
    assert status == 500
    answer = json.loads(body)
    assert answer["detail"] == "Internal Server Error"
    assert b"secret" not in body
    server.wait_for_log(re.compile(f"request_id={answer['request_id']}(.|\n)*{told}|{told}"))
    assert get(server, "/split")[0] == 200
