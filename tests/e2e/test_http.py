"""Connections as clients use and misuse them."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server, server_of
from tests.e2e.wire import Wire, request

server = server_of(
    """
    import asyncio
    from fasterapi import App, Request, Response

    app = App()
    seen = {"dispatched": 0, "cancelled": 0}

    @app.get("/")
    def hello():
        return {"message": "Hello"}

    @app.get("/later/{milliseconds}")
    async def later(milliseconds: int):
        await asyncio.sleep(milliseconds / 1000)
        return milliseconds

    @app.post("/length")
    async def length(request: Request):
        seen["dispatched"] += 1
        return len(await request.body())

    @app.post("/echo")
    async def echo(request: Request):
        return Response(await request.body(), media_type="application/octet-stream")

    @app.get("/large/{size}")
    def large(size: int):
        return Response(b"x" * size, media_type="application/octet-stream")

    @app.get("/last")
    def last():
        return Response("bye", headers={"Connection": "close"})

    @app.get("/forever")
    async def forever():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen["cancelled"] += 1
            raise

    @app.get("/seen")
    def report():
        return seen

    @app.get("/until-cancelled/{count}")
    async def until_cancelled(count: int):
        async with asyncio.timeout(15):
            while seen["cancelled"] < count:
                await asyncio.sleep(0.01)
        return seen
    """,
    *("--workers", "1", "--log-level", "warning"),
    *("--header-timeout-s", "1", "--keep-alive-timeout-s", "1", "--write-stall-timeout-s", "2"),
    *("--body-max-bytes", "8MiB", "--body-min-rate-bytes-s", "1000"),
    strategies=STRATEGIES_AND_DEFAULT,
)


@pytest.fixture
def wire(server: Server) -> Wire:
    with Wire(server) as wire:
        yield wire


def seen(server: Server) -> dict[str, int]:
    with Wire(server) as wire:
        counts: dict[str, int] = wire.ask("/seen").json
        return counts


def test_a_connection_is_kept(wire: Wire) -> None:
    for _ in range(5):
        reply = wire.ask()
        assert (reply.status, reply.json) == (200, {"message": "Hello"})
        assert reply.header("content-type") == "application/json"
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.header("date") or "")


def test_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    delays = [30, 0, 20, 5, 0, 10]
    wire.send(b"".join(request(f"/later/{delay}") for delay in delays))
    assert [wire.receive().json for _ in delays] == delays


def test_a_hundred_requests_in_one_packet(wire: Wire) -> None:
    wire.send(request() * 100)
    assert all(wire.receive().status == 200 for _ in range(100))


def test_a_request_in_single_bytes(wire: Wire) -> None:
    raw = request("/length", "Content-Type: text/plain", method="POST", body=b"12345")
    wire.send(*(raw[i : i + 1] for i in range(len(raw))))
    assert wire.receive().json == 5


def test_a_request_split_anywhere(wire: Wire) -> None:
    raw = request("/length", method="POST", body=b"12345") + request("/")
    for at in range(1, len(raw)):
        wire.send(raw[:at], raw[at:])
        assert wire.receive().json == 5
        assert wire.receive().json == {"message": "Hello"}


def test_a_chunked_body(wire: Wire) -> None:
    head = request("/echo", "Transfer-Encoding: chunked", method="POST")
    wire.send(head, b"3\r\nabc\r\n", b"A;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", request("/"))
    assert wire.receive().body == b"abc0123456789"
    assert wire.receive().json == {"message": "Hello"}


def test_a_body_that_fills_many_packets(wire: Wire) -> None:
    body = bytes(range(256)) * 20_000
    assert wire.ask("/echo", method="POST", body=body).body == body
    assert wire.ask().status == 200


def test_a_large_answer(wire: Wire) -> None:
    assert len(wire.ask("/large/20000000").body) == 20_000_000
    assert wire.ask().status == 200


def test_expect_continue(wire: Wire) -> None:
    head = request("/length", "Expect: 100-continue", "Content-Length: 3", method="POST")
    wire.send(head)
    assert wire.receive_any("POST").status == 100
    wire.send(b"abc")
    assert wire.receive("POST").json == 3


def test_expect_continue_of_a_body_that_is_too_large(wire: Wire) -> None:
    wire.send(request("/length", "Expect: 100-continue", "Content-Length: 9000000", method="POST"))
    assert wire.receive("POST").status == 413
    assert wire.at_end()


def test_head_has_the_headers_of_get(wire: Wire) -> None:
    got = dict(wire.ask("/").headers)
    headed = wire.ask("/", method="HEAD")
    assert headed.status == 200
    assert dict(headed.headers).items() - {("date", headed.header("date"))} <= got.items()
    assert wire.ask("/").status == 200


def test_connection_close(wire: Wire) -> None:
    reply = wire.ask("/", "Connection: close")
    assert (reply.status, (reply.header("connection") or "").lower()) == (200, "close")
    assert wire.at_end()


def test_a_handler_that_closes_the_connection(wire: Wire) -> None:
    wire.send(request("/last"), request("/"))
    reply = wire.receive()
    assert (reply.status, reply.header("connection")) == (200, "close")
    assert wire.at_end()


def test_http_1_0(server: Server) -> None:
    with Wire(server) as wire:
        assert wire.ask("/", version="1.0").json == {"message": "Hello"}
        assert wire.at_end()
    with Wire(server) as wire:
        reply = wire.ask("/", "Connection: keep-alive", version="1.0")
        assert (reply.header("connection") or "").lower() == "keep-alive"
        assert wire.ask("/", version="1.0").status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request("/" + "a" * 9000), 414),
        (request("/", "X: " + "a" * 70_000), 431),
        (request("/", *(f"X-{i}: 1" for i in range(120))), 431),
        (request("/length", "Content-Length: 8388609", method="POST"), 413),
        (request("/length", "Transfer-Encoding: chunked", method="POST") + b"800001\r\n", 413),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (request("/", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST"), 400),
        (request("/", "Content-Length: +1", method="POST"), 400),
        (request("/length", "Transfer-Encoding: gzip", method="POST"), 501),
        (request("/length", "Transfer-Encoding: chunked", method="POST") + b"x\r\n", 400),
        (request("/", "Bad Name: x"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=lambda part: repr(part[:40]) if isinstance(part, bytes) else str(part),
)
def test_what_is_refused_is_answered_and_closed(server: Server, raw: bytes, status: int) -> None:
    with Wire(server) as wire:
        wire.send(raw)
        assert wire.receive().status == status
        assert wire.at_end()


def test_a_poisoned_rest_is_never_a_request(server: Server) -> None:
    before = seen(server)["dispatched"]
    smuggled = request("/length", method="POST", body=b"x")
    for framing in (
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
        b"Content-Length: 0x5",
    ):
        with Wire(server) as wire:
            wire.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n0\r\n\r\n" + smuggled)
            assert wire.receive().status in (400, 501)
            assert wire.at_end()
    assert seen(server)["dispatched"] == before


def test_a_head_that_does_not_end_is_cut_off(wire: Wire) -> None:
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
    assert wire.seconds_until_cut_off(b"X: y\r\n", within_s=10) > 0.5


def test_an_idle_connection_is_closed(wire: Wire) -> None:
    assert wire.ask().status == 200
    started = time.monotonic()
    assert wire.at_end()
    assert 0.5 < time.monotonic() - started < 10


def test_a_body_that_trickles_is_cut_off(server: Server) -> None:
    before = seen(server)["dispatched"]
    with Wire(server) as wire:
        wire.send(request("/length", "Content-Length: 1000000", method="POST"))
        wire.seconds_until_cut_off(b"x", within_s=20)
    assert seen(server)["dispatched"] == before


def test_a_body_that_ends_early_is_never_dispatched(server: Server) -> None:
    before = seen(server)["dispatched"]
    for raw in (
        request("/length", "Content-Length: 10", method="POST") + b"123",
        request("/length", "Transfer-Encoding: chunked", method="POST") + b"5\r\n12",
    ):
        with Wire(server) as wire:
            wire.send(raw)
            wire.socket.shutdown(socket.SHUT_WR)
            try:
                assert wire.receive().status == 400
            except ConnectionError:
                assert wire.at_end()
    assert seen(server)["dispatched"] == before


def test_a_client_that_has_said_all_is_answered(wire: Wire) -> None:
    wire.send(request("/later/50"))
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.receive().json == 50
    assert wire.at_end()


def test_the_handler_of_a_client_that_left_is_cancelled(server: Server) -> None:
    before = seen(server)["cancelled"]
    for _ in range(3):
        with Wire(server) as wire:
            wire.send(request("/forever"))
            # Answered in order: once this one is, on another connection, the first is being handled.
            seen(server)
            wire.end_with_reset()
    with Wire(server) as wire:
        assert wire.ask(f"/until-cancelled/{before + 3}").status == 200


def test_a_slow_reader_delays_nobody_else(server: Server) -> None:
    with Wire(server, receive_buffer=4096) as slow, Wire(server) as other:
        slow.send(request("/large/20000000"))
        for _ in range(20):
            assert other.ask().status == 200
        assert len(slow.receive().body) == 20_000_000


def test_a_reader_that_stalls_is_cut_off(server: Server) -> None:
    with Wire(server, receive_buffer=4096) as stalled:
        stalled.send(request("/large/20000000"))
        stalled.seconds_until_cut_off(b"x", within_s=20, reading=False)


def test_many_connections_at_once(server: Server) -> None:
    wires = [Wire(server) for _ in range(300)]
    try:
        for wire in wires:
            wire.send(request("/later/20"))
        assert all(wire.receive().json == 20 for wire in wires)
    finally:
        for wire in wires:
            wire.socket.close()


def test_clients_that_come_and_go(server: Server) -> None:
    def visit(number: int) -> int:
        with Wire(server) as wire:
            if number % 3 == 0:
                wire.send(request("/later/5")[: number % 40])
                return 200
            return wire.ask(f"/later/{number % 5}").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(visit, range(400))) == {200}


def test_methods_that_nobody_serves(wire: Wire) -> None:
    reply = wire.ask("/", method="BREW")
    assert reply.status == 405
    assert {method.strip() for method in (reply.header("allow") or "").split(",")} == {"GET", "HEAD"}
    assert wire.ask("/nowhere").json == {"detail": "Not Found"}
