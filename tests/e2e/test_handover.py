"""While a handler is stuck, somebody else drives its worker's connections, timers and listener; then they go back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Diary, Gate, wait_until
from tests.e2e.serving import PINNED, STRATEGIES_AND_DEFAULT, Server
from tests.e2e.test_resources import processor_seconds
from tests.e2e.wire import Wire, request
from tests.marks import OWN_GIL

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = (
    SOURCE
    + """
import asyncio
import dataclasses
import threading
from fasterapi import App, PlainTextResponse, Request

app = App()
kept = []
worker_threads = []

@app.on_event("startup")
def started():
    worker_threads.append(threading.get_native_id())

def place():
    is_worker = app.worker.index == 0 and threading.get_native_id() in worker_threads
    return "on the worker" if is_worker else "elsewhere"

@app.get("/fine")
async def fine():
    note("fine")
    return "fine"

@app.get("/patient-for-a-moment", timeout=0.05)
async def patient():
    note("too late")

@app.get("/typed/{number}")
async def typed(number: int):
    return number

@app.get("/stuck", run="inline")
def stuck(gate: str = "gate", name: str = ""):
    note(f"{name} is stuck {place()}")
    pass_gate(gate)
    note("went on")
    return "went on"

@app.get("/stuck-async")
async def stuck_async(gate: str = "gate", name: str = ""):
    note(f"{name} is stuck {place()}")
    pass_gate(gate)
    note("went on")
    return "went on"

@app.get("/who")
async def who():
    return [os.getpid(), threading.get_native_id(), app.worker.interpreter_id, app.worker.index]

@app.get("/who-inline", run="inline")
async def who_inline():
    return await who()

@app.post("/size")
async def size(request: Request):
    return len(await request.body())

@dataclasses.dataclass
class Item:
    name: str

    def __post_init__(self):
        if self.name == "stuck":
            pass_gate("gate")

@app.post("/names", run="inline")
def names(items: list[Item]):
    return [item.name for item in items]

@app.get("/large", response_class=PlainTextResponse)
async def large():
    return "x" * 4_000_000

@app.get("/expect")
async def expect(fifo: str):
    loop = asyncio.get_running_loop()
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def readable():
        loop.remove_reader(descriptor)
        note(f"{fifo} descriptor")

    loop.add_reader(descriptor, readable)
    loop.call_later(0.02, note, f"{fifo} timer")

    async def sleeper():
        await asyncio.sleep(0.02)
        note(f"{fifo} task")

    kept.append(asyncio.create_task(sleeper()))
    return place()
