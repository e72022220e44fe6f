"""Handlers whose time is up: the client has its 504, the handler is ended, and everything goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Diary, Gate
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server
from tests.e2e.wire import Wire, request

STRATEGIES = STRATEGIES_AND_DEFAULT

DEADLINE_S = 0.1

APP = (
    SOURCE
    + f"""
import asyncio
import time
from fasterapi import App, HTTPException, RequestTimeout

DEADLINE_S = {DEADLINE_S}
"""
    + """
app = App()

def hold_on():
    note("held on")
    pass_gate("gate")

@app.get("/fine")
async def fine():
    return "fine"

@app.get("/loop", run="inline", timeout=DEADLINE_S)
def loop():
    while True:  # stuck in loop
        pass  # stuck in loop

@app.get("/loop-nested", run="inline", timeout=DEADLINE_S)
def loop_nested():
    def inner():
        number = 0
        while True:  # stuck in loop-nested
            try:  # stuck in loop-nested
                number += 1  # stuck in loop-nested
            except Exception:
                continue
    inner()

@app.get("/loop-async", timeout=DEADLINE_S)
async def loop_async():
    while True:  # stuck in loop-async
        pass  # stuck in loop-async

@app.get("/loop-later", timeout=DEADLINE_S)
async def loop_later():
    await asyncio.sleep(0)
    while True:  # stuck in loop-later
        pass  # stuck in loop-later

@app.get("/loop-turns", timeout=DEADLINE_S)
async def loop_turns():
    while True:  # stuck in loop-turns
        await asyncio.sleep(0)  # stuck in loop-turns

@app.get("/suspended", timeout=DEADLINE_S)
async def suspended():
    await asyncio.Event().wait()  # stuck in suspended

@app.get("/suspended-in-task", timeout=DEADLINE_S)
async def suspended_in_task():
    async with asyncio.timeout(60):
        await asyncio.Event().wait()  # stuck in suspended-in-task

@app.get("/swallows", run="inline", timeout=DEADLINE_S)
def swallows():
    caught = 0
    while caught < 3:
        try:
            while True:
                pass
        except RequestTimeout:
            caught += 1
            note(f"caught {caught}")
    note("gave in")
    return "too late"

@app.get("/swallows-cancellation", timeout=DEADLINE_S)
async def swallows_cancellation():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note("cancelled")
    note("gave in")
    return "too late"

@app.get("/stuck", run="inline", timeout=DEADLINE_S)
def stuck():
    try:
        pass_gate("gate")
    finally:
        note("left")

@app.get("/stuck-async", timeout=DEADLINE_S)
async def stuck_async():
    try:
        pass_gate("gate")
    finally:
        note("left")

class SleepInC:
    # Suspends, straight from code in C: an exception that is raised meanwhile finds no code of this coroutine to end.
    def __await__(self):
        return map(time.sleep, [4 * DEADLINE_S])

async def nap():
    await asyncio.sleep(0)
    note("naps")
    await SleepInC()

async def turns():
    until = time.monotonic() + 8 * DEADLINE_S
    while time.monotonic() < until:
        await asyncio.sleep(0)
    return "whole"

for where in ("inline", "pool"):
    app.get(f"/nap-{where}", run=where, timeout=DEADLINE_S)(nap)
    app.get(f"/turns-{where}", run=where)(turns)

@app.get("/raises", run="inline", timeout=DEADLINE_S)
def raises():
    try:
        while True:
            pass
    except RequestTimeout as error:
        note("raised")
        raise HTTPException(418) from error
"""
)

LOOPS = ("/loop", "/loop-nested", "/loop-async", "/loop-later", "/loop-turns", "/suspended", "/suspended-in-task")


@pytest.fixture(scope="module")
def server(module_serve: Serve) -> Iterator[Server]:
    with module_serve(APP, "--workers", "1") as running:
        yield running


@pytest.mark.parametrize("path", LOOPS)
def test_a_handler_without_end_is_answered_and_ended(server: Server, path: str) -> None:
    with Wire(server) as wire, Wire(server) as other:
        for _ in range(2):
            reply = wire.ask(path)
            assert (reply.status, reply.header("connection")) == (504, None)
        for each in (wire, other):
            assert each.ask("/fine").json == "fine"
    server.wait_for_log(f"# stuck in {path[1:]}\n")


@pytest.mark.parametrize("path", ["/loop", "/loop-async", "/suspended"])
def test_the_log_names_the_request(server: Server, path: str) -> None:
    with Wire(server) as wire, Wire(server) as other:
        assert other.ask("/fine").status == 200
        wire.send(request(path))
        assert other.ask("/another/request/that/comes/meanwhile").status == 404
        reply = wire.receive()
        request_id = reply.header("x-request-id") or reply.json["request_id"]
        server.wait_for_log(f"GET {path}.*{request_id}|{request_id}.*GET {path}")
        assert wire.ask("/fine").status == 200


@pytest.mark.parametrize("path", ["/loop", "/loop-async", "/loop-later", "/suspended"])
def test_many_times_in_a_row(server: Server, path: str) -> None:
    with Wire(server) as wire:
        for _ in range(20):
            assert wire.ask(path).status == 504
        assert wire.ask("/fine").json == "fine"


def test_requests_behind_it_on_its_connection_are_answered(server: Server) -> None:
    with Wire(server) as wire:
        wire.send(request("/loop") + request("/fine") + request("/suspended") + request("/nowhere"))
        assert [wire.receive().status for _ in range(4)] == [504, 200, 504, 404]


def test_a_handler_that_raises_something_else_instead_has_been_answered(serve: Serve, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        assert wire.ask("/raises").status == 504
        assert wire.ask("/fine").status == 200
        Diary(tmp_path).wait_for("raised")


def test_a_handler_that_swallows_it_is_told_again(serve: Serve, tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        assert wire.ask("/swallows").status == 504
        diary.wait_for("gave in")
        assert diary.lines() == ["caught 1", "caught 2", "caught 3", "gave in"]
        assert wire.ask("/fine").json == "fine"


@pytest.mark.parametrize("place", ["inline", "pool"])
def test_a_handler_that_has_suspended_leaves_its_interruption_to_nobody_else(serve: Serve, place: str) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "2")
    with serve(APP, *options) as server, Wire(server) as others, Wire(server) as wire:
        for _ in range(2):
            others.send(request(f"/turns-{place}"))
            assert wire.ask(f"/nap-{place}").status == 504
            assert others.receive().json == "whole"
        assert wire.ask("/fine").json == "fine"
        assert "Exception" not in server.log


def test_a_coroutine_that_swallows_its_cancellation_may_end_in_peace(serve: Serve, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        assert wire.ask("/swallows-cancellation").status == 504
        Diary(tmp_path).wait_for("gave in")
        assert wire.ask("/fine").json == "fine"


@pytest.mark.parametrize("path", ["/stuck", "/stuck-async"])
def test_who_is_stuck_in_c_is_answered_while_it_is(serve: Serve, path: str, tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    with Gate(tmp_path) as gate, serve(APP, "--workers", "1") as server, Wire(server) as wire, Wire(server) as other:
        wire.send(request(path))
        gate.wait_for_somebody()
        assert wire.receive().status == 504
        assert diary.lines() == []
        for each in (wire, other):
            assert each.ask("/nowhere").status == 404
        gate.open()
        diary.wait_for("left")
        for each in (wire, other):
            assert each.ask("/fine").json == "fine"


PATIENCE = (
    SOURCE
    + f"""
