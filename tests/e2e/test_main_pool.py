"""The pool where workers share one interpreter: its threads run handlers beside them, in the same app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.gate import SOURCE, Diary, Gate
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

APP = (
    SOURCE
    + """
import asyncio
import threading
from contextlib import asynccontextmanager
from fasterapi import App, HTTPException, Request

@asynccontextmanager
async def lifespan(app):
    note("opened")
    yield
    note("closed")

app = App(lifespan=lifespan)
workers_thread = []

@app.get("/thread", run="inline")
def thread():
    return threading.get_ident()

@app.get("/pooled-thread", run="pool")
def pooled_thread():
    return threading.get_ident()

@app.get("/items/{number}", run="pool")
def item(number: int, request: Request, q: str = ""):
    if number == 13:
        raise HTTPException(418, "unlucky")
    if number == 14:
        raise RuntimeError("worse")
    return {"number": number, "q": q, "path": request.url.path}

@app.get("/items-async/{number}", run="pool")
async def item_async(number: int):
    await asyncio.sleep(0)
    return {"number": number, "task": asyncio.current_task() is not None}

@app.get("/held", run="pool")
def held():
    pass_gate("gate")
    return "held"

@app.get("/held-inline", run="inline")
def held_inline():
    pass_gate("gate")
    return "held inline"

@app.get("/loop-of-coroutine")
async def loop_of_coroutine():
    return id(asyncio.get_running_loop())

@app.get("/loop", run="pool", timeout=0.1)
def loop():
    while True:
        pass
"""
)


@pytest.fixture(params=["processes", "threads"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "app.py").write_text(dedent(APP))
    with Server(tmp_path / "app.py", "--workers", "1", "--strategy", request.param, cwd=tmp_path) as started:
        yield started
    assert Diary(tmp_path).lines() == ["opened", "closed"]


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as made:
        yield made


def test_handlers_run_beside_the_worker(wire: Wire) -> None:
    own = wire.ask("/thread").json
    assert wire.ask("/pooled-thread").json != own
    assert wire.ask("/thread").json == own


def test_answers_are_those_of_a_worker(wire: Wire) -> None:
    assert wire.ask("/items/3?q=%C3%A9").json == {"number": 3, "q": "é", "path": "/items/3"}
    assert wire.ask("/items-async/4").json == {"number": 4, "task": True}
    assert wire.ask("/items/x").status == 422
    assert wire.ask("/items/13").status == 418
    assert wire.ask("/items/14").status == 500
    assert wire.ask("/nowhere").status == 404


def test_a_handler_that_waits_holds_nobody_up(server: Server, wire: Wire, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, Wire(server) as held:
        held.send(request("/held"))
        gate.wait_for_somebody()
        assert wire.ask("/thread").status == 200
        gate.open()
        assert held.receive().body == b'"held"'


def test_a_worker_that_waits_has_others_run_its_handlers(server: Server, wire: Wire, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, Wire(server) as held:
        held.send(request("/held-inline"))
        gate.wait_for_somebody()
        assert wire.ask("/items/5").json["number"] == 5
        assert wire.ask("/items-async/6").json["number"] == 6
        gate.open()
        assert held.receive().body == b'"held inline"'


def test_coroutines_wait_for_the_loop_of_their_worker(server: Server, wire: Wire, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, Wire(server) as held, Wire(server) as other:
        own = wire.ask("/loop-of-coroutine").json
        held.send(request("/held-inline"))
        gate.wait_for_somebody()
        wire.send(request("/loop-of-coroutine"))
        assert other.ask("/nowhere").status == 404
        gate.open()
        assert held.receive().body == b'"held inline"'
        assert wire.receive().json == own


def test_a_deadline_ends_a_handler_in_the_pool(server: Server, wire: Wire) -> None:
    assert wire.ask("/loop").status == 504
    assert "in loop" in server.wait_for_log(r"was ended: its time was up[\s\S]*RequestTimeout")[0]
    assert wire.ask("/items/1").status == 200
