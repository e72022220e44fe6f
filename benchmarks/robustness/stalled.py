"""A handler that has always been fast sleeps, or never ends, while others are served by the same worker."""

from __future__ import annotations

import time

from benchmarks.harness.procfs import memory_of
from benchmarks.robustness.clients import Section, Traffic
from benchmarks.robustness.row import Figures, NotMeasured, Rounds, Row, in_ms
from benchmarks.robustness.scale import Scale
from benchmarks.robustness.serving import CLIENT_CORE, ask, served, timed

__all__ = ["ENDLESS", "STALLED", "STUCK", "others_of"]

RATE = 1000.0  # requests a second of the others
CONNECTIONS = 32
WARM_UP_S = 1.5
SETTLE_S = 0.1  # for what was late to come in, before the part is over
SLEEP_S = 1.5
STUCK_S = 5.0
LATE_MS = 50.0


def others_of(section: Section) -> Figures:
    """What became of everyone else's requests."""
    return {
        "others_p50": in_ms(section.p50_us),
        "others_p99": in_ms(section.p99_us),
        "others_max": in_ms(section.max_us),
        "lost": section.errors - section.others,
        "not_200": section.others,
    }


def measure_stalled(strategy: str, scale: Scale) -> Figures:
    with (
        served("handlers", "--strategy", strategy) as server,
        Traffic(
            server.port, "/fast/{id}", "/sometimes/{id}", connections=CONNECTIONS, rate=RATE, core=CLIENT_CORE
        ) as others,
    ):
        time.sleep(WARM_UP_S)
        others.mark("before")
        time.sleep(scale.seconds)
        before = others.mark("during")
        status, took = timed(server.port, f"/sometimes/7?pause_s={SLEEP_S}")
        time.sleep(SETTLE_S)
        during = others.mark("after")
        others.stop()
        server.check_alive()
    if status != 200:
        raise NotMeasured(f"the sleeping handler was answered with {status}")
    return {"before_p99": in_ms(before.p99_us), "stalled": took, **others_of(during)}


def show_others(rounds: Rounds) -> str:
    return (
        f"others: p50 {rounds.median('others_p50'):.2f}, p99 {rounds.median('others_p99'):.1f}, "
        f"greatest {rounds.worst('others_max'):.1f} ms; lost {rounds.worst('lost'):.0f}, not answered 200 "
        f"{rounds.worst('not_200'):.0f}"
    )


STALLED = Row(
    "stalled",
    "one worker, a proven-fast `def` sleeps for 1.5 s",
    "others' p99 ≤ 10 ms, none lost",
    ("auto", "processes"),
    measure_stalled,
    lambda rounds: f"{show_others(rounds)} (before it p99 {rounds.median('before_p99'):.1f} ms)",
    lambda rounds: rounds.median("others_p99") <= 10 and rounds.worst("lost") + rounds.worst("not_200") == 0,
)

ENDLESS_CASES = {
    "sync inline": ("auto", "/endless/sync-inline"),
    "sync pooled": ("auto", "/endless/sync-pool"),
    "async": ("auto", "/endless/async"),
    "async pooled": ("pooled", "/endless/async"),
    "processes": ("processes", "/endless/sync-inline"),
}


