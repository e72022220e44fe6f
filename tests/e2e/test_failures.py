"""Handlers that fail: what the client is told, what the log says, and that the next request is served."""

import json
import re

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import EACH_INTERPRETER, STRATEGIES_AND_DEFAULT, Server, server_of
from tests.e2e.wire import Reply, Wire

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
import asyncio
import contextlib
import sys
from fasterapi import App, HTTPException, Response

app = App()

class Unknown:
    __slots__ = ()

@app.get("/fine")
def fine():
    return "fine"

@app.get("/raise")
def failing():
    secret = "in the frame"
    raise RuntimeError("the reason")

@app.get("/raise-later")
async def failing_later():
    await asyncio.sleep(0.001)
    raise RuntimeError("the later reason")

@app.get("/raise-from")
def failing_from():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("caused") from error

@app.get("/unavailable")
def unavailable():
    raise HTTPException(503, "try later", headers={"Retry-After": "5"})

@app.get("/unencodable")
def unencodable():
    return {"items": [1, {"row": Unknown()}]}

@app.get("/unencodable-later")
async def unencodable_later():
    await asyncio.sleep(0)
    return {"items": {(1, 2): 3}}

@app.get("/nan")
def nan():
    return [float("nan")]

@app.get("/surrogate")
def surrogate():
    return "\\ud800"

@app.get("/itself")
def itself():
    loop = []
    loop.append(loop)
    return loop

@app.get("/missing-await")
def missing_await():
    return {"result": asyncio.sleep(0)}

@app.get("/recursion")
def recursion():
    return recursion()

@app.get("/memory")
def memory():
    raise MemoryError

@app.get("/base-exception")
def base_exception():
    class Odd(BaseException): ...
    raise Odd("odd")

@app.get("/exit")
def leaving():
    sys.exit(3)

@app.get("/interrupt")
async def interrupting():
    raise KeyboardInterrupt

@app.get("/generator-exit")
def generator_exit():
    raise GeneratorExit

@app.get("/stop-iteration")
async def stop_iteration():
    raise StopIteration

@app.get("/split")
def split():
    return Response("x", headers={"X-Name": "a\\r\\nX-Injected: yes"})

@app.get("/split-by-append")
def split_by_append():
    response = Response("x")
    response.raw_headers.append((b"x-name", b"a\\r\\nx-injected: yes"))
    return response

@app.get("/raw-nul")
def raw_nul():
    response = Response("x")
    response.raw_headers.append((b"x-name", b"a\\0b"))
    return response

@app.get("/raw-name")
def raw_name():
    response = Response("x")
    response.raw_headers.append((b"x name", b"a"))
    return response

@app.get("/raw-type")
def raw_type():
    response = Response("x")
    response.raw_headers = [("not", "bytes")]
    return response

@app.get("/raw-framing")
def raw_framing():
    response = Response("12345")
    response.raw_headers = [(b"content-length", b"3"), (b"transfer-encoding", b"chunked"), (b"connection", b"upgrade")]
    return response

@app.get("/raw-body")
def raw_body():
    response = Response("x")
    response.body = "text"
    return response

@app.get("/raw-status")
def raw_status():
    response = Response("x")
    response.status_code = 99
    return response

@app.get("/slow-context")
async def slow_context():
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.sleep, 0)
        raise RuntimeError("inside a context")
