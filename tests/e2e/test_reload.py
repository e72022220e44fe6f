"""New workers for old ones, while clients are served: SIGHUP, `fasterapi reload`, and what a stop means to clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import EACH_INTERPRETER, Server
from tests.e2e.versions import Clients, app_of, ask, until, versions
from tests.e2e.wire import Wire, request

DONE = "the app is loaded anew"

pytestmark = EACH_INTERPRETER


def reload(server: Server, path: Path, text: str, outcome: str = DONE) -> None:
    """Change the app's file and wait for what the log says of the reload."""
    before = server.log.count(outcome)
    path.write_text(text)
    server.signal(signal.SIGHUP)
    until(lambda: server.log.count(outcome) > before)


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


def test_threads_that_the_app_of_before_has_left_keep_nothing_else_up(serve: Serve, tmp_path: Path) -> None:
    left = "\nimport threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    with serve(app_of(1) + left, "--workers", "1", "--grace-period-s", "0.2") as server:
        for version in (2, 3):
            reload(server, tmp_path / "app.py", app_of(version) + left)
            until(lambda expected=version: versions(server) == {expected})
        assert server.stop() == 1


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
