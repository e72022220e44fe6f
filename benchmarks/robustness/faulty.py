"""Everything at once, at random: what has happened to each request is known on both sides afterwards."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.procfs import memory_of
from benchmarks.robustness.accounts import settle
from benchmarks.robustness.clients import Slow, Traffic
from benchmarks.robustness.row import Figures, Row
from benchmarks.robustness.scale import Scale
from benchmarks.robustness.serving import CLIENT_CORE, ask, served, until

__all__ = ["FAULTY"]

SEED = 20261122
TARGETS = (
    "800:/fast/{id}",
    "60:/later/{id}",
    "60:/wait/{id}",
    "3:/stall/{id}",
    "1:/endless/{id}",
    "1:/endless-later/{id}",
    "1:/endless-pooled/{id}",
    "4:/suspended/{id}",
    "10:/raises/{id}",
)
PAUSE_S = (0.2, 1.5)  # between two faults
FEW_DESCRIPTORS_S = 0.3
BURST = 400  # requests at once for the pool
CRASHED = ("Fatal Python error", "Segmentation fault", "Assertion", "Sanitizer", "terminate called")


class Faults:
    """What is done to a server; each kind by its name."""

    def __init__(self, server: ServerProcess, folder: Path, kinds: tuple[str, ...]) -> None:
        self.done: Counter[str] = Counter()
        self.outcomes: list[Path] = []
        self._server = server
        self._folder = folder
        self._random = random.Random(SEED)
        self._kinds = kinds

    def play(self, seconds: float) -> None:
        acts: dict[str, Callable[[], None]] = {
            "kill": self.kill,
            "descriptors": self.descriptors,
            "burst": self.burst,
            "stallers": self.stallers,
            "reload": self.reload,
        }
        end = time.monotonic() + seconds
        waiting: list[str] = []
        while time.monotonic() < end:
            # Each kind once, in an order that chance decides, and again.
            waiting = waiting or self._random.sample(self._kinds, len(self._kinds))
            kind = waiting.pop()
            acts[kind]()
            self.done[kind] += 1
            time.sleep(self._random.uniform(*PAUSE_S))
            self._server.check_alive()

    def kill(self) -> None:
        workers = self._server.pids[1:]
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._random.choice(workers), signal.SIGKILL)

    def descriptors(self) -> None:
        """No process may open anything for a while."""
        before = {}
        for pid in self._server.pids:
            with contextlib.suppress(ProcessLookupError):
                before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, before[pid][1]))
        time.sleep(FEW_DESCRIPTORS_S)
        for pid, limits in before.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    def burst(self) -> None:
        first = ("--first-id", str((len(self.outcomes) + 100) << 40))
        with self.traffic("/wait/{id}", connections=BURST, requests=BURST, options=first) as clients:
            clients.finish(30)

    def stallers(self) -> None:
        with Slow(self._server.port, 50, self._random.choice(("header", "body")), core=CLIENT_CORE) as slow:
            time.sleep(1)
            slow.stop()

    def reload(self) -> None:
        os.kill(self._server.pid, signal.SIGHUP)

    def traffic(
        self, *targets: str, connections: int, rate: float = 0, requests: int = 0, options: tuple[str, ...] = ()
    ) -> Traffic:
        self.outcomes.append(self._folder / f"outcomes-{len(self.outcomes)}")
        return Traffic(
            self._server.port,
            *targets,
            connections=connections,
            rate=rate,
            requests=requests,
            core=CLIENT_CORE,
            outcomes=self.outcomes[-1],
            options=("--seed", str(SEED), *options),
        )


def kinds_of(strategy: str) -> tuple[str, ...]:
    kinds = ("descriptors", "burst", "stallers", "reload")
    return ("kill", *kinds) if strategy == "processes" else kinds


def measure(strategy: str, scale: Scale) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        handled = folder / "handled"
        os.environ["BENCH_HANDLED"] = str(handled)
        options = ("--strategy", strategy, "--log-level", "critical", "--queue-size", "64")
        with served("faulty", *options, workers=2) as server:
            faults = Faults(server, folder, kinds_of(strategy))
            steady = faults.traffic(*TARGETS, connections=64, rate=1000, options=("--timeout", "15"))
            fickle_options = ("--timeout", "15", "--abandon", "0.3", "--first-id", str(1 << 40))
            fickle = faults.traffic(*TARGETS, connections=32, rate=200, options=fickle_options)
            with steady, fickle:
                time.sleep(2)
                before = memory_of(server.pids).rss
                faults.play(scale.fault_seconds)
                time.sleep(1)
                steady.stop()
                fickle.stop()
            recovered = until(lambda: ask(server.port, f"/fast/{1 << 60}", 2)[0] == 200, 10, "answers as before")
            after = memory_of(server.pids).rss
            server.check_alive()
            said = server.log.read_text(errors="replace")
        with faults.outcomes[0].open("ab") as own:
            own.write((1 << 60).to_bytes(8, "little") + (200).to_bytes(8, "little"))
        accounts = settle(faults.outcomes, handled)
    crashed = next((word for word in CRASHED if word in said), None)
    if crashed is not None:
        raise ServerFailed(f"its log says: {crashed}")
    return {
        **asdict(accounts),
        "disagreements": accounts.faults,
        "done": faults.done.total(),
        "recovered": recovered,
        "growth": after / before - 1,
        **{f"times_{kind}": count for kind, count in faults.done.items()},
    }


FAULTY = Row(
    "faulty",
    "random faults: kills, deadlines, disconnects, stalls, no descriptors, full queue",
    "no hang, no crash; each request answered once or its connection closed",
    ("auto", "processes"),
    measure,
    lambda rounds: (
        f"{rounds.median('done'):.0f} faults in {rounds.median('sent'):,.0f} requests: "
        f"{rounds.median('answered'):,.0f} answered, {rounds.median('closed'):,.0f} closed, "
        f"{rounds.median('abandoned'):,.0f} abandoned; hung {rounds.worst('hung'):.0f}; both sides disagree on "
        f"{rounds.worst('disagreements'):.0f}"
    ),
    lambda rounds: rounds.worst("disagreements") == 0,
    lambda scale: 1,
)
