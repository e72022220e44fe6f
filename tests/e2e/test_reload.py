"""New workers for old ones, while clients are served: SIGHUP, `fasterapi reload`, recycling, and deaths."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

APP = """
import asyncio
import os
from fasterapi import App

app = App()

@app.get("/version")
def version():
    return VERSION

@app.get("/worker")
def worker():
    return [app.worker.index, app.worker.interpreter_id, os.getpid()]

@app.get("/later/{milliseconds}")
async def later(milliseconds: int):
    await asyncio.sleep(milliseconds / 1000)
    return VERSION
"""

DONE = "the app is loaded anew"

pytestmark = pytest.mark.parametrize("strategy", ["processes"], indirect=True)


def app_of(version: int) -> str:
    """The app's text, of another length for each version: byte code is looked up by time in seconds, and length."""
    return f"VERSION = {version}{' ' * version}\n{APP}"


def until(is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)


def ask(server: Server, target: str) -> object:
    with Wire(server) as wire:
        return wire.ask(target).json


def versions(server: Server) -> set[object]:
    """What new connections meet; workers of before may accept one at the very moment at which the new ones do."""
    return {ask(server, "/version") for _ in range(10)}


def reload(server: Server, path: Path, text: str, outcome: str = DONE) -> None:
    """Change the app's file and wait for what the log says of the reload."""
    before = server.log.count(outcome)
    path.write_text(text)
    server.signal(signal.SIGHUP)
    until(lambda: server.log.count(outcome) > before)


@dataclass
class Count:
    """What one client met: each request is answered, or lost."""

    answered: int = 0
    lost: int = 0
    refused: int = 0


class Clients:
    """Threads that send one request after the other over connections that they keep, until told to stop."""

    def __init__(self, server: Server, count: int = 8) -> None:
        self._server = server
        self._stop = threading.Event()
        self.counts = [Count() for _ in range(count)]
        self._pool = ThreadPoolExecutor(count)
        self._running = [self._pool.submit(self._run, each) for each in self.counts]

    def _run(self, count: Count) -> None:
        text = request("/version")
        while not self._stop.is_set():
            try:
                wire = Wire(self._server)
            except OSError:
                count.refused += 1
                continue
            with wire:
                self._use(wire, text, count)

    def _use(self, wire: Wire, text: bytes, count: Count) -> None:
        while not self._stop.is_set():
            try:
                wire.send(text)
                reply = wire.receive()
            except OSError:
                count.lost += 1
                return
            assert reply.status == 200
            count.answered += 1
            if (reply.header("connection") or "").lower() == "close":
                return

    @property
    def answered(self) -> int:
        return sum(each.answered for each in self.counts)

    def wait_for_answers(self, count: int) -> None:
        """Until so many more requests are answered."""
        wanted = self.answered + count
        until(lambda: self.answered >= wanted)

    def stop(self) -> Count:
        self._stop.set()
        for each in self._running:
            each.result(30)
        self._pool.shutdown()
        return Count(*(sum(getattr(each, name) for each in self.counts) for name in ("answered", "lost", "refused")))


def test_a_reload_loads_the_app_as_it_is_now(serve: Serve, tmp_path: Path) -> None:
    with serve(app_of(1), "--workers", "2") as server:
        assert ask(server, "/version") == 1
        reload(server, tmp_path / "app.py", app_of(2))
        until(lambda: versions(server) == {2})
        assert server.stop() == 0


def test_connections_of_before_are_answered_and_told_to_close(serve: Serve, tmp_path: Path) -> None:
    with serve(app_of(1), "--workers", "1") as server, Wire(server) as idle, Wire(server) as busy:
        assert idle.ask("/version").json == 1
        busy.send(request("/later/700"))
        assert ask(server, "/version") == 1
        reload(server, tmp_path / "app.py", app_of(2))
        until(lambda: versions(server) == {2})
        reply = idle.ask("/version")
        assert (reply.json, reply.header("connection")) == (1, "close")
        assert busy.receive().json == 1


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("import nowhere.at_all", "No module named 'nowhere'"),
        ("from fasterapi import App\n\napp = App()\n\n@app.on_event('startup')\nasync def start(): 1 / 0", "division"),
        (f"import random\n{app_of(2)}\n@app.get(f'/{{random.random()}}')\ndef other(): ...", "declares other routes"),
    ],
    ids=["import", "startup", "routes"],
)
def test_an_app_that_does_not_load_leaves_the_old_one_serving(
    serve: Serve, tmp_path: Path, broken: str, told: str
) -> None:
    with serve(app_of(1), "--workers", "2") as server:
        reload(server, tmp_path / "app.py", broken, "could not be loaded anew")
        assert told in server.log
        assert versions(server) == {1}
        reload(server, tmp_path / "app.py", app_of(3))
        until(lambda: versions(server) == {3})


