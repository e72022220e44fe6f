"""Ten thousand connections: all in use, or all of clients that take their time."""

from __future__ import annotations

import contextlib
import time

from benchmarks.robustness.clients import Slow, Traffic
from benchmarks.robustness.row import Figures, Rounds, Row, in_ms
from benchmarks.robustness.scale import Scale
from benchmarks.robustness.serving import CLIENT_CORE, served

__all__ = ["CROWDED"]

RATE = 5000.0
HEALTHY = 64
ARRIVAL_PER_S = 1000  # connections of slow clients
KINDS = {"slow heads": "header", "slow bodies": "body", "slow readers": "reader", "idle": "idle"}
TIMES_MAX = 2.0
FLOOR_MS = 1.0  # two latencies below it are the same


def measure(case: str, scale: Scale) -> Figures:
    crowd, size = KINDS.get(case), scale.crowd
    options = ("--strategy", "auto", "--header-timeout-s", "3600", "--body-min-rate-bytes-s", "0")
    with served("handlers", *options) as server:
        with Traffic(server.port, "/fast/{id}", connections=HEALTHY, rate=RATE, core=CLIENT_CORE) as few:
            time.sleep(1)
            few.mark("alone")
            time.sleep(scale.seconds)
            alone = few.mark("after")
            few.stop()
        with contextlib.ExitStack() as stack:
            slow = None
            if crowd is not None:
                slow = stack.enter_context(Slow(server.port, size, crowd, core=CLIENT_CORE))
                time.sleep(size / ARRIVAL_PER_S + 2)
            connections = HEALTHY if crowd is not None else size
            many = stack.enter_context(
                Traffic(
                    server.port,
                    "/fast/{id}",
                    connections=connections,
                    rate=RATE,
                    core=CLIENT_CORE,
                    options=("--timeout", "20"),
                )
            )
            time.sleep(1 + (0 if crowd is not None else size / RATE + 2))
            beginning = many.mark("crowded")
            time.sleep(scale.seconds * 2)
            crowded = many.mark("after")
            end = many.stop()
            told = slow.stop() if slow is not None else {"connected": size, "ended": 0}
        server.check_alive()
    return {
        "connected": told["connected"],
        "ended": told["ended"],
        "alone_p99": in_ms(alone.p99_us),
        "p50": in_ms(crowded.p50_us),
        "p99": in_ms(crowded.p99_us),
        "errors": beginning.errors + crowded.errors + end.errors,
    }


def times(rounds: Rounds) -> float:
    return max(FLOOR_MS, rounds.median("p99")) / max(FLOOR_MS, rounds.median("alone_p99"))


CROWDED = Row(
    "crowded",
    "10,000 connections beside healthy clients",
    "no errors of healthy clients; p99 within 2x",
    ("in use", *KINDS),
    measure,
    lambda rounds: (
        f"{rounds.median('connected'):,.0f} connected; errors {rounds.worst('errors'):.0f}; p99 "
        f"{rounds.median('p99'):.1f} ms, alone {rounds.median('alone_p99'):.1f} ms ({times(rounds):.1f}x)"
    ),
    lambda rounds: rounds.worst("errors") == 0 and times(rounds) <= TIMES_MAX,
    lambda scale: min(scale.rounds, 2),
)
