"""The server of a scenario, and single questions to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.server import Server
from benchmarks.robustness.row import NotMeasured

__all__ = ["CLIENT_CORE", "ask", "served", "stop_ms", "timed", "until"]

APPS = Path(__file__).resolve().parent / "apps"
CLIENT_CORE = min(os.sched_getaffinity(0))
ASK_S = 30.0
READY_S = 20.0
POLL_S = 0.002


@contextlib.contextmanager
def served(app: str, *options: str, workers: int = 1) -> Iterator[ServerProcess]:
    """A running server of `apps/<app>.py`. It may use all cores, as a server does."""
    server = Server.of_app(APPS / f"{app}.py", *options, name=f"robustness-{app}", label=app)
    with ServerProcess(server, cores=None, workers=workers) as process:
        process.wait_ready()
        # The port may be open before every worker is there.
        until(lambda: "Listening on" in process.log.read_text(errors="replace"), READY_S, "all workers are ready")
        yield process


def ask(port: int, path: str, timeout_s: float = ASK_S) -> tuple[int, Any]:
    """Status and JSON of one answer, on a connection of its own. Raises OSError or HTTPException."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    try:
        return answer.status, json.loads(body)
    except ValueError:
        return answer.status, body.decode(errors="replace")


def timed(port: int, path: str, timeout_s: float = ASK_S) -> tuple[int, float]:
    """Status and milliseconds of one answer."""
    begun = time.perf_counter()
    status, _ = ask(port, path, timeout_s)
    return status, (time.perf_counter() - begun) * 1e3


def until(true: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Milliseconds until it is true. Raises NotMeasured where it does not become so in time."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < timeout_s:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if true():
                return (time.perf_counter() - begun) * 1e3
        time.sleep(POLL_S)
    raise NotMeasured(f"not within {timeout_s:g} s: {what}")


def stop_ms(process: ServerProcess, timeout_s: float) -> float:
    """Milliseconds from SIGTERM to the end of its first process. Raises ServerFailed where it does not end well."""
    begun = time.perf_counter()
    os.kill(process.pid, signal.SIGTERM)
    status = process.wait(timeout_s)
    if status != 0:
        raise ServerFailed(f"ended with status {status}: {process.last_words()}")
    return (time.perf_counter() - begun) * 1e3
