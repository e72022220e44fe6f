"""The `processes` strategy: a parent that serves nothing, and one child process for each worker.

A child is started by exec, holds one shard in its main interpreter, and listens on the port that the parent holds
(SO_REUSEPORT). It tells over a pipe when it listens, or why it cannot. A child that dies later is started anew.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fasterapi._loader import RouteMismatch, check_routes
from fasterapi._logging import error_logger, server_logger
from fasterapi._trial import interpreter_flags

__all__ = ["Supervisor"]

# How much longer than the grace period a stopping worker may take before it is killed.
STOP_MARGIN_S = 2.0
# How long workers have to start; importing the app is most of it.
START_TIMEOUT_S = 120.0
RESTART_DELAY_MIN_S = 0.1
RESTART_DELAY_MAX_S = 30.0
# A worker that has run this long starts again without delay.
SETTLED_AFTER_S = 60.0

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


def inherited_fds(config: Mapping[str, Any]) -> list[int]:
    """The descriptors that a worker's configuration names, and that it must find open."""
    single = [config[name] for name in ("shared_memory_fd", "stats_fd") if name in config]
    return [*config.get("listener_fds", ()), *single]


class _Child:
    """One worker process, and the reading end of the pipe on which it reports."""

    def __init__(self, index: int, config: Mapping[str, Any], program: Sequence[str]) -> None:
        self.index = index
        self.ready = False
        # Killed by us because it had nothing to finish: how it ends is no failure.
        self.discarded = False
        self.started = time.monotonic()
        self._received = b""
        report_fd, child_fd = os.pipe()
        try:
            self.process = subprocess.Popen(
                [*program, str(child_fd)],
                stdin=subprocess.PIPE,
                pass_fds=[child_fd, *inherited_fds(config)],
                # Signals from the terminal go to the parent alone, which passes them on.
                process_group=0,
            )
        except BaseException:
            os.close(report_fd)
            raise
        finally:
            os.close(child_fd)
        self.report_fd = report_fd
        os.set_blocking(report_fd, False)
        # The child's standard input stays open: its end tells the child that the parent is gone.
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({**config, "worker_index": index}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            # It died at once; poll() will tell.
            return

    @property
    def name(self) -> str:
        return f"worker {self.index} (process {self.process.pid})"

    def read_reports(self) -> list[dict[str, Any]]:
        """The reports that have come since the last call."""
        while True:
            try:
                data = os.read(self.report_fd, 65536)
            except BlockingIOError:
                break
            if not data:
                break
            self._received += data
        *lines, self._received = self._received.split(b"\n")
        return [json.loads(line) for line in lines]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        os.close(self.report_fd)
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                return


class Supervisor:
    """Starts the workers, keeps them running, and stops them. Lives on the main thread, for one `run`.

    `config` is what each worker gets, with its `worker_index` added. `on_ready` is called once, when all workers
    listen. `program` is the command of a worker, to which the descriptor for its reports is added.
    """

    def __init__(
        self, config: Mapping[str, Any], *, on_ready: Callable[[], None], program: Sequence[str] | None = None
    ) -> None:
        self._config = dict(config)
        self._program = program or [sys.executable, *interpreter_flags(), "-m", "fasterapi._process"]
        self._on_ready = on_ready
        self._children: dict[int, _Child] = {}
        self._restart_at: dict[int, float] = {}
        self._delay: dict[int, float] = {}
        # What each worker declared when it became ready, by its index.
        self._routes: dict[int, list[tuple[str, str, str]]] = {}
        self._serving = False
        self._stop_deadline: float | None = None
        self._status = 0
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()

    def run(self) -> int:
        """Serve until a signal stops the server; returns the exit status."""
        previous = self._take_signals()
        self._selector.register(self._wake, selectors.EVENT_READ)
        start_deadline = time.monotonic() + START_TIMEOUT_S
        try:
            for index in range(self._config["workers"]):
                self._start(index)
            while self._children or (self._restart_at and self._stop_deadline is None):
                self._wait()
                self._reap()
                self._restart_due()
                if not self._serving and self._stop_deadline is None and time.monotonic() > start_deadline:
                    self._give_up(f"the workers were not ready after {START_TIMEOUT_S:.0f} s\n")
                self._kill_when_late()
        finally:
            for child in self._children.values():
                child.signal(signal.SIGKILL)
                child.process.wait()
                child.close()
            self._give_signals_back(previous)
        return self._status

    def _take_signals(self) -> dict[int, Any]:
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        previous: dict[int, Any] = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        return previous

    def _give_signals_back(self, previous: Mapping[int, Any]) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in previous.items():
            signal.signal(number, handler)
        self._selector.close()
        self._wake.close()
        self._waker.close()

    def _wait(self) -> None:
        for key, _ in self._selector.select(self._time_to_next_step()):
            if key.fileobj is self._wake:
                for number in self._wake.recv(4096):
                    if number in (signal.SIGTERM, signal.SIGINT):
                        self._stop_on(number)
            else:
                child: _Child = key.data
                self._take_reports(child)

    def _time_to_next_step(self) -> float:
        now = time.monotonic()
        moments = [now + 1.0, *self._restart_at.values()]
        if self._stop_deadline is not None:
            moments.append(self._stop_deadline)
        return max(0.0, min(moments) - now)

    def _start(self, index: int) -> None:
        child = _Child(index, self._config, self._program)
        self._children[index] = child
        self._selector.register(child.report_fd, selectors.EVENT_READ, child)

    def _take_reports(self, child: _Child) -> None:
        for report in child.read_reports():
            if "error" in report:
                self._worker_cannot_start(child, report["error"])
                continue
            child.ready = True
            self._routes[child.index] = [(methods, path, name) for methods, path, name in report["routes"]]
            # Worker 0 may be the last to come; until then there is nothing to compare with.
            for index in [child.index] if child.index else self._routes:
                self._check_routes(index)
        if not self._serving and self._stop_deadline is None and len(self._routes) == self._config["workers"]:
            self._serving = True
            self._on_ready()

    def _check_routes(self, index: int) -> None:
        try:
            check_routes(self._routes.get(0, self._routes[index]), self._routes[index], worker_index=index)
        except RouteMismatch as error:
            self._give_up(f"{error}\n")

    def _worker_cannot_start(self, child: _Child, error: str) -> None:
        if self._serving:
            error_logger.error("%s cannot start again:\n%s", child.name, error.rstrip("\n"))
        else:
            self._give_up(error)

    def _reap(self) -> None:
        for index, child in list(self._children.items()):
            if child.process.poll() is None:
                continue
            # Its last words may have come with its death.
            self._take_reports(child)
            del self._children[index]
            self._selector.unregister(child.report_fd)
            child.close()
            self._take_note_of_end(child)

    def _take_note_of_end(self, child: _Child) -> None:
        status = child.process.returncode
        ending = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        if self._stop_deadline is not None:
            if status != 0 and not child.discarded:
                self._status = self._status or 1
            return
        if not self._serving:
            self._give_up(f"{child.name} {ending} while it started\n")
            return
        lived = time.monotonic() - child.started
        delay = RESTART_DELAY_MIN_S
        if lived < SETTLED_AFTER_S:
            delay = min(RESTART_DELAY_MAX_S, 2 * self._delay.get(child.index, RESTART_DELAY_MIN_S / 2))
        self._delay[child.index] = delay
        self._restart_at[child.index] = time.monotonic() + delay
        error_logger.error("%s %s; starting it again in %.1f s", child.name, ending, delay)

    def _restart_due(self) -> None:
        now = time.monotonic()
        for index in [index for index, moment in self._restart_at.items() if moment <= now]:
            del self._restart_at[index]
            if self._stop_deadline is None:
                self._start(index)

    def _give_up(self, message: str) -> None:
        """Stop because the workers cannot serve; only the first reason is told."""
        if self._stop_deadline is not None:
            return
        sys.stderr.write(message)
        sys.stderr.flush()
        self._status = 1
        self._stop(signal.SIGTERM)

    def _stop_on(self, number: int) -> None:
        if self._stop_deadline is None:
            server_logger.info("%s: stopping", signal.Signals(number).name)
            self._stop(number)
            return
        self._status = 128 + number
        self._kill_all()

    def _stop(self, number: int) -> None:
        self._stop_deadline = time.monotonic() + self._config["grace_period_s"] + STOP_MARGIN_S
        for child in self._children.values():
            # One that does not listen yet has no requests to finish, and may not handle signals yet.
            child.discarded = not child.ready
            child.signal(signal.SIGKILL if child.discarded else number)

    def _kill_when_late(self) -> None:
        if self._stop_deadline is not None and time.monotonic() > self._stop_deadline:
            self._status = self._status or 1
            self._kill_all()

    def _kill_all(self) -> None:
        for child in self._children.values():
            child.signal(signal.SIGKILL)
