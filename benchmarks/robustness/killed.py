"""A worker process is killed under load."""

from __future__ import annotations

import os
import signal
import time

from benchmarks.robustness.clients import Traffic
from benchmarks.robustness.row import Figures, NotMeasured, Row
from benchmarks.robustness.scale import Scale
from benchmarks.robustness.serving import CLIENT_CORE, ask, served, until

__all__ = ["KILLED"]

CONNECTIONS = 64
RATE = 5000.0  # requests a second: no core is full, so that a worker can start
BACK_S = 20.0


def connections_of(process: int, port: int) -> int:
    """How many established connections on `port` that process holds."""
    sockets = set()
    for entry in os.scandir(f"/proc/{process}/fd"):
        try:
            name = os.readlink(entry.path)
        except OSError:
            continue
        if name.startswith("socket:["):
            sockets.add(name[8:-1])
    established = 0
    with open("/proc/net/tcp") as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            is_ours = fields[1].endswith(f":{port:04X}") and fields[3] == "01"
            established += is_ours and fields[9] in sockets
    return established


def measure(case: str, scale: Scale) -> Figures:
    with (
        served("handlers", "--strategy", "processes", "--log-level", "error", workers=2) as server,
        Traffic(server.port, "/fast/{id}", connections=CONNECTIONS, rate=RATE, core=CLIENT_CORE) as clients,
    ):
        time.sleep(1.5)
        clients.mark("killed")
        workers: set[int] = set()

        def meet() -> int:
            workers.add(ask(server.port, "/who", timeout_s=2)[1]["process"])
            return len(workers)

        until(lambda: meet() == 2, 10, "two workers answer")
        victim = min(workers)
        held = connections_of(victim, server.port)
        os.kill(victim, signal.SIGKILL)
        back = until(lambda: meet() == 3, BACK_S, "a new worker answers")
        time.sleep(0.5)
        found = clients.mark("after")
        clients.stop()
        server.check_alive()
    if held == 0:
        raise NotMeasured("the worker had no connections")
    return {
        "connections": held,
        "lost": found.lost,
        "refused": found.refused,
        "others": found.others + found.hung + found.wrong,
        "back": back,
    }


KILLED = Row(
    "killed",
    "a worker process is killed under load",
    "only its requests in flight are lost; back in ≤ 1 s",
    ("",),
    measure,
    lambda rounds: (
        f"lost {rounds.median('lost'):.0f} with {rounds.median('connections'):.0f} connections in use, "
        f"{rounds.worst('refused'):.0f} refused; back after {rounds.median('back'):.0f} ms"
    ),
    lambda rounds: (
        rounds.worst("lost") <= rounds.worst("connections")
        and rounds.worst("refused") == 0
        and rounds.worst("others") == 0
        and rounds.median("back") <= 1000
    ),
)
