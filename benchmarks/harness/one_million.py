"""`benchmarks/one_million`: a million POST /event over a thousand connections, and whether all were counted."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.limit import build_program
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.result import Document
from benchmarks.harness.server import Server

__all__ = ["expected_stats", "main"]

APP = places.ROOT / "examples" / "one_million.py"
STRATEGIES = ("pinned", "processes")
USERS, VALUES = 75_000, 1_000  # as load/events.cc has them


def expected_stats(requests: int) -> dict[str, float]:
    """What GET /stats must answer after that many events."""
    whole, rest = divmod(requests, VALUES)
    total = whole * (VALUES * (VALUES - 1) // 2) + rest * (rest - 1) // 2
    return {
        "totalRequests": requests,
        "uniqueUsers": min(requests, USERS),
        "sum": total,
        "average": total / requests,
    }


def server_of(strategy: str) -> Server:
    return Server.of_app(APP, "--strategy", strategy, name=f"one-million-{strategy}", label=strategy)


def run_strategy(
    strategy: str, *, requests: int, connections: int, workers: int, timeout_s: float
) -> dict[str, object]:
    """Sends the events and asks for the sums. Raises ServerFailed where one of them is not exact."""
    with ServerProcess(server_of(strategy), cores=None, workers=workers) as process:
        process.wait_ready()
        command = [str(places.EVENTS), str(process.port), str(requests), str(connections)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"{strategy}: {done.stderr.strip()}")
        with urllib.request.urlopen(f"http://127.0.0.1:{process.port}/stats", timeout=30) as answer:
            stats: dict[str, float] = json.load(answer)
    if stats != expected_stats(requests):
        raise ServerFailed(f"{strategy}: {stats}, not {expected_stats(requests)}")
    seconds = float(json.loads(done.stdout)["seconds"])
    return {"strategy": strategy, "seconds": seconds, "requests_per_s": round(requests / seconds), **stats}


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where an answer is not exact, or the server failed."""
    parser = argparse.ArgumentParser(prog="benchmarks/one_million", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="one for each usable core")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that one strategy may take (300)")
    parser.add_argument("--json", type=Path, default=places.RESULTS / "one_million.json", metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console()
    measurement = Measurement("one_million")
    settings = {name: getattr(arguments, name) for name in ("requests", "connections", "workers")}
    rows = []
    try:
        build_program("events")
        for strategy in STRATEGIES:
            with console.status(f"{strategy}: {arguments.requests:,} events"):
                rows.append(run_strategy(strategy, timeout_s=arguments.timeout, **settings))
    except (ServerFailed, RuntimeError, subprocess.TimeoutExpired) as error:
        console.print(f"[red]{error}", highlight=False)
        return 1
    console.print(result_table(rows))
    figures: Document = {
        "summary": rows,
    }
    measurement.write(arguments.json, console, settings, figures)
    return 0


def result_table(rows: list[dict[str, object]]) -> Table:
    table = Table(title="One million events", title_justify="left", header_style="bold")
    table.add_column("")
    for name in ("s", "per s", "counted", "users", "sum", "average"):
        table.add_column(name, justify="right")
    names = ("seconds", "requests_per_s", "totalRequests", "uniqueUsers", "sum", "average")
    for row in rows:
        table.add_row(str(row["strategy"]), *(f"{row[name]:,}" for name in names))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
