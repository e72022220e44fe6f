"""`benchmarks/scaling`: throughput of a CPU-bound handler with one pinned worker, and with several.

The machine's own ceiling is measured beside it: the same function in one bare process, and in several at once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.figures import figure_of
from benchmarks.harness.load import LoadFailed, run_load
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.result import Document
from benchmarks.harness.server import load_servers
from benchmarks.harness.workload import Workload

__all__ = ["main"]

CPU = Workload("cpu", "some milliseconds of plain Python", "/cpu", {"total": 1427211144, "buckets": 64})
CONNECTIONS_PER_WORKER = 8  # enough that each listener of the SO_REUSEPORT group gets some


def served_per_s(workers: int, seconds: int) -> float:
    """Requests per second of FasterAPI with that many workers, free to run on all cores."""
    with ServerProcess(load_servers()["ours"], cores=None, workers=workers) as process:
        process.wait_ready()
        process.check(CPU, CPU.answer)
        connections = CONNECTIONS_PER_WORKER * workers
        run_load(process.port, CPU, seconds=1, connections=connections)
        load = run_load(process.port, CPU, seconds=seconds, connections=connections)
    if load.errors:
        raise ServerFailed(f"{load.errors} of {load.requests} requests failed")
    return load.requests / load.seconds


def bare_per_s(processes: int, seconds: int) -> float:
    """Calls per second of the same function in that many bare processes together."""
    command = [sys.executable, str(places.APPS / "cpu_work.py"), str(seconds)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    try:
        return sum(float(process.communicate(timeout=seconds + 15)[0]) for process in running)
    finally:
        for process in running:
            process.kill()
            process.wait()


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where the server could not be measured."""
    parser = argparse.ArgumentParser(prog="benchmarks/scaling", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="compared with one worker (2)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of every measured run (4)")
    parser.add_argument("--json", type=Path, default=places.RESULTS / "scaling.json", metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console()
    cores = len(os.sched_getaffinity(0))
    if arguments.workers > cores:
        console.print(f"[red]{arguments.workers} workers need as many cores; usable here: {cores}")
        return 1
    measurement = Measurement("scaling")
    rounds = []
    with console.status("measuring") as status:
        for number in range(1, arguments.rounds + 1):
            status.update(f"round {number} of {arguments.rounds}")
            try:
                rounds.append(measure_round(arguments.workers, arguments.seconds))
            except (ServerFailed, LoadFailed) as error:
                console.print(f"[red]FasterAPI: {error}", highlight=False)
                return 1
    summary = {name: asdict(figure_of([row[name] for row in rounds])) for name in rounds[0]}
    console.print(scaling_table(summary, arguments.workers))
    figures: Document = {
        "summary": summary,
        "runs": rounds,
    }
    settings = {"workers": arguments.workers, "rounds": arguments.rounds, "seconds": arguments.seconds}
    measurement.write(arguments.json, console, settings, figures)
    return 0


def measure_round(workers: int, seconds: int) -> dict[str, float]:
    bare_one, bare_all = bare_per_s(1, seconds), bare_per_s(workers, seconds)
    one, all_of_them = served_per_s(1, seconds), served_per_s(workers, seconds)
    return {
        "one_worker_per_s": round(one, 1),
        "all_workers_per_s": round(all_of_them, 1),
        "ratio": round(all_of_them / one, 3),
        "one_process_per_s": round(bare_one, 1),
        "all_processes_per_s": round(bare_all, 1),
        "ceiling": round(bare_all / bare_one, 3),
    }


def scaling_table(summary: dict[str, dict[str, float]], workers: int) -> Table:
    table = Table(title="CPU-bound handler", title_justify="left", header_style="bold")
    table.add_column("")
    for name in ("one, per s", f"{workers}, per s", "ratio", "least to greatest"):
        table.add_column(name, justify="right")
    rows = (
        ("FasterAPI, pinned workers", "one_worker_per_s", "all_workers_per_s", "ratio"),
        ("bare processes: the ceiling", "one_process_per_s", "all_processes_per_s", "ceiling"),
    )
    for label, one, several, ratio in rows:
        figures = summary[ratio]
        table.add_row(
            label,
            f"{summary[one]['median']:.0f}",
            f"{summary[several]['median']:.0f}",
            f"{figures['median']:.2f}",
            f"{figures['least']:.2f} to {figures['greatest']:.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
