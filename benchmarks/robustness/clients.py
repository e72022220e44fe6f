"""The clients: programs of their own, that count what becomes of every request."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.harness import places
from benchmarks.robustness.row import NotMeasured

__all__ = ["Section", "Slow", "Traffic"]

ANSWER_S = 30.0  # within which a client obeys


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of a client's run came to. Latencies count from when a request was due."""

    section: str
    seconds: float
    sent: int
    lost: int  # sent, and the connection ended before the whole answer was there
    lost_reused: int  # of them: without a byte, on a connection that had answered others before
    refused: int  # connections
    hung: int  # neither answered nor closed in time
    abandoned: int  # left on purpose
    wrong: int  # answers to something else
    p50_us: int
    p99_us: int
    p999_us: int
    max_us: int
    success_p50_us: int
    success_p99_us: int
    success_max_us: int
    answered: dict[str, int] = field(default_factory=dict)

    @property
    def others(self) -> int:
        """Answers that are not 200."""
        return sum(count for status, count in self.answered.items() if status != "200")

    @property
    def errors(self) -> int:
        """Everything but 200."""
        return self.lost + self.refused + self.hung + self.wrong + self.others


class Client:
    """A program that listens to its standard input and tells of itself in lines of JSON."""

    def __init__(self, words: list[str], core: int | None) -> None:
        prefix = [] if core is None else ["taskset", "--cpu-list", str(core)]
        self._process = subprocess.Popen(
            [*prefix, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(ANSWER_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _say(self, order: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(order + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise NotMeasured(f"the client ended: {self._complaint()}") from None

    def _hear(self, timeout_s: float = ANSWER_S) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads(self._lines.get(timeout=timeout_s))
        except queue.Empty:
            raise NotMeasured(f"the client did not answer: {self._complaint()}") from None
        return said

    def _complaint(self) -> str:
        if self._process.poll() is None:
            return "it is still running"
        assert self._process.stderr is not None
        return self._process.stderr.read().strip() or f"status {self._process.returncode}"


class Traffic(Client):
    """`load/traffic.cc`, in a `with`. It sends from the start until told to stop, or until its requests are used up."""

    def __init__(
        self,
        port: int,
        *targets: str,
        connections: int = 64,
        rate: float = 0,
        requests: int = 0,
        core: int | None = None,
        outcomes: Path | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        words = [str(places.TRAFFIC), "--port", str(port), "--connections", str(connections), "--rate", str(rate)]
        words += ["--requests", str(requests), *options]
        if outcomes is not None:
            words += ["--outcomes", str(outcomes)]
        for target in targets:
            words += ["--target", target]
        super().__init__(words, core)

    def mark(self, name: str) -> Section:
        """Ends the section of the moment, and returns it; the next is called `name`."""
        self._say(f"mark {name}")
        return Section(**self._hear())

    def stop(self) -> Section:
        """Sends no more, waits for what is under way, and returns the last section."""
        self._say("stop")
        return Section(**self._hear())

    def finish(self, timeout_s: float) -> Section:
        """The last section, once all requests are used up."""
        return Section(**self._hear(timeout_s))


class Slow(Client):
    """`load/slow.cc`, in a `with`: connections that take their time."""

    def __init__(self, port: int, count: int, kind: str, *, core: int | None = None) -> None:
        super().__init__([str(places.SLOW), str(port), str(count), kind], core)

    def stop(self) -> dict[str, int]:
        """`connected` at the end, how often one was `ended` by the server, and how many connections were `refused`."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._hear()