def measure_endless(case: str, scale: Scale) -> Figures:
    strategy, path = ENDLESS_CASES[case]
    times = scale.endless_times
    with (
        served("handlers", "--strategy", strategy, "--log-level", "error") as server,
        Traffic(server.port, "/fast/{id}", connections=CONNECTIONS, rate=RATE, core=CLIENT_CORE) as others,
    ):
        time.sleep(WARM_UP_S)
        for _ in range(2):  # what is made for the first of them stays
            timed(server.port, path)
        time.sleep(0.5)
        before = memory_of(server.pids).rss
        others.mark("during")
        answers = [timed(server.port, path) for _ in range(times)]
        time.sleep(SETTLE_S)
        during = others.mark("after")
        time.sleep(0.5)
        after = memory_of(server.pids).rss
        others.stop()
        server.check_alive()
    wrong = sum(status != 504 for status, _ in answers)
    took = sorted(milliseconds for _, milliseconds in answers)
    return {
        "times": times,
        "not_504": wrong,
        "answer_p50": took[len(took) // 2],
        "answer_max": took[-1],
        "rss_before_mb": before / 1e6,
        "growth": after / before - 1,
        **others_of(during),
    }


def show_endless(rounds: Rounds) -> str:
    return (
        f"{rounds.median('times'):.0f} times: 504 after {rounds.median('answer_p50'):.0f}, at most "
        f"{rounds.worst('answer_max'):.0f} ms ({rounds.worst('not_504'):.0f} others); {show_others(rounds)}; "
        f"RSS {rounds.median('growth'):+.1%}"
    )


ENDLESS = Row(
    "endless",
    "`while True: pass`, timeout 0.5 s",
    "504 at ≤ 550 ms; others' p99 ≤ 10 ms; memory back",
    tuple(ENDLESS_CASES),
    measure_endless,
    show_endless,
    lambda rounds: (
        rounds.worst("not_504") == 0
        and rounds.median("answer_max") <= 550
        and rounds.median("others_p99") <= 10
        and rounds.worst("lost") + rounds.worst("not_200") == 0
        and rounds.median("growth") <= 0.02
    ),
    lambda scale: 1,
)


def size_of_work(kind: str) -> int:
    """The argument with which /stuck/KIND takes about STUCK_S on this machine."""
    import re

    if kind == "regex":
        size = 20
        while True:
            begun = time.perf_counter()
            re.match("(a+)+$", "a" * size + "b")
            took = time.perf_counter() - begun
            if took > 0.2:
                break
            size += 1
        while took < STUCK_S:
            took, size = took * 2, size + 1
        return size
    size = 1_000_000
    while True:
        begun = time.perf_counter()
        (3**size).bit_length()
        took = time.perf_counter() - begun
        if took > 0.3:
            return int(size * (STUCK_S / took) ** (1 / 1.585))
        size *= 2


def measure_stuck(case: str, scale: Scale) -> Figures:
    size = size_of_work(case)
    with (
        served("handlers", "--strategy", "auto", "--log-level", "error") as server,
        Traffic(server.port, "/fast/{id}", connections=CONNECTIONS, rate=RATE, core=CLIENT_CORE) as others,
    ):
        time.sleep(WARM_UP_S)
        interpreter = ask(server.port, "/who")[1]["interpreter"]
        others.mark("during")
        status, took = timed(server.port, f"/stuck/{case}?size={size}")
        answered = time.perf_counter()
        replaced = -1.0
        while time.perf_counter() - answered < STUCK_S + 2:
            if case == "regex" and replaced < 0:
                # Until there is a fresh one, the worker's connections may get 503.
                told, who = ask(server.port, "/who")
                if told == 200 and who["interpreter"] != interpreter:
                    replaced = (time.perf_counter() - answered) * 1e3
            time.sleep(0.01)
        during = others.mark("after")
        fine = ask(server.port, f"/stuck/{case}?size=3")[0]
        others.stop()
        server.check_alive()
    return {"answer": took, "not_504": status != 504, "replaced": replaced, "afterwards": fine, **others_of(during)}


def show_stuck(rounds: Rounds) -> str:
    replaced = rounds.median("replaced")
    return (
        f"504 after {rounds.median('answer'):.0f} ms; {show_others(rounds)}; "
        + (f"interpreter replaced {replaced:.0f} ms later; " if replaced >= 0 else "")
        + f"asked again: {rounds.worst('afterwards'):.0f}"
    )


STUCK = Row(
    "stuck",
    "a call stuck inside C for 5 s, timeout 0.5 s",
    "504 at its deadline; others go on; interpreter replaced",
    ("regex", "power"),
    measure_stuck,
    show_stuck,
    lambda rounds: (
        rounds.worst("not_504") == 0
        and rounds.median("answer") <= 500 + LATE_MS
        and rounds.median("others_p99") <= 10
        and rounds.worst("lost") + rounds.worst("not_200") == 0
        and rounds.worst("afterwards") == 200
    ),
    lambda scale: min(scale.rounds, 3),
)
