"""Workers that are processes: their deaths, and their replacement before anything is wrong with them."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Gate, wait_until
from tests.e2e.serving import Server
from tests.e2e.versions import Clients, app_of, ask, until, versions
from tests.e2e.wire import Wire, request

pytestmark = pytest.mark.parametrize("strategy", ["processes"], indirect=True)


def test_what_waits_at_a_dead_workers_socket_is_answered(serve: Serve) -> None:
    with serve(app_of(1), "--workers", "1") as server:
        _, _, process = ask(server, "/worker")  # type: ignore[misc]
        os.kill(process, signal.SIGSTOP)
        waiting = [Wire(server) for _ in range(5)]
        for wire in waiting:
            wire.send(request("/version"))
        os.kill(process, signal.SIGKILL)
        assert [wire.receive().json for wire in waiting] == [1] * 5
        for wire in waiting:
            wire.socket.close()


STUCK = (
    SOURCE
    + """
from fasterapi import App

app = App()

@app.get("/process", run="inline")
def process():
    return os.getpid()

@app.get("/stuck", run="inline")
def stuck():
    pass_gate("gate")

@app.get("/stuck-with-gil", run="inline")
def stuck_with_gil():
    pass_gate_with_gil("gate")
"""
)


@pytest.mark.parametrize("path", ["/stuck", "/stuck-with-gil"])
def test_a_stuck_worker_does_not_outlive_its_supervisor_for_long(serve: Serve, path: str, tmp_path: Path) -> None:
    options = ("--workers", "1", "--grace-period-s", "0.1")
    with Gate(tmp_path) as gate, serve(STUCK, *options) as server, Wire(server) as wire:
        process = wire.ask("/process").json
        wire.send(request(path))
        gate.wait_for_somebody()
        server.signal(signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL
        try:
            wait_until(lambda: not os.path.exists(f"/proc/{process}"), "the worker ends")
        finally:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    assert "the supervisor is gone, and some requests do not end" in server.log


def processes(server: Server) -> list[object]:
    return [ask(server, "/process") for _ in range(10)]


def test_what_the_pool_of_a_stuck_worker_does_is_finished(serve: Serve, tmp_path: Path) -> None:
    pooled = """
@app.get("/pooled", run="pool")
def pooled():
    pass_gate("second")
    return "done"

@app.get("/late", run="inline", timeout=0.1)
async def late():
    pass_gate("gate")
"""
    with Gate(tmp_path) as gate, Gate(tmp_path, "second") as second, serve(STUCK + pooled, "--workers", "1") as server:
        with Wire(server) as waiting, Wire(server) as stuck:
            before = ask(server, "/process")
            waiting.send(request("/pooled"))
            second.wait_for_somebody()
            stuck.send(request("/late"))
            gate.wait_for_somebody()
            assert stuck.receive().status == 504
            server.wait_for_log("worker 0 is stuck")
            # Until the stuck one accepts no more, a connection may still come to it, and be answered 503.
            until(lambda: all(isinstance(found, int) and found != before for found in processes(server)))
            second.open()
            assert waiting.receive().json == "done"
        gate.open()
        assert server.stop() == 0


def test_another_worker_takes_over_while_one_cannot_start(serve: Serve, tmp_path: Path) -> None:
    with serve(app_of(1), "--workers", "2") as server:
        index, _, process = ask(server, "/worker")  # type: ignore[misc]
        (tmp_path / "app.py").write_text("import nowhere.at_all")
        os.kill(process, signal.SIGKILL)
        server.wait_for_log(f"worker {index} .* cannot start")
        assert versions(server) == {1}


def test_workers_are_replaced_after_so_many_requests(serve: Serve) -> None:
    options = ("--recycle-after-requests", "50", "--recycle-jitter", "0")
    with serve(app_of(1), "--workers", "1", *options) as server:
        _, _, first = ask(server, "/worker")  # type: ignore[misc]
        clients = Clients(server, 2)
        until(lambda: "replacing it" in server.log)
        until(lambda: ask(server, "/worker")[2] != first)  # type: ignore[index]
        total = clients.stop()
        assert (total.lost, total.refused) == (0, 0)
        assert "worker 0 has answered" in server.log


def test_workers_are_replaced_for_age_and_memory(serve: Serve) -> None:
    with serve(app_of(1), "--workers", "1", "--recycle-after-s", "0.5") as server:
        server.wait_for_log("worker 0 has run for")
    with serve(app_of(1), "--workers", "1", "--recycle-rss-bytes", "1MiB") as server:
        server.wait_for_log("worker 0 holds .* MB")


def test_a_worker_that_is_stopped_by_hand_is_replaced(serve: Serve) -> None:
    with serve(app_of(1), "--workers", "1") as server:
        _, _, process = ask(server, "/worker")  # type: ignore[misc]
        os.kill(process, signal.SIGTERM)
        server.wait_for_log("exited with status 0; starting it again")
        # What the stopping worker did to its socket is undone by the next one.
        with socket.create_connection(("127.0.0.1", server.port), timeout=20):
            assert ask(server, "/version") == 1
