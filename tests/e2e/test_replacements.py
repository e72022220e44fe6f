"""What takes the place of a stuck interpreter cannot be loaded for a while: the server goes on, and tries again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Gate, wait_until
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

# The app cannot be loaded while a file `broken` exists.
APP = (
    SOURCE
    + """
if os.path.exists("broken"):
    raise OSError("not today")

import ctypes
from fasterapi import App

app = App()

# Inside of C with the GIL held: nothing interrupts it.
def pass_gate_with_gil(name):
    gate = os.open(name, os.O_RDONLY)
    ctypes.PyDLL(None).read(gate, ctypes.create_string_buffer(1), ctypes.c_size_t(1))
    os.close(gate)

@app.get("/inline", run="inline")
async def inline():
    return app.worker.interpreter_id

@app.get("/pooled", run="pool")
def pooled():
    return app.worker.interpreter_id

@app.get("/impatient", run="pool", timeout=0.1)
def impatient():
    return app.worker.interpreter_id

@app.get("/stuck-pooled", run="pool", timeout=0.1)
def stuck_pooled(gate: str):
    pass_gate_with_gil(gate)
"""
)

pytestmark = pytest.mark.parametrize("strategy", ["auto"], indirect=True)


def stick(gate: Gate, wire: Wire, path: str) -> None:
    """A handler is stuck at the gate, and its time is up."""
    wire.send(request(f"{path}?gate={gate.name}"))
    gate.wait_for_somebody()
    assert wire.receive().status == 504


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Where it exists, the app cannot be loaded."""
    return tmp_path / "broken"


def wait_for_failures(server: Server, line: str, times: int) -> None:
    """Returns once it has been told so often that something cannot be replaced, and why."""
    wait_until(lambda: server.log.count(line) >= times, f"{times} times {line!r}")
    assert "OSError: not today" in server.log


NO_POOLED = "is not there, which is tried again"
FRESH_POOLED = r"pooled interpreter \d was stuck, and is a fresh one now"


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
