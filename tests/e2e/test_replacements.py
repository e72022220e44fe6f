"""What takes the place of a stuck interpreter cannot be loaded for a while: the server goes on, and tries again."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Diary, Gate, wait_for_another, wait_until
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request
from tests.marks import OWN_GIL

pytestmark = OWN_GIL

# The app cannot be loaded while a file `broken` exists. With a file `slow`, that takes until there is `load-on` too.
APP = (
    SOURCE
    + """
if os.path.exists("slow"):
    import time
    note("loads")
    while not os.path.exists("load-on"):
        time.sleep(0.01)
if os.path.exists("broken"):
    raise OSError("not today")

import asyncio
from fasterapi import App

app = App()

@app.on_event("shutdown")
def ended():
    note(f"ended {app.worker.interpreter_id}")

@app.get("/inline", run="inline")
async def inline():
    return app.worker.interpreter_id

@app.get("/impatient-inline", run="inline", timeout=0.1)
async def impatient_inline():
    return app.worker.interpreter_id

@app.get("/pooled", run="pool")
def pooled():
    return app.worker.interpreter_id

@app.get("/impatient", run="pool", timeout=0.1)
def impatient():
    return app.worker.interpreter_id

@app.get("/held", run="pool")
def held(gate: str):
    pass_gate(gate)
    return app.worker.interpreter_id

@app.get("/waiting", run="pool")
async def waiting():
    note("waiting")
    while not os.path.exists("go-on"):
        await asyncio.sleep(0.01)
    return app.worker.interpreter_id

@app.get("/stuck", run="inline", timeout=0.1)
def stuck(gate: str):
    pass_gate_with_gil(gate)

@app.get("/stuck-coroutine", run="pool", timeout=0.1)
async def stuck_coroutine(gate: str):
    pass_gate(gate)

@app.get("/stuck-coroutine-with-gil", run="pool", timeout=0.1)
async def stuck_coroutine_with_gil(gate: str):
    await asyncio.sleep(0)
    pass_gate_with_gil(gate)

@app.get("/coroutine", run="pool")
async def coroutine():
    return app.worker.interpreter_id

@app.get("/stuck-pooled", run="pool", timeout=0.1)
def stuck_pooled(gate: str):
    pass_gate_with_gil(gate)
"""
)

AUTO = pytest.mark.parametrize("strategy", ["auto"], indirect=True)
# With a pool, and without.
WITH_OR_WITHOUT = pytest.mark.parametrize("strategy", ["auto", "pinned"], indirect=True)


def stick(gate: Gate, wire: Wire, path: str) -> None:
    """A handler is stuck at the gate, and its time is up."""
    wire.send(request(f"{path}?gate={gate.name}"))
    gate.wait_for_somebody()
    assert wire.receive().status == 504


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Where it exists, the app cannot be loaded."""
    return tmp_path / "broken"


def threads(server: Server) -> list[str]:
    """The names of the server's threads."""
    found = []
    for each in Path(f"/proc/{server.process.pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            found.append((each / "comm").read_text().strip())
    return found


def wait_for_failures(server: Server, line: str, times: int) -> None:
    """Returns once it has been told so often that something cannot be replaced, and why."""
    wait_until(lambda: server.log.count(line) >= times, f"{times} times {line!r}")
    assert "OSError: not today" in server.log


def interpreter(server: Server) -> int | None:
    """That of the worker which takes a new connection; None where that one is stuck."""
    with Wire(server) as wire:
        answer = wire.ask("/impatient-inline")
    return answer.json if answer.status == 200 else None


def another_worker(server: Server, than: int) -> int:
    """The interpreter of the worker that takes connections in that one's place."""
    # Until the one before accepts no more, a connection may still come to it.
    return wait_for_another(lambda: interpreter(server), than, "another worker answers")


NO_WORKER = "worker 0 has no fresh interpreter yet"
FRESH_WORKER = "worker 0 has a fresh interpreter"
NO_POOLED = "is not there, which is tried again"
FRESH_POOLED = r"pooled interpreter \d is a fresh one now"


@AUTO
def test_others_serve_until_a_pooled_interpreter_is_replaced(serve: Serve, tmp_path: Path, broken: Path) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "2", "--num-pooled-interpreters", "2")
    with Gate(tmp_path) as gate, serve(APP, *options) as server, Wire(server) as wire:
        broken.touch()
        stick(gate, wire, "/stuck-pooled")
        for times in (1, 2):
            wait_for_failures(server, NO_POOLED, times)
            assert len({wire.ask("/pooled").json for _ in range(10)}) == 1, "one is left"
            assert wire.ask("/inline").status == 200
        broken.unlink()
        server.wait_for_log(FRESH_POOLED)
        assert wire.ask("/pooled").status == 200
        gate.open()


@AUTO
def test_calls_wait_until_the_only_pooled_interpreter_is_replaced(serve: Serve, tmp_path: Path, broken: Path) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "1")
    with Gate(tmp_path) as gate, serve(APP, *options) as server, Wire(server) as wire, Wire(server) as other:
        before = wire.ask("/pooled").json
        broken.touch()
        stick(gate, wire, "/stuck-pooled")
        wait_for_failures(server, NO_POOLED, 1)
        wire.send(request("/pooled"))
        assert other.ask("/impatient").status == 504
        assert other.ask("/inline").status == 200
        wait_for_failures(server, NO_POOLED, 3)
        broken.unlink()
        assert wire.receive().json != before
        server.wait_for_log(FRESH_POOLED)
        gate.open()


