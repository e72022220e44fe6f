"""The supervisor with workers that speak its protocol and behave as each test says."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fasterapi import _supervisor
from fasterapi._child import Child
from fasterapi._supervisor import Supervisor

_WORKER = """
import json, os, signal, sys, time
config = json.loads(sys.stdin.readline())
index = config["worker_index"]
def report(**entry): os.write(int(sys.argv[-1]), json.dumps(entry).encode() + b"\\n")
def serve():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    report(routes=[["GET", "/", "home"]])
    signal.pause()
exec(config["behaviour"])
"""


def _supervise(
    behaviour: str, on_ready: Callable[[], None] | None = None, *, workers: int = 2, **config: object
) -> int:
    settings = {"workers": workers, "grace_period_s": 5.0, "behaviour": behaviour, **config}
    program = [sys.executable, "-c", _WORKER]
    return Supervisor(settings, on_ready=on_ready or _stop_server, program=program).run()


def _stop_server() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _not_reached() -> None:
    raise AssertionError("the server must not become ready")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_ready_once_and_stops_on_a_signal(number: signal.Signals) -> None:
    ready: list[int] = []

    def on_ready() -> None:
        ready.append(1)
        os.kill(os.getpid(), number)

    before = signal.getsignal(signal.SIGTERM)
    assert _supervise("serve()", on_ready, workers=3) == 0
    assert ready == [1]
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_at_start_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert _supervise("report(error='no such app\\n'); sys.exit(1)", _not_reached) == 1
    assert capfd.readouterr().err == "no such app\n"


def test_one_failing_worker_stops_those_that_are_ready(capfd: pytest.CaptureFixture[str]) -> None:
    behaviour = "serve() if index else (report(error='first is broken\\n'), sys.exit(1))"
    assert _supervise(behaviour, _not_reached) == 1
    assert capfd.readouterr().err == "first is broken\n"


@pytest.mark.parametrize(
    ("end", "told"), [("sys.exit(7)", "exited with status 7"), ("os.kill(os.getpid(), 11)", "was killed by SIGSEGV")]
)
def test_a_death_at_start_is_told(capfd: pytest.CaptureFixture[str], end: str, told: str) -> None:
    assert _supervise(end, _not_reached, workers=1) == 1
    error = capfd.readouterr().err
    assert error.startswith("worker 0 (process ")
    assert error.endswith(f"{told} while it started\n")


@pytest.mark.parametrize("last", [0, 1])
def test_workers_with_other_routes_do_not_serve(tmp_path: Path, capfd: pytest.CaptureFixture[str], last: int) -> None:
    first_came = tmp_path / "first"
    behaviour = f"""
while index == {last} and not os.path.exists({str(first_came)!r}): time.sleep(0.01)
report(routes=[["GET", f"/{{index}}", "home"]])
open({str(first_came)!r}, "w").close()
signal.pause()
"""
    assert _supervise(behaviour, _not_reached) == 1
    assert "worker 1 declares other routes than worker 0: route 1 is GET /1 (home), in" in capfd.readouterr().err


def test_a_worker_that_dies_later_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = _supervisor.error_logger
    log.addHandler(caplog.handler)
    marker = tmp_path / "died"
    behaviour = f"""
if index == 0 and not os.path.exists({str(marker)!r}):
    open({str(marker)!r}, "w").close()
    serve()  # until it is killed
elif index == 0:
    os.kill(os.getppid(), signal.SIGTERM)
serve()
"""
    children: list[int] = []

    def on_ready() -> None:
        children.extend(child.process.pid for child in supervisor._children.values() if child.index == 0)
        os.kill(children[0], signal.SIGKILL)

    settings = {"workers": 2, "grace_period_s": 5.0, "behaviour": behaviour}
    supervisor = Supervisor(settings, on_ready=on_ready, program=[sys.executable, "-c", _WORKER])
    try:
        assert supervisor.run() == 0
    finally:
        log.removeHandler(caplog.handler)
    assert "was killed by SIGKILL; starting it again\n" in caplog.text


def test_a_worker_that_cannot_be_started_for_now_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Scarce(Child):
        def __init__(self, number: int, *rest: Any) -> None:
            if number == 2:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            super().__init__(number, *rest)

    monkeypatch.setattr(_supervisor, "Child", Scarce)
    monkeypatch.setattr(_supervisor.error_logger, "propagate", True)
    marker = tmp_path / "died"
    behaviour = f"""
if index == 0 and os.path.exists({str(marker)!r}):
    os.kill(os.getppid(), signal.SIGTERM)
elif index == 0:
    open({str(marker)!r}, "w").close()
serve()
"""

    def on_ready() -> None:
        (first,) = (child for child in supervisor._children.values() if child.index == 0)
        first.signal(signal.SIGKILL)

    settings = {"workers": 2, "grace_period_s": 5.0, "behaviour": behaviour}
    supervisor = Supervisor(settings, on_ready=on_ready, program=[sys.executable, "-c", _WORKER])
    assert supervisor.run() == 0
    assert f"worker 0 cannot be started: [Errno {errno.EMFILE}]" in caplog.text


def test_out_of_descriptors_at_the_very_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(_supervisor, "Child", refuse)
    assert _supervise("serve()", _not_reached) == 1
    assert capfd.readouterr().err == f"worker 0 cannot be started: [Errno {errno.EMFILE}] Too many open files\n"


def test_a_second_signal_stops_at_once() -> None:
    stubborn = """
signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getppid(), signal.SIGTERM))
report(routes=[])
while True: signal.pause()
"""
    assert _supervise(stubborn, workers=1, grace_period_s=60.0) == 128 + signal.SIGTERM


def test_a_worker_that_does_not_stop_in_time_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_supervisor, "STOP_MARGIN_S", 0.1)
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nreport(routes=[])\nwhile True: signal.pause()"
    assert _supervise(stubborn, workers=1, grace_period_s=0.1) == 1


def test_workers_that_never_get_ready_are_given_up(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_supervisor, "START_TIMEOUT_S", 0.3)
    assert _supervise("signal.pause()", _not_reached) == 1
    assert "were not ready" in capfd.readouterr().err
