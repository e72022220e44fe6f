"""What happens at each bound of a connection, a client and the server's descriptors."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT
from tests.e2e.wire import Wire, request

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
from fasterapi import App, PlainTextResponse, Request

app = App()

@app.get("/")
def home():
    return "home"

@app.get("/large", response_class=PlainTextResponse)
def large(size: int):
    return "x" * size

@app.post("/size")
async def size(request: Request):
    return len(await request.body())
"""


def test_the_last_request_of_a_connection_is_told_so(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--max-requests-per-connection", "3") as server, Wire(server) as wire:
        assert [wire.ask(path).header("connection") for path in ("/", "/nowhere")] == [None, None]
        assert wire.ask().header("connection") == "close"
        assert wire.at_end()


def test_one_address_has_only_so_many_connections(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--max-connections-per-address", "2") as server:
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(server)) for _ in range(2)]
            assert [wire.ask().status for wire in wires] == [200, 200]
            with Wire(server) as third:
                refused = third.receive()
                assert (refused.status, refused.header("retry-after")) == (503, "1")
                assert third.at_end()
        server.wait_for_log(r"max_connections_per_address \(2\) is reached")


def test_a_client_that_is_turned_away_reads_so_though_it_has_sent_its_request(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--max-connections", "1") as server, Wire(server) as first:
        assert first.ask().status == 200
        for _ in range(20):
            with Wire(server) as wire:
                wire.send(request("/size", method="POST", body=b"x" * 10_000))
                assert wire.receive().status == 503
                assert wire.at_end()


@pytest.mark.parametrize("in_a_row", ["1", "7"])
def test_a_pipeline_is_answered_whole_whatever_its_share_of_a_turn(serve: Serve, in_a_row: str) -> None:
    options = ("--workers", "1", "--max-pipelined", in_a_row, "--response-buffer-bytes", "4096")
    with serve(APP, *options) as server, Wire(server) as wire, Wire(server) as other:
        wire.send(b"".join(request(f"/large?size={size}") for size in range(0, 20_000, 100)))
        assert other.ask().json == "home"
        assert [len(wire.receive().body) for _ in range(200)] == list(range(0, 20_000, 100))


def test_a_body_has_its_grace_and_then_its_rate(serve: Serve) -> None:
    options = ("--workers", "1", "--body-grace-s", "0.3", "--body-min-rate-bytes-s", "1000")
    with serve(APP, *options) as server, Wire(server) as wire:
        wire.send(request("/size", "Content-Length: 100", method="POST"), b"abc")
        assert wire.receive().status == 408
        assert wire.at_end()