@WITH_OR_WITHOUT
def test_a_stuck_worker_is_replaced_once_the_app_loads_again(serve: Serve, tmp_path: Path, broken: Path) -> None:
    with Gate(tmp_path) as gate, serve(APP, "--workers", "1") as server, Wire(server) as wire:
        before = wire.ask("/inline").json
        broken.touch()
        stick(gate, wire, "/stuck")
        for times in (1, 2):
            wait_for_failures(server, NO_WORKER, times)
            assert wire.ask("/nowhere").status == 404, "it is driven by others"
            if "auto" in server.log:
                assert wire.ask("/pooled").status == 200
        assert FRESH_WORKER not in server.log
        broken.unlink()
        server.wait_for_log(FRESH_WORKER)
        after = another_worker(server, before)
        gate.open()
        assert interpreter(server) == after


@WITH_OR_WITHOUT
def test_a_worker_that_comes_back_before_it_is_replaced_goes_on(serve: Serve, tmp_path: Path, broken: Path) -> None:
    with Gate(tmp_path) as gate, serve(APP, "--workers", "1") as server:
        before = interpreter(server)
        broken.touch()
        for times in (1, 2):
            failures = server.log.count(NO_WORKER)
            with Wire(server) as wire:
                stick(gate, wire, "/stuck")
            wait_for_failures(server, NO_WORKER, failures + 1)
            wait_until(lambda times=times: server.log.count("worker 0 is stuck") == times, "it is told")
            gate.open()
            wait_until(lambda: interpreter(server) == before, "it is back")
        assert FRESH_WORKER not in server.log


@WITH_OR_WITHOUT
def test_who_declares_other_routes_replaces_nobody(serve: Serve, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, serve(APP, "--workers", "1") as server, Wire(server) as wire:
        before = wire.ask("/inline").json
        app = tmp_path / "app.py"
        app.write_text(APP + '@app.get("/new")\ndef new(): ...\n')
        stick(gate, wire, "/stuck")
        server.wait_for_log(rf"{NO_WORKER}:\n.*declares other routes now")
        gate.open()
        wait_until(lambda: interpreter(server) == before, "it is back")


@AUTO
def test_a_pool_lasts_as_long_as_the_last_worker_of_its_generation(serve: Serve, tmp_path: Path) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "2", "--num-pooled-interpreters", "1")
    with Gate(tmp_path) as gate, Gate(tmp_path, "held") as held, serve(APP, *options) as server, ExitStack() as stack:
        wire = stack.enter_context(Wire(server))
        before, pooled = wire.ask("/inline").json, wire.ask("/pooled").json
        stick(gate, wire, "/stuck")
        server.wait_for_log(FRESH_WORKER)
        after = another_worker(server, before)
        third, fourth, fifth = (stack.enter_context(Wire(server)) for _ in range(3))
        assert third.ask("/inline").json == after
        third.send(request("/held?gate=held"))
        held.wait_for_somebody()
        fourth.send(request("/waiting"))
        diary = Diary(tmp_path)
        diary.wait_for("waiting")
        gate.open()
        diary.wait_for(f"ended {before}")
        wait_until(lambda: threads(server).count("worker-0") == 1, "the worker before has ended")
        for _ in range(20):
            assert fifth.ask("/pooled").json == pooled
        held.open()
        (tmp_path / "go-on").touch()
        assert [each.receive().json for each in (third, fourth)] == [pooled, pooled]


@AUTO
@pytest.mark.parametrize("fails", [True, False])
def test_who_comes_during_a_reload_is_of_the_app_before(
    serve: Serve, tmp_path: Path, broken: Path, fails: bool
) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "2", "--num-pooled-interpreters", "1")
    slow = tmp_path / "slow"
    with Gate(tmp_path) as gate, serve(APP, *options) as server:
        with Wire(server) as wire:
            before, pooled = wire.ask("/inline").json, wire.ask("/pooled").json
            slow.touch()
            server.signal(signal.SIGHUP)
            Diary(tmp_path).wait_for("loads", 2)  # the worker's interpreter and the pooled one
            slow.unlink()
            stick(gate, wire, "/stuck")
            server.wait_for_log(FRESH_WORKER)
        after = another_worker(server, before)
        with Wire(server) as kept:
            assert kept.ask("/inline").json == after
            assert kept.ask("/pooled").json == pooled
            if fails:
                broken.touch()
            (tmp_path / "load-on").touch()
            if fails:
                server.wait_for_log(r"could not be loaded anew[\s\S]*OSError: not today")
                wait_until(lambda: threads(server).count("worker-0") == 2, "those of the reload have ended")
                for _ in range(20):
                    assert kept.ask("/pooled").json == pooled
            else:
                server.wait_for_log("the app is loaded anew")
                last = kept.ask("/pooled")
                assert (last.json, last.header("connection")) == (pooled, "close")
        gate.open()


@AUTO
@pytest.mark.parametrize("path", ["/stuck-coroutine", "/stuck-coroutine-with-gil"])
def test_a_coroutine_that_keeps_the_loop_of_a_pooled_interpreter_costs_it(
    serve: Serve, path: str, tmp_path: Path
) -> None:
    diary = Diary(tmp_path)
    with (
        serve(APP, "--workers", "1", "--num-pooled-interpreters", "1") as server,
        Gate(tmp_path) as gate,
        Wire(server) as wire,
    ):
        before = wire.ask("/coroutine").json
        stick(gate, wire, path)
        server.wait_for_log(FRESH_POOLED)
        after = wire.ask("/coroutine").json
        assert after not in (before, None)
        assert wire.ask("/pooled").json == after
        gate.open()
        diary.wait_for(f"ended {before}")
        assert wire.ask("/coroutine").json == after