import asyncio
from fasterapi import App

app = App(timeout={DEADLINE_S})
"""
    + """
async def wait_for_file(name):
    while not os.path.exists(name):
        await asyncio.sleep(0.01)
    return name

@app.get("/default")
async def default():
    return await wait_for_file("never")

@app.get("/patient", timeout=60)
async def patient():
    return await wait_for_file("go")

@app.get("/unlimited", timeout=0)
async def unlimited():
    return await wait_for_file("go")

@app.get("/unlimited-def", timeout=0, run="inline")
def unlimited_def():
    pass_gate("gate")
    return "go"
"""
)


def test_a_route_has_the_apps_deadline_or_its_own_or_none(serve: Serve, tmp_path: Path) -> None:
    with (
        serve(PATIENCE, "--workers", "1") as server,
        Wire(server) as wire,
        Wire(server) as patient,
        Wire(server) as unlimited,
    ):
        patient.send(request("/patient"))
        unlimited.send(request("/unlimited"))
        for _ in range(2):
            assert wire.ask("/default").status == 504
        (tmp_path / "go").touch()
        assert patient.receive().json == "go"
        assert unlimited.receive().json == "go"


def test_a_blocking_handler_without_a_deadline_has_its_time(serve: Serve, tmp_path: Path) -> None:
    with (
        Gate(tmp_path) as gate,
        serve(PATIENCE, "--workers", "1") as server,
        Wire(server) as unlimited,
        Wire(server) as wire,
    ):
        wire.send(request("/default"))
        unlimited.send(request("/unlimited-def"))
        gate.wait_for_somebody()
        assert wire.receive().status == 504
        gate.open()
        assert unlimited.receive().json == "go"


def test_the_flag_counts_before_the_app(serve: Serve, tmp_path: Path) -> None:
    with serve(PATIENCE, "--workers", "1", "--timeout-s", "0") as server, Wire(server) as wire:
        wire.send(request("/default"))
        with Wire(server) as other:
            other.send(request("/patient"))
            (tmp_path / "go").touch()
            assert other.receive().json == "go"
        (tmp_path / "never").touch()
        assert wire.receive().json == "never"


LEAVING = (
    SOURCE
    + """
import asyncio
from fasterapi import App

app = App()

@app.get("/wait", timeout=60)
async def wait():
    note("began")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note("cancelled")
        raise

def without_end():
    note("began")
    try:
        while True:
            pass
    finally:
        note("ended")

for where in ("inline", "pool"):
    app.get(f"/without-end-{where}", run=where, timeout=0.5)(without_end)

@app.get("/not-to-be-cancelled", timeout=0.5)
async def not_to_be_cancelled():
    note("began")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note("cancelled")
        try:
            while True:
                pass
        finally:
            note("ended")

@app.get("/fine", run="inline")
def fine():
    return "fine"
"""
)


@pytest.mark.parametrize("path", ["/without-end-inline", "/without-end-pool", "/not-to-be-cancelled"])
def test_a_handler_that_outlives_its_client_is_ended_at_its_deadline(serve: Serve, path: str, tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    with serve(LEAVING, "--workers", "1") as server:
        with Wire(server) as wire:
            wire.send(request(path))
            diary.wait_for("began")
            wire.end_with_reset()
        diary.wait_for("ended")
        server.wait_for_log("RequestTimeout")
        with Wire(server) as other:
            assert other.ask("/fine").json == "fine"


def test_a_client_that_leaves_ends_its_handler_before_its_deadline(serve: Serve, tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    with serve(LEAVING, "--workers", "1") as server:
        with Wire(server) as wire:
            wire.send(request("/wait"))
            diary.wait_for("began")
        diary.wait_for("cancelled")
        with Wire(server) as wire:
            assert wire.ask("/fine").status == 200
    assert "deadline" not in server.log
