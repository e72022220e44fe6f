"""A server while it is measured: started on its core, answering, and gone afterwards."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.harness import places
from benchmarks.harness.procfs import cpu_ns, process_tree, started_ticks
from benchmarks.harness.server import Server
from benchmarks.harness.workload import Workload

__all__ = ["ServerFailed", "ServerProcess", "free_port"]

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 3.0
POLL_S = 0.005


class ServerFailed(Exception):
    """A server that did not start, did not answer rightly, or did not survive; its text is the reason."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """Starts on entering the `with` block, and is gone with all its children after it.

    `cores` are the cores that the server and its children may run on; None leaves them all.
    """

    def __init__(
        self, server: Server, *, cores: tuple[int, ...] | None, workers: int = 1, workload: Workload | None = None
    ) -> None:
        self.server = server
        self.port = free_port()
        self.log = places.LOGS / f"{server.name}.log"
        self._command = server.command_line(port=self.port, workers=workers, workload=workload)
        if cores is not None:
            self._command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *self._command]
        self._started_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        places.LOGS.mkdir(parents=True, exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FASTERAPI_"))},
            "PYTHONPATH": str(places.APPS),
            "BENCH_PORT": str(self.port),
        }
        with self.log.open("wb") as log:
            self._started_s = time.monotonic()
            self._process = subprocess.Popen(
                self._command,
                cwd=places.APPS,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """The server's processes, itself first."""
        return process_tree(self.pid)

    def age_s(self) -> float:
        """Time since it was started."""
        return time.monotonic() - self._started_s

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Returns once a connection is accepted; raises ServerFailed after `timeout_s` or where it has ended."""
        assert self._process is not None, "the server was not started"
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerFailed(f"ended at start: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(POLL_S)
        raise ServerFailed(f"did not listen within {timeout_s:.0f} s: {self.last_words()}")

    def check(self, workload: Workload, answer: object) -> None:
        """Raises ServerFailed unless the workload's request is answered 200 with `answer`, twice on a connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            for _ in range(2):
                headers = {} if workload.body is None else {"Content-Type": "application/json"}
                connection.request(workload.method, workload.path, workload.body, headers)
                response = connection.getresponse()
                body = response.read()
                media_type = response.headers.get_content_type()
                if response.status != 200:
                    raise ServerFailed(f"answered {workload.path} with {response.status}: {body[:100]!r}")
                if media_type != workload.media_type:
                    raise ServerFailed(f"answered {workload.path} as {media_type}")
                if (body.decode() if media_type == "text/plain" else json.loads(body)) != answer:
                    raise ServerFailed(f"answered {workload.path} with another body: {body[:100]!r}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServerFailed(f"did not answer {workload.path}: {error!r}; {self.last_words()}") from error
        finally:
            connection.close()

    def check_alive(self) -> None:
        """Raises ServerFailed where the server has ended."""
        assert self._process is not None, "the server was not started"
        status = self._process.poll()
        if status is not None:
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
            raise ServerFailed(f"ended under load with {how}")

    def wait(self, timeout_s: float) -> int:
        """Its exit status, negative for a signal. Raises ServerFailed where it has not ended in time."""
        assert self._process is not None, "the server was not started"
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ServerFailed(f"still running after {timeout_s:g} s") from None

    def cpu_times_ns(self) -> dict[int, int]:
        """CPU time so far by process id."""
        times = {}
        for pid in self.pids:
            with contextlib.suppress(OSError):
                times[pid] = cpu_ns(pid)
        return times

    def last_words(self) -> str:
        """The last line of its log, without this machine's paths and colours."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        words = lines[-1] if lines else "its log is empty"
        words = re.sub(r"\x1b\[[0-9;]*m", "", words)
        return words.replace(str(places.ROOT), ".").replace(str(Path.home()), "~")

    def stop(self) -> None:
        """Ends the server: SIGTERM first, SIGKILL to whatever of it is left. Only processes it started are touched."""
        if self._process is None:
            return
        family = {pid: started_ticks(pid) for pid in self.pids}
        if self._process.poll() is None:
            send(signal.SIGTERM, [self.pid])
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        # The time of its start tells a process of ours from a stranger that was given its id afterwards.
        send(signal.SIGKILL, [pid for pid, ticks in family.items() if ticks and started_ticks(pid) == ticks])
        self._process.wait(STOP_TIMEOUT_S)
        self._process = None


def send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
