"""Starts `fasterapi run` as a process, knows when it answers, and ends it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from types import TracebackType
from typing import Any, Self

import pytest

from fasterapi._trial import supports_own_gil
from tests.marks import OWN_GIL

__all__ = [
    "EACH_INTERPRETER",
    "INSTRUMENTED",
    "PINNED",
    "READY_S",
    "STOP_S",
    "STRATEGIES",
    "STRATEGIES_AND_DEFAULT",
    "Server",
    "connected",
    "server_of",
]

# Those that differ most, of what this Python can run.
STRATEGIES = ("pinned", "threads", "processes") if supports_own_gil() else ("threads", "processes")
# With what runs where nobody chooses, which is the pinned workers with a pool: for tests of what every server does.
STRATEGIES_AND_DEFAULT = ("auto", *STRATEGIES) if supports_own_gil() else STRATEGIES

PINNED = pytest.mark.parametrize("strategy", [pytest.param("pinned", marks=OWN_GIL)], indirect=True)

# For tests of what only workers with an interpreter each can do: run the app's code differently.
EACH_INTERPRETER = pytest.mark.parametrize(
    "strategy", [name for name in STRATEGIES if name != "threads"], indirect=True
)

# Generous: instrumented builds on a busy machine start slowly.
READY_S = 60.0
STOP_S = 30.0

# Whether the engine under test is built with a sanitizer, whose runtime is then preloaded.
INSTRUMENTED = "san.so" in os.environ.get("LD_PRELOAD", "")

_LISTENING = re.compile(r"Listening on http://([^\s:]+):(\d+)")


class Server:
    """One running server. Use it in a `with`: leaving it stops the server and checks that it ended well."""

    def __init__(
        self,
        target: str | Path,
        *options: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        command = command or [sys.executable, "-m", "fasterapi", "run", str(target), "--port", "0", *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FASTERAPI_")}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.port = 0
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._waited_for = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        try:
            match = self.wait_for_log(_LISTENING, READY_S)
        except BaseException:
            self.process.kill()
            raise
        self.port = int(match[2])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._waited_for:
            return
        own_end = self.process.poll() is not None
        status = self.wait() if own_end else self.stop()
        problem = f"the server ended{' by itself' if own_end else ''} with status {status}:\n{self.log}"
        if error is not None:
            error.add_note(problem)
        elif status != 0 or own_end:
            raise AssertionError(problem)

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has written so far, to both streams."""
        with self._news:
            return "".join(self._lines)

    def wait_for_log(self, pattern: str | re.Pattern[str], timeout_s: float = 10.0) -> re.Match[str]:
        """The first match of `pattern` in the log, which may come later; fails when none comes in time."""
        found: re.Match[str] | None = None

        def seen() -> bool:
            nonlocal found
            found = re.search(pattern, "".join(self._lines))
            return found is not None or self._ended

        with self._news:
            self._news.wait_for(seen, timeout_s)
        assert found is not None, f"no {pattern!r} in {timeout_s} s; the log is:\n{self.log}"
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started."""
        self.process.send_signal(number)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """The exit status, once the process has ended; kills it, and fails, when it has not ended in time."""
        self._waited_for = True
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
            raise AssertionError(f"still running after {timeout_s} s; the log is:\n{self.log}") from None
        self._reader.join(STOP_S)
        return status

    def stop(self, timeout_s: float = STOP_S) -> int:
        """SIGTERM, and the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


@contextmanager
def connected(server: Server, timeout_s: float = 20.0) -> Iterator[http.client.HTTPConnection]:
    """A connection to the server, closed at the end."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout_s)
    try:
        yield connection
    finally:
        connection.close()


def server_of(source: str, *options: str, strategies: Sequence[str] = STRATEGIES) -> Any:
    """A fixture: one server per test module and strategy, that serves the app of this source text."""

    @pytest.fixture(scope="module", params=strategies)
    def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
        folder = tmp_path_factory.mktemp("app")
        app = folder / "app.py"
        app.write_text(dedent(source))
        with Server(app, "--strategy", request.param, *options, cwd=folder) as running:
            yield running

    return server
