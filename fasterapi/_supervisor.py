"""The `processes` strategy: a parent that serves nothing, and one child process for each worker.

A child is started by exec, holds one shard in its main interpreter, and accepts from the listening socket of its slot,
which the parent holds (SO_REUSEPORT): what waits there outlives the child. It tells over a pipe when it accepts, or why
it cannot. Which children there should be is decided by `_fleet.py`.
"""

from __future__ import annotations

import os
import random
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fasterapi._child import Child
from fasterapi._fleet import Action, Drain, Fleet, Kill, Lend, Note, Rules, Start, TakeBack
from fasterapi._loader import RouteMismatch, check_routes
from fasterapi._logging import error_logger, server_logger
from fasterapi._threads import explain
from fasterapi._trial import interpreter_flags

__all__ = ["Supervisor"]

# How much longer than the grace period a stopping worker may take before it is killed.
STOP_MARGIN_S = 2.0
# How long workers have to start; importing the app is most of it.
START_TIMEOUT_S = 120.0
# How often memory is looked at where workers are replaced for it.
MEASURE_INTERVAL_S = 1.0

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def has_terminal() -> bool:
    """Whether this process has a controlling terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


class Supervisor:
    """Starts the workers, keeps them running, and stops them. Lives on the main thread, for one `run`.

    `config` is what each worker gets, with its `worker_index` added. `on_ready` is called once, when all workers
    accept connections. `program` is the command of a worker, to which the descriptor for its reports is added.
    """

    def __init__(
        self, config: Mapping[str, Any], *, on_ready: Callable[[], None], program: Sequence[str] | None = None
    ) -> None:
        self._config = dict(config)
        self._program = program or [sys.executable, *interpreter_flags(), "-m", "fasterapi._process"]
        self._on_ready = on_ready
        rules = Rules(
            slots=config["workers"],
            grace_period_s=config["grace_period_s"],
            recycle_after_s=config.get("recycle_after_s", 0.0),
            recycle_after_requests=config.get("recycle_after_requests", 0),
            recycle_jitter=config.get("recycle_jitter", 0.0),
            recycle_rss_bytes=config.get("recycle_rss_bytes", 0),
        )
        self._fleet = Fleet(rules, time.monotonic, random.random)
        # By the fleet's numbers.
        self._children: dict[int, Child] = {}
        self._stop_deadline: float | None = None
        self._status = 0
        self._measure_at_s = 0.0
        self._had_terminal = has_terminal()
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()

    def run(self) -> int:
        """Serve until a signal stops the server; returns the exit status."""
        previous = self._take_signals()
        self._selector.register(self._wake, selectors.EVENT_READ)
        start_deadline = time.monotonic() + START_TIMEOUT_S
        try:
            self._carry_out(self._fleet.start())
            while self._children or self._stop_deadline is None:
                self._wait()
                self._reap()
                if self._stop_deadline is None:
                    self._measure()
                    self._carry_out(self._fleet.tick())
                if not self._fleet.is_up and self._stop_deadline is None and time.monotonic() > start_deadline:
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
                    elif number == signal.SIGHUP and self._stop_deadline is None:
                        self._hang_up()
            else:
                child: Child = key.data
                self._take_reports(child)

    def _time_to_next_step(self) -> float:
        now = time.monotonic()
        moments = [now + 1.0]
        if self._stop_deadline is not None:
            moments.append(self._stop_deadline)
        elif (due := self._fleet.next_moment_s()) is not None:
            moments.append(due)
        return max(0.0, min(moments) - now)

    def _carry_out(self, actions: Iterable[Action]) -> None:
        if self._stop_deadline is not None:
            return
        waiting = deque(actions)
        while waiting:
            match waiting.popleft():
                case Start(number, slot):
                    waiting += self._start(number, slot)
                case Drain(number):
                    self._children[number].tell({"order": "drain"})
                case Kill(number):
                    # It may be one that could not be started.
                    if number in self._children:
                        self._children[number].signal(signal.SIGKILL)
                case Lend(slot, number):
                    self._children[number].tell({"order": "lend", "slot": slot})
                case TakeBack(slot, number):
                    self._children[number].tell({"order": "take_back", "slot": slot})
                case Note(text, is_error):
                    (error_logger.error if is_error else server_logger.info)("%s", text)

    def _start(self, number: int, slot: int) -> list[Action]:
        """Start a process; out of descriptors, memory or processes that is tried again later."""
        try:
            child = Child(number, slot, self._config, self._program)
        except OSError as error:
            if not self._fleet.is_up:
                self._give_up(f"worker {slot} cannot be started: {explain(error)}\n")
                return []
            error_logger.error("worker %d cannot be started: %s", slot, explain(error))
            return self._fleet.ended(number)
        self._children[number] = child
        self._selector.register(child.report_fd, selectors.EVENT_READ, child)
        return []

    def _take_reports(self, child: Child) -> None:
        for report in child.read_reports():
            if "error" in report:
                self._worker_cannot_start(child, report["error"])
            elif "requests" in report:
                self._fleet.measured(child.number, requests=report["requests"])
            elif "draining" in report:
                self._fleet.draining(child.number)
            elif "stuck" in report:
                self._carry_out(self._fleet.stuck(child.number))
            elif "routes" in report:
                child.ready = True
                child.routes = [(methods, path, name) for methods, path, name in report["routes"]]
                self._became_ready(child)

    def _became_ready(self, child: Child) -> None:
        was_up = self._fleet.is_up
        if self._fleet.is_leaving(child.number) or not self._accept_routes(child):
            return
        self._carry_out(self._fleet.ready(child.number))
        if self._fleet.is_up and not was_up and self._stop_deadline is None:
            self._on_ready()

    def _accept_routes(self, child: Child) -> bool:
        """Whether the worker declares what the others do; those of a reload are compared with each other."""
        peers = [self._children[number] for number in self._fleet.peers() if number in self._children]
        ready = [*peers, child]
        first = next((each for each in ready if each.index == 0), None)
        # Worker 0 may be the last to come; until then there is nothing to compare with.
        if first is None:
            return True
        try:
            for each in ready if child is first else (child,):
                check_routes(first.routes, each.routes, worker_index=each.index)
        except RouteMismatch as error:
            self._refuse(child, f"{error}\n")
            return False
        return True

    def _refuse(self, child: Child, error: str) -> None:
        if not self._fleet.is_up:
            self._give_up(error)
            return
        error_logger.error("%s cannot serve:\n%s", child.name, error.rstrip("\n"))
        child.signal(signal.SIGKILL)

    def _worker_cannot_start(self, child: Child, error: str) -> None:
        if self._fleet.is_up:
            error_logger.error("%s cannot start:\n%s", child.name, error.rstrip("\n"))
        else:
            self._give_up(error)

    def _measure(self) -> None:
        """Reads the memory of all workers where that matters; each look costs some microseconds."""
        if not self._fleet.rules.recycle_rss_bytes or time.monotonic() < self._measure_at_s:
            return
        self._measure_at_s = time.monotonic() + MEASURE_INTERVAL_S
        for child in self._children.values():
            self._fleet.measured(child.number, rss_bytes=child.rss_bytes())

    def _reap(self) -> None:
        for number, child in list(self._children.items()):
            if child.process.poll() is None:
                continue
            # Its last words may have come with its death.
            self._take_reports(child)
            del self._children[number]
            self._selector.unregister(child.report_fd)
            child.close()
            self._take_note_of_end(child)

    def _take_note_of_end(self, child: Child) -> None:
        status = child.process.returncode
        ending = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        if self._stop_deadline is not None:
            # The stop's signal may meet one that was about to end by itself, and does not handle signals any more.
            was_leaving = status < 0 and self._fleet.is_leaving(child.number)
            if status != 0 and not child.discarded and not was_leaving:
                self._status = self._status or 1
            return
        if not self._fleet.is_up:
            self._give_up(f"{child.name} {ending} while it started\n")
            return
        was_leaving = self._fleet.is_leaving(child.number)
        actions = self._fleet.ended(child.number)
        if not was_leaving:
            delay = self._fleet.restart_in_s(child.index)
            then = "" if delay is None else f"; starting it again{f' in {delay:.1f} s' if delay else ''}"
            error_logger.error("%s %s%s", child.name, ending, then)
        elif status not in (0, -signal.SIGKILL):
            error_logger.error("%s, which was to end, %s", child.name, ending)
        self._carry_out(actions)

    def _give_up(self, message: str) -> None:
        """Stop because the workers cannot serve; only the first reason is told."""
        if self._stop_deadline is not None:
            return
        sys.stderr.write(message)
        sys.stderr.flush()
        self._status = 1
        self._stop(signal.SIGTERM)

    def _hang_up(self) -> None:
        """SIGHUP: somebody wants a reload, or the terminal that the server was started from was closed."""
        if self._had_terminal and not has_terminal():
            server_logger.info("SIGHUP, and the terminal is gone: stopping")
            self._stop(signal.SIGTERM)
        else:
            self._carry_out(self._fleet.reload())

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
            child.discarded = not child.ready or self._fleet.is_lost(child.number)
            child.signal(signal.SIGKILL if child.discarded else number)
            # After the signal, which would kill one that has ended its loop already.
            child.tell({"order": "stop"})

    def _kill_when_late(self) -> None:
        if self._stop_deadline is not None and time.monotonic() > self._stop_deadline:
            self._status = self._status or 1
            self._kill_all()

    def _kill_all(self) -> None:
        for child in self._children.values():
            child.signal(signal.SIGKILL)
