"""`app.stats()`: the same figures whichever worker, thread or process is asked."""

import os
import signal
import time

from tests.e2e.conftest import Serve
from tests.e2e.wire import Wire

APP = """
import asyncio
import os
from fasterapi import App

app = App()

@app.get("/plain")
def plain():
    return app.worker.index

@app.get("/fail")
def fail():
    raise RuntimeError("as asked")

@app.get("/wait")
async def wait():
    await asyncio.sleep(60)

@app.get("/stats")
def stats():
    return app.stats().as_dict()

@app.get("/from-thread")
async def from_thread():
    figures = await asyncio.to_thread(app.stats)
    return figures.requests

@app.get("/pid")
def pid():
    return os.getpid()
"""


def figures_of(wire: Wire) -> dict:
    answer = wire.ask("/stats")
    assert answer.status == 200
    return answer.json


def test_they_count_what_was_asked_for(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server:
        for _ in range(4):
            with Wire(server) as wire:
                assert wire.ask("/plain").status == 200
                assert wire.ask("/fail").status == 500
                assert wire.ask("/nowhere").status == 404
        with Wire(server) as wire:
            figures = figures_of(wire)
    routes = {route["name"]: route for route in figures["routes"]}
    assert routes["GET /plain (plain)"]["requests"] == 4
    assert routes["GET /fail (fail)"]["errors"] == 4
    assert routes["(no route)"]["answers"] == {"4xx": 4}
    assert routes["GET /plain (plain)"]["latency"]["count"] == 4
    # The request that asks is under way.
    assert (figures["requests"], figures["in_flight"], figures["connections_accepted"]) == (13, 1, 5)
    assert figures["latency"]["count"] == 12
    assert figures["answered_without_handler"] == 4
    assert [worker["index"] for worker in figures["workers"]] == [0, 1]
    assert sum(worker["requests"] for worker in figures["workers"]) == 13
    assert figures["memory_bytes"] > 1_000_000
    assert figures["turns"]["count"] > 0


def test_gauges_come_back(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        with Wire(server) as waiting:
            waiting.send(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
            deadline = time.monotonic() + 10
            while (figures := figures_of(wire))["in_flight"] != 2:
                assert time.monotonic() < deadline
            assert figures["connections_open"] == 2
        deadline = time.monotonic() + 10
        while (figures := figures_of(wire))["connections_open"] != 1:
            assert time.monotonic() < deadline
        assert figures["unsent_bytes"] == 0


def test_they_can_be_read_from_another_thread(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        assert wire.ask("/from-thread").json >= 1


def test_they_go_on_when_a_worker_is_replaced(serve: Serve, strategy: str) -> None:
    if strategy != "processes":
        return
    with serve(APP, "--workers", "1") as server:
        with Wire(server) as wire:
            for _ in range(10):
                wire.ask("/plain")
            figures = figures_of(wire)
            (worker,) = figures["workers"]
            assert {process["pid"] for process in figures["processes"]} == {server.process.pid, worker["pid"]}
            os.kill(worker["pid"], signal.SIGKILL)
        server.wait_for_log("starting it again")
        deadline = time.monotonic() + 30
        while True:
            try:
                with Wire(server) as wire:
                    figures = figures_of(wire)
                break
            except (AssertionError, OSError):
                assert time.monotonic() < deadline
        (again,) = figures["workers"]
    assert again["pid"] != worker["pid"]
    assert again["starts"] == 2
    assert again["requests"] >= 11
    assert figures["in_flight"] == 1
