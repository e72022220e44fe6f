"""Shared state in a server: the same app and the same answers, whether workers are interpreters or processes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

APP = """
import os
from fasterapi import App, shared

app = App()
hits = shared.Counter("hits")
votes = shared.Dict("votes")
workers = shared.Dict("workers")

@app.post("/votes/{choice}")
def vote(choice: str) -> int:
    hits.add()
    workers.add(app.worker.index)
    return votes.add(choice)

@app.get("/votes")
def count():
    return {"hits": hits.value, "votes": dict(votes.items()), "workers": len(workers)}

@app.get("/memory")
def memory():
    return shared.memory_usage().max_bytes

@app.get("/crash")
def crash():
    votes["crashed"] = [app.worker.index]
    os.abort()
"""

CONNECTIONS = 24
VOTES_EACH = 50


def vote(server: Server, connection: int) -> None:
    with Wire(server) as wire:
        for turn in range(VOTES_EACH):
            assert wire.ask(f"/votes/{'abc'[(connection + turn) % 3]}", method="POST", body=b"").status == 200


def test_all_workers_count_in_one_place(serve: Serve) -> None:
    with serve(APP, "--workers", "3") as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda connection: vote(server, connection), range(CONNECTIONS)))
        with Wire(server) as wire:
            answer = wire.ask("/votes").json
    total = CONNECTIONS * VOTES_EACH
    assert answer == {"hits": total, "votes": dict.fromkeys("abc", total // 3), "workers": 3}


@pytest.mark.parametrize("strategy", ["processes"], indirect=True)
def test_state_survives_the_death_of_a_worker(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server:
        vote(server, 0)
        with Wire(server) as wire:
            wire.send(request("/crash"))
            assert wire.at_end()
        server.wait_for_log("starting it again")
        vote(server, 0)
        with Wire(server) as wire:
            answer = wire.ask("/votes").json
        assert answer["hits"] == 2 * VOTES_EACH
        assert answer["votes"]["crashed"] in ([0], [1])


def test_the_bound_is_an_option(serve: Serve) -> None:
    with serve(APP, "--workers", "2", "--shared-memory-max-bytes", "8MiB") as server, Wire(server) as wire:
        assert wire.ask("/memory").json == 8 << 20


WAITING = """
import asyncio
from fasterapi import App, shared

app = App()
ready, news, turns = shared.Event("ready"), shared.Channel("news"), shared.Lock("turns")
jobs = shared.Queue("jobs", max_items=100)
waiting = shared.Counter("waiting")

@app.get("/waiting")
def count():
    return waiting.value

@app.get("/ready")
async def wait_until_ready():
    waiting.add()
    await ready.wait_async()
    return app.worker.index

@app.get("/message")
async def next_message():
    async with news.subscribe() as messages:
        waiting.add()
        return await messages.get_async()

@app.get("/job")
async def next_job():
    waiting.add()
    return await jobs.get_async()

@app.get("/turn")
async def take_turn():
    async with turns:
        before = waiting.value
        await asyncio.sleep(0.001)
        waiting.set(before + 1)

@app.post("/ready")
def set_ready():
    ready.set()

@app.post("/message/{text}")
def publish(text: str) -> int:
    return news.publish({"text": text})

@app.post("/job/{number}")
def add_job(number: int) -> None:
    jobs.put_nowait(number)
"""

CLIENTS = 20


def wait_for(server: Server, path: str) -> list[Wire]:
    """Connections whose requests wait for something in their workers."""
    wires = [Wire(server) for _ in range(CLIENTS)]
    for wire in wires:
        wire.send(request(path))
    with Wire(server) as wire:
        deadline = time.monotonic() + 30
        while wire.ask("/waiting").json < CLIENTS:
            assert time.monotonic() < deadline
    return wires


def answers(wires: list[Wire]) -> list[object]:
    found = [wire.receive().json for wire in wires]
    for wire in wires:
        wire.socket.close()
    return found


def post(server: Server, path: str) -> object:
    with Wire(server) as wire:
        reply = wire.ask(path, method="POST", body=b"")
        assert reply.status == 200, reply.body
        return reply.json


def test_requests_wait_for_what_other_workers_do(serve: Serve) -> None:
    with serve(WAITING, "--workers", "2") as server:
        wires = wait_for(server, "/ready")
        post(server, "/ready")
        assert set(answers(wires)) == {0, 1}


def test_a_message_reaches_the_requests_of_every_worker(serve: Serve) -> None:
    with serve(WAITING, "--workers", "2") as server:
        wires = wait_for(server, "/message")
        assert post(server, "/message/hello") == CLIENTS
        assert answers(wires) == [{"text": "hello"}] * CLIENTS
        assert post(server, "/message/gone") == 0


def test_each_job_is_one_requests(serve: Serve) -> None:
    with serve(WAITING, "--workers", "2") as server:
        wires = wait_for(server, "/job")
        for number in range(CLIENTS):
            post(server, f"/job/{number}")
        assert sorted(answers(wires)) == list(range(CLIENTS))  # type: ignore[type-var]


def test_a_lock_holds_among_workers(serve: Serve) -> None:
    with serve(WAITING, "--workers", "2") as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: ask(server, "/turn"), range(40)))
        assert ask(server, "/waiting") == 40


def ask(server: Server, path: str) -> object:
    with Wire(server) as wire:
        return wire.ask(path).json
