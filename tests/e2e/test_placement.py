"""Where handlers run: what is measured decides, unless the route says."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request
from tests.marks import OWN_GIL

pytestmark = OWN_GIL

APP = """
import time
from fasterapi import App

app = App()

@app.get("/fast")
def fast(slow: bool = False):
    if slow:
        time.sleep(0.05)
    return app.worker.index

@app.get("/slow")
def slow():
    time.sleep(0.001)
    return app.worker.index

@app.get("/inline", run="inline")
def inline():
    time.sleep(0.01)
    return app.worker.index

@app.get("/busy", run="inline")
def busy():
    time.sleep(0.003)
    return app.worker.index

@app.get("/pool", run="pool")
def pool():
    return app.worker.index

@app.get("/moves")
async def moves():
    return app.stats().as_dict()["moves"]

@app.get("/async")
async def coroutine():
    return app.worker.index
"""

WORKER = 0
POOL = 1
# Far more calls than the proof takes, since on a busy machine some of them look slow.
CALLS_MAX = 20_000
# On such a machine the worker may be without its shard at times, and the handler may move.
TRIES_MAX = 100


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (tmp_path / "app.py").write_text(dedent(APP))
    return Server(tmp_path / "app.py", "--workers", "1", "--num-pooled-interpreters", "1", cwd=tmp_path)


def calls_until(wire: Wire, place: int) -> int:
    """How many calls of /fast it takes until one of them runs there."""
    for count in range(CALLS_MAX):
        if wire.ask("/fast").json == place:
            return count
    raise AssertionError(f"{CALLS_MAX} calls did not move the handler")


def test_a_fast_handler_moves_to_its_worker_and_a_slow_call_moves_it_back(server: Server) -> None:
    with server, Wire(server) as wire:
        assert wire.ask("/fast").json == POOL
        assert calls_until(wire, WORKER) >= 63
        server.wait_for_log(r"GET /fast \(fast\) now runs inline: 64 calls took less than 0\.1 ms each")
        assert wire.ask("/fast?slow=true").json == WORKER
        assert wire.ask("/fast").json == POOL
        server.wait_for_log(r"GET /fast \(fast\) now runs in the pool: a call took \d+\.\d ms; inline again after 128")
        assert calls_until(wire, WORKER) >= 126
        first, second, *_ = wire.ask("/moves").json
        assert first == "GET /fast (fast) now runs inline: 64 calls took less than 0.1 ms each"
        assert second.startswith("GET /fast (fast) now runs in the pool: a call took ")


def test_a_slow_handler_stays_in_the_pool(server: Server) -> None:
    with server, Wire(server) as wire:
        assert {wire.ask("/slow").json for _ in range(200)} == {POOL}


def test_a_burst_overflows_into_the_pool(server: Server) -> None:
    with server, Wire(server) as wire:
        for _ in range(TRIES_MAX):
            calls_until(wire, WORKER)
            before = wire.ask("/moves").json
            # One turn of the worker: the second request comes after a handler that has kept it for more than 2 ms.
            wire.send(request("/busy") + request("/fast"))
            first, second = wire.receive().json, wire.receive().json
            if first == WORKER and before[-1].startswith("GET /fast (fast) now runs inline"):
                break
        else:
            raise AssertionError("the worker never had both")
        assert second == POOL
        assert wire.ask("/moves").json == before, "its usual place is the worker as before"
        calls_until(wire, WORKER)


def test_what_a_route_says_holds(server: Server) -> None:
    with server, Wire(server) as wire:
        for _ in range(100):
            assert wire.ask("/inline").json == WORKER
            assert wire.ask("/pool").json == POOL
            assert wire.ask("/async").json == WORKER


def test_pinned_has_no_pool_unless_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(dedent(APP))
    pinned = Server(
        tmp_path / "app.py", "--workers", "1", "--num-pooled-interpreters", "1", "--strategy", "pinned", cwd=tmp_path
    )
    with pinned, Wire(pinned) as wire:
        assert wire.ask("/fast").json == WORKER
        assert wire.ask("/pool").json == WORKER