def test_nobody_is_refused_or_lost_while_workers_are_reloaded(serve: Serve, tmp_path: Path) -> None:
    with serve(app_of(0), "--workers", "2") as server:
        clients = Clients(server)
        for version in range(1, 4):
            reload(server, tmp_path / "app.py", app_of(version))
            clients.wait_for_answers(300)
        total = clients.stop()
        assert (total.lost, total.refused) == (0, 0)


def test_nobody_who_is_connected_is_lost_when_the_server_stops(serve: Serve) -> None:
    with serve(app_of(0), "--workers", "2") as server:
        clients = Clients(server)
        until(lambda: all(each.answered > 20 for each in clients.counts))
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert clients.stop().lost == 0


def test_the_command_reloads_by_pid_and_by_file(serve: Serve, tmp_path: Path) -> None:
    pid_file = tmp_path / "server.pid"
    command = [sys.executable, "-m", "fasterapi", "reload"]
    with serve(app_of(1), "--workers", "1", "--pid-file", str(pid_file)) as server:
        assert int(pid_file.read_text()) == server.process.pid
        for number, words in enumerate((["--pid-file", str(pid_file)], ["--pid", str(server.process.pid)]), 1):
            asked = subprocess.run([*command, *words], capture_output=True, text=True, timeout=30, check=False)
            assert (asked.returncode, asked.stderr) == (0, "")
            assert f"process {server.process.pid} is reloading" in asked.stdout
            until(lambda number=number: server.log.count(DONE) == number)  # type: ignore[misc]
        assert server.stop() == 0
    asked = subprocess.run([*command, "--pid-file", str(pid_file)], capture_output=True, timeout=30, check=False)
    assert asked.returncode == 1
    assert b"cannot read" in asked.stderr


def test_a_server_whose_terminal_is_closed_stops(strategy: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(app_of(1))
    command = [sys.executable, "-m", "fasterapi", "run", "app.py", "--port", "0", "--strategy", strategy]
    # Makes the terminal its own first: that takes a process that leads a session.
    adopt = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    ours, theirs = os.openpty()
    server = subprocess.Popen(
        [sys.executable, "-c", adopt, *command],
        cwd=tmp_path,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    os.close(theirs)
    assert server.stdout is not None
    try:
        lines = iter(server.stdout.readline, b"")
        assert any(b"Listening on" in line for line in lines)
        os.close(ours)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


class TestProcesses:
    """What only workers that are processes can have."""

    def test_what_waits_at_a_dead_workers_socket_is_answered(self, serve: Serve) -> None:
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

    def test_another_worker_takes_over_while_one_cannot_start(self, serve: Serve, tmp_path: Path) -> None:
        with serve(app_of(1), "--workers", "2") as server:
            index, _, process = ask(server, "/worker")  # type: ignore[misc]
            (tmp_path / "app.py").write_text("import nowhere.at_all")
            os.kill(process, signal.SIGKILL)
            server.wait_for_log(f"worker {index} .* cannot start")
            assert versions(server) == {1}

    def test_workers_are_replaced_after_so_many_requests(self, serve: Serve) -> None:
        options = ("--recycle-after-requests", "50", "--recycle-jitter", "0")
        with serve(app_of(1), "--workers", "1", *options) as server:
            _, _, first = ask(server, "/worker")  # type: ignore[misc]
            clients = Clients(server, 2)
            until(lambda: "replacing it" in server.log)
            until(lambda: ask(server, "/worker")[2] != first)  # type: ignore[index]
            total = clients.stop()
            assert (total.lost, total.refused) == (0, 0)
            assert "worker 0 has answered" in server.log

    def test_workers_are_replaced_for_age_and_memory(self, serve: Serve) -> None:
        with serve(app_of(1), "--workers", "1", "--recycle-after-s", "0.5") as server:
            server.wait_for_log("worker 0 has run for")
        with serve(app_of(1), "--workers", "1", "--recycle-rss-bytes", "1MiB") as server:
            server.wait_for_log("worker 0 holds .* MB")

    def test_a_worker_that_is_stopped_by_hand_is_replaced(self, serve: Serve) -> None:
        with serve(app_of(1), "--workers", "1") as server:
            _, _, process = ask(server, "/worker")  # type: ignore[misc]
            os.kill(process, signal.SIGTERM)
            server.wait_for_log("exited with status 0; starting it again")
            # What the stopping worker did to its socket is undone by the next one.
            with socket.create_connection(("127.0.0.1", server.port), timeout=20):
                assert ask(server, "/version") == 1
