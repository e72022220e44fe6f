"""SIGTERM and SIGHUP, idle and under load."""

from __future__ import annotations

import os
import signal
import time

from benchmarks.robustness.clients import Section, Traffic
from benchmarks.robustness.row import Figures, NotMeasured, Row
from benchmarks.robustness.scale import Scale
from benchmarks.robustness.serving import CLIENT_CORE, ask, served, stop_ms

__all__ = ["RELOADED", "STOPPED"]

CONNECTIONS = 64
STOP_S = 20.0
RELOADS_EVERY_S = 2.0
PER_CONNECTION = 500  # requests: new connections come all the time, as the old workers' leave


def measure_stopped(case: str, scale: Scale) -> Figures:
    strategy, _, load = case.partition(" ")
    with served("handlers", "--strategy", strategy, workers=2) as server:
        if load == "idle":
            ask(server.port, "/fast/1")
            return {"took": stop_ms(server, STOP_S), "lost": 0, "lost_reused": 0}
        targets = ("8:/fast/{id}", "1:/later/{id}?pause_s=0.02", "1:/wait/{id}?pause_s=0.02")
        with Traffic(server.port, *targets, connections=CONNECTIONS, core=CLIENT_CORE) as clients:
            time.sleep(1.5)
            took = stop_ms(server, STOP_S)
            last = clients.stop()
    # Connections that are refused once the server is gone are no loss.
    lost = last.lost + last.hung + last.wrong + last.others
    return {"took": took, "sent": last.sent, "lost": lost, "lost_reused": last.lost_reused}


STOPPED = Row(
    "stopped",
    "SIGTERM",
    "ended in ≤ 1 s, none lost",
    ("auto idle", "auto loaded", "processes idle", "processes loaded"),
    measure_stopped,
    lambda rounds: f"ended after {rounds.median('took'):.0f} ms; lost {rounds.worst('lost'):.0f}",
    lambda rounds: rounds.median("took") <= 1000 and rounds.worst("lost") == 0,
)


def measure_reloaded(strategy: str, scale: Scale) -> Figures:
    options = ("--per-connection", str(PER_CONNECTION))
    with (
        served("handlers", "--strategy", strategy, "--log-level", "warning", workers=2) as server,
        Traffic(server.port, "/fast/{id}", connections=CONNECTIONS, core=CLIENT_CORE, options=options) as clients,
    ):
        time.sleep(1)
        first = ask(server.port, "/who")[1]
        parts: list[Section] = []
        while sum(part.sent for part in parts) < scale.requests:
            os.kill(server.pid, signal.SIGHUP)
            time.sleep(RELOADS_EVERY_S)
            server.check_alive()
            parts.append(clients.mark("next"))
            if not parts[-1].answered:
                raise NotMeasured("nothing was answered for a while")
        last = ask(server.port, "/who")[1]
        reloads = len(parts)
        parts.append(clients.stop())
    if (first["process"], first["interpreter"]) == (last["process"], last["interpreter"]):
        raise NotMeasured("the workers are the same as before")
    return {
        "reloads": reloads,
        "requests": sum(part.sent for part in parts),
        "lost": sum(part.lost + part.hung + part.wrong + part.others for part in parts),
        "lost_reused": sum(part.lost_reused for part in parts),
        "refused": sum(part.refused for part in parts),
    }


RELOADED = Row(
    "reloaded",
    "SIGHUP under load",
    "0 of 1,000,000 lost, no connection refused",
    ("auto", "processes"),
    measure_reloaded,
    lambda rounds: (
        f"{rounds.median('reloads'):.0f} reloads in {rounds.median('requests'):,.0f} requests: lost "
        f"{rounds.worst('lost'):.0f}, refused {rounds.worst('refused'):.0f}"
    ),
    lambda rounds: rounds.worst("lost") == 0 and rounds.worst("refused") == 0,
    lambda scale: 1,
)
