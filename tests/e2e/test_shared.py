"""Shared state in a server: the same app and the same answers, whether workers are interpreters or processes."""

from __future__ import annotations

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
