"""Interpreters that take the place of others in a running server: of one that is stuck in C, and of all at a reload."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fasterapi._trial import is_free_threaded
from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Gate, wait_for_another, wait_until
from tests.e2e.serving import EACH_INTERPRETER, PINNED, Server
from tests.e2e.wire import Wire, request

APP = (
    SOURCE
    + """
from fasterapi import App

app = App()
VERSION = 1

@app.get("/who")
async def who():
    return {"version": VERSION, "interpreter": [os.getpid(), app.worker.interpreter_id]}

@app.get("/stuck", run="inline", timeout=0.1)
async def stuck():
    pass_gate_with_gil("gate")
    return "free again"

@app.get("/stuck-pooled", run="pool", timeout=0.1)
def stuck_pooled():
    pass_gate_with_gil("gate")
    return "free again"
"""
)


def who(server: Server) -> tuple[int, list[int]] | None:
    """The version of the app that answers, and its process and interpreter; None where its worker is stuck."""
    try:
        with Wire(server) as wire:
            answer = wire.ask("/who")
    except ConnectionError:
        # A process that is stuck is killed, with what it has accepted.
        return None
    return None if answer.status == 503 else (answer.json["version"], answer.json["interpreter"])


def version(server: Server) -> int | None:
    """The version of the app that answers."""
    found = who(server)
    return None if found is None else found[0]


def stick(server: Server, gate: Gate, wire: Wire, path: str) -> None:
    """Worker 0 is stuck in that handler, and known to be."""
    wire.send(request(path))
    gate.wait_for_somebody()
    assert wire.receive().status == 504
    server.wait_for_log(r"worker 0 is stuck in a handler")


@EACH_INTERPRETER
def test_a_stuck_worker_is_replaced_and_ends_when_it_comes_back(serve: Serve, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, serve(APP, "--workers", "1", "--grace-period-s", "2") as server:
        before = who(server)

        with Wire(server) as waiting:
            stick(server, gate, waiting, "/stuck")
            # The connection is the stuck worker's, which others drive.
            assert waiting.ask("/nowhere").status == 404
            # Until the stuck one accepts no more, a connection may still come to it.
            after = wait_for_another(lambda: who(server), before, "another worker answers")
        gate.open()
        wait_until(lambda: who(server) == after, "the other worker goes on")


@pytest.mark.skipif(is_free_threaded(), reason="this Python has no GIL to keep")
def test_a_process_whose_gil_a_pooled_handler_keeps_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    words = ("--workers", "1", "--strategy", "processes", "--grace-period-s", "2")
    with Gate(tmp_path) as gate, Server(tmp_path / "app.py", *words, cwd=tmp_path) as server:
        before = who(server)
        with Wire(server) as waiting:
            stick(server, gate, waiting, "/stuck-pooled")
            wait_until(lambda: who(server) not in (before, None), "another worker answers")


@PINNED
def test_calls_for_a_stuck_worker_are_turned_away(serve: Serve, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, serve(APP, "--workers", "1") as server:
        with Wire(server) as stuck, Wire(server) as other:
            assert other.ask("/who").status == 200
            stuck.send(request("/stuck"))
            gate.wait_for_somebody()
            assert stuck.receive().status == 504
            other.send(request("/who"))
            refused = other.receive()
            assert (refused.status, refused.header("retry-after")) == (503, "1")
            assert refused.header("connection") == "close", "a fresh worker may have the next one"
        gate.open()


@PINNED
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hangup_loads_the_app_anew(serve: Serve, tmp_path: Path, workers: int) -> None:
    with serve(APP, "--workers", str(workers)) as server:
        assert version(server) == 1
        source = tmp_path / "app.py"
        for number in (2, 3):
            # Longer each time: byte code is looked up by the file's time in seconds, and its length.
            source.write_text(source.read_text().replace(f"VERSION = {number - 1}", f"VERSION = {number} "))
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda wanted=number: version(server) == wanted, "the new app answers")


@PINNED
def test_an_app_that_does_not_load_leaves_the_old_one_in_place(serve: Serve, tmp_path: Path) -> None:
    with serve(APP, "--workers", "1") as server:
        before = who(server)
        source = tmp_path / "app.py"
        source.write_text("raise RuntimeError('not today')\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log(r"could not be loaded anew[\s\S]*RuntimeError: not today")
        assert who(server) == before
        source.write_text(APP.replace("VERSION = 1", "VERSION = 2 "))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: version(server) == 2, "the mended app answers")


@PINNED
def test_a_kept_connection_goes_on_through_a_reload(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as kept:
        before = kept.ask("/who").json["interpreter"]
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log(r"the app is loaded anew")
        # Either it is answered and told that this was the last one, or it was closed while it was idle.
        kept.send(request("/who"))
        last = kept.receive()
        assert last.json["interpreter"] == before
        assert last.header("connection") == "close"
