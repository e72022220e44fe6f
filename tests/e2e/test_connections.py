"""What clients do to connections, on raw sockets: pipelining, slow reading, going away, stopping servers."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
    import asyncio
    import time

    from fasterapi import App, PlainTextResponse, Request

    app = App()
    events = []  # of this interpreter: those that run inline share it


    @app.get("/")
    def root():
        return {"hello": "world"}


    @app.get("/slow", run="inline")
    async def slow(seconds: float):
        events.append("started")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise
        events.append("finished")
        return "slow"


    @app.get("/events", run="inline")
    def get_events():
        return events


    @app.delete("/events", run="inline")
    def forget_events():
        events.clear()


    @app.get("/large", response_class=PlainTextResponse)
    def large(size: int):
        return "x" * size


    @app.post("/echo")
    async def echo(request: Request):
        return {"size": len(await request.body())}
"""


@pytest.fixture(scope="module")
def server(module_serve: Serve) -> Iterator[Server]:
    with module_serve(APP, "--workers", "1", "--keep-alive-timeout-s", "30") as running:
        yield running


@contextmanager
def raw(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        yield sock


def request(path: str, *fields: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: test", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


class Answers:
    """Responses read one after the other from a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._stream = sock.makefile("rb")

    def next(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._stream.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self._stream.read(int(headers.get("content-length", 0)))

    def at_end(self) -> bool:
        return self._stream.read(1) == b""


@pytest.fixture(autouse=True)
def no_events(request: pytest.FixtureRequest) -> None:
    """The app's events are those of one test."""
    if "server" in request.fixturenames:
        with raw(request.getfixturevalue("server")) as sock:
            sock.sendall(b"DELETE /events HTTP/1.1\r\nhost: test\r\n\r\n")
            assert Answers(sock).next()[0] == 200


def wait_for_event(server: Server, wanted: str) -> list[str]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with raw(server) as sock:
            sock.sendall(request("/events", "connection: close"))
            events: list[str] = json.loads(Answers(sock).next()[2])
        if wanted in events:
            return events
    raise AssertionError(f"no {wanted!r} in {events}")


def test_pipelined_requests_are_answered_in_order(server):
    with raw(server) as sock:
        sock.sendall(b"".join(request(f"/large?size={size}") for size in range(1, 301)))
        answers = Answers(sock)
        assert [len(answers.next()[2]) for _ in range(300)] == list(range(1, 301))


def test_pipelined_behind_a_suspended_handler(server):
    with raw(server) as sock:
        sock.sendall(request("/slow?seconds=0.05") + request("/large?size=7"))
        sock.sendall(request("/nowhere") + request("/"))
        answers = Answers(sock)
        assert [answers.next()[0] for _ in range(4)] == [200, 200, 404, 200]


def test_a_slow_reader_pauses_only_its_own_connection(server):
    with raw(server) as slow, raw(server) as quick:
        slow.sendall(request("/large?size=20000000") * 3)
        for _ in range(20):
            quick.sendall(request("/"))
            assert Answers(quick).next()[0] == 200
        answers = Answers(slow)
        assert [len(answers.next()[2]) for _ in range(3)] == [20_000_000] * 3


def test_a_client_that_is_gone_cancels_its_handler(server):
    with raw(server) as sock:
        sock.sendall(request("/slow?seconds=60"))
        wait_for_event(server, "started")
    assert "finished" not in wait_for_event(server, "cancelled")


def test_a_half_closed_client_gets_its_answer(server):
    with raw(server) as sock:
        sock.sendall(request("/slow?seconds=0.2"))
        sock.shutdown(socket.SHUT_WR)
        answers = Answers(sock)
        status = answers.next()[0]
        if status == 102:
            status = answers.next()[0]
        assert status == 200
        assert answers.at_end()


def test_an_end_in_the_middle_of_a_request_runs_nothing(server):
    with raw(server) as sock:
        sock.sendall(request("/echo", "content-length: 10", method="POST", body=b"half"))
        sock.shutdown(socket.SHUT_WR)
        assert Answers(sock).at_end()


def test_continue_is_sent_when_the_body_is_wanted(server):
    with raw(server) as sock:
        sock.sendall(request("/echo", "content-length: 5", "expect: 100-continue", method="POST"))
        answers = Answers(sock)
        assert answers.next()[0] == 100
        sock.sendall(b"hello")
        assert answers.next()[2] == b'{"size":5}'
    with raw(server) as sock:
        sock.sendall(request("/nowhere", "content-length: 5", "expect: 100-continue", method="POST"))
        answers = Answers(sock)
        assert answers.next()[0] == 404
        assert answers.at_end()


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 1000])
def test_bodies_in_pieces(server, pieces):
    body = b"0123456789" * 5000
    step = -(-len(body) // pieces)
    chunks = [body[at : at + step] for at in range(0, len(body), step)]
    with raw(server) as sock:
        answers = Answers(sock)
        sock.sendall(request("/echo", f"content-length: {len(body)}", method="POST"))
        for chunk in chunks:
            sock.sendall(chunk)
        assert answers.next()[2] == b'{"size":50000}'
        sock.sendall(request("/echo", "transfer-encoding: chunked", method="POST"))
        for chunk in chunks:
            sock.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        sock.sendall(b"0\r\n\r\n" + request("/"))
        assert answers.next()[2] == b'{"size":50000}'
        assert answers.next()[0] == 200


def test_a_refused_body_leaves_an_answer_to_read(server):
    with raw(server) as sock:
        sock.sendall(request("/echo", "content-length: 999999999", method="POST") + b"x" * 100_000)
        answers = Answers(sock)
        status, headers, _ = answers.next()
        assert status == 413
        assert headers["connection"] == "close"
        assert answers.at_end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_an_idle_server_takes_less_than_a_second(serve, number):
    with serve(APP, "--workers", "2") as server, raw(server) as sock:
        sock.sendall(request("/"))
        answers = Answers(sock)
        answers.next()
        began = time.monotonic()
        server.signal(number)
        assert server.wait() == 0
        assert answers.at_end()
        assert time.monotonic() - began < 20


def test_stopping_finishes_what_is_under_way(serve):
    with serve(APP, "--workers", "1") as server, raw(server) as sock:
        sock.sendall(request("/slow?seconds=0.5"))
        wait_for_event(server, "started")
        server.signal(signal.SIGTERM)
        status, headers, _ = Answers(sock).next()
        assert status == 200
        assert headers["connection"] == "close"
        assert server.wait() == 0


def test_a_second_signal_stops_at_once(serve):
    with serve(APP, "--workers", "1") as server, raw(server) as sock:
        sock.sendall(request("/slow?seconds=60"))
        wait_for_event(server, "started")
        # Signals close together count as one; these are further and further apart.
        for pause_s in (0.1, 0.2, 0.4, 0.8, 1.6):
            server.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(pause_s)
        assert server.wait() == 128 + signal.SIGTERM


def test_the_grace_period_ends(serve):
    with serve(APP, "--workers", "1", "--grace-period-s", "0.5") as server, raw(server) as sock:
        sock.sendall(request("/slow?seconds=60"))
        wait_for_event(server, "started")
        server.signal(signal.SIGTERM)
        assert server.wait() == 1


def test_a_head_that_never_ends_is_answered_408(serve):
    with serve(APP, "--workers", "1", "--header-timeout-s", "0.3") as server, raw(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: te")
        answers = Answers(sock)
        assert answers.next()[0] == 408
        assert answers.at_end()


def test_an_idle_connection_is_closed(serve):
    with serve(APP, "--workers", "1", "--keep-alive-timeout-s", "0.3") as server, raw(server) as sock:
        sock.sendall(request("/"))
        answers = Answers(sock)
        assert answers.next()[0] == 200
        assert answers.at_end()


def test_hosts_that_are_not_served_get_421(serve):
    with serve(APP, "--workers", "1", "--allowed-hosts", "example.com,*.example.org") as server, raw(server) as sock:
        answers = Answers(sock)
        for host, expected in (
            ("example.com", 200),
            ("EXAMPLE.com:80", 200),
            ("a.example.org", 200),
            ("evil.net", 421),
        ):
            sock.sendall(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
            assert answers.next()[0] == expected


def test_the_access_log_has_a_line_for_each_request(serve):
    with serve(APP, "--workers", "1", "--access-log") as server, raw(server) as sock:
        sock.sendall(request("/?a=b"))
        Answers(sock).next()
        line = server.wait_for_log(
            re.compile(
                r'^[-\d]+ [:.\d]+ INFO 127\.0\.0\.1:\d+ "GET /\?a=b HTTP/1\.1" 200 17 [\d.]+ ms'
                r" worker=0 \w+ request_id=\w+$",
                re.MULTILINE,
            )
        )
        assert line


def test_the_access_log_does_not_wait_for_another_request(serve):
    with serve(APP, "--workers", "1", "--access-log") as server, raw(server) as sock:
        sock.sendall(request("/slow?seconds=0.01"))
        Answers(sock).next()
        assert server.wait_for_log(r'"GET /slow\?seconds=0\.01 HTTP/1\.1" 200')