"""

server = server_of(APP, "--workers", "1", strategies=STRATEGIES_AND_DEFAULT)

FAILING = [
    ("/raise", "RuntimeError: the reason"),
    ("/raise-later", "RuntimeError: the later reason"),
    ("/raise-from", "ValueError: caused"),
    ("/unencodable", 'TypeError: result["items"][1]["row"]: cannot encode object of type \'Unknown\' as JSON'),
    ("/unencodable-later", "TypeError: result[\"items\"][<tuple>]: cannot encode a key of type 'tuple' as JSON"),
    ("/nan", "ValueError: Out of range float values are not JSON compliant: result[0] is nan"),
    ("/surrogate", "UnicodeEncodeError"),
    ("/itself", "RecursionError"),
    ("/missing-await", "is an await missing?"),
    ("/recursion", "RecursionError"),
    ("/memory", "MemoryError"),
    ("/stop-iteration", "StopIteration"),
    ("/split", "ValueError"),
    ("/split-by-append", "x-name"),
    ("/raw-nul", "x-name"),
    ("/raw-name", "x name"),
    ("/raw-type", "bytes"),
    ("/raw-body", "bytes"),
    ("/raw-status", "99"),
    ("/slow-context", "RuntimeError: inside a context"),
]


def assert_hidden(reply: Reply) -> str:
    """A 500 that tells the client nothing but an id, which is returned."""
    assert (reply.status, reply.header("content-type")) == (500, "application/json")
    body = reply.json
    request_id: str = body.pop("request_id")
    assert re.fullmatch(r"[0-9a-f]{16}", request_id)
    assert body == {"detail": "Internal Server Error"}
    assert reply.header("x-injected") is None
    return request_id


@pytest.mark.parametrize(("target", "told"), FAILING, ids=[target for target, _ in FAILING])
def test_a_failure_is_a_500_that_the_log_explains(server: Server, target: str, told: str) -> None:
    with Wire(server) as wire:
        request_id = assert_hidden(wire.ask(target))
        assert wire.ask("/fine").json == "fine"
    entry = server.wait_for_log(rf"{request_id}[\s\S]*?{re.escape(told)}")[0]
    assert f"GET {target}" in server.log.partition(request_id)[0].splitlines()[-1] + entry.splitlines()[0]


def test_the_traceback_has_the_handlers_lines_and_not_ours(server: Server) -> None:
    with Wire(server) as wire:
        request_id = assert_hidden(wire.ask("/raise"))
    entry = server.wait_for_log(rf"{request_id}[\s\S]*?RuntimeError: the reason")[0]
    assert "in failing" in entry
    assert "fasterapi/" not in entry


@pytest.mark.parametrize("target", ["/base-exception", "/exit", "/interrupt", "/generator-exit"])
def test_what_is_no_exception_ends_the_request_and_not_the_server(server: Server, target: str) -> None:
    with Wire(server) as wire:
        assert_hidden(wire.ask(target))
    with Wire(server) as wire:
        assert wire.ask("/fine").json == "fine"


def test_framing_fields_of_the_app_do_not_count(server: Server) -> None:
    with Wire(server) as wire:
        reply = wire.ask("/raw-framing")
        assert (reply.status, reply.body) == (200, b"12345")
        assert [value for name, value in reply.headers if name == "content-length"] == ["5"]
        assert (reply.header("transfer-encoding"), reply.header("connection")) == (None, None)
        assert wire.ask("/fine").json == "fine"


def test_an_http_error_of_the_server_kind_has_an_id_too(server: Server) -> None:
    with Wire(server) as wire:
        reply = wire.ask("/unavailable")
    assert (reply.status, reply.header("retry-after"), reply.json["detail"]) == (503, "5", "try later")
    server.wait_for_log(reply.json["request_id"])


def test_a_head_request_that_fails_has_no_body(server: Server) -> None:
    with Wire(server) as wire:
        assert wire.ask("/raise", method="HEAD").status == 500
        assert wire.ask("/fine").json == "fine"


def test_pipelined_requests_after_a_failure_are_answered(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target for target in (b"/raise", b"/nan", b"/fine")))
        assert [wire.receive().status for _ in range(3)] == [500, 500, 200]


def test_debug_shows_the_code(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--debug") as server, Wire(server) as wire:
        page = wire.ask("/raise", "Accept: text/html")
        assert (page.status, page.header("content-type")) == (500, "text/html; charset=utf-8")
        assert b"the reason" in page.body
        assert b"in the frame" in page.body
        text = wire.ask("/raise-later")
        assert (text.header("content-type") or "").startswith("text/plain")
        assert b"the later reason" in text.body


def test_json_logs_are_one_object_a_line(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--log-format", "json", "--access-log") as server:
        with Wire(server) as wire:
            request_id = assert_hidden(wire.ask("/raise"))
            assert wire.ask("/fine").status == 200
        server.wait_for_log(request_id)
        server.wait_for_log("/fine")
        assert server.stop() == 0
        entries = [json.loads(line) for line in server.log.splitlines()]
    assert any(entry.get("request_id") == request_id for entry in entries)


@EACH_INTERPRETER
def test_a_startup_that_fails_in_one_worker_of_several_stops_all(serve: Serve) -> None:
    source = """
    from contextlib import asynccontextmanager
    from fasterapi import App

    @asynccontextmanager
    async def lifespan(app):
        if app.worker.index == 1:
            raise RuntimeError("worker one has no luck")
        yield

    app = App(lifespan=lifespan)
    """
    server = serve(source, "--workers", "3")
    assert server.wait(60) == 1
    assert server.log.count("RuntimeError: worker one has no luck") == 1
    assert "Listening" not in server.log


def test_a_shutdown_that_fails_is_told(serve: Serve) -> None:
    source = """
    from fasterapi import App

    app = App()

    @app.get("/")
    def home():
        return "home"

    @app.on_event("shutdown")
    def stop():
        raise RuntimeError("cannot let go")
    """
    with serve(source, "--workers", "1") as server:
        with Wire(server) as wire:
            assert wire.ask().json == "home"
        assert server.stop() != 0
        assert "cannot let go" in server.log
