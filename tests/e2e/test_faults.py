"""Everything at once, at random: each request is answered once or its connection closed, and both sides agree."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from array import array
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from benchmarks.robustness.accounts import ABANDONED, HUNG, LOST, WRONG, settle
from benchmarks.robustness.serving import APPS
from tests.e2e.gate import wait_until
from tests.e2e.serving import STOP_S, STRATEGIES, Server
from tests.e2e.wire import Wire, request

SEED = 5
SECONDS = 7.0
CLIENTS = 8
PATHS = {
    "/fast": 100,
    "/later": 30,
    "/wait": 30,
    "/stall": 2,
    "/endless": 1,
    "/endless-later": 2,
    "/endless-pooled": 1,
    "/suspended": 3,
    "/raises": 5,
}
STATUSES = {
    "/endless": {504},
    "/endless-later": {504},
    "/endless-pooled": {504},
    "/suspended": {504},
    "/raises": {500},
}


class Client:
    """Sends requests one after the other, now and then in ways that no client should, and notes what became of each."""

    def __init__(self, server: Server, number: int) -> None:
        self.ends = array("Q")
        self.unexpected: list[str] = []
        self._server = server
        self._random = random.Random(SEED * 1000 + number)
        self._next_id = (number + 1) << 40
        self._wire: Wire | None = None

    def run(self, seconds: float) -> None:
        acts: dict[Callable[[], None], int] = {self.ask: 60, self.pipeline: 10, self.abandon: 5, self.break_off: 2}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            (act,) = self._random.choices(list(acts), list(acts.values()))
            try:
                act()
            except OSError:
                self.leave()
        self.leave()

    def ask(self) -> None:
        self.exchange([self.draw()])

    def pipeline(self) -> None:
        self.exchange([self.draw() for _ in range(self._random.randrange(2, 5))])

    def abandon(self) -> None:
        """Leaves after the request, one time with a reset and another in good order."""
        id, path = self.draw()
        wire = self.wire()
        self.note(id, ABANDONED)
        wire.send(request(f"{path}/{id}"))
        if self._random.random() < 0.5:
            wire.end_with_reset()
        self.leave()

    def break_off(self) -> None:
        """Leaves in the middle of a head."""
        self.wire().send(b"GET /fast/1 HTTP/1.1\r\nHo")
        self.leave()

    def exchange(self, asked: list[tuple[int, str]]) -> None:
        waiting = dict(asked)
        try:
            wire = self.wire()
            wire.send(b"".join(request(f"{path}/{id}") for id, path in asked))
            for id, path in asked:
                reply = wire.receive()
                del waiting[id]
                echoed = reply.status != 200 or reply.json == id
                self.note(id, reply.status if echoed else WRONG)
                if reply.status not in STATUSES.get(path, {200}) | {503}:
                    self.unexpected.append(f"{path}: {reply.status}")
                if reply.header("connection") == "close":
                    raise ConnectionError("the server said so")
        except OSError as error:
            for id in waiting:
                self.note(id, HUNG if isinstance(error, TimeoutError) else LOST)
            raise

    def draw(self) -> tuple[int, str]:
        self._next_id += 1
        return self._next_id, self._random.choices(list(PATHS), list(PATHS.values()))[0]

    def note(self, id: int, became: int) -> None:
        self.ends.extend((id, became))

    def wire(self) -> Wire:
        if self._wire is None:
            self._wire = Wire(self._server)
        return self._wire

    def leave(self) -> None:
        if self._wire is not None:
            self._wire.socket.close()
            self._wire = None


class Faults:
    """What happens to the server meanwhile."""

    def __init__(self, server: Server, strategy: str) -> None:
        self.done: Counter[str] = Counter()
        self._server = server
        self._random = random.Random(SEED)
        self._acts: dict[str, Callable[[], None]] = {"descriptors": self.descriptors, "crowd": self.crowd}
        if strategy == "processes":
            self._acts["kill"] = self.kill

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            kind = self._random.choice(list(self._acts))
            self._acts[kind]()
            self.done[kind] += 1
            time.sleep(self._random.uniform(0.1, 0.6))

    def workers(self) -> list[int]:
        pid = self._server.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children]

    def kill(self) -> None:
        with suppress(ProcessLookupError, IndexError):
            os.kill(self._random.choice(self.workers()), signal.SIGKILL)

    def descriptors(self) -> None:
        """Nothing can be opened for a while."""
        before = {}
        for pid in (self._server.process.pid, *self.workers()):
            with suppress(ProcessLookupError):
                before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, before[pid][1]))
        time.sleep(0.2)
        for pid, limits in before.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    def crowd(self) -> None:
        """Connections that say nothing, or half of something, and go."""
        with ExitStack() as stack:
            for _ in range(60):
                wire = stack.enter_context(Wire(self._server))
                with suppress(OSError):
                    wire.send(self._random.choice((b"", b"GET ", b"GET /fast/x HTTP/1.1\r\nHost: a\r\n\r\n")))


def answers(server: Server) -> bool:
    try:
        with Wire(server, timeout_s=2) as wire:
            return wire.ask("/process").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("strategy", ["auto", *STRATEGIES])
def test_both_sides_agree_on_every_request(strategy: str, tmp_path: Path) -> None:
    handled = tmp_path / "handled"
    options = ("--strategy", strategy, "--workers", "2", "--log-level", "critical")
    with Server(APPS / "faulty.py", *options, env={"BENCH_HANDLED": str(handled)}) as server:
        clients = [Client(server, number) for number in range(CLIENTS)]
        faults = Faults(server, strategy)
        with ThreadPoolExecutor(CLIENTS) as threads:
            running = [threads.submit(client.run, SECONDS) for client in clients]
            faults.run(SECONDS)
            for each in running:
                each.result(STOP_S)
        wait_until(lambda: answers(server), "the server answers as before")
        # Handlers that nobody waits for any more are over when their workers are.
        assert server.stop() == 0, server.log
        log = server.log
    outcomes = []
    for number, client in enumerate(clients):
        outcomes.append(tmp_path / f"outcomes-{number}")
        outcomes[-1].write_bytes(client.ends.tobytes())
    accounts = settle(outcomes, handled)
    assert accounts.faults == 0, accounts
    assert accounts.answered > 100, accounts
    assert faults.done.total() > 3
    assert not [word for word in ("Fatal Python error", "Segmentation", "assertion") if word in log], log
    assert not (unexpected := [each for client in clients for each in client.unexpected]), unexpected[:10]