"""
)


TRIES_MAX = 50


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with Gate(tmp_path) as made:
        yield made


@pytest.fixture(params=["/stuck", "/stuck-async"])
def stuck(request: pytest.FixtureRequest) -> str:
    """A path whose handler waits at the gate."""
    path: str = request.param
    return path


def assert_is_driven(wire: Wire) -> None:
    """What needs no Python is answered, also where the worker is stuck."""
    assert wire.ask("/nowhere").status == 404


def test_what_needs_no_python_is_answered_meanwhile(serve: Serve, gate: Gate, stuck: str) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as waiting, Wire(server) as kept:
        assert kept.ask("/fine").status == 200
        waiting.send(request(stuck))
        gate.wait_for_somebody()
        for wire in (kept, Wire(server)):
            with wire:
                assert wire.ask("/nowhere").status == 404
                assert wire.ask("/typed/x").status == 422
                assert wire.ask("/fine", method="DELETE").status == 405
                wire.send(request("/nowhere") + request("/typed/y") + request("/nowhere"))
                assert [wire.receive().status for _ in range(3)] == [404, 422, 404]
                wire.send(b"GET / HTTP/1.1\r\n\r\n")
                assert wire.receive().status == 400
                assert wire.at_end()
        gate.open()
        assert waiting.receive().json == "went on"


def test_a_connection_keeps_the_order_of_its_answers(serve: Serve, gate: Gate) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        wire.send(request("/stuck") + request("/nowhere") + request("/fine"))
        gate.wait_for_somebody()
        assert_is_driven(other)
        wire.send(request("/typed/x"))
        assert_is_driven(other)
        gate.open()
        assert [wire.receive().status for _ in range(4)] == [200, 404, 200, 422]


def test_the_shard_goes_back_to_its_worker(serve: Serve, gate: Gate, stuck: str) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        before = other.ask("/who-inline").json
        wire.send(request(stuck))
        gate.wait_for_somebody()
        assert_is_driven(other)
        gate.open()
        assert wire.receive().json == "went on"
        assert wire.ask("/who-inline").json == before
        assert other.ask("/who-inline").json == before


def test_bodies_arrive_and_answers_leave_meanwhile(serve: Serve, gate: Gate) -> None:
    with (
        serve(APP, "--workers", "1") as server,
        Wire(server) as wire,
        Wire(server, receive_buffer=4096) as reader,
        Wire(server) as sender,
    ):
        reader.send(request("/large"))
        sender.send(b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1000)
        assert_is_driven(wire)
        wire.send(request("/stuck"))
        gate.wait_for_somebody()
        sender.send(b"x" * 2_999_000)
        assert len(reader.receive().body) == 4_000_000
        gate.open()
        assert wire.receive().json == "went on"
        assert sender.receive().json == 3_000_000


def test_arguments_are_their_own_requests(serve: Serve, gate: Gate) -> None:
    def ask(names: list[object]) -> bytes:
        body = json.dumps([{"name": name} for name in names]).encode()
        return request("/names", "Content-Type: application/json", method="POST", body=body)

    mine: list[object] = ["stuck", *(f"mine \u00e9 {i}" for i in range(50))]
    with serve(APP, "--workers", "1") as server, Wire(server) as waiting, Wire(server) as other:
        waiting.send(ask(mine))
        gate.wait_for_somebody()
        # Another thread reads what this one asks for, while the arguments of the first are being made.
        other.send(ask([*(f"other {i}" for i in range(200)), 5]))
        assert other.receive().status == 422
        gate.open()
        assert waiting.receive().json == mine


def stick_the_loop(wire: Wire, gate: Gate, stuck: str, folder: Path) -> str:
    """Has the worker's loop wait for a descriptor, a timer and a task, and then stick; the name of all that.

    A worker that had to wait for its GIL or a CPU is without its shard for a moment: what comes then, others run.
    """
    diary = Diary(folder)
    for name in (f"try{number}" for number in range(TRIES_MAX)):
        os.mkfifo(folder / name)
        wire.send(request(f"/expect?fifo={name}") + request(f"{stuck}?name={name}"))
        armed = wire.receive().json
        gate.wait_for_somebody()
        if armed == "on the worker" and f"{name} is stuck on the worker" in diary.lines():
            return name
        gate.open()
        assert wire.receive().json == "went on"
    raise AssertionError(f"not within {TRIES_MAX} tries: {diary.lines()}")


def test_asyncio_of_the_stuck_loop_waits_and_goes_on_afterwards(
    serve: Serve, gate: Gate, stuck: str, tmp_path: Path
) -> None:
    def seen() -> list[str]:
        return [line for line in Diary(tmp_path).lines() if line.startswith(f"{name} ")]

    with serve(APP, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        name = stick_the_loop(wire, gate, stuck, tmp_path)
        before = seen()
        with (tmp_path / name).open("w") as watched:
            watched.write("news")
            watched.flush()
            assert_is_driven(other)
            used = processor_seconds(server)
            time.sleep(1)
            assert processor_seconds(server) - used < 0.5, "a busy loop"
            assert_is_driven(other)
            assert seen() == before, "the loop is stuck: nothing of it runs"
            gate.open()
            assert wire.receive().json == "went on"
            for what in ("timer", "task", "descriptor"):
                Diary(tmp_path).wait_for(f"{name} {what}")


def test_clients_may_leave_meanwhile(serve: Serve, gate: Gate, stuck: str, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as other:
        with Wire(server) as gone, Wire(server) as idle, Wire(server) as halfway:
            assert_is_driven(idle)
            halfway.send(b"GET /fi")
            gone.send(request(stuck))
            gate.wait_for_somebody()
            assert_is_driven(other)
        assert_is_driven(other)
        gate.open()
        Diary(tmp_path).wait_for("went on")
        assert other.ask("/fine").status == 200


def test_stopping_waits_for_the_stuck_handler(serve: Serve, gate: Gate, stuck: str) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        wire.send(request(stuck))
        gate.wait_for_somebody()
        assert_is_driven(other)
        server.signal(signal.SIGTERM)
        assert other.at_end()
        gate.open()
        reply = wire.receive()
        assert (reply.json, reply.header("connection")) == ("went on", "close")
        assert server.wait() == 0


def test_two_hundred_times(serve: Serve, gate: Gate, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        before = other.ask("/who-inline").json
        for _ in range(200):
            wire.send(request("/stuck"))
            gate.wait_for_somebody()
            assert_is_driven(other)
            gate.open()
            assert wire.receive().json == "went on"
        assert other.ask("/who-inline").json == before
        assert Diary(tmp_path).lines().count("went on") == 200


def one_of_each_worker(server: Server, count: int, stack: ExitStack) -> list[Wire]:
    """A connection to each worker: the kernel chooses, so several may be needed."""
    found: dict[int, Wire] = {}

    def is_complete() -> bool:
        wire = stack.enter_context(Wire(server))
        found.setdefault(wire.ask("/who-inline").json[3], wire)
        return len(found) == count

    wait_until(is_complete, f"connections to {count} workers")
    return list(found.values())


def stick_both(server: Server, gate: Gate, another: Gate, stack: ExitStack) -> list[Wire]:
    """Has each of two workers stuck at a gate of its own; returns who waits for them."""
    first, second = one_of_each_worker(server, 2, stack)
    first.send(request("/stuck"))
    second.send(request("/stuck?gate=another"))
    gate.wait_for_somebody()
    another.wait_for_somebody()
    return [first, second]


def test_two_workers_at_once(serve: Serve, gate: Gate, tmp_path: Path) -> None:
    with serve(APP, "--workers", "2") as server, ExitStack() as stack:
        one, two = one_of_each_worker(server, 2, stack)
        another = stack.enter_context(Gate(tmp_path, "another"))
        first, second = stick_both(server, gate, another, stack)
        for wire in (one, two):
            assert_is_driven(wire)
        another.open()
        assert second.receive().json == "went on"
        for wire in (one, two):
            assert_is_driven(wire)
        gate.open()
        assert first.receive().json == "went on"
        assert {wire.ask("/fine").status for wire in (one, two, first, second)} == {200}


@PINNED
def test_without_a_pool_requests_wait_for_their_worker(serve: Serve, gate: Gate, stuck: str, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1", "--max-in-flight", "3") as server, ExitStack() as stack:
        wire, first, second, other = (stack.enter_context(Wire(server)) for _ in range(4))
        wire.send(request(stuck))
        gate.wait_for_somebody()
        first.send(request("/fine"))
        assert other.ask("/patient-for-a-moment").status == 504, "it waits until its own deadline"
        second.send(request("/fine"))
        # Once the second one waits too, there are as many as may be in flight.
        replies = (other.ask("/patient-for-a-moment") for _ in range(TRIES_MAX))
        refused = next(reply for reply in replies if reply.status != 504)
        assert (refused.status, refused.header("retry-after")) == (503, "1")
        gate.open()
        assert [each.receive().json for each in (wire, first, second)] == ["went on", "fine", "fine"]
        assert other.ask("/fine").json == "fine"
    assert "too late" not in Diary(tmp_path).lines()


POOLED = pytest.mark.parametrize("pooled", [pytest.param(name, marks=OWN_GIL) for name in ("pinned", "auto")])
"""Strategies with a pool, which takes the calls of a worker that is stuck."""


def with_pool(strategy: str, folder: Path, *options: str) -> Server:
    app = folder / "app.py"
    app.write_text(APP)
    return Server(app, "--strategy", strategy, "--num-pooled-workers", "2", *options, cwd=folder)


@POOLED
def test_handlers_of_others_run_meanwhile(pooled: str, gate: Gate, stuck: str, tmp_path: Path) -> None:
    with with_pool(pooled, tmp_path, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        before = other.ask("/who-inline").json
        wire.send(request(stuck))
        gate.wait_for_somebody()
        for each in (other, Wire(server)):
            assert each.ask("/fine").json == "fine"
            assert each.ask("/typed/7").json == 7
            each.send(request("/fine") + request("/nowhere") + request("/typed/8"))
            assert [each.receive().status for _ in range(3)] == [200, 404, 200]
        assert Diary(tmp_path).lines().count("went on") == 0
        assert other.ask("/who").json != before, "the worker is stuck: somebody else answers"
        gate.open()
        assert wire.receive().json == "went on"
        assert other.ask("/who-inline").json == before


@POOLED
def test_handlers_that_asked_for_the_worker_wait_for_it(pooled: str, gate: Gate, stuck: str, tmp_path: Path) -> None:
    with with_pool(pooled, tmp_path, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        before = other.ask("/who-inline").json
        with Wire(server) as third:
            wire.send(request(stuck))
            gate.wait_for_somebody()
            other.send(request("/who-inline"))
            assert third.ask("/who").json != before, "the worker is stuck: somebody else answers"
            gate.open()
            assert wire.receive().json == "went on"
            assert other.receive().json == before


@POOLED
def test_every_worker_may_be_stuck_at_once(pooled: str, gate: Gate, tmp_path: Path) -> None:
    with with_pool(pooled, tmp_path, "--workers", "2") as server, ExitStack() as stack:
        one, two = one_of_each_worker(server, 2, stack)
        another = stack.enter_context(Gate(tmp_path, "another"))
        first, second = stick_both(server, gate, another, stack)
        for _ in range(20):
            assert [wire.ask("/fine").json for wire in (one, two)] == ["fine", "fine"]
        another.open()
        gate.open()
        assert [wire.receive().json for wire in (first, second)] == ["went on", "went on"]


@POOLED
def test_a_body_may_arrive_for_a_handler_of_the_pool(pooled: str, gate: Gate, tmp_path: Path) -> None:
    with with_pool(pooled, tmp_path, "--workers", "1") as server, Wire(server) as wire, Wire(server) as sender:
        wire.send(request("/stuck"))
        gate.wait_for_somebody()
        assert sender.ask("/size", method="POST", body=b"x" * 2_000_000).json == 2_000_000
        assert len(sender.ask("/large").body) == 4_000_000
        gate.open()
        assert wire.receive().json == "went on"


@POOLED
def test_many_times_with_a_pool(pooled: str, gate: Gate, tmp_path: Path) -> None:
    with with_pool(pooled, tmp_path, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        for _ in range(100):
            wire.send(request("/stuck"))
            gate.wait_for_somebody()
            assert other.ask("/fine").json == "fine"
            gate.open()
            assert wire.receive().json == "went on"
            assert other.ask("/fine").json == "fine"


@POOLED
def test_stopping_waits_for_the_pool_too(pooled: str, gate: Gate, tmp_path: Path) -> None:
    with with_pool(pooled, tmp_path, "--workers", "1") as server, ExitStack() as stack:
        wire, other, idle = (stack.enter_context(Wire(server)) for _ in range(3))
        another = stack.enter_context(Gate(tmp_path, "another"))
        wire.send(request("/stuck"))
        gate.wait_for_somebody()
        other.send(request("/stuck-async?gate=another"))
        another.wait_for_somebody()
        assert_is_driven(idle)
        server.signal(signal.SIGTERM)
        assert idle.at_end()
        another.open()
        assert other.receive().json == "went on"
        gate.open()
        assert wire.receive().json == "went on"
        assert server.wait() == 0
