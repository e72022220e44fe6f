"""Bounds on what a server holds: connections, descriptors, memory."""

import json
import os
import resource
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import INSTRUMENTED, Server
from tests.e2e.wire import Wire, request

APP = """
import asyncio
import dataclasses
from typing import Any
from fasterapi import App, Request

app = App()

@dataclasses.dataclass
class Item:
    name: str
    tags: list[str]

@app.get("/")
def home():
    return {"message": "Hello"}

@app.get("/item/{number}")
async def item(number: int, q: str | None = None):
    await asyncio.sleep(0)
    return {"number": number, "q": q, "text": "x" * 100}

@app.post("/items")
def create(item: Item):
    return item

@app.post("/any")
async def anything(request: Request):
    return len(await request.body())

@app.post("/json")
def parsed(body: dict[str, Any]):
    return len(body)

@app.get("/fail")
def fail():
    raise RuntimeError
"""


def resident_kib(server: Server) -> int:
    """The memory of the server's processes, shared pages counted once each."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    total = 0
    for process in (server.process.pid, *children):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        total += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
    return total


@pytest.mark.skipif(INSTRUMENTED, reason="a sanitizer keeps freed memory")
def test_memory_does_not_grow_with_requests(serve: Serve) -> None:
    post = json.dumps({"name": "n", "tags": ["a", "b"]}).encode()
    batch = b"".join(
        [
            request(),
            request("/item/5?q=%C3%A9"),
            request("/item/x"),
            request("/items", "Content-Type: application/json", method="POST", body=post),
            request("/items", "Content-Type: application/json", method="POST", body=b'{"name": 5}'),
            request("/any", method="POST", body=b"x" * 3000),
            request("/nowhere"),
            request("/", method="PUT"),
            request("/fail"),
        ]
        * 10
    )

    def rounds(count: int) -> None:
        for _ in range(count):
            with Wire(server) as wire:
                wire.send(batch)
                for _ in range(90):
                    wire.receive()

    with serve(APP, "--workers", "1", "--log-level", "critical") as server:
        rounds(30)
        before = resident_kib(server)
        rounds(120)
        assert resident_kib(server) - before < 1024


@pytest.mark.skipif(INSTRUMENTED, reason="a sanitizer keeps freed memory")
def test_idle_connections_cost_little(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, ExitStack() as stack:
        for _ in range(50):
            assert stack.enter_context(Wire(server)).ask().status == 200
        before = resident_kib(server)
        for _ in range(400):
            assert stack.enter_context(Wire(server)).ask().status == 200
        assert (resident_kib(server) - before) / 400 < 8


def test_connections_above_the_bound_are_told(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--max-connections", "5") as server:
        with ExitStack() as stack:
            for _ in range(5):
                assert stack.enter_context(Wire(server)).ask().status == 200
            with Wire(server) as extra:
                reply = extra.receive()
                assert (reply.status, reply.header("retry-after")) == (503, "1")
                assert extra.at_end()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with Wire(server) as wire:
                wire.send(request())
                if wire.receive().status == 200:
                    return
        raise AssertionError("the bound did not lift when the connections were closed")


def test_running_out_of_descriptors_is_survived(serve: Serve) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serve(APP, "--workers", "1", "--log-level", "warning") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        for process in (server.process.pid, *map(int, children)):
            resource.prlimit(process, resource.RLIMIT_NOFILE, (60, 60))
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(server)) for _ in range(120)]
            used = processor_seconds(server)
            started = time.monotonic()
            answered = 0
            for wire in wires:
                try:
                    wire.send(request())
                    answered += wire.receive().status == 200
                except (ConnectionError, TimeoutError):
                    continue
            assert 10 <= answered < 120
            elapsed = max(time.monotonic() - started, 0.5)
            assert processor_seconds(server) - used < 0.9 * elapsed + 0.5
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with Wire(server) as wire:
                    if wire.ask().status == 200:
                        break
            except ConnectionError:
                continue
        else:
            raise AssertionError("the server did not recover")
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


def processor_seconds(server: Server) -> float:
    """CPU time of the server's process and its children so far."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    ticks = 0
    for process in (server.process.pid, *children):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_an_idle_server_uses_no_processor(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server, Wire(server) as wire:
        assert wire.ask().status == 200
        before = processor_seconds(server)
        time.sleep(2)
        assert processor_seconds(server) - before <= 0.05
        assert wire.ask().status == 200


def test_json_that_nests_too_deep_is_refused(serve: Serve) -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' * depth + b"1" + b"}" * depth

    with serve(APP, "--workers", "1", "--json-depth-max", "50") as server, Wire(server) as wire:
        assert wire.ask("/json", "Content-Type: application/json", method="POST", body=nested(50)).json == 1
        for depth in (51, 1000, 200_000):
            refused = wire.ask("/json", "Content-Type: application/json", method="POST", body=nested(depth))
            assert refused.status == 400
            assert wire.ask().status == 200


def test_a_json_body_of_many_members_is_read_in_linear_time(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        times = []
        for count in (20_000, 80_000):
            body = json.dumps({f"key{i}": i for i in range(count)}).encode()
            started = time.monotonic()
            assert wire.ask("/json", "Content-Type: application/json", method="POST", body=body).json == count
            times.append(time.monotonic() - started)
        assert times[1] < 20 * times[0] + 0.5


ARENAS = """
import ctypes
import os
import threading
from fasterapi import App

app = App()
together = threading.Barrier(8)

# Each of the pool's threads is in it at the same time, and allocates more than its cache has.
@app.get("/arenas", run="pool")
def arenas():
    kept = bytearray(200_000)
    together.wait(30)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fopen.restype = ctypes.c_void_p
    name = f"arenas-{threading.get_ident()}"
    file = ctypes.c_void_p(libc.fopen(name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    with open(name) as told:
        return told.read().count("<heap nr=")
"""


@pytest.mark.parametrize("strategy", ["auto", "processes"])
def test_threads_share_arenas_of_malloc(serve: Serve, strategy: str) -> None:
    options = ("--strategy", strategy, "--workers", "1", "--num-pooled-interpreters", "1")
    with serve(ARENAS, *options) as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(8)]
        for wire in wires:
            wire.send(request("/arenas"))
        counts = [wire.receive().json for wire in wires]
    assert max(counts) <= max(2, len(os.sched_getaffinity(0)))
