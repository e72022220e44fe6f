"""`benchmarks/shared`: what one operation of fasterapi.shared costs, alone and while another process does the same."""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.figures import figure_of
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.result import Document
from fasterapi import _engine, shared

__all__ = ["main"]

type Operation = Callable[[int], None]

TEXT = "x" * 100
ROW = {"id": 7, "name": "Ada", "tags": ["a", "b"], "score": 1.5}

# What another process does meanwhile: the first words of its program, and what it repeats.
RIVALS = {
    "Counter.add, contended": ("c = shared.Counter('contended')", "c.add()"),
    "Dict.add, the same key, contended": ("d = shared.Dict('contended keys')", "d.add('all')"),
    "Dict.add, another key, contended": ("d = shared.Dict('contended keys')", "d.add('theirs')"),
}


def repeat(call: Callable[[], object]) -> Operation:
    def run(count: int) -> None:
        for _ in range(count):
            call()

    return run


def operations() -> dict[str, Operation]:
    """Everything that is measured, by its name in the table."""
    counter, values = shared.Counter("counter"), shared.Dict("values")
    cache = shared.Dict("cache", max_items=100_000, ttl_s=3600)
    contended, keys = shared.Counter("contended"), shared.Dict("contended keys")
    lock, event = shared.Lock("lock"), shared.Event("event")
    jobs, news = shared.Queue("jobs", max_items=10), shared.Channel("news")
    messages = news.subscribe()
    values["n"], values["text"], values["row"], cache["row"] = 1, TEXT, ROW, ROW
    event.set()
    with_lock = multiprocessing.Value("q", 0)
    plain = {"n": 1}

    def pass_a_job() -> None:
        jobs.put(7)
        jobs.get()

    def hear_news() -> None:
        news.publish(7)
        messages.get()

    def hold() -> None:
        with lock:
            pass

    def add_with_lock() -> None:
        with with_lock.get_lock():
            with_lock.value += 1

    return {
        "nothing: the loop and the call of a method": repeat(plain.__len__),
        "Counter.add": repeat(counter.add),
        "Counter.value": repeat(lambda: counter.value),
        "Dict: read an int": repeat(lambda: values["n"]),
        "Dict: store an int": repeat(lambda: values.__setitem__("n", 1)),
        "Dict.add": repeat(lambda: values.add("n")),
        "Dict: read 100 characters": repeat(lambda: values["text"]),
        "Dict: store 100 characters": repeat(lambda: values.__setitem__("text", TEXT)),
        "Dict: read a small dict": repeat(lambda: values["row"]),
        "Dict: store a small dict": repeat(lambda: values.__setitem__("row", ROW)),
        "Dict.update": repeat(lambda: values.update("n", int)),
        "Dict, bounded, with TTL: read a small dict": repeat(lambda: cache["row"]),
        "Dict, bounded, with TTL: store a small dict": repeat(lambda: cache.__setitem__("row", ROW)),
        "Lock: acquire and release": repeat(hold),
        "Event.is_set": repeat(event.is_set),
        "Queue: put and get": repeat(pass_a_job),
        "Channel: publish and get": repeat(hear_news),
        "multiprocessing.Value: add with its lock": repeat(add_with_lock),
        "Counter.add, contended": repeat(contended.add),
        "Dict.add, the same key, contended": repeat(lambda: keys.add("all")),
        "Dict.add, another key, contended": repeat(lambda: keys.add("ours")),
    }


def measure(operation: Operation, seconds: float, clock: Callable[[], int]) -> float:
    """Nanoseconds of one by that clock, from as many as take about that long."""
    count = 1000
    while True:
        started = clock()
        operation(count)
        took = clock() - started
        if took >= seconds * 1e9:
            return took / count
        count = int(count * max(2.0, min(10.0, seconds * 1.1e9 / took)))


class Rival:
    """Another process that does the same all the time, in a `with`."""

    def __init__(self, name: str) -> None:
        prepare, work = RIVALS[name]
        memory = _engine.shared_memory_descriptor()
        program = (
            f"from fasterapi import _engine\n_engine.adopt_shared_memory({memory})\nfrom fasterapi import shared\n"
            f"{prepare}\nprint('ready', flush=True)\nwhile True: {work}\n"
        )
        command = [sys.executable, "-c", program]
        self._process = subprocess.Popen(command, pass_fds=[memory], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def wake_up_us(rounds: int) -> float:
    """Microseconds from a put in one process to the get that waited for it in another: half a round trip."""
    memory = _engine.shared_memory_descriptor()
    program = (
        f"from fasterapi import _engine\n_engine.adopt_shared_memory({memory})\nfrom fasterapi import shared\n"
        "there, back = shared.Queue('there', max_items=1), shared.Queue('back', max_items=1)\n"
        "while True: back.put(there.get())\n"
    )
    there, back = shared.Queue("there", max_items=1), shared.Queue("back", max_items=1)
    with subprocess.Popen([sys.executable, "-c", program], pass_fds=[memory]) as process:
        try:
            there.put(0)
            back.get()
            started = time.perf_counter_ns()
            for turn in range(rounds):
                there.put(turn)
                back.get()
            return (time.perf_counter_ns() - started) / rounds / 2e3
        finally:
            process.kill()


def measure_all(rounds: int, seconds: float) -> tuple[dict[str, list[float]], list[float]]:
    taken: dict[str, list[float]] = {}
    wake_ups = []
    for _ in range(rounds):
        for name, operation in operations().items():
            if name in RIVALS:
                with Rival(name):
                    figure = measure(operation, seconds, time.perf_counter_ns)
            else:
                # Nothing waits: CPU time is what it takes, whatever else the machine does.
                figure = measure(operation, seconds, time.thread_time_ns)
            taken.setdefault(name, []).append(figure)
        wake_ups.append(wake_up_us(2000))
    return taken, wake_ups


def main(words: list[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks/shared", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each operation in each round (0.1)")
    parser.add_argument("--json", type=Path, default=places.RESULTS / "shared.json", metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console()
    measurement = Measurement("shared")
    with console.status("measuring"):
        taken, wake_ups = measure_all(arguments.rounds, arguments.seconds)
    summary: list[dict[str, Any]] = [{"operation": name, "ns": rounded(each)} for name, each in taken.items()]
    summary.append(
        {"operation": "Queue: from put to the get that waits, another process", "ns": rounded(in_ns(wake_ups))}
    )
    console.print(result_table(summary))
    figures: Document = {
        "summary": summary,
    }
    settings = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    measurement.write(arguments.json, console, settings, figures)
    return 0


def in_ns(figures_us: list[float]) -> list[float]:
    return [1e3 * figure for figure in figures_us]


def rounded(figures: list[float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in asdict(figure_of(figures)).items()}


def result_table(summary: list[dict[str, Any]]) -> Table:
    table = Table(title="fasterapi.shared", title_justify="left", header_style="bold")
    table.add_column("")
    for name in ("ns", "least", "greatest"):
        table.add_column(name, justify="right")
    for row in summary:
        figures = row["ns"]
        table.add_row(row["operation"], *(f"{figures[name]:,.0f}" for name in ("median", "least", "greatest")))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
