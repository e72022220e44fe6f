"""Three times as many requests as the server can handle."""

from __future__ import annotations

import time

from benchmarks.robustness.clients import Traffic
from benchmarks.robustness.row import Figures, Row, in_ms
from benchmarks.robustness.scale import Scale
from benchmarks.robustness.serving import CLIENT_CORE, ask, served

__all__ = ["OVERLOADED"]

PAUSE_S = 0.02
THREADS = 4
CAPACITY = THREADS / PAUSE_S  # requests a second
QUEUE = 2
CONNECTIONS = 128


def measure(strategy: str, scale: Scale) -> Figures:
    options = ("--strategy", strategy, "--num-pooled-workers", str(THREADS), "--queue-size", str(QUEUE))
    path = f"/wait/{{id}}?pause_s={PAUSE_S}"
    with served("handlers", *options) as server:
        with Traffic(server.port, path, connections=CONNECTIONS, rate=CAPACITY * 0.3, core=CLIENT_CORE) as few:
            time.sleep(1)
            few.mark("unloaded")
            time.sleep(scale.seconds * 2)
            unloaded = few.mark("after")
            few.stop()
        with Traffic(server.port, path, connections=CONNECTIONS, rate=CAPACITY * 3, core=CLIENT_CORE) as many:
            time.sleep(1)
            many.mark("overloaded")
            time.sleep(scale.seconds * 2)
            overloaded = many.mark("after")
            many.stop()
        afterwards, _ = ask(server.port, "/fast/1")
        server.check_alive()
    answered = overloaded.answered
    others = sum(count for status, count in answered.items() if status not in ("200", "503"))
    return {
        "unloaded_p99": in_ms(unloaded.success_p99_us),
        "admitted_p99": in_ms(overloaded.success_p99_us),
        "admitted_per_s": answered.get("200", 0) / overloaded.seconds,
        "turned_away_per_s": answered.get("503", 0) / overloaded.seconds,
        "others": others + overloaded.lost + overloaded.refused + overloaded.hung + overloaded.wrong,
        "afterwards": afterwards,
    }


OVERLOADED = Row(
    "overloaded",
    "three times as many requests as can be handled",
    "only 200 and 503; p99 of the admitted ≤ 2x",
    ("auto", "pooled", "processes"),
    measure,
    lambda rounds: (
        f"{rounds.median('admitted_per_s'):.0f}/s admitted, p99 {rounds.median('admitted_p99'):.1f} ms (unloaded "
        f"{rounds.median('unloaded_p99'):.1f}); {rounds.median('turned_away_per_s'):.0f}/s got 503; "
        f"others {rounds.worst('others'):.0f}"
    ),
    lambda rounds: (
        rounds.worst("others") == 0
        and rounds.worst("afterwards") == 200
        and rounds.median("admitted_per_s") >= 0.8 * CAPACITY
        and rounds.median("turned_away_per_s") > 0
        and rounds.median("admitted_p99") <= 2 * rounds.median("unloaded_p99")
    ),
    lambda scale: min(scale.rounds, 2),
)
